"""A register in which a test tells a story: who registered whom, who inscribed, what time it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from uuid import UUID, uuid4

from watchlist.adapters.clock import ManualClock
from watchlist.application import follow_procedure, inscribe, open_case, register_subject
from watchlist.application.desk import Desk
from watchlist.application.work import Ask
from watchlist.bootstrap import House, build
from watchlist.domain.case_events import Source
from watchlist.domain.identifiers import Identifier, parse
from watchlist.domain.identity import Identity, Person
from watchlist.domain.inscription import PROPORTIONALITY
from watchlist.domain.procedure import Kind, Outcome
from watchlist.domain.subject import Role

KEY = b"k" * 32
PROPORTIONATE = dict.fromkeys(PROPORTIONALITY, "because")
BEGINNING = datetime(2021, 3, 15, 9, 0, tzinfo=UTC)


def rpps(number: int) -> Identifier:
    """An RPPS whose check digit is right."""
    body = f"10{number:08d}"
    return next(parse("rpps", body + digit) for digit in "0123456789" if _passes(body + digit))


def _passes(digits: str) -> bool:
    from stdnum import luhn

    return bool(luhn.is_valid(digits))


@dataclass
class Story:
    house: House
    clock: ManualClock
    investigator: UUID
    supervisor: UUID
    organisation: str = "SEVEANE"

    def __post_init__(self) -> None:
        self._numbers = count(1)

    @property
    def desk(self) -> Desk:
        return self.house.desk

    def by_investigator(self) -> Ask:
        return Ask(self.investigator, self.organisation)

    def by_supervisor(self) -> Ask:
        return Ask(self.supervisor, self.organisation)

    def somebody(self, identity: Identity | None = None) -> UUID:
        who = identity or Person("Exemple", "Camille", date(1970, 1, 31), identifiers=(rpps(next(self._numbers)),))
        return register_subject.register_subject(
            self.desk, self.by_investigator(), Role.HEALTH_PROFESSIONAL, who
        ).id

    def alert(self, *subjects: UUID) -> UUID:
        today = self.clock.now().date()
        raised = open_case.RaisedAlert(subjects, today, Source.CONTROL, "summary")
        return open_case.raise_alert(self.desk, self.by_investigator(), raised).id

    def case(self, *subjects: UUID) -> UUID:
        case = self.alert(*subjects)
        open_case.qualify_alert(self.desk, self.by_investigator(), case, True, "relevant")
        return case

    def proposal(self, case: UUID, subject: UUID, months: int = 60) -> UUID:
        proposed = inscribe.Proposed(("overbilling",), months, PROPORTIONATE)
        return inscribe.propose(self.desk, self.by_investigator(), case, subject, proposed).id

    def entry(self, case: UUID, subject: UUID, months: int = 60) -> UUID:
        inscription = self.proposal(case, subject, months)
        return inscribe.approve(self.desk, self.by_supervisor(), inscription).id

    def listed(self, identity: Identity | None = None, months: int = 60) -> tuple[UUID, UUID, UUID]:
        """A subject, its case and its entry."""
        subject = self.somebody(identity)
        case = self.case(subject)
        return subject, case, self.entry(case, subject, months)

    def procedure(self, case: UUID, *subjects: UUID) -> UUID:
        opened = follow_procedure.OpenedProcedure(
            Kind.PROSECUTION, "court", "reference", self.clock.now().date(), subjects
        )
        return follow_procedure.open_procedure(self.desk, self.by_investigator(), case, opened).id

    def procedure_ends(self, case: UUID, procedure: UUID) -> None:
        today = self.clock.now().date()
        ended = follow_procedure.EndedProcedure(Outcome.CONVICTED, today, "basis", today)
        follow_procedure.end_procedure(self.desk, self.by_investigator(), case, procedure, ended)

    def on_the_list(self) -> set[UUID]:
        now = self.clock.now()
        return {row["inscription_id"] for row in self.house.pictures.current_list(None, now, limit=1000)}


@contextmanager
def story(database_url: str, at: datetime = BEGINNING) -> Iterator[Story]:
    clock = ManualClock(at)
    with build(database_url, KEY, clock) as house:
        yield Story(house, clock, uuid4(), uuid4())
