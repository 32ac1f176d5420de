"""What the register should answer, told a second time and otherwise: no aggregate, no event, no SQL.

Days are counted here with the calendar alone, so that a mistake in the product's own counting shows.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from watchlist.domain.identifiers import Identifier

PARIS = ZoneInfo("Europe/Paris")


def midnight_after_term(first: date, months: int) -> datetime:
    """L2: the midnight in Paris after the last listed day."""
    month = first.month - 1 + months
    year, month = first.year + month // 12, month % 12 + 1
    last = date(year, month, min(first.day, monthrange(year, month)[1]))
    return datetime.combine(last + timedelta(days=1), time(), PARIS).astimezone(UTC)


@dataclass
class Entry:
    id: UUID
    case: UUID
    subject: UUID
    first_day: date
    months: int
    restricted: bool = False
    over: bool = False


@dataclass
class Hold:
    """A procedure of a case, and whom it names."""

    id: UUID
    case: UUID
    subject: UUID
    since: datetime
    until: datetime | None = None


@dataclass
class Model:
    numbers: dict[UUID, Identifier] = field(default_factory=dict)
    merged: dict[UUID, UUID] = field(default_factory=dict)
    erased: set[UUID] = field(default_factory=set)
    entries: dict[UUID, Entry] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    stolen: list[tuple[UUID, Identifier, UUID]] = field(default_factory=list)
    """In which case, which number, and whose it is."""

    def whose(self, subject: UUID) -> UUID:
        return self.merged.get(subject, subject)

    def persons(self, subject: UUID) -> list[UUID]:
        """All who are that one."""
        whose = self.whose(subject)
        return [one for one in self.numbers if self.whose(one) == whose]

    def ends_at(self, entry: Entry) -> datetime | None:
        """L1; None: not known yet."""
        elapses = midnight_after_term(entry.first_day, entry.months)
        whose = self.whose(entry.subject)
        holding = [
            hold
            for hold in self.holds.values()
            if hold.case == entry.case
            and self.whose(hold.subject) == whose
            and hold.since < elapses
            and (hold.until is None or hold.until > elapses)
        ]
        if any(hold.until is None for hold in holding):
            return None
        return max((hold.until for hold in holding if hold.until), default=elapses)

    def is_listed(self, entry: Entry, now: datetime) -> bool:
        ends_at = self.ends_at(entry)
        return not entry.over and (ends_at is None or now < ends_at)

    def listed(self, now: datetime) -> set[UUID]:
        return {entry.id for entry in self.entries.values() if self.is_listed(entry, now)}

    def answers(self, number: Identifier, now: datetime) -> set[UUID]:
        """S3, L9, L10: the entries that a screening of this number hits."""
        return {
            entry.id
            for entry in self.entries.values()
            if self.is_listed(entry, now)
            and not entry.restricted
            and any(self.numbers[one] == number for one in self.persons(entry.subject))
            and (entry.case, number) not in {(case, stolen) for case, stolen, _ in self.stolen}
        }

    # What happens -----------------------------------------------------------------------------

    def what_has_ended_stays_ended(self, now: datetime) -> None:
        for entry in self.entries.values():
            entry.over = not self.is_listed(entry, now)

    def erase(self, subject: UUID) -> None:
        persons = set(self.persons(subject))
        self.erased |= persons
        self.stolen = [one for one in self.stolen if one[2] not in persons]
        for entry in self.entries.values():
            entry.over = entry.over or entry.subject in persons
