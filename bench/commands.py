"""Commands one after the other in one thread, the verb without HTTP, against the library's bare save."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from time import perf_counter
from uuid import UUID

from bench import population
from bench.bare import Bare
from bench.figure import Figure, Measure, in_turns, rate
from bench.premises import Premises
from watchlist.application.desk import Desk
from watchlist.application.inscribe import Proposed, approve, propose
from watchlist.application.open_case import RaisedAlert, qualify_alert, raise_alert
from watchlist.application.register_subject import register_subject
from watchlist.application.work import Ask
from watchlist.application.work_on_case import add_evidence, add_note
from watchlist.cli.terminal import bar
from watchlist.domain import periods
from watchlist.domain.case_events import Source
from watchlist.domain.subject import Role

ORGANISATION = "BENCH"
ANNE, BRUNO = UUID(int=0xA), UUID(int=0xB)
NOTE = "Fourteen sessions were billed for a day on which the practice was closed; the insured confirms two of them."
NOTES_PER_CASE = 20
TURNS = 5
"""In each round."""
ASSESSMENT = dict.fromkeys(
    ("gravity", "evidence", "harm", "alternatives", "term_reason"), "As the file shows."
)


def measure(premises: Premises) -> Iterator[Figure]:
    numbers = count(population.NEWCOMERS)
    with closing(Bare(premises.cluster.conninfo(), premises.house.register.position())) as bare:
        premises.settle()
        saves = _saves(bare, premises.sizes.commands)
        desk = premises.house.desk
        yield _compared(premises, "add_note", 0.6, _notes(desk, premises.sizes.commands, numbers), saves)
        registrations = _registrations(desk, premises.sizes.commands, numbers)
        yield _compared(premises, "register_subject", 0.4, registrations, saves)


def _compared(premises: Premises, verb: str, floor: float, ours: Measure, bare: Measure) -> Figure:
    rounds = TURNS * premises.sizes.rounds
    with bar(verb, rounds) as moved:
        pairs = in_turns(rounds, ours, bare, moved)
    return Figure(verb, pairs.ratios, "of bare save", floor, pairs.told("commands", "bare save"))


def _saves(bare: Bare, commands: int) -> Measure:
    """The save alone is timed, not the making of its event."""
    notebook = bare.opened()

    def measured() -> float:
        seconds = 0.0
        for _ in range(commands):
            notebook.note(NOTE, ANNE, ORGANISATION)
            began = perf_counter()
            bare.save(notebook)
            seconds += perf_counter() - began
        return commands / seconds

    return measured


def _notes(desk: Desk, commands: int, numbers: Iterator[int]) -> Measure:
    ask = _asking(ANNE)

    def measured() -> float:
        cases = [a_case(desk, next(numbers)) for _ in range(0, commands, NOTES_PER_CASE)]
        on = [case for case in cases for _ in range(NOTES_PER_CASE)][:commands]

        def work() -> None:
            for case in on:
                add_note(desk, ask(), case, NOTE)

        return rate(commands, work)

    return measured


def _registrations(desk: Desk, commands: int, numbers: Iterator[int]) -> Measure:
    ask = _asking(ANNE)

    def measured() -> float:
        people = [population.person(next(numbers)) for _ in range(commands)]

        def work() -> None:
            for person in people:
                register_subject(desk, ask(), Role.HEALTH_PROFESSIONAL, person)

        return rate(commands, work)

    return measured


def _asking(operator: UUID) -> Callable[[], Ask]:
    """A new command by one operator, each time."""
    return lambda: Ask(operator, ORGANISATION)


def a_case(desk: Desk, number: int) -> UUID:
    """Six events: raised, qualified, evidence, a note, proposed, approved."""
    anne, bruno = _asking(ANNE), _asking(BRUNO)
    subject = register_subject(desk, anne(), Role.HEALTH_PROFESSIONAL, population.person(number)).id
    today = periods.civil_date(desk.clock.now())
    case = raise_alert(
        desk, anne(), RaisedAlert((subject,), today, Source.DATA_ANALYSIS, NOTE, "1234.56 EUR")
    ).id
    qualify_alert(desk, anne(), case, True, NOTE)
    add_evidence(desk, anne(), case, "Invoices of March", "0" * 64)
    add_note(desk, anne(), case, NOTE)
    proposed = propose(desk, anne(), case, subject, Proposed(("overbilling",), 60, ASSESSMENT))
    approve(desk, bruno(), proposed["inscription_id"])
    return case
