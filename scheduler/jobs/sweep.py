"""Delist what has ended, purge and erase what is over (L1, L4, C1, C2, P6)."""

from __future__ import annotations

from watchlist.application.sweep import sweep
from watchlist.bootstrap import House


class RunsElsewhere(Exception):
    """Another process is doing it: this run is neither a success nor a failure."""


def sweep_the_list(house: House) -> str | None:
    report = sweep(house.desk)
    if not report.alone:
        raise RunsElsewhere()
    if not (report.failed or report.delisted or report.purged):
        return None
    said = (
        f"delisted {report.delisted}, purged {report.alerts_purged} alerts, {report.cases_purged} cases and "
        f"{report.imports_purged} imports, erased {report.subjects_erased} subjects"
    )
    return f"{said}, failed {len(report.failed)}" if report.failed else said
