"""Sweep: record what ended by itself, and purge what is over (L1, L4, C1); any number of times, any time late.

The list is right without it (L3): a sweep only makes the ends explicit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.purge_case import purge_case
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Work
from watchlist.domain.aggregate import SCHEDULER, Act
from watchlist.domain.case import Case
from watchlist.domain.refusals import Unavailable

log = logging.getLogger(__name__)

BATCH = 500
"""Cases in one transaction: large enough to spare commits, small enough not to make a command wait."""

Progress = Callable[[int], None]


@dataclass(slots=True)
class SweepReport:
    """What one sweep recorded; `alone` is False when another sweep was running and did it instead."""

    alone: bool = True
    delisted: int = 0
    alerts_purged: int = 0
    failed: list[UUID] = field(default_factory=list)
    """Cases that could not be swept; the others were."""


def sweep(desk: Desk, limit: int = BATCH, progress: Progress | None = None) -> SweepReport:
    """Everything that is due now, in batches of `limit` cases."""
    report = SweepReport()
    with desk.log.alone("sweep") as alone:
        report.alone = alone
        if alone:
            _delist_elapsed(desk, limit, report, progress or (lambda done: None))
            _purge_alerts(desk, limit, report)
    return report


def due(desk: Desk, until: datetime, limit: int = 1_000_000) -> SweepReport:
    """What a sweep at `until` would record, if nothing else happened; records nothing."""
    found = desk.log.load(desk.registry.due_entries(until, limit))
    delisted = sum(len(case.elapsed(until)) for case in found.values() if isinstance(case, Case))
    alerts = len(desk.registry.due_alerts(until, limit)) + len(desk.registry.due_purges(limit))
    return SweepReport(delisted=delisted, alerts_purged=alerts)


def _delist_elapsed(desk: Desk, limit: int, report: SweepReport, progress: Progress) -> None:
    while True:
        ids = desk.registry.due_entries(desk.clock.now(), limit + len(report.failed))
        ids = [id for id in ids if id not in report.failed]
        if not ids:
            return
        done = sum(_bearable(desk, ids, report))
        if not done:  # due in the picture and not in the log: `replay --check` tells; the others go on
            report.failed.extend(id for id in ids if id not in report.failed)
        report.delisted += done
        progress(report.delisted)


def _bearable(desk: Desk, ids: Sequence[UUID], report: SweepReport) -> list[int]:
    """One transaction for all; when that fails, one for each, so that one bad case keeps no other listed."""
    try:
        return [_delist(desk, ids)]
    except Unavailable:
        raise
    except Exception as error:
        log.warning("a batch of %d cases failed to sweep (%s), trying each", len(ids), type(error).__name__)
    done = []
    for id in ids:
        try:
            done.append(_delist(desk, [id]))
        except Unavailable:
            raise
        except Exception as error:
            log.error("case %s could not be swept: %s", id, type(error).__name__)
            report.failed.append(id)
    return done


def _delist(desk: Desk, ids: Sequence[UUID]) -> int:
    counted = 0

    def decide(work: Work) -> Decided | Receipt:
        nonlocal counted
        found = [case for case in desk.log.load(ids).values() if isinstance(case, Case)]
        counted = sum(case.delist_elapsed(work.act) for case in found)
        changed = [case for case in found if case.pending]
        return decided(*changed) if changed else Receipt(SCHEDULER, 0, 0)

    desk.carry_out(Ask(SCHEDULER, ""), decide)
    return counted


def _by_scheduler(work: Work, case: Case) -> Act:
    return Act(at=work.act.at, by=SCHEDULER, organisation=case.organisation)


def _purge_alerts(desk: Desk, limit: int, report: SweepReport) -> None:
    """C1: first the lapse is recorded, which closes the alert to every other command; then its data go."""
    while ids := desk.registry.due_alerts(desk.clock.now(), limit):
        _lapse(desk, ids)
    while ids := desk.registry.due_purges(limit):
        for case in desk.log.load(ids).values():
            purge_case(desk, Ask(SCHEDULER, case.organisation), case.id)
            report.alerts_purged += 1


def _lapse(desk: Desk, ids: Sequence[UUID]) -> None:
    def decide(work: Work) -> Decided | Receipt:
        found = [case for case in desk.log.load(ids).values() if isinstance(case, Case)]
        lapsed = [case for case in found if case.lapse(_by_scheduler(work, case))]
        return decided(*lapsed) if lapsed else Receipt(SCHEDULER, 0, 0)

    desk.carry_out(Ask(SCHEDULER, ""), decide)
