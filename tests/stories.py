"""Stories on a real database: who asks, and verbs that fill in what a test does not speak of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
from stdnum import luhn

from watchlist.adapters.clock import ManualClock
from watchlist.adapters.postgres.list_index import PostgresListIndex
from watchlist.adapters.postgres.traces import PostgresTraces
from watchlist.application.follow_procedure import (
    EndedProcedure,
    OpenedProcedure,
    end_procedure,
    open_procedure,
)
from watchlist.application.inscribe import Proposed, approve, propose
from watchlist.application.open_case import RaisedAlert, qualify_alert, raise_alert
from watchlist.application.receipt import Receipt
from watchlist.application.register_subject import register_subject
from watchlist.application.screen import Screening
from watchlist.application.work import Ask
from watchlist.bootstrap import House, build
from watchlist.domain import operator, periods
from watchlist.domain.case_events import Source
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Identity, Person
from watchlist.domain.inscription import PROPORTIONALITY
from watchlist.domain.procedure import Kind, Outcome
from watchlist.domain.subject import Role
from watchlist.domain.tokens import Named
from watchlist.domain.trace import Asking

T = TypeVar("T")

MASTER = b"k" * 32
ORGANISATION, ANOTHER = "GROUPAMA", "PROBTP"
ANNE, BRUNO = UUID(int=0xA), UUID(int=0xB)
MONDAY = datetime(2021, 3, 15, 9, tzinfo=UTC)
RPPS = Identifier("rpps", "10000001916")
A_PROPOSAL = Proposed(("overbilling",), 60, dict.fromkeys(PROPORTIONALITY, "considered"))


def a_house(database_url: str, clock: Any = None, **settings: Any) -> House:
    return build(database_url, MASTER, clock or ManualClock(MONDAY), **settings)


def ask(
    by: UUID = ANNE, organisation: str = ORGANISATION, command_id: UUID | None = None, mac: bytes = b""
) -> Ask:
    return Ask(by, organisation, command_id or uuid4(), mac)


def a_person(family_name: str = "Lefèvre", given_names: str = "Anne", *identifiers: Identifier) -> Person:
    return Person(family_name, given_names, date(1970, 1, 2), identifiers=identifiers)


def rpps(number: int) -> Identifier:
    """An RPPS of that number, its check digit right."""
    return Identifier("rpps", luhn_completed(f"10{number:08d}"))


def luhn_completed(body: str) -> str:
    return body + str(luhn.calc_check_digit(body))


class Story:
    """One house, in which Anne investigates and Bruno approves."""

    def __init__(self, house: House) -> None:
        self.house, self.desk = house, house.desk

    @property
    def clock(self) -> ManualClock:
        clock = self.house.clock
        assert isinstance(clock, ManualClock)
        return clock

    def subject(self, identity: Identity | None = None, organisation: str = ORGANISATION) -> UUID:
        asked = ask(organisation=organisation)
        return register_subject(self.desk, asked, Role.HEALTH_PROFESSIONAL, identity or a_person()).id

    def case(self, *subject_ids: UUID, organisation: str = ORGANISATION) -> UUID:
        """A qualified case."""
        case_id = self.alert(*subject_ids, organisation=organisation)
        qualify_alert(self.desk, ask(organisation=organisation), case_id, True, "pertinente")
        return case_id

    def alert(self, *subject_ids: UUID, organisation: str = ORGANISATION) -> UUID:
        today = periods.civil_date(self.house.clock.now())
        raised = RaisedAlert(subject_ids, today, Source.CONTROL, "une anomalie")
        return raise_alert(self.desk, ask(organisation=organisation), raised).id

    def propose(self, case_id: UUID, subject_id: UUID, months: int = 60) -> Receipt:
        proposal = Proposed(A_PROPOSAL.grounds, months, A_PROPOSAL.proportionality)
        return propose(self.desk, ask(), case_id, subject_id, proposal)

    def approve(self, inscription_id: UUID) -> Receipt:
        return approve(self.desk, ask(BRUNO), inscription_id)

    def inscribe(self, case_id: UUID, subject_id: UUID, months: int = 60) -> UUID:
        inscription_id = self.propose(case_id, subject_id, months).id
        self.approve(inscription_id)
        return inscription_id

    def listed(self, identity: Identity | None = None, months: int = 60) -> tuple[UUID, UUID, UUID]:
        """A new subject, its case and its entry."""
        subject_id = self.subject(identity)
        case_id = self.case(subject_id)
        return subject_id, case_id, self.inscribe(case_id, subject_id, months)

    def open_procedure(self, case_id: UUID, *subject_ids: UUID) -> UUID:
        today = periods.civil_date(self.house.clock.now())
        opened = OpenedProcedure(Kind.PROSECUTION, "TJ de Paris", "21/042", today, subject_ids)
        return open_procedure(self.desk, ask(), case_id, opened).id

    def end_procedure(self, case_id: UUID, procedure_id: UUID) -> None:
        today = periods.civil_date(self.house.clock.now())
        ended = EndedProcedure(Outcome.ACQUITTED, today, "art. 8 CPP", today)
        end_procedure(self.desk, ask(), case_id, procedure_id, ended)

    def on_the_list(self) -> set[UUID]:
        now = self.house.clock.now()
        return {row["inscription_id"] for row in self.house.pictures.current_list(None, now, limit=1000)}

    def rows(self, query: str, *params: Any) -> list[dict[str, Any]]:
        with self.house.pool.connection() as conn:
            return conn.execute(query.encode(), params).fetchall()

    def count(self, table: str) -> int:
        return self.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"]

    def answers(self, *identifiers: Identifier, person: tuple[str, str, date] | None = None) -> set[UUID]:
        """The entries that answer a screening now, by the answerable rows alone (S3)."""
        question = self.desk.tokenizer.question(identifiers, person and Named.of(*person))
        rows = self.rows(
            "SELECT inscription_id, given FROM answerable WHERE digest = ANY(%b) AND answers_until > %b",
            list(question.digests),
            self.house.clock.now(),
        )
        return {row["inscription_id"] for row in rows if _meets(question, row["given"])}


@contextmanager
def a_story(database_url: str) -> Iterator[Story]:
    with a_house(database_url) as house:
        yield Story(house)


def _meets(question: Any, given: bytes | None) -> bool:
    from watchlist.domain.tokens import Token

    return question.is_met_by([Token(b"", None if given is None else bytes(given))])


PAYER = "TPG"
"""Who asks the list before a payment."""


def an_asking(organisation: str = PAYER, operation: str = "screen", by: UUID = ANNE) -> Asking:
    return Asking(operation, by, organisation, operator.Role.INTEGRATOR, "0123456789abcdef", "request-1")


@asynccontextmanager
async def open_screening(house: House) -> AsyncIterator[Screening]:
    """The screening of a house as the event loop that runs now opens it."""
    index = PostgresListIndex(house.conninfo, house.clock)
    traces = PostgresTraces(house.conninfo)
    await index.open()
    await traces.open()
    try:
        yield Screening(house.desk.lookups, index, traces)
    finally:
        await index.close()
        await traces.close()


def screened_hits(story: Story, *identifiers: Identifier, asking: Asking | None = None) -> list[UUID]:
    """A screening of each, all of them listed: the ids of the screenings, their hits told."""
    bodies = [
        msgspec.json.encode(
            {
                "purpose": "third_party_payment",
                "file_reference": "LOT-1",
                "subjects": {"q1": {"identifiers": [{"scheme": one.scheme, "value": one.value}]}},
            }
        )
        for one in identifiers
    ]

    async def answered() -> list[bytes]:
        async with open_screening(story.house) as screening:
            return [await screening.answer(body, asking or an_asking()) for body in bodies]

    answers = [msgspec.json.decode(answer) for answer in asyncio.run(answered())]
    assert [answer["results"] for answer in answers] == [{"q1": {"hit": True}}] * len(bodies)
    return [UUID(answer["screening_id"]) for answer in answers]


def at_once(verbs: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """What each answered, or raised, when all began together."""
    barrier = Barrier(len(verbs))

    def run(verb: Callable[[], T]) -> T | Exception:
        barrier.wait()
        try:
            return verb()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(verbs)) as pool:
        return list(pool.map(run, verbs))
