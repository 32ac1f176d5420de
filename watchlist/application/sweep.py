"""Sweep: record what ended by itself, purge and erase what is over (L1, L4, C1, C2, P6); any number of times.

The list is right without it (L3): a sweep only makes the ends explicit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.sweep_data import OF_ALERTS, DataSweep, Purged
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
    cases_purged: int = 0
    subjects_erased: int = 0
    imports_purged: int = 0
    failed: list[UUID] = field(default_factory=list)
    """Cases, subjects and imports that could not be swept; the others were."""

    @property
    def purged(self) -> int:
        return self.alerts_purged + self.cases_purged + self.subjects_erased + self.imports_purged


def sweep(desk: Desk, limit: int = BATCH, progress: Progress | None = None) -> SweepReport:
    """Everything that is due now, in batches of `limit` cases."""
    report = SweepReport()
    with desk.log.alone("sweep") as alone:
        report.alone = alone
        if alone:
            progress = progress or (lambda done: None)
            _delist_elapsed(desk, limit, report, progress)
            _purge_data(desk, limit, report, progress)
    return report


def _purge_data(desk: Desk, limit: int, report: SweepReport, progress: Progress) -> None:
    """After the delistings: no case goes while one of its entries is active (C3)."""
    purged = Purged()
    swept = report.delisted
    try:
        DataSweep(desk, limit, report.failed, lambda done: progress(swept + done), purged).run()
    finally:
        report.alerts_purged, report.cases_purged = purged.alerts, purged.cases
        report.subjects_erased, report.imports_purged = purged.subjects, purged.imports


def due(desk: Desk, until: datetime, limit: int = 1_000_000) -> SweepReport:
    """What a sweep at `until` would record, if nothing else happened; records nothing."""
    found = desk.log.load(desk.registry.due_entries(until, limit)).values()
    elapsed = [case for case in found if isinstance(case, Case)]
    act = Act(until, SCHEDULER, "")
    delisted = sum(case.delist_elapsed(act) for case in elapsed)
    waiting = desk.registry.due_purges(limit)
    alerts = set(desk.registry.due_alerts(until, limit))
    cases = set(desk.registry.due_cases(until, limit))
    cases.update(case.id for case in elapsed if (ends := case.data_end_at) is not None and ends <= until)
    of_alerts = sum(_is_of_an_alert(case) for case in desk.log.load(waiting).values())
    return SweepReport(
        delisted=delisted,
        alerts_purged=len(alerts) + of_alerts,
        cases_purged=len(cases) + len(waiting) - of_alerts,
        subjects_erased=desk.registry.subjects_left_by([*alerts, *cases, *waiting], until)
        + len(desk.registry.erasing_subjects(limit)),
        imports_purged=len(desk.registry.due_imports(limit)),
    )


def _is_of_an_alert(case: object) -> bool:
    return isinstance(case, Case) and case.purge_due in OF_ALERTS


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
