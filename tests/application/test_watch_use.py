"""The watch on the use of the screening (S6): it counts, forgets whom, and raises each alarm once."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.stories import ANNE, BRUNO, MONDAY, Story, a_story, an_asking, rpps
from watchlist.adapters.clock import ManualClock
from watchlist.application.screening_request import LineError
from watchlist.application.watch_use import UseWatch, look_for_unusual_use
from watchlist.domain.identifiers import Identifier
from watchlist.domain.tokens import Named, Question, Tokenizer
from watchlist.domain.unusual_use import Observed, Thresholds, Unusual, Usage

TOKENIZER = Tokenizer(b"k" * 32)
EAGER = Thresholds(few=5)


class Counted:
    """A book that keeps what was added to it."""

    def __init__(self) -> None:
        self.hours: list[Usage] = []
        self.closed = False

    def add(self, hours: Sequence[Usage]) -> None:
        if self.closed:
            raise ConnectionError
        self.hours += hours

    def by_client(self, at: datetime) -> Iterator[tuple[UUID, str, Sequence[Usage]]]:
        yield from ()

    def raise_alarm(
        self, operator_id: UUID, organisation: str, day: date, observed: Observed, at: datetime
    ) -> bool:
        return False


def numbers(*places: int) -> list[Question]:
    return [TOKENIZER.question([rpps(place)]) for place in places]


def counted(*asked: list[Any], hits: int = 0) -> Usage:
    book = Counted()
    watch = UseWatch(ManualClock(MONDAY), book)
    for lines in asked:
        watch.saw(an_asking(), lines, hits)
    asyncio.run(watch.flush())
    (usage,) = book.hours
    return usage


def test_it_counts_what_was_asked_together_and_one_by_one() -> None:
    wrong = LineError("check_failed", "identifiers[0]", "x")
    together = counted([*numbers(3, 100, 7), wrong, LineError("nothing_asked", "x", "x")], hits=2)
    assert (together.asked, together.hits, together.refused, together.fresh) == (5, 2, 1, 3)
    assert counted(numbers(3), numbers(100), numbers(7)).fresh == 3


def test_whoever_is_asked_for_again_is_not_counted_again() -> None:
    assert counted(numbers(1, 50, 1), numbers(50, 90)).fresh == 3


def test_of_many_persons_it_remembers_a_part() -> None:
    asked = [numbers(*range(start, start + 1_000)) for start in range(0, 30_000, 1_000)]
    assert 27_000 < counted(*asked, *asked).fresh < 33_000


def test_numbers_that_follow_on_each_other_are_noticed_in_whatever_order() -> None:
    assert counted(numbers(*range(100, 160))).sequential == 59
    assert counted(*[numbers(place) for place in range(100, 160)]).sequential == 59
    assert counted(numbers(*[place * 50 for place in range(60)])).sequential == 0
    named = TOKENIZER.question((), Named.of("Martin", "Léa", date(1970, 1, 1)))
    assert counted([named] * 3).looked == 0


def test_of_what_is_asked_together_only_a_part_is_compared() -> None:
    assert counted(numbers(*range(100))).looked == 100
    assert 0 < counted(numbers(*range(1_000))).looked <= 200


def lines_of(places: Sequence[int], decoy: int | None = None, each: int = 20) -> list[Question]:
    """So many identifiers in each line, behind one that stays."""
    before = [] if decoy is None else [rpps(decoy)]
    parts = [places[start : start + each] for start in range(0, len(places), each)]
    return [TOKENIZER.question([*before, *map(rpps, part)]) for part in parts]


def test_every_identifier_of_a_line_is_counted() -> None:
    assert counted(lines_of(range(0, 30_000, 50))).fresh == 600
    assert counted(lines_of(range(0, 30_000, 50), decoy=7, each=19)).fresh == 601


def test_names_asked_beside_an_identifier_that_stays_are_counted() -> None:
    born = date(1970, 1, 1)
    names = [
        Named.of("Martin" + "abcdefghij"[one % 10] + "klmnopqrst"[one // 10], "Léa", born)
        for one in range(100)
    ]
    assert counted([TOKENIZER.question([rpps(7)], name) for name in names]).fresh == 100
    both = [TOKENIZER.question([rpps(50 * place)], name) for place, name in enumerate(names)]
    assert counted(both).fresh == 100
    assert counted([TOKENIZER.question((), name) for name in names]).fresh == 100


def test_a_sweep_behind_identifiers_that_stay_or_lines_without_order_is_noticed() -> None:
    together = counted(lines_of(range(100, 1_000), decoy=99_999_000, each=19))
    assert together.sequential > together.looked / 2 > 0
    one_by_one = counted(*[[line] for line in lines_of(range(100, 480), decoy=99_999_000, each=19)])
    assert one_by_one.sequential == 379
    assert one_by_one.looked < 390
    hidden = [[*numbers(*range(0, 50_000, 500)), *numbers(*range(100_000, 105_000))] for _ in range(5)]
    found = counted(*hidden)
    assert found.sequential > found.looked / 2 > 0


def test_numbers_that_go_down_follow_on_each_other_too() -> None:
    assert counted(numbers(*range(160, 100, -1))).sequential == 59


def test_the_next_day_nobody_is_remembered() -> None:
    clock, book = ManualClock(MONDAY), Counted()
    watch = UseWatch(clock, book)
    watch.saw(an_asking(), numbers(1, 2, 3), 0)
    watch.saw(an_asking(), numbers(1, 2, 3), 0)
    clock.move_to(MONDAY + timedelta(days=1))
    watch.saw(an_asking(), numbers(1, 2, 3), 0)
    asyncio.run(watch.flush())
    assert [(one.fresh, one.sequential) for one in book.hours] == [(3, 2), (3, 2)]


def test_nothing_of_a_question_is_in_the_memory_of_it() -> None:
    watch = UseWatch(ManualClock(MONDAY), Counted())
    asked = numbers(1)
    watch.saw(an_asking(), asked, 0)
    held = repr(vars(watch)) + repr([vars(seen) for seen in watch._seen.values()])
    assert rpps(1).value[:-1] not in held
    assert repr(asked[0].digests[0])[2:-1] not in held


def test_clients_are_counted_apart_and_hours_too() -> None:
    clock, book = ManualClock(MONDAY), Counted()
    watch = UseWatch(clock, book)
    watch.saw(an_asking(by=ANNE), numbers(1), 0)
    watch.saw(an_asking(by=BRUNO), numbers(1), 0)
    clock.move_to(MONDAY + timedelta(hours=1))
    watch.saw(an_asking(by=ANNE), numbers(1), 0)
    asyncio.run(watch.flush())
    assert [(one.operator_id, one.fresh) for one in book.hours] == [(ANNE, 1), (BRUNO, 1), (ANNE, 0)]


def test_what_cannot_be_added_now_is_added_later(caplog: pytest.LogCaptureFixture) -> None:
    book = Counted()
    watch = UseWatch(ManualClock(MONDAY), book)
    watch.saw(an_asking(), numbers(1), 0)
    book.closed = True
    asyncio.run(watch.flush())
    watch.saw(an_asking(), numbers(2), 0)
    book.closed = False
    asyncio.run(watch.flush())
    asyncio.run(watch.flush())
    assert [one.asked for one in book.hours] == [2]
    assert "ConnectionError" in caplog.text


# In the book ----------------------------------------------------------------------------------


@pytest.fixture
def register(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def swept(register: Story, by: UUID = ANNE) -> None:
    register.house.watch.saw(an_asking(by=by), numbers(*range(50)), 0)
    asyncio.run(register.house.watch.flush())


def look(register: Story) -> list[Unusual]:
    usage, now = register.house.usage, register.house.clock.now()
    return [observed.kind for observed in look_for_unusual_use(usage, now, EAGER)]


def test_an_alarm_is_raised_once_a_day_for_each_client(
    register: Story, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    swept(register)
    assert look(register) == [Unusual.SEQUENCE]
    assert look(register) == []
    swept(register, BRUNO)
    swept(register)
    assert look(register) == [Unusual.SEQUENCE]
    assert register.house.usage.open_alarms() == {"sequence": 2}
    assert str(ANNE) in caplog.text


def test_two_processes_add_to_one_hour(register: Story) -> None:
    swept(register)
    another = UseWatch(register.house.clock, register.house.usage)
    another.saw(an_asking(by=ANNE), numbers(*range(50)), 0)
    asyncio.run(another.flush())
    (row,) = register.rows("SELECT asked, sequential FROM usage")
    assert row == {"asked": 100, "sequential": 98}


def test_hours_of_which_no_habit_is_told_are_forgotten(register: Story) -> None:
    swept(register)
    assert register.house.usage.forget(MONDAY) == 0
    assert register.house.usage.forget(MONDAY + timedelta(days=31)) == 1
    assert register.count("usage") == 0


def test_an_identifier_is_never_in_the_book(register: Story) -> None:
    swept(register)
    assert Identifier("rpps", rpps(1).value).value not in repr(register.rows("SELECT * FROM usage"))
