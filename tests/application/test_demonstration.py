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
from watchlist.application.letters import Writing
from watchlist.application.sweep import sweep
from watchlist.bootstrap import House, build
from watchlist.domain import identifiers
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import is_identified
from watchlist.domain.letter import Contacts, Letter
from watchlist.domain.refusals import LettersUnavailable
from watchlist.domain.schedule import SCHEDULE
from watchlist.domain.tokens import Named

NOW = datetime(2026, 3, 10, 8, 30, tzinfo=UTC)
LEAP = datetime(2028, 3, 1, 0, 20, tzinfo=UTC)
OPERATORS = {
    "investigator": UUID(int=1),
    "supervisor": UUID(int=2),
    "dpo": UUID(int=5),
    f"{MUTUELLE}/investigator": UUID(int=3),
    f"{MUTUELLE}/supervisor": UUID(int=4),
}


class Loaded:
    def __init__(self, house: House, now: datetime, writing: Writing | None = None) -> None:
        self.house, self.told = house, list[tuple[int, int]]()
        clock = house.clock
        assert isinstance(clock, ManualClock)
        began = time.process_time()
        self.shown: Demonstration = load_demonstration(
            house.desk,
            writing or house.writing,
            clock.move_to,
            OPERATORS,
            now,
            lambda done, total: self.told.append((done, total)),
        )
        self.seconds = time.process_time() - began  # its own: others may be busy

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
        "inscriptions WHERE ends_at BETWEEN '2026-03-09 08:30Z' AND '2026-03-10 08:30Z'",
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
        "cases WHERE state = 'under_investigation' AND inactive_at < '2026-07-10'",
        "cases WHERE state = 'closed'",
        "subjects WHERE merged_into IS NOT NULL",
        "subjects WHERE deceased",
        "stolen_tokens",
        "imports WHERE approved_by IS NULL",
        "imports WHERE approved_by IS NOT NULL",
        "deadlines WHERE kind = 'death_review'",
        "letters WHERE sent_on IS NOT NULL AND kind = 'inscription'",
        "letters WHERE sent_on IS NOT NULL AND kind = 'delisting'",
        "letters WHERE due_at > '2026-03-10' AND deferred_to IS NULL",
        "letters WHERE deferred_to > '2026-03-10'",
        "inscriptions WHERE hold_review_due_at > '2026-03-10'",
        "rights_requests WHERE state = 'received' AND NOT extended",
        "rights_requests WHERE extended",
        "rights_requests WHERE granted AND review_on > '2026-03-10'",
        "rights_requests WHERE state = 'answered' AND NOT granted",
        "inscriptions i JOIN rights_requests r USING (subject_id) WHERE r.kind = 'objection' AND i.restricted",
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
    assert shown.ended_entry not in on_the_list
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


def test_what_ended_at_midnight_was_swept_and_a_sweep_finds_nothing_more(loaded: Loaded) -> None:
    (row,) = loaded.rows("SELECT * FROM inscriptions WHERE inscription_id = %b", loaded.shown.ended_entry)
    assert row["delisting_ground"] == "term_elapsed"
    assert row["ends_at"] == datetime(2026, 3, 9, 23, tzinfo=UTC)
    report = sweep(loaded.house.desk)
    assert (report.delisted, report.purged, report.failed) == (0, 0, [])


def test_nothing_is_late_when_it_is_loaded_and_letters_and_requests_are_due(loaded: Loaded) -> None:
    late = "deadlines WHERE due_at <= %b AND held_by = '{}'"
    assert loaded.rows(f"SELECT kind, due_at FROM {late}", NOW) == []
    in_a_month = loaded.rows(f"SELECT DISTINCT kind FROM {late}", NOW + timedelta(days=32))
    assert {row["kind"] for row in in_a_month} >= {
        "letter",
        "delisting_letter",
        "rights_request",
        "death_review",
    }
    by_person = [kind for kind, duty in SCHEDULE.items() if not duty.by_machine]
    soon = NOW + timedelta(days=9)
    assert loaded.rows(f"SELECT kind FROM {late} AND kind = ANY(%b)", soon, by_person) == []


def test_the_letter_and_the_request_it_tells_of_are_open(loaded: Loaded) -> None:
    (letter,) = loaded.rows("SELECT * FROM letters WHERE letter_id = %b", loaded.shown.due_letter)
    assert (letter["kind"], letter["sent_on"]) == ("inscription", None)
    assert letter["due_at"] > NOW
    (request,) = loaded.rows("SELECT * FROM rights_requests WHERE request_id = %b", loaded.shown.open_request)
    assert (request["kind"], request["state"], request["restricts"]) == ("objection", "received", True)


class _NoPress:
    """As without the extra `letters`."""

    def print(self, letter: Letter) -> bytes:
        raise LettersUnavailable()


def test_without_a_press_it_loads_too_and_its_letters_are_deferred(database_url: str) -> None:
    with build(database_url, uuid4().bytes * 2, ManualClock(NOW)) as house:
        loaded = Loaded(house, NOW, Writing(_NoPress(), Contacts()))
        assert loaded.number("letters WHERE sent_on IS NOT NULL") == 0
        assert loaded.number("letters WHERE deferred_to > '2026-03-10'") > 50
        assert loaded.number("deadlines WHERE due_at <= %b AND held_by = '{}'", NOW) == 0


@pytest.mark.parametrize("now", [LEAP, datetime(2027, 10, 31, 0, 30, tzinfo=UTC)])
def test_it_loads_on_any_day(database_url: str, now: datetime) -> None:
    with build(database_url, uuid4().bytes * 2, ManualClock(now)) as house:
        loaded = Loaded(house, now)
        (row,) = loaded.rows("SELECT * FROM inscriptions WHERE inscription_id = %b", loaded.shown.ended_entry)
        assert row["state"] == "delisted"
        assert row["ends_at"] <= now
        assert loaded.number("deadlines WHERE due_at <= %b AND held_by = '{}'", now) == 0
