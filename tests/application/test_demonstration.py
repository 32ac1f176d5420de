"""The demonstration shows every kind of thing at least once, and the list answers it by the rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from watchlist.adapters.clock import ManualClock
from watchlist.application.demonstration import (
    MUTUELLE,
    SEVEANE,
    Demonstration,
    _Cast,
    load_demonstration,
)
from watchlist.application.sweep import sweep
from watchlist.bootstrap import House, build
from watchlist.domain import identifiers
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import is_identified
from watchlist.domain.tokens import Named

NOW = datetime(2026, 3, 10, 8, 30, tzinfo=UTC)
LEAP = datetime(2028, 3, 1, 0, 20, tzinfo=UTC)
OPERATORS = {
    "investigator": UUID(int=1),
    "supervisor": UUID(int=2),
    f"{MUTUELLE}/investigator": UUID(int=3),
    f"{MUTUELLE}/supervisor": UUID(int=4),
}


class Loaded:
    def __init__(self, house: House, now: datetime) -> None:
        self.house, self.told = house, list[tuple[int, int]]()
        clock = house.clock
        assert isinstance(clock, ManualClock)
        began = time.perf_counter()
        self.shown: Demonstration = load_demonstration(
            house.desk, clock.move_to, OPERATORS, now, lambda done, total: self.told.append((done, total))
        )
        self.seconds = time.perf_counter() - began

    def rows(self, query: str, *params: Any) -> list[dict[str, Any]]:
        with self.house.pool.connection() as conn:
            return conn.execute(query.encode(), params).fetchall()

    def number(self, query: str, *params: Any) -> int:
        return self.rows(f"SELECT count(*) AS n FROM {query}", *params)[0]["n"]

    def hits(self, rpps: str = "", person: tuple[str, str, date] | None = None) -> int:
        asked = [Identifier("rpps", rpps)] if rpps else []
        question = self.house.desk.tokenizer.question(asked, person and Named.of(*person))
        return self.number(
            "answerable WHERE digest = ANY(%b) AND answers_until > %b",
            list(question.digests),
            self.house.clock.now(),
        )


@pytest.fixture(scope="module")
def loaded(cluster: str, template_database: str) -> Iterator[Loaded]:
    """Loaded once: the tests but the last only read it."""
    from psycopg.conninfo import make_conninfo

    from tests.conftest import _create, _drop

    name = _create(cluster, template_database)
    with build(make_conninfo(cluster, dbname=name), b"k" * 32, ManualClock(NOW)) as house:
        yield Loaded(house, NOW)
    _drop(cluster, name)


def test_it_loads_in_time_and_says_how_far_it_is(loaded: Loaded) -> None:
    print(f"\n{loaded.seconds:.1f} s, {loaded.number('events')} events, {loaded.shown}")
    assert loaded.seconds < 15
    assert loaded.told[-1][0] == loaded.told[-1][1] == len(loaded.told)


def test_the_clock_ends_at_now_and_nothing_is_in_the_future(loaded: Loaded) -> None:
    assert loaded.house.clock.now() == NOW
    (row,) = loaded.rows("SELECT min(recorded_at) AS first, max(recorded_at) AS last FROM events")
    assert row["last"] <= NOW + timedelta(milliseconds=1)
    assert row["first"] < NOW - timedelta(days=5 * 366)
    assert loaded.number("inscriptions WHERE inscribed_on > %b", NOW.date()) == 0


def test_the_numbers_it_tells_are_those_of_the_register(loaded: Loaded) -> None:
    for table, told in (
        ("subjects", loaded.shown.subjects),
        ("cases", loaded.shown.cases),
        ("inscriptions", loaded.shown.entries),
    ):
        assert loaded.number(table) == told


@pytest.mark.parametrize(
    "query",
    [
        "inscriptions WHERE state = 'active' AND ends_at > '2026-03-10 08:30Z' AND NOT restricted",
        "inscriptions WHERE state = 'active' AND ends_at <= '2026-03-10 08:30Z'",
        "inscriptions WHERE delisting_ground = 'term_elapsed'",
        "inscriptions WHERE delisting_ground = 'organisation_decision'",
        "inscriptions WHERE delisting_ground = 'repaid'",
        "inscriptions WHERE delisting_ground = 'inaccurate'",
        "inscriptions WHERE delisting_ground = 'objection_upheld'",
        "inscriptions WHERE delisting_ground = 'erasure_upheld'",
        "inscriptions WHERE delisting_ground = 'court_decision'",
        "inscriptions WHERE delisting_ground = 'deceased'",
        "inscriptions WHERE state = 'active' AND listed_until < '2026-03-10' AND held_by <> '{}'",
        "inscriptions WHERE state = 'active' AND listed_until > '2026-03-11' AND held_by <> '{}'",
        "inscriptions WHERE state = 'active' AND restricted AND held_by = '{}'",
        "inscriptions WHERE state = 'active' AND restricted AND held_by <> '{}'",
        "inscriptions WHERE state = 'proposed' AND import_id IS NULL",
        "inscriptions WHERE state = 'proposed' AND import_id IS NOT NULL",
        "inscriptions WHERE state = 'active' AND import_id IS NOT NULL",
        "inscriptions WHERE state = 'rejected'",
        "inscriptions WHERE state = 'withdrawn'",
        "inscriptions WHERE state = 'active' AND last_listed_day BETWEEN '2026-03-10' AND '2026-03-15'",
        "inscriptions WHERE state = 'active' AND term_months < 60",
        "inscriptions WHERE state = 'active' AND organisation = 'DEMO-MUTUELLE'",
        "inscriptions WHERE letter_due_at > '2026-03-30'",
        "cases WHERE state = 'alert' AND alert_ends_at > '2026-03-20'",
        "cases WHERE alert_ends_at BETWEEN '2026-03-10' AND '2026-03-20'",
        "cases WHERE state = 'dismissed' OR state = 'purged'",
        "cases WHERE state = 'under_investigation' AND inactive_at < '2026-03-10'",
        "cases WHERE state = 'closed'",
        "subjects WHERE merged_into IS NOT NULL",
        "subjects WHERE deceased",
        "stolen_tokens",
        "imports WHERE approved_by IS NULL",
        "imports WHERE approved_by IS NOT NULL",
        "deadlines WHERE kind = 'death_review'",
    ],
)
def test_each_kind_is_shown_at_least_once(loaded: Loaded, query: str) -> None:
    assert loaded.number(query) >= 1


def test_the_examples_answer_by_the_rules(loaded: Loaded) -> None:
    shown = loaded.shown
    assert loaded.hits(shown.listed_rpps) == 2
    assert [loaded.hits(n) for n in (shown.unlisted_rpps, shown.restricted_rpps, shown.victim_rpps)] == [
        0,
        0,
        0,
    ]
    person = shown.listed_person
    named = person["family_name"], person["given_names"], date.fromisoformat(person["birth_date"])
    assert loaded.hits(person=named) == 1
    assert all(value for value in asdict(shown).values())


def test_the_examples_are_what_they_are_said_to_be(loaded: Loaded) -> None:
    shown, at = loaded.shown, loaded.house.clock.now()
    on_the_list = {
        row["inscription_id"]: row for row in loaded.house.pictures.current_list(SEVEANE, at, limit=10_000)
    }
    held = on_the_list[shown.held_entry]
    assert held["held_by"]
    assert held["listed_until"] < at
    assert shown.unswept_entry not in on_the_list
    assert on_the_list[shown.due_entry]["listed_until"] < at + timedelta(days=8)
    (proposed,) = loaded.rows("SELECT * FROM inscriptions WHERE inscription_id = %b", shown.proposed_entry)
    assert (proposed["state"], proposed["proposed_by"]) == ("proposed", OPERATORS["investigator"])


def test_every_number_passes_its_check() -> None:
    from random import Random

    cast = _Cast(Random(1))
    for _ in range(200):
        who = cast.anyone()
        assert is_identified(who)
        for number in who.identifiers:
            assert identifiers.parse(number.scheme, number.value) == number


def test_the_first_sweep_of_the_service_finds_the_entry_that_ended_at_midnight(loaded: Loaded) -> None:
    assert sweep(loaded.house.desk).delisted == 1
    (row,) = loaded.rows("SELECT * FROM inscriptions WHERE inscription_id = %b", loaded.shown.unswept_entry)
    assert row["delisting_ground"] == "term_elapsed"


@pytest.mark.parametrize("now", [LEAP, datetime(2027, 10, 31, 0, 30, tzinfo=UTC)])
def test_it_loads_on_any_day(database_url: str, now: datetime) -> None:
    with build(database_url, uuid4().bytes * 2, ManualClock(now)) as house:
        loaded = Loaded(house, now)
        (row,) = loaded.rows(
            "SELECT * FROM inscriptions WHERE inscription_id = %b", loaded.shown.unswept_entry
        )
        assert row["state"] == "active"
        assert row["ends_at"] <= now
