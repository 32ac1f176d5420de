"""Dossier: how a subject stood on one day, from what was recorded of it; as it was known then (T3).

Whatever was recorded after the day is kept apart: nothing of it changes how the subject stood, since nothing is
back-dated (L7). Every fact names the position of its event: what proves it is the leaf of that event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any
from uuid import UUID

from msgspec import Struct, to_builtins

from watchlist.domain import case_events as events
from watchlist.domain import periods, retention
from watchlist.domain.aggregate import Event
from watchlist.domain.case import Case
from watchlist.domain.commitment import Sealed
from watchlist.domain.inscription import Ground, Inscription, State
from watchlist.domain.subject import Subject, SubjectErased, SubjectRectified, SubjectRegistered

WHOSE = frozenset({"stream", "version", "format", "at", "by", "organisation"})
"""What every event has; the rest are its facts."""
INSTANT = timedelta(microseconds=1)
"""The smallest step of the log's clock: no two commands are recorded within it."""
OF_THE_CASE = (
    events.AlertQualified,
    events.CaseClosed,
    events.CaseDataExpired,
    events.CaseDataPurged,
)
"""What is told of the case beside what concerns the entry: that it was qualified, by whom, and that it is over."""


class Entered(Struct, frozen=True):
    """One event, and where and when the log took it."""

    position: int
    recorded_at: datetime
    event: Event


class Listed(StrEnum):
    """How much of a day a subject was listed, or answered."""

    WHOLE_DAY = "whole_day"
    PART_OF_DAY = "part_of_day"
    NOT_AT_ALL = "not_at_all"


class Span(Struct, frozen=True):
    """A part of the day in which an entry was listed; `until` is exclusive."""

    since: datetime
    until: datetime
    restricted: bool
    held: bool
    """Past its term: a judicial procedure held it (L1)."""


class Step(Struct, frozen=True):
    """One thing that was decided or recorded: what, by whom, when, and under which version of its form."""

    position: int
    what: str
    at: datetime
    recorded_at: datetime
    by: UUID
    stream: UUID
    version: int
    format: int
    facts: dict[str, Any]
    """Codes, dates and random ids, as the event keeps them; what it sealed is left out."""


class EntryStanding(Struct, frozen=True):
    """One entry, as it was known when the day was over."""

    inscription_id: UUID
    case_id: UUID
    subject_id: UUID
    """The id under which it was proposed; a merge makes it another's (C8)."""
    known_as_theirs_then: bool
    """False: it was found only later to be of this person (C8)."""
    theirs_now: bool
    """False: a merge was undone since (C8)."""
    state: State
    listed: Listed
    spans: tuple[Span, ...]
    listed_since: datetime | None
    """From when on it was answered for: the instant at which its approval was recorded."""
    inscribed_on: date | None
    term_months: int
    last_listed_day: date | None
    ends_at: datetime | None
    """As far as was known then; None: a procedure held it, or it had no term yet."""
    held_by: tuple[UUID, ...]
    restricted: bool
    grounds: tuple[Ground, ...]
    grounds_version: int
    imported: bool
    proposed_by: UUID
    last_amended_by: UUID
    approved_by: UUID | None
    steps: tuple[Step, ...]


class Standing(Struct, frozen=True):
    """How the subject stood on the day, all its entries together."""

    listed: Listed
    answered: Listed
    """Listed and not restricted: what a screening would have answered."""
    spans: tuple[tuple[datetime, datetime], ...]
    entries: tuple[EntryStanding, ...]


class Day(Struct, frozen=True):
    """A civil day in Paris, or as much of it as is over; `until` is exclusive."""

    day: date
    since: datetime
    until: datetime
    complete: bool

    @property
    def last(self) -> datetime:
        """The last instant of it: what was recorded up to then was known when the day was over."""
        return self.until - INSTANT


def day_of(day: date, now: datetime) -> Day:
    """L2: the days of the register are those of Paris."""
    since, over = periods.start_of_day(day), periods.end_of(day, 0)
    return Day(day, since, min(over, max(now, since)), over <= now)


# One case on one day --------------------------------------------------------------------------


def known_at(history: Sequence[Entered], at: datetime) -> Any:
    """The aggregate as it was recorded up to an instant; None: nothing was."""
    aggregate: Any = None
    for one in history:
        if one.recorded_at <= at:
            aggregate = one.event.mutate(aggregate)
    return aggregate


def spans_of(history: Sequence[Entered], inscription_id: UUID, day: Day) -> tuple[Span, ...]:
    """The parts of the day in which the entry was listed (L1, L2), by what was recorded up to each instant of it."""
    cuts = [one.recorded_at for one in history if day.since < one.recorded_at < day.until]
    bounds = sorted({day.since, *cuts, day.until})
    spans = [
        span
        for since, until in pairwise(bounds)
        for span in _listed_between(known_at(history, since), inscription_id, since, until)
    ]
    return _joined(spans)


def _listed_between(case: Case | None, inscription_id: UUID, since: datetime, until: datetime) -> list[Span]:
    """While nothing is recorded an entry changes by itself alone: its term elapses, it ends."""
    inscription = case.inscriptions.get(inscription_id) if case else None
    if case is None or inscription is None or inscription.state is not State.ACTIVE:
        return []
    elapses_at, ends_at = inscription.term.elapses_at, case.ends_at(inscription)
    last = min(until, ends_at)
    bounds = sorted({since, last, *(one for one in (elapses_at,) if since < one < last)})
    return [
        Span(begin, end, inscription.restricted, begin >= elapses_at)
        for begin, end in pairwise(bounds)
        if end <= last
    ]


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last and last.until == span.since and (last.restricted, last.held) == (span.restricted, span.held):
            joined[-1] = Span(last.since, span.until, span.restricted, span.held)
        else:
            joined.append(span)
    return tuple(joined)


def together(spans: Iterable[Span]) -> tuple[tuple[datetime, datetime], ...]:
    """The same of several entries: where any of them covers the day."""
    covered: list[tuple[datetime, datetime]] = []
    for span in sorted(spans, key=lambda span: span.since):
        if covered and span.since <= covered[-1][1]:
            covered[-1] = covered[-1][0], max(covered[-1][1], span.until)
        else:
            covered.append((span.since, span.until))
    return tuple(covered)


def how_much(covered: Sequence[tuple[datetime, datetime]], day: Day) -> Listed:
    if not covered:
        return Listed.NOT_AT_ALL
    return Listed.WHOLE_DAY if tuple(covered) == ((day.since, day.until),) else Listed.PART_OF_DAY


# The subject, and whom it stands for ----------------------------------------------------------


def stands_for(subjects: Mapping[UUID, Sequence[Entered]], subject_id: UUID, at: datetime) -> UUID:
    """C8: whom that subject was taken for at an instant: itself, or the one it was merged into."""
    subject = known_at(subjects.get(subject_id, ()), at)
    return subject_id if subject is None or subject.merged_into is None else subject.merged_into


def same_person(subjects: Mapping[UUID, Sequence[Entered]], one: UUID, at: datetime) -> frozenset[UUID]:
    """C8: all ids that stood for the same person as that one at an instant."""
    survivor = stands_for(subjects, one, at)
    return frozenset(other for other in subjects if stands_for(subjects, other, at) == survivor)


def ever_together(subject: Subject) -> frozenset[UUID]:
    """C8: the ids that a subject's own stream names as ever having stood for the same person."""
    merged = () if subject.merged_into is None else (subject.merged_into,)
    return frozenset((*merged, *subject.ever_absorbed, *(stay.survivor for stay in subject.stays)))


def named_in(subjects: Mapping[UUID, Sequence[Entered]]) -> frozenset[UUID]:
    """Every subject whose id stands in those streams: also one of a merge that was undone."""
    told = [known_at(history, retention.NEVER) for history in subjects.values()]
    return frozenset(subjects).union(*(ever_together(subject) for subject in told))


def identity_known(history: Sequence[Entered], at: datetime) -> tuple[Entered, Sealed] | None:
    """The event that committed to the identity as it was known at an instant, and where that is kept."""
    known = [
        (one, one.event.identity)
        for one in history
        if one.recorded_at <= at and isinstance(one.event, SubjectRegistered | SubjectRectified)
    ]
    return known[-1] if known else None


def erased_at(history: Sequence[Entered]) -> datetime | None:
    """P6: since when the subject is erased."""
    return next((one.event.at for one in history if isinstance(one.event, SubjectErased)), None)


# Steps ----------------------------------------------------------------------------------------


def step(entered: Entered) -> Step:
    """An event in codes, dates and random ids: never what it sealed, nor the commitment to it."""
    event = entered.event
    told = to_builtins(event)
    return Step(
        position=entered.position,
        what=event.TOPIC,
        at=event.at,
        recorded_at=entered.recorded_at,
        by=event.by,
        stream=event.originator_id,
        version=event.originator_version,
        format=event.format,
        facts=unsealed({name: value for name, value in told.items() if name not in WHOSE}),
    )


def unsealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: unsealed(inner) for name, inner in value.items() if not _is_sealed(inner)}
    if isinstance(value, list | tuple):
        return [unsealed(inner) for inner in value]
    return value


def _is_sealed(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"ref", "commitment"}


def concerns(event: Event, inscription_id: UUID, ids: frozenset[UUID]) -> bool:
    """Whether an event of a case is told of with that entry: its own, or one of whom it lists, or of the case."""
    entry: UUID | None = getattr(event, "inscription_id", None)
    if entry is not None:
        return entry == inscription_id
    if isinstance(event, events.ProcedureOpened | events.ProcedureEnded):
        return not ids.isdisjoint(event.subject_ids)
    if isinstance(event, events.SubjectFollowed):
        return event.merged in ids or event.into in ids
    if isinstance(event, events.SubjectDetached | events.VictimRecorded):
        return event.subject_id in ids
    return isinstance(event, OF_THE_CASE)


# Compiled -------------------------------------------------------------------------------------


class Person(Struct, frozen=True):
    """Which ids stood for the person when the day was over, and which do now."""

    then: frozenset[UUID]
    now: frozenset[UUID]

    @property
    def ever(self) -> frozenset[UUID]:
        return self.then | self.now


def standing_on(cases: Iterable[Sequence[Entered]], person: Person, day: Day) -> Standing:
    """How the person stood on the day: what was listed of it, and how it had come about by then."""
    entries = tuple(
        entry
        for history in cases
        for inscription in _inscriptions_of(history, person)
        if (entry := entry_on(history, inscription, person, day)) is not None
    )
    own = [entry for entry in entries if entry.known_as_theirs_then]
    listed = together(span for entry in own for span in entry.spans)
    answered = together(span for entry in own for span in entry.spans if not span.restricted)
    return Standing(how_much(listed, day), how_much(answered, day), listed, entries)


def is_about(history: Sequence[Entered], ids: frozenset[UUID]) -> bool:
    """C8: whether a case names any of them by itself, and not only because it followed a merge."""
    return any(not ids.isdisjoint(_named(one.event)) for one in history)


def _named(event: Event) -> tuple[UUID, ...]:
    one, several = getattr(event, "subject_id", None), getattr(event, "subject_ids", None)
    return (*(several or ()), *(() if one is None else (one,)))


def _inscriptions_of(history: Sequence[Entered], person: Person) -> list[UUID]:
    return [
        one.event.inscription_id
        for one in history
        if isinstance(one.event, events.InscriptionProposed) and one.event.subject_id in person.ever
    ]


def entry_on(
    history: Sequence[Entered], inscription_id: UUID, person: Person, day: Day
) -> EntryStanding | None:
    """None: it was not even proposed by then."""
    case = known_at(history, day.last)
    inscription = case.inscriptions.get(inscription_id) if case else None
    if inscription is None:
        return None
    spans = spans_of(history, inscription_id, day)
    then = [one for one in history if one.recorded_at <= day.last]
    steps = [one for one in then if concerns(one.event, inscription_id, person.ever)]
    return EntryStanding(
        inscription_id=inscription_id,
        case_id=case.id,
        subject_id=inscription.subject_id,
        known_as_theirs_then=inscription.subject_id in person.then,
        theirs_now=inscription.subject_id in person.now,
        state=inscription.state,
        listed=how_much(together(spans), day),
        spans=spans,
        listed_since=_approved_at(steps),
        restricted=inscription.restricted,
        grounds=inscription.grounds,
        grounds_version=_grounds_version(steps),
        imported=inscription.provenance is not None,
        proposed_by=inscription.proposed_by,
        last_amended_by=inscription.last_amended_by,
        approved_by=inscription.approved_by,
        steps=tuple(map(step, steps)),
        **_term(case, inscription),
    )


def _term(case: Case, inscription: Inscription) -> dict[str, Any]:
    began = inscription.inscribed_on is not None
    ends_at = case.ends_at(inscription) if began else retention.NEVER
    return {
        "inscribed_on": inscription.inscribed_on,
        "term_months": inscription.term_months,
        "last_listed_day": inscription.term.last_listed_day if began else None,
        "ends_at": None if ends_at == retention.NEVER else ends_at,
        "held_by": tuple(case.held_by(inscription)) if inscription.state is State.ACTIVE else (),
    }


def _approved_at(steps: Iterable[Entered]) -> datetime | None:
    return next((one.recorded_at for one in steps if isinstance(one.event, events.InscriptionApproved)), None)


def _grounds_version(steps: Iterable[Entered]) -> int:
    """L6: of the list of grounds that the proposal, as last amended, was made under."""
    kinds = events.InscriptionProposed | events.InscriptionAmended
    return [one.event.grounds_version for one in steps if isinstance(one.event, kinds)][-1]


def learnt_later(
    cases: Iterable[Sequence[Entered]],
    subjects: Mapping[UUID, Sequence[Entered]],
    person: Person,
    day: Day,
) -> tuple[Step, ...]:
    """What was recorded of the person and of its entries after the day: it changes nothing of how it stood then."""
    found: dict[int, Entered] = {}
    for history in cases:
        own = _inscriptions_of(history, person)
        for one in history:
            if any(concerns(one.event, entry, person.ever) for entry in own):
                found[one.position] = one
    for subject_id in person.ever:
        found |= {one.position: one for one in subjects.get(subject_id, ())}
    later = [one for _, one in sorted(found.items()) if one.recorded_at > day.last]
    return tuple(map(step, later))
