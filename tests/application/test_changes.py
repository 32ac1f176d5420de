"""Whoever received a hit is told that it stopped, or resumed; once, in order, and with no gap (S8, S7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import pytest

from scheduler.jobs.deliver_changes import forget_old_changes
from tests.stories import (
    ANNE,
    ANOTHER,
    BRUNO,
    ORGANISATION,
    RPPS,
    Story,
    a_person,
    a_story,
    ask,
    at_once,
    rpps,
)
from watchlist.application.delist import delist, lift_restriction, restrict
from watchlist.application.exercise_rights import Received, receive_request
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.register_subject import record_death, rectify_subject
from watchlist.application.rotate_lookups import rotate_lookups
from watchlist.application.sweep import sweep
from watchlist.domain.change import Change
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Person
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.refusals import Conflict
from watchlist.domain.rights_request import Right
from watchlist.domain.tokens import Named

PERSON = ("Lefèvre", "Anne", date(1970, 1, 2))


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as story:
        yield story


def hit(
    story: Story,
    *entries: UUID,
    by: Identifier | None = RPPS,
    person: tuple[str, str, date] | None = None,
    organisation: str = ANOTHER,
    key: str = "q1",
) -> UUID:
    """A screening that hit these entries, as it is kept; its id."""
    tokenizer = story.desk.lookups.now.asked
    question = tokenizer.question((by,) if by else (), person and Named.of(*person))
    screening_id = uuid4()
    for entry in entries:
        row = (screening_id, key, entry, uuid4(), organisation, story.clock.now(), list(question.digests))
        rest = (sorted(question.given), tokenizer.generation, b"a question")
        with story.house.pool.connection() as conn:
            conn.execute(
                "INSERT INTO hits VALUES (%b, %b, %b, %b, %b, %b, %b::bytea[], %b::bytea[], %b, %b, true)",
                row + rest,
            )
    return screening_id


def told(story: Story, organisation: str = ANOTHER) -> list[Change]:
    return story.house.feed.changes(organisation, 0, 1000)


def kinds(story: Story, organisation: str = ANOTHER) -> list[str]:
    return [change.kind.value for change in told(story, organisation)]


def end(story: Story, entry: UUID, ground: DelistingGround = DelistingGround.REPAID) -> None:
    delist(story.desk, ask(BRUNO), entry, ground, "repaid")


def hits_of_one_screening(story: Story, entry: UUID, many: int, asked: int = 1) -> None:
    """One screening that asked for the same person under so many keys of its own, in so many ways."""
    tokenizer = story.desk.lookups.now.asked
    digests = list(tokenizer.question((RPPS,)).digests)
    _do(
        story,
        "INSERT INTO hits SELECT %b, 'q' || n, %b, gen_random_uuid(), %b, %b, %b::bytea[], '{}', %b,"
        " convert_to((n %% %b)::text, 'UTF8'), true FROM generate_series(1, %b) AS n",
        *(uuid4(), entry, ANOTHER, story.clock.now(), digests, tokenizer.generation, asked, many),
    )


# When ------------------------------------------------------------------------------------------


def test_a_delisting_is_told_to_who_received_the_hit(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    screening_id = hit(story, entry)
    assert told(story) == []
    end(story, entry)
    (change,) = told(story)
    assert (change.id, change.kind, change.screening_id, change.key) == ("1", "stopped", screening_id, "q1")
    assert change.at > story.clock.now() - timedelta(seconds=1)
    assert told(story, ORGANISATION) == []


def test_an_end_by_the_sweep_is_told(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS), months=1)
    hit(story, entry)
    story.clock.advance(days=40)
    assert kinds(story) == []
    sweep(story.desk)
    assert kinds(story) == ["stopped"]
    sweep(story.desk)
    assert kinds(story) == ["stopped"]


def test_a_restriction_stops_the_hit_and_lifting_it_resumes_it(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    restrict(story.desk, ask(BRUNO), entry, "contested")
    assert kinds(story) == ["stopped"]
    lift_restriction(story.desk, ask(BRUNO), entry, "settled")
    assert kinds(story) == ["stopped", "resumed"]


def test_an_objection_stops_the_hit(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    receive_request(story.desk, ask(), Received(Right.OBJECTION, subject, story.clock.now().date()))
    assert kinds(story) == ["stopped"]


def test_a_rectification_stops_what_was_found_by_the_wrong_number_only(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry, key="number")
    hit(story, entry, by=None, person=PERSON, key="name")
    _rectified(story, subject, a_person("Lefèvre", "Anne", rpps(7)))
    assert [(c.kind.value, c.key) for c in told(story)] == [("stopped", "number")]
    _rectified(story, subject, a_person("Lefèvre", "Anne", RPPS))
    assert [(c.kind.value, c.key) for c in told(story)][1:] == [("resumed", "number")]


def test_given_names_count_as_they_do_when_one_asks(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne Marie", RPPS))
    for key, names in (("contained", "Anne"), ("containing", "Anne Marie Claude"), ("same", "Marie Anne")):
        hit(story, entry, by=None, person=("Lefèvre", names, date(1970, 1, 2)), key=key)
    _rectified(story, subject, a_person("Lefèvre", "Anne Sophie", RPPS))
    assert {c.key for c in told(story)} == {"containing", "same"}


def test_a_death_or_a_note_tells_nothing(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    record_death(story.desk, ask(), subject, date(2021, 3, 1))
    assert kinds(story) == []


def test_a_merge_adds_and_a_split_takes_away(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    double = story.subject(a_person("Lefèvre", "Anne Sophie"))
    merge_subjects(story.desk, ask(), subject, double, "the same")
    sophie = ("Lefèvre", "Sophie", date(1970, 1, 2))
    hit(story, entry, by=None, person=sophie)
    split_subjects(story.desk, ask(), subject, double, "two, after all")
    assert kinds(story) == ["stopped"]
    merge_subjects(story.desk, ask(), subject, double, "the same")
    assert kinds(story) == ["stopped", "resumed"]


def test_a_hit_on_two_entries_stands_while_one_does(story: Story) -> None:
    subject, _, first = story.listed(a_person("Lefèvre", "Anne", RPPS))
    second = story.inscribe(story.case(subject), subject)
    hit(story, first, second)
    end(story, first)
    assert kinds(story) == []
    end(story, second)
    assert kinds(story) == ["stopped"]


def test_a_pair_that_was_reviewed_as_homonyms_does_not_resume(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    restrict(story.desk, ask(BRUNO), entry, "contested")
    _do(
        story,
        "INSERT INTO homonyms VALUES (%b, %b, %b, %b)",
        ANOTHER,
        b"a question",
        entry,
        uuid4(),
    )
    lift_restriction(story.desk, ask(BRUNO), entry, "settled")
    assert kinds(story) == ["stopped"]


# After the look-up key has rotated -------------------------------------------------------------


def test_a_rotation_tells_nothing_and_an_end_after_it_is_told(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    rotate_lookups(story.desk, story.house.rotation, grace=0)
    restrict(story.desk, ask(BRUNO), entry, "contested")
    lift_restriction(story.desk, ask(BRUNO), entry, "settled")
    end(story, entry)
    assert kinds(story) == ["stopped", "resumed", "stopped"]


def test_after_a_rotation_a_rectification_stops_the_hit_for_good(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    rotate_lookups(story.desk, story.house.rotation, grace=0)
    _rectified(story, subject, replace(a_person("Lefèvre", "Anne", RPPS), birth_place="Lyon"))
    restrict(story.desk, ask(BRUNO), entry, "contested")
    lift_restriction(story.desk, ask(BRUNO), entry, "settled")
    assert kinds(story) == ["stopped"]


def test_after_a_rotation_a_death_is_no_other_identity(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    rotate_lookups(story.desk, story.house.rotation, grace=0)
    record_death(story.desk, ask(), subject, date(2021, 3, 1))
    assert kinds(story) == []


# Numbers ---------------------------------------------------------------------------------------


def test_numbers_have_no_gap_and_are_each_organisations_own(story: Story) -> None:
    entries = [story.listed(a_person(f"Lefèvre{n}", "Anne", rpps(n)))[2] for n in range(4)]
    for n, entry in enumerate(entries):
        hit(story, entry, by=rpps(n))
        hit(story, entry, by=rpps(n), organisation="MUTUELLE")
    at_once([partial(end, story, entry) for entry in entries])
    for organisation in (ANOTHER, "MUTUELLE"):
        assert [change.sequence for change in told(story, organisation)] == [1, 2, 3, 4]


def test_a_number_is_given_once_even_when_its_change_is_gone(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    restrict(story.desk, ask(BRUNO), entry, "contested")
    _do(story, "DELETE FROM changes")
    lift_restriction(story.desk, ask(BRUNO), entry, "settled")
    assert [change.sequence for change in told(story)] == [2]


def test_changes_are_forgotten_with_the_access_log_and_their_numbers_are_not_given_again(
    story: Story,
) -> None:
    """P6: their keys are texts of the askers, which nothing else would ever end."""
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    restrict(story.desk, ask(BRUNO), entry, "contested")
    story.house.feed.acknowledge(ANOTHER, 1, story.clock.now(), ANNE)
    story.clock.advance(days=200)
    lift_restriction(story.desk, ask(BRUNO), entry, "settled")
    assert forget_old_changes(story.house) is None
    story.clock.advance(days=200)
    assert forget_old_changes(story.house) == "forgot 1 changes that were told long ago"
    assert [(change.id, change.kind) for change in told(story)] == [("2", "resumed")]
    assert story.count("change_acknowledgements") == 0
    story.clock.advance(days=400)
    forget_old_changes(story.house)
    assert told(story) == []
    end(story, entry)
    assert [(change.id, change.kind) for change in told(story)] == [("3", "stopped")]


def test_no_clock_makes_the_feed_forget_what_was_told_in_the_last_six_months(story: Story) -> None:
    story.clock.move_to(datetime.now(UTC))
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    end(story, entry)
    story.clock.advance(days=3000)
    assert forget_old_changes(story.house) is None
    assert kinds(story) == ["stopped"]


@pytest.mark.parametrize("asked", [1, 20_000])
def test_an_entry_that_was_hit_at_twenty_thousand_payments_ends_without_holding_up_the_rest(
    story: Story, asked: int
) -> None:
    """Nothing is known of the tables yet, and all who record wait: each hit is looked at once."""
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hits_of_one_screening(story, entry, 20_000, asked)
    began = monotonic()
    end(story, entry)
    assert monotonic() - began < 6  # a loop over a loop takes a minute
    (told_of,) = story.rows("SELECT count(*) AS n, max(sequence) AS last FROM changes WHERE kind = 'stopped'")
    assert (told_of["n"], told_of["last"]) == (20_000, 20_000)
    assert story.rows("SELECT FROM hits WHERE stands") == []


def test_an_entry_that_nobody_was_told_of_costs_one_look_at_an_index(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hits_of_one_screening(story, entry, 60_000)
    with story.house.pool.connection() as conn:
        began = monotonic()
        for _ in range(300):
            conn.execute("SELECT tell_changes(%b::uuid[], false)", ([uuid4()],))
        assert monotonic() - began < 0.5  # read through, the hits take a second


def test_a_command_that_fails_tells_nothing(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    with pytest.raises(Conflict):
        lift_restriction(story.desk, ask(BRUNO), entry, "nothing to lift")
    assert story.count("change_sequences") == 0


# Acknowledged ----------------------------------------------------------------------------------


def test_a_change_is_acknowledged_once_and_late_until_then(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    end(story, entry)
    assert (_late(story), story.house.feed.is_late(story.clock.now())) == (0, False)
    story.clock.advance(days=3, seconds=1)
    assert (_late(story), story.house.feed.is_late(story.clock.now())) == (1, True)
    (due,) = story.house.pictures.deadlines(ANOTHER, story.clock.now())
    assert (due["kind"], due["case_id"], due["subject_id"]) == ("change_unacknowledged", None, None)
    assert story.house.pictures.deadlines(ORGANISATION, story.clock.now()) == []
    first = story.house.feed.acknowledge(ANOTHER, 1, story.clock.now(), ANNE)
    story.clock.advance(hours=1)
    assert story.house.feed.acknowledge(ANOTHER, 1, story.clock.now(), BRUNO) == first
    assert _late(story) == 0


def test_nobody_acknowledges_what_another_was_told(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    hit(story, entry)
    end(story, entry)
    assert story.house.feed.acknowledge(ORGANISATION, 1, story.clock.now(), ANNE) is None
    assert story.house.feed.acknowledge(ANOTHER, 2, story.clock.now(), ANNE) is None


# Told by hand ----------------------------------------------------------------------------------


def _rectified(story: Story, subject_id: UUID, identity: Person) -> None:
    version = story.rows("SELECT version FROM subjects WHERE subject_id = %b", subject_id)[0]["version"]
    rectify_subject(story.desk, ask(), subject_id, identity, "acte de naissance reçu", version)


def _do(story: Story, query: str, *params: Any) -> None:
    with story.house.pool.connection() as conn:
        conn.execute(query.encode(), params)


def _late(story: Story) -> int:
    counted = story.house.pictures.deadlines_counted(story.clock.now())
    return next(row["late"] for row in counted if row["kind"] == "change_unacknowledged")
