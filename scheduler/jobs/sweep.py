"""Delist what has ended, purge and erase what is over (L1, L4, C1, C2, P6)."""

from __future__ import annotations

from watchlist.application.sweep import sweep
from watchlist.bootstrap import House


class RunsElsewhere(Exception):
    """Another process is doing it: this run is neither a success nor a failure."""


def sweep_the_list(house: House) -> str | None:
    """What there was to do, and how much of it; None when there was nothing."""
    report = sweep(house.desk)
    if not report.alone:
        raise RunsElsewhere()
    done = {
        "delisted": report.delisted,
        "alerts purged": report.alerts_purged,
        "cases purged": report.cases_purged,
        "imports purged": report.imports_purged,
        "subjects erased": report.subjects_erased,
        "failed": len(report.failed),
    }
    return ", ".join(f"{what} {count}" for what, count in done.items() if count) or None
