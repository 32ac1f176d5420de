"""A judicial procedure: whom it names, and for whom it is still ongoing (C4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from watchlist.domain import periods, refusals
from watchlist.domain.commitment import Sealed
from watchlist.domain.retention import Hold

FURTHEST_YEAR = 2200


class Kind(StrEnum):
    CRIMINAL_COMPLAINT = "criminal_complaint"
    PROSECUTION = "prosecution"
    CIVIL_SUIT = "civil_suit"


class Outcome(StrEnum):
    CONVICTED = "convicted"
    ACQUITTED = "acquitted"
    DISMISSED = "dismissed"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    JUDGMENT = "judgment"


@dataclass(slots=True)
class Naming:
    """One subject in one procedure: since when the register knew it ongoing, and until when."""

    since: datetime
    opened_on: date
    """Of the first procedure, when others continued it."""
    until: datetime | None = None
    outcome: Outcome | None = None
    """None while ongoing, and when another procedure continued this one."""


@dataclass(slots=True)
class Procedure:
    id: UUID
    kind: Kind
    court: Sealed
    reference: Sealed
    opened_on: date
    recorded_at: datetime
    continues: UUID | None
    names: dict[UUID, Naming] = field(default_factory=dict)
    limitation_ends_on: date | None = None

    def is_ongoing_for(self, subject_id: UUID) -> bool:
        naming = self.names.get(subject_id)
        return naming is not None and naming.until is None

    @property
    def is_ongoing(self) -> bool:
        return any(naming.until is None for naming in self.names.values())

    def hold_on(self, subject_id: UUID, imported_at: datetime | None) -> Hold:
        """What this procedure holds of the subject's entry (L1).

        For an entry that took effect by import at `imported_at`, a procedure that came with it counts
        from the day it was opened; any other from the instant it was recorded.
        """
        naming = self.names[subject_id]
        if imported_at is not None and naming.since <= imported_at:
            return Hold(min(naming.since, periods.start_of_day(naming.opened_on)), naming.until)
        return Hold(naming.since, naming.until)


def require_past(day: date, at: datetime, field: str) -> None:
    """No date of a past fact is in the future, in Paris."""
    if day > periods.civil_date(at):
        raise refusals.DateInTheFuture(field)


def require_foreseeable(day: date | None, field: str) -> None:
    """A date to come is one that its end can be counted from."""
    if day is not None and day.year >= FURTHEST_YEAR:
        raise refusals.DateOutOfRange(field)


def require_names(subject_ids: Iterable[UUID], known: Iterable[UUID]) -> tuple[UUID, ...]:
    """C4: at least one subject, each once, each of the case."""
    named = tuple(subject_ids)
    if not named or len(set(named)) != len(named):
        raise refusals.ProcedureNamesNobody("subject_ids")
    if set(named) - set(known):
        raise refusals.SubjectNotInCase("subject_ids")
    return named
