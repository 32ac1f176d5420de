"""Delist what has ended, purge the alerts that lapsed (L1, L4, C1)."""

from __future__ import annotations

from watchlist.application.sweep import sweep
from watchlist.bootstrap import House


def sweep_the_list(house: House) -> str | None:
    report = sweep(house.desk)
    if report.failed:
        return f"delisted {report.delisted}, purged {report.alerts_purged} alerts, failed {len(report.failed)} cases"
    if report.delisted or report.alerts_purged:
        return f"delisted {report.delisted}, purged {report.alerts_purged} alerts"
    return None
