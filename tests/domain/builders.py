"""Small builders: who, when, and one matter whose verbs fill in what a test does not speak of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from watchlist.domain import periods
from watchlist.domain.aggregate import Act, Aggregate
from watchlist.domain.case import Case, Ending, NewProcedure, Proposal
from watchlist.domain.case_events import Source
from watchlist.domain.case_memory import Alert
from watchlist.domain.commitment import Sealed
from watchlist.domain.inscription import Ground, Inscription, Provenance
from watchlist.domain.procedure import Kind, Outcome
from watchlist.domain.subject import Role, Subject, SubjectKind

ORGANISATION = "GROUPAMA"
ANNE, BRUNO, CHLOE = UUID(int=0xA), UUID(int=0xB), UUID(int=0xC)
"""Three persons who act: Anne proposes, Bruno approves, Chloé does what neither may."""


def moment(text: str | datetime) -> datetime:
    """A day is ten o'clock in Paris; a day and an hour, that hour there; with a Z, an instant in UTC."""
    if isinstance(text, datetime):
        return text
    if text.endswith("Z"):
        return datetime.fromisoformat(text)
    day, _, hour = text.partition(" ")
    return datetime.fromisoformat(f"{day} {hour or '10:00'}").replace(tzinfo=periods.PARIS).astimezone(UTC)


def act(on: str | datetime, by: UUID = ANNE, organisation: str = ORGANISATION) -> Act:
    return Act(at=moment(on), by=by, organisation=organisation)


def sealed() -> Sealed:
    return Sealed(uuid4(), bytes(32))


def a_subject(on: str | datetime = "2019-12-02", identified: bool = True, by: UUID = ANNE) -> Subject:
    return Subject.register(
        act(on, by), uuid4(), SubjectKind.PERSON, Role.HEALTH_PROFESSIONAL, sealed(), identified
    )


def an_alert(raised_on: str = "2020-01-06") -> Alert:
    return Alert(date.fromisoformat(raised_on), Source.CONTROL, sealed(), None)


def a_proposal(months: int = 60, imported_from: str | None = None) -> Proposal:
    """Imported: inscribed elsewhere on that day, its assessment inherited (L7)."""
    if imported_from is None:
        return Proposal((Ground.OVERBILLING,), months, sealed())
    provenance = Provenance(uuid4(), date.fromisoformat(imported_from), sealed())
    return Proposal((Ground.OVERBILLING,), months, None, provenance)


def replayed(aggregate: Aggregate) -> Aggregate:
    """The same aggregate, from its events alone."""
    events = list(aggregate.pending)
    again = events[0].mutate(None)
    for event in events[1:]:
        event.mutate(again)
    return again


class Matter:
    """A case and its subjects. Qualified on 7 January 2020, unless it is said otherwise."""

    def __init__(self, subjects: int = 1, qualified: bool = True, raised_on: str = "2020-01-06") -> None:
        self.people = [a_subject() for _ in range(subjects)]
        ids = [person.id for person in self.people]
        self.case = Case.raise_alert(act(raised_on), uuid4(), an_alert(raised_on), ids)
        if qualified:
            self.case.qualify(act("2020-01-07"), sealed())

    @property
    def person(self) -> Subject:
        return self.people[0]

    def propose(
        self,
        on: str | datetime = "2020-06-01",
        months: int = 60,
        *,
        by: UUID = ANNE,
        person: Subject | None = None,
        imported_from: str | None = None,
    ) -> Inscription:
        person = person or self.person
        return self.case.propose(act(on, by), uuid4(), person.id, person, a_proposal(months, imported_from))

    def approve(
        self,
        entry: Inscription,
        on: str | datetime,
        by: UUID = BRUNO,
        person: Subject | None = None,
    ) -> Inscription:
        return self.case.approve(act(on, by), entry.id, person or self._person(entry.subject_id))

    def inscribe(self, on: str | datetime, months: int = 60, person: Subject | None = None) -> Inscription:
        """Proposed by Anne and approved by Bruno at that moment."""
        return self.approve(self.propose(on, months, person=person), on, person=person)

    def bring_in(
        self, on: str | datetime, inscribed_on: str, months: int = 60, person: Subject | None = None
    ) -> Inscription:
        """Imported, and the batch approved, at that moment (L7)."""
        entry = self.propose(on, months, person=person, imported_from=inscribed_on)
        return self.approve(entry, on, person=person)

    def open(
        self,
        on: str | datetime,
        *people: Subject,
        opened_on: str | None = None,
        continues: UUID | None = None,
    ) -> UUID:
        """A procedure recorded at that moment, opened the same day unless it is said otherwise."""
        id = uuid4()
        day = date.fromisoformat(opened_on) if opened_on else periods.civil_date(moment(on))
        named = tuple(person.id for person in people or (self.person,))
        self.case.open_procedure(
            act(on), id, NewProcedure(Kind.PROSECUTION, sealed(), sealed(), day, named, continues)
        )
        return id

    def end(
        self,
        procedure: UUID,
        on: str | datetime,
        *people: Subject,
        ended_on: str | None = None,
        limitation_ends_on: str = "2020-12-31",
    ) -> None:
        day = date.fromisoformat(ended_on) if ended_on else periods.civil_date(moment(on))
        named = tuple(person.id for person in people) or None
        limitation = date.fromisoformat(limitation_ends_on)
        self.case.end_procedure(
            act(on), procedure, Ending(Outcome.ACQUITTED, day, sealed(), limitation, named)
        )

    def add_evidence(self, on: str | datetime) -> None:
        self.case.add_evidence(act(on), uuid4(), sealed(), sealed())

    def listed(self, entry: Inscription, at: str | datetime) -> bool:
        return self.case.is_listed(entry, moment(at))

    def _person(self, id: UUID) -> Subject:
        return next(person for person in self.people if person.id == id)
