"""Replay: the log, told again from its beginning, in memory; what it gives must equal the live pictures.

A transaction is what was recorded at one instant: standings are looked at when it is complete, as the
painter does, so that the history has the same rows.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import structs

from watchlist.domain.aggregate import Aggregate, Event
from watchlist.domain.case import Case
from watchlist.domain.import_batch import ImportBatch
from watchlist.domain.rights_request import RightsRequest
from watchlist.domain.standing import Moment
from watchlist.domain.subject import Subject
from watchlist.projections import rows
from watchlist.projections.as_of import HistoryRow as HistoryRow
from watchlist.projections.as_of import standing_at
from watchlist.projections.certificates import certificate, until_when
from watchlist.projections.rows import Standing

Recorded = tuple[int, datetime, Event]
"""Position, instant of its transaction, event."""


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """A replay keeps nearly all that it makes: looking for garbage among it took half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass
class Replay:
    aggregates: dict[UUID, Aggregate] = field(default_factory=dict)
    history: list[HistoryRow] = field(default_factory=list)
    position: int = 0
    _open: dict[UUID, HistoryRow] = field(default_factory=dict)
    _moved: dict[int, Case] = field(default_factory=dict)
    _recorded_at: datetime | None = None

    def follow(self, log: Iterable[Recorded], as_of: datetime | None = None) -> Replay:
        """Take in the log, up to what was recorded by an instant."""
        with _no_search_for_cycles():
            self._follow(log, as_of)
        return self

    def _follow(self, log: Iterable[Recorded], as_of: datetime | None) -> None:
        aggregates, moved = self.aggregates, self._moved
        for position, recorded_at, event in log:
            if recorded_at != self._recorded_at:
                if as_of is not None and recorded_at > as_of:
                    break
                if moved:
                    self._settle()
                self._recorded_at = recorded_at
            known = aggregates.get(event.originator_id)
            if known is None:
                aggregates[event.originator_id] = known = event.mutate(None)
            else:
                known.remember(event)
            if event.MOVES_THE_LIST and isinstance(known, Case):
                moved[id(known)] = known
            self.position = position
        self._settle()

    def _settle(self) -> None:
        for case in self._moved.values():
            assert self._recorded_at is not None
            for inscription in case.inscriptions.values():
                self._stand(inscription.id, rows.standing(case, inscription), self._recorded_at)
        self._moved.clear()

    def _stand(self, id: UUID, standing: Standing | None, at: datetime) -> None:
        before = self._open.get(id)
        if standing == (before.standing if before else None):
            return
        if before is not None:
            before.recorded_until = at
            del self._open[id]
        if standing is not None:
            self._open[id] = HistoryRow(standing, at)
            self.history.append(self._open[id])

    def listed(
        self, at: datetime, organisation: str | None = None, known_at: datetime | None = None
    ) -> list[Standing]:
        """Who was on the list at an instant, by inscription id; as known by then, or by a later one.

        What was recorded later still may have been told to this replay or not: it makes no difference.
        """
        moment = Moment(at, known_at or at)
        stood = (standing_at(rows, moment) for rows in self.histories().values())
        return sorted(
            (one for one in stood if one is not None and organisation in (None, one.organisation)),
            key=lambda one: one.inscription_id.bytes,
        )

    def histories(self) -> dict[UUID, list[HistoryRow]]:
        """What was ever recorded of how each entry stood, in its order."""
        found: dict[UUID, list[HistoryRow]] = {}
        for row in self.history:
            found.setdefault(row.standing.inscription_id, []).append(row)
        return found

    def cases(self) -> Iterator[Case]:
        return (a for a in self.aggregates.values() if isinstance(a, Case))

    def subjects(self) -> Iterator[Subject]:
        return (a for a in self.aggregates.values() if isinstance(a, Subject))

    def pictures(self) -> dict[str, list[dict[str, Any]]]:
        """The rows every picture should have, by table: those that need no key.

        Whom a hit was told, and that it stopped, is no picture: it follows from what was asked, which no event holds.
        """
        batches = (a for a in self.aggregates.values() if isinstance(a, ImportBatch))
        requests = (a for a in self.aggregates.values() if isinstance(a, RightsRequest))
        entries = [(case, entry) for case in self.cases() for entry in case.inscriptions.values()]
        return {
            "subjects": list(self._subject_rows()),
            "certificates": [structs.asdict(c) for c in map(certificate, self.aggregates.values()) if c],
            "cases": [structs.asdict(rows.case_row(case)) for case in self.cases()],
            "inscriptions": [structs.asdict(rows.inscription_row(*entry)) for entry in entries],
            "rights_requests": [structs.asdict(rows.rights_request_row(request)) for request in requests],
            "letters": [structs.asdict(row) for entry in entries for row in rows.letter_rows(*entry)],
            "imports": [structs.asdict(rows.import_row(batch)) for batch in batches],
            "inscription_history": [
                structs.asdict(row.standing)
                | {"recorded_from": row.recorded_from, "recorded_until": row.recorded_until}
                for row in self.history
            ],
        }

    def _subject_rows(self) -> Iterator[dict[str, Any]]:
        purged: dict[UUID, list[datetime | None]] = {}
        for case in self.cases():
            for subject_id in {*case.subjects_now(), *case.victims_then_and_now()}:
                purged.setdefault(subject_id, []).append(case.purged_at)
        for subject in self.subjects():
            group = [subject, *(self._subject(id) for id in subject.absorbed)]
            ends = until_when(group, purged.get(subject.id, ()))
            yield structs.asdict(rows.subject_row(subject)) | {"data_end_at": ends}

    def _subject(self, id: UUID) -> Subject:
        found = self.aggregates[id]
        assert isinstance(found, Subject)
        return found
