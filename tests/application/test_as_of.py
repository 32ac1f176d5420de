"""The list as of any instant: the history rows, a replay, and a replay that is cut short tell the same (T3, L1, L7)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from tests.application.test_import import a_file, a_line
from tests.conftest import _create, _drop
from tests.stories import ANNE, BRUNO, MONDAY, ORGANISATION, Story, a_person, a_story, ask
from watchlist.application.case_file import read_case
from watchlist.application.case_texts import redact_text
from watchlist.application.delist import delist, lift_restriction, restrict
from watchlist.application.import_list import approve_import, submit_import
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.open_case import close_case, qualify_alert
from watchlist.application.purge_case import purge_case
from watchlist.application.replay import replay
from watchlist.application.sweep import sweep
from watchlist.application.work_on_case import add_note
from watchlist.domain import refusals
from watchlist.domain.case_events import ClosingOutcome
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.standing import Moment
from watchlist.projections.as_of import SHOWN, Turn
from watchlist.projections.replay import Replay

A_MOMENT = timedelta(microseconds=1)
Row = tuple[Any, ...]


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def instants(story: Story) -> list[datetime]:
    """Every recorded one and every end, just before it, and just after it."""
    recorded = {row["at"] for row in story.rows("SELECT DISTINCT recorded_at AS at FROM events")}
    ends = {row["at"] for row in story.rows("SELECT DISTINCT ends_at AS at FROM inscription_history")}
    past = {at for at in recorded | ends if at.year < 9999}
    return sorted({at + step * A_MOMENT for at in past for step in (-1, 0, 1)})


def by_rows(story: Story, moment: Moment) -> list[Row]:
    """Page by page, two at a time."""
    found: list[dict[str, Any]] = []
    while page := story.house.standings.listed(None, moment, _after(found), limit=2):
        found += page
    return [tuple(row[name] for name in SHOWN) for row in found]


def _after(found: list[dict[str, Any]]) -> UUID:
    return found[-1]["inscription_id"] if found else UUID(int=0)


def by_replay(told: Replay, moment: Moment) -> list[Row]:
    listed = told.listed(moment.at, known_at=moment.known_at)
    return [tuple(getattr(one, name) for name in SHOWN) for one in listed]


def tells_the_same(story: Story, moments: list[Moment]) -> None:
    whole = replay(story.house.snapshots)
    cut = {known_at: replay(story.house.snapshots, known_at) for known_at in {m.known_at for m in moments}}
    for moment in moments:
        rows = by_rows(story, moment)
        assert rows == by_replay(whole, moment) == by_replay(cut[moment.known_at], moment), moment


# Stories --------------------------------------------------------------------------------------


class Telling:
    """What may happen next, each thing by its name; what the register refuses does not happen."""

    def __init__(self, story: Story) -> None:
        self.story, self.desk = story, story.desk
        self.entries: list[tuple[UUID, UUID, UUID]] = []
        self.procedures: list[tuple[UUID, UUID]] = []
        self.merged: list[tuple[UUID, UUID]] = []
        self.number = 0

    def happen(self, what: str, which: int, hours: int) -> None:
        self.story.clock.advance(hours=hours)
        verb: Callable[[int], None] = getattr(self, what)
        try:
            verb(which)
        except refusals.Refusal:
            return

    def inscribe(self, which: int) -> None:
        self.number += 1
        self.entries.append(self.story.listed(a_person(f"Nom{self.number}"), months=1 + which % 3))

    def bring(self, which: int) -> None:
        self.number += 1
        day = (self.story.clock.now() - timedelta(days=which * 7)).date().isoformat()
        line = a_line(900 + self.number, inscribed_on=day, term_months=str(1 + which))
        report = submit_import(self.desk, ask(), a_file(line), "liste.csv")
        if report.import_id is not None:
            self.story.clock.advance(hours=1)
            approve_import(self.desk, ask(BRUNO), report.import_id)

    def _entry(self, which: int) -> tuple[UUID, UUID, UUID]:
        if not self.entries:
            self.inscribe(which)
        return self.entries[which % len(self.entries)]

    def restrict(self, which: int) -> None:
        restrict(self.desk, ask(BRUNO), self._entry(which)[2], "contestée")

    def lift(self, which: int) -> None:
        lift_restriction(self.desk, ask(BRUNO), self._entry(which)[2], "confirmée")

    def delist(self, which: int) -> None:
        delist(self.desk, ask(BRUNO), self._entry(which)[2], DelistingGround.INACCURATE, "erreur")

    def go_to_court(self, which: int) -> None:
        subject, case, _ = self._entry(which)
        self.procedures.append((case, self.story.open_procedure(case, subject)))

    def end_in_court(self, which: int) -> None:
        if self.procedures:
            self.story.end_procedure(*self.procedures[which % len(self.procedures)])

    def merge(self, which: int) -> None:
        one, other = self._entry(which)[0], self._entry(which + 1)[0]
        merge_subjects(self.desk, ask(), one, other, "la même personne")
        self.merged.append((one, other))

    def split(self, which: int) -> None:
        if self.merged:
            split_subjects(self.desk, ask(), *self.merged[which % len(self.merged)], "une autre")

    def sweep(self, which: int) -> None:
        sweep(self.desk)


HAPPENINGS = (
    *("inscribe", "inscribe", "bring", "restrict", "lift", "delist", "go_to_court", "end_in_court"),
    *("merge", "split", "sweep"),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 5), st.sampled_from([0, 1, 30, 24 * 20, 24 * 45])),
    min_size=1,
    max_size=12,
)


@contextmanager
def a_register(cluster: str, template_database: str) -> Iterator[Story]:
    name = _create(cluster, template_database)
    with a_story(make_conninfo(cluster, dbname=name)) as told:
        yield told
    _drop(cluster, name)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(steps=STEPS, seed=st.integers(0, 1000))
def test_rows_a_replay_and_a_replay_cut_short_tell_the_same_of_every_instant(
    cluster: str, template_database: str, steps: list[tuple[str, int, int]], seed: int
) -> None:
    chance = random.Random(seed)
    with a_register(cluster, template_database) as story:
        telling = Telling(story)
        for step in steps:
            telling.happen(*step)
        story.clock.advance(hours=1)
        now = story.clock.now()
        told = [at for at in instants(story) if at <= now]
        as_we_knew_it = [Moment.as_we_knew_it(at) for at in chance.sample(told, min(40, len(told)))]
        later = [
            Moment(one.at, one.at + (now - one.at) / part) for one in as_we_knew_it[:8] for part in (1, 2)
        ]
        tells_the_same(story, as_we_knew_it + later)


def test_what_was_told_of_an_instant_as_we_knew_it_never_changes(story: Story) -> None:
    telling = Telling(story)
    before: dict[datetime, list[Row]] = {}
    for number, what in enumerate([*HAPPENINGS, *HAPPENINGS]):
        telling.happen(what, number, 24 * 9)
        before |= {at: by_rows(story, Moment.as_we_knew_it(at)) for at in (story.clock.now(),)}
        story.clock.advance(seconds=1)
    assert before == {at: by_rows(story, Moment.as_we_knew_it(at)) for at in before}
    assert any(before.values())


# The two views of one instant -----------------------------------------------------------------


def brought(story: Story, **cells: str) -> dict[str, Any]:
    report = submit_import(story.desk, ask(), a_file(a_line(1, **cells)), "liste.csv")
    assert report.import_id is not None
    story.clock.advance(days=1)
    approve_import(story.desk, ask(BRUNO), report.import_id)
    (row,) = story.rows("SELECT * FROM inscriptions")
    return row


def test_the_day_before_its_approval_an_imported_entry_was_on_the_list_and_we_did_not_know(
    story: Story,
) -> None:
    row = brought(story, inscribed_on="2020-01-10")
    story.clock.advance(days=1)
    eve, now = row["inscribed_at"] - timedelta(days=1), story.clock.now()
    assert by_rows(story, Moment.as_we_knew_it(eve)) == []
    assert [one[0] for one in by_rows(story, Moment(eve, now))] == [row["inscription_id"]]
    tells_the_same(story, [Moment(eve, known_at) for known_at in (eve, now, row["inscribed_at"])])


def test_an_entry_that_was_merged_later_was_hers_all_along(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne"))
    other = story.subject(a_person("Lefebvre", "Anne"))
    then = story.clock.now() + timedelta(hours=1)
    story.clock.advance(days=1)
    merge_subjects(story.desk, ask(), other, subject, "la même personne")
    story.clock.advance(days=1)
    stood = story.house.standings.of_subject
    as_we_knew_it, as_it_was = Moment.as_we_knew_it(then), Moment(then, story.clock.now())
    assert [one.inscription_id for one in stood(None, subject, as_we_knew_it)] == [entry]
    assert stood(None, other, as_we_knew_it) == []
    assert stood(None, subject, as_it_was) == []
    assert [one.inscription_id for one in stood(None, other, as_it_was)] == [entry]
    assert stood("SOMEBODY", other, as_it_was) == []


# The difference -------------------------------------------------------------------------------


def test_the_difference_of_two_instants_is_that_of_their_lists(story: Story) -> None:
    telling = Telling(story)
    for number, what in enumerate([*HAPPENINGS, *HAPPENINGS]):
        telling.happen(what, number, 24 * 9)
    story.clock.advance(hours=1)
    now = story.clock.now()
    moments = [Moment.as_we_knew_it(at) for at in instants(story) if at <= now][::7]
    for first, second in zip(moments, moments[3:], strict=False):
        for one, two in ((first, second), (Moment(first.at, now), Moment(second.at, now))):
            before, after = ({row[0]: row for row in by_rows(story, at)} for at in (one, two))
            found = story.house.standings.differences(None, one, two, limit=1000)
            turns = {each.entry.inscription_id: each.turn for each in found}
            assert turns == {
                **dict.fromkeys(after.keys() - before.keys(), Turn.ENTERED),
                **dict.fromkeys(before.keys() - after.keys(), Turn.LEFT),
                **{id: Turn.CHANGED for id in before.keys() & after.keys() if before[id] != after[id]},
            }
            assert list(turns) == sorted(turns)


@pytest.mark.parametrize("swept", [False, True])
def test_who_left_is_told_with_the_ground(story: Story, swept: bool) -> None:
    _, _, repaid = story.listed(a_person("Un"))
    _, _, elapsed = story.listed(a_person("Deux"), months=1)
    first = Moment.as_we_knew_it(story.clock.now() + timedelta(minutes=1))
    story.clock.advance(days=40)
    delist(story.desk, ask(BRUNO), repaid, DelistingGround.REPAID, "remboursé")
    if swept:
        sweep(story.desk)
    story.clock.advance(days=1)
    found = story.house.standings.differences(None, first, Moment.as_we_knew_it(story.clock.now()))
    grounds = {one.entry.inscription_id: (one.turn, one.ground) for one in found}
    assert grounds == {
        repaid: (Turn.LEFT, DelistingGround.REPAID),
        elapsed: (Turn.LEFT, DelistingGround.TERM_ELAPSED),
    }


def test_a_difference_comes_in_pages(story: Story) -> None:
    first = Moment.as_we_knew_it(story.clock.now())
    story.clock.advance(days=1)
    entries = sorted(story.listed(a_person(f"Nom{n}"))[2] for n in range(5))
    story.clock.advance(days=1)
    second, found = Moment.as_we_knew_it(story.clock.now()), []
    while page := story.house.standings.differences(
        None, first, second, found[-1] if found else UUID(int=0), limit=2
    ):
        found += [one.entry.inscription_id for one in page]
    assert found == entries
    assert story.house.standings.differences("SOMEBODY", first, second) == []


# A case, as the log told it -------------------------------------------------------------------


def test_a_case_is_read_as_it_had_been_recorded_by_an_instant(story: Story) -> None:
    subject = story.subject()
    case = story.alert(subject)
    files = {}
    for verb in (
        lambda: qualify_alert(story.desk, ask(), case, True, "pertinente"),
        lambda: story.inscribe(case, subject, 1),
        lambda: add_note(story.desk, ask(), case, "une note"),
        lambda: story.open_procedure(case, subject),
        lambda: close_case(story.desk, ask(), case, ClosingOutcome.ESTABLISHED),
    ):
        story.clock.advance(days=1)
        files[story.clock.now()] = read_case(story.desk, case, ORGANISATION)
        story.clock.advance(days=1)
        verb()
    assert {at: read_case(story.desk, case, ORGANISATION, at) for at in files} == files
    with pytest.raises(refusals.NoSuchCase):
        read_case(story.desk, case, ORGANISATION, MONDAY - timedelta(days=1))
    with pytest.raises(refusals.NoSuchCase):
        read_case(story.desk, case, "ANOTHER", story.clock.now())


def test_a_text_that_was_redacted_since_reads_as_it_does_today(story: Story) -> None:
    case = story.case(story.subject())
    add_note(story.desk, ask(), case, "elle s'appelle Anne")
    then = story.clock.now() + timedelta(hours=1)
    story.clock.advance(days=1)
    (note,) = read_case(story.desk, case, ORGANISATION)["notes"]
    redact_text(story.desk, ask(), case, note["text_ids"]["text"], "elle s'appelle X", "effacement")
    (told,) = read_case(story.desk, case, ORGANISATION, then)["notes"]
    assert (told["text"], told["redacted"]) == ("elle s'appelle X", True)


def test_a_case_that_was_purged_since_keeps_its_codes_and_has_lost_its_texts(story: Story) -> None:
    case = story.alert(story.subject())
    then = story.clock.now() + timedelta(hours=1)
    story.clock.advance(days=1)
    qualify_alert(story.desk, ask(), case, False, "non pertinente")
    purge_case(story.desk, ask(ANNE), case)
    told = read_case(story.desk, case, ORGANISATION, then)
    assert (told["state"], told["summary"], told["erased"]) == ("alert", None, True)
    assert read_case(story.desk, case, ORGANISATION)["state"] == "purged"
