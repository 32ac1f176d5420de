"""Replay: the log told again gives the list of every instant, and the pictures of now (L3, T3)."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from tests.stories import BRUNO, Story, a_story, ask, rpps
from watchlist.application.delist import delist, lift_restriction, restrict
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.replay import Difference, check, replay
from watchlist.application.work_on_case import add_note, record_victim
from watchlist.domain.inscription import DelistingGround


@pytest.fixture
def register(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def tell(register: Story) -> None:
    """A bit of everything that moves the list."""
    subject, case, entry = register.listed()
    other, _, _ = register.listed(months=12)
    register.clock.advance(days=1)
    procedure = register.open_procedure(case, subject)
    add_note(register.desk, ask(), case, "a note")
    register.clock.advance(days=1)
    restrict(register.desk, ask(BRUNO), entry, "contested")
    register.clock.advance(days=1)
    lift_restriction(register.desk, ask(BRUNO), entry, "settled")
    merge_subjects(register.desk, ask(), subject, other, "the same person")
    register.clock.advance(days=1)
    split_subjects(register.desk, ask(), subject, other, "not the same")
    victim = register.subject()
    record_victim(register.desk, ask(), victim, case, (rpps(900),), "stolen")
    register.end_procedure(case, procedure)
    register.clock.advance(days=1)
    delist(register.desk, ask(BRUNO), entry, DelistingGround.REPAID, "repaid")
    register.listed()


def test_the_live_pictures_are_what_the_log_says(register: Story) -> None:
    tell(register)
    told, differences = check(register.desk, register.house.snapshots)
    assert differences == []
    assert told.position == register.house.register.position()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("UPDATE watchlist.inscriptions SET restricted = NOT restricted", ("inscriptions", "different")),
        ("DELETE FROM watchlist.cases", ("cases", "missing")),
        ("UPDATE watchlist.answerable SET answers_until = now()", ("answerable", "different")),
        ("DELETE FROM watchlist.answerable", ("answerable", "missing")),
        (
            "INSERT INTO watchlist.answerable VALUES ('x', gen_random_uuid(), NULL, now())",
            ("answerable", "unexpected"),
        ),
        (
            "UPDATE watchlist.inscription_history SET recorded_until = now()",
            ("inscription_history", "different"),
        ),
        ("DELETE FROM watchlist.subject_tokens", ("subject_tokens", "missing")),
        ("UPDATE watchlist.subjects SET identified = false", ("subjects", "different")),
        ("DELETE FROM watchlist.stolen_tokens", ("stolen_tokens", "missing")),
    ],
)
def test_a_picture_that_was_touched_is_found_out(
    register: Story, database_url: str, damage: str, found: tuple[str, str]
) -> None:
    tell(register)
    with psycopg.connect(database_url) as conn:
        conn.execute(damage.encode())
    _, differences = check(register.desk, register.house.snapshots)
    assert found in {(difference.table, difference.kind) for difference in differences}


def test_a_difference_tells_ids_and_columns_and_nothing_else(register: Story, database_url: str) -> None:
    _, _, entry = register.listed()
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE watchlist.inscriptions SET restricted = true")
    _, differences = check(register.desk, register.house.snapshots)
    assert differences == [
        Difference("inscriptions", "different", {"inscription_id": str(entry)}, ("restricted",))
    ]


def test_the_history_rows_and_a_replay_give_the_same_list_of_every_instant(register: Story) -> None:
    begun = register.clock.now()
    tell(register)
    for hours in range(0, 24 * 6, 6):
        at = begun + timedelta(hours=hours, minutes=5)
        rows = register.house.pictures.list_as_of(None, at, limit=1000)
        standings = replay(register.house.snapshots, at).listed(at)
        assert [(r["inscription_id"], r["held_by"], r["restricted"], r["subject_id"]) for r in rows] == [
            (s.inscription_id, s.held_by, s.restricted, s.subject_id) for s in standings
        ]
