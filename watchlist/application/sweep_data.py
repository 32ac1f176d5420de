"""The sweep's second half: the data of what is over go, of cases, of subjects, of imports (C1, C2, C5, P6)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.erase import erase_unretained
from watchlist.application.exercise_rights import carry_out_erasure
from watchlist.application.forget import by_nobody, forget, replace_organisation
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Work
from watchlist.domain.aggregate import SCHEDULER, Act
from watchlist.domain.case import Case
from watchlist.domain.case_events import PurgeBasis
from watchlist.domain.refusals import Unavailable

log = logging.getLogger(__name__)

OF_ALERTS = (PurgeBasis.NOT_RELEVANT, PurgeBasis.ALERT_EXPIRED)


@dataclass(slots=True)
class Purged:
    """How many of each were forgotten."""

    alerts: int = 0
    cases: int = 0
    subjects: int = 0
    imports: int = 0

    @property
    def all(self) -> int:
        return self.alerts + self.cases + self.subjects + self.imports


Progress = Callable[[int], None]


@dataclass(slots=True)
class DataSweep:
    """One run, in batches of `limit`; what fails is left for the next run, and keeps nothing else."""

    desk: Desk
    limit: int
    failed: list[UUID]
    progress: Progress
    purged: Purged

    def run(self) -> None:
        """Cases before subjects: what retained a subject may go in the same run."""
        now = self.desk.clock.now
        registry = self.desk.registry
        self._each(lambda n: registry.due_alerts(now(), n), lambda ids: close(self.desk, ids, Case.lapse))
        self._each(lambda n: registry.due_cases(now(), n), lambda ids: close(self.desk, ids, Case.expire))
        self._each(registry.due_purges, self._purge)
        self._each(registry.erasing_subjects, lambda ids: self._count("subjects", forget(self.desk, ids)))
        self._each(registry.due_requested_erasures, self._erase_requested)
        self._each(lambda n: registry.due_subjects(now(), n), self._erase)
        self._each(registry.due_imports, lambda ids: self._count("imports", forget(self.desk, ids)))

    def _each(self, due: Callable[[int], list[UUID]], work: Callable[[Sequence[UUID]], int]) -> None:
        """Batch after batch until none is due; what is due by the picture and not by the rule is tried once."""
        idle: set[UUID] = set()
        while True:
            found = due(self.limit + len(self.failed) + len(idle))
            ids = [id for id in found if id not in self.failed and id not in idle]
            if not ids:
                return
            if not self._bearable(ids, work):
                idle.update(ids)
            self.progress(self.purged.all)

    def _bearable(self, ids: Sequence[UUID], work: Callable[[Sequence[UUID]], int]) -> int:
        """One transaction for all; when that fails, one for each."""
        try:
            return work(ids)
        except Unavailable:
            raise
        except Exception as error:
            log.warning("a batch of %d failed to be purged (%s), trying each", len(ids), type(error).__name__)
        return sum(self._alone(id, work) for id in ids)

    def _alone(self, id: UUID, work: Callable[[Sequence[UUID]], int]) -> int:
        try:
            return work([id])
        except Unavailable:
            raise
        except Exception as error:
            log.error("%s could not be purged: %s", id, type(error).__name__)
            self.failed.append(id)
            return 0

    def _purge(self, ids: Sequence[UUID]) -> int:
        done = [case for case in forget(self.desk, ids) if isinstance(case, Case)]
        alerts = sum(case.purge_basis in OF_ALERTS for case in done)
        self.purged.alerts += alerts
        self.purged.cases += len(done) - alerts
        return len(done)

    def _erase(self, ids: Sequence[UUID]) -> int:
        erased = erase_unretained(self.desk, ids)
        self.purged.subjects += erased
        return erased

    def _erase_requested(self, ids: Sequence[UUID]) -> int:
        for id in ids:
            carry_out_erasure(self.desk, id)
            self.purged.subjects += 1
        return len(ids)

    def _count(self, what: str, done: Sequence[object]) -> int:
        setattr(self.purged, what, getattr(self.purged, what) + len(done))
        return len(done)


def close(desk: Desk, ids: Sequence[UUID], end: Callable[[Case, Act], bool]) -> int:
    """First what is over is closed to every other command (C1, C2); how many were. Their data go next."""
    closed: list[Case] = []

    def decide(work: Work) -> Decided | Receipt:
        found = [case for case in desk.log.load(ids).values() if isinstance(case, Case)]
        closed[:] = [case for case in found if end(case, replace_organisation(work.act, case))]
        return decided(*closed) if closed else Receipt(SCHEDULER, 0, 0)

    desk.carry_out(by_nobody(), decide)
    return len(closed)
