"""Reports for auditors on a real database: each shows what breaks its rule, and nothing that keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.application.test_reviews import reviewed
from tests.letters import CONTACTS
from tests.stories import (
    A_PROPOSAL,
    ORGANISATION,
    RPPS,
    Story,
    a_person,
    a_story,
    ask,
    rpps,
    screened_hits,
)
from watchlist.adapters.letter_press import TypstPress
from watchlist.application.inscribe import approve, propose
from watchlist.application.letters import Posting, Writing, record_sent
from watchlist.application.open_case import close_case
from watchlist.application.operators import add_operator, leave
from watchlist.application.replay import check
from watchlist.application.reports import Drawing, Page, draw_sample, read_report
from watchlist.application.sweep import sweep
from watchlist.domain.case_events import ClosingOutcome
from watchlist.domain.correspondence import Channel
from watchlist.domain.report import Report
from watchlist.domain.review import ReviewOutcome
from watchlist.domain.sampling import SampledKind, rank
from watchlist.ports.registry import FIRST

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told
        assert list(check(told.desk, told.house.snapshots)[1]) == []


def report(
    story: Story, name: Report, scope: str | None = None, after: UUID = FIRST, limit: int = 100
) -> list[dict[str, Any]]:
    page = Page(scope, story.clock.now(), after, limit)
    return read_report(story.house.register, story.house.reports, name, page)


# Four eyes ------------------------------------------------------------------------------------


def test_entries_that_a_second_person_approved_are_no_exception(story: Story):
    story.listed()
    assert report(story, Report.FOUR_EYES) == []


def test_an_approval_by_the_proposer_or_by_who_amended_is_shown_though_nobody_can_make_one(story: Story):
    _, _, one = story.listed(a_person("Un"))
    _, _, other = story.listed(a_person("Autre"))
    with tampered(story, "approved_by", "proposed_by", one):
        (found,) = report(story, Report.FOUR_EYES)
        assert (found["inscription_id"], found["why"]) == (one, ["by_proposer", "by_amender"])
    with tampered(story, "last_amended_by", "approved_by", other):
        (found,) = report(story, Report.FOUR_EYES)
        assert (found["inscription_id"], found["why"]) == (other, ["by_amender"])
        assert report(story, Report.FOUR_EYES, scope="PROBTP") == []


@contextmanager
def tampered(story: Story, column: str, source: str, id: UUID) -> Iterator[None]:
    """A column of one entry, as another of it, for a while."""
    (kept,) = story.rows(f"SELECT {column} AS was FROM inscriptions WHERE inscription_id = %b", id)
    _set(story, id, f"{column} = {source}")
    yield
    _set(story, id, f"{column} = '{kept['was']}'")


def _set(story: Story, id: UUID, change: str) -> None:
    with story.house.pool.connection() as conn:
        conn.execute(f"UPDATE inscriptions SET {change} WHERE inscription_id = '{id}'".encode())


def test_one_person_known_as_two_operators_is_one(story: Story):
    anne, _ = add_operator(story.house.operators, ORGANISATION, "Anne Martin")
    twin, _ = add_operator(story.house.operators, "PROBTP", "ANNE MARTIN")
    entry = _decided_by(story, anne.operator_id, twin.operator_id)
    (found,) = report(story, Report.FOUR_EYES)
    assert (found["inscription_id"], found["why"]) == (entry, ["same_person"])


def test_who_had_left_could_not_approve_any_more(story: Story):
    anne, _ = add_operator(story.house.operators, ORGANISATION, "Anne")
    bruno, _ = add_operator(story.house.operators, ORGANISATION, "Bruno")
    before = _decided_by(story, anne.operator_id, bruno.operator_id, a_person("Avant"))
    story.clock.advance(hours=1)
    leave(story.house.operators, story.clock, bruno.operator_id)
    story.clock.advance(hours=1)
    since = _decided_by(story, anne.operator_id, bruno.operator_id, a_person("Depuis"))
    (found,) = report(story, Report.FOUR_EYES)
    assert (found["inscription_id"], found["why"]) == (since, ["had_left"])
    assert before != since


def _decided_by(story: Story, proposer: UUID, approver: UUID, person: Any = None) -> UUID:
    subject = story.subject(person or a_person())
    entry = propose(story.desk, ask(proposer), story.case(subject), subject, A_PROPOSAL).id
    approve(story.desk, ask(approver), entry)
    return entry


# Held, purged, told ---------------------------------------------------------------------------


def test_what_a_procedure_holds_past_its_term_is_shown_with_it(story: Story):
    subject, case, entry = story.listed(months=1)
    procedure = story.open_procedure(case, subject)
    assert report(story, Report.HELD) == []
    story.clock.move_to(datetime(2021, 4, 20, tzinfo=UTC))
    (held,) = report(story, Report.HELD)
    assert (held["inscription_id"], held["review_overdue"]) == (entry, False)
    (why,) = held["held_by"]
    assert (why["procedure_id"], why["kind"], why["opened_on"]) == (
        procedure,
        "prosecution",
        date(2021, 3, 15),
    )
    story.clock.move_to(datetime(2022, 4, 20, tzinfo=UTC))
    assert report(story, Report.HELD)[0]["review_overdue"] is True
    story.end_procedure(case, procedure)
    assert report(story, Report.HELD) == []


def test_an_alert_that_is_purged_days_late_stays_shown_after_its_purge(story: Story):
    case = story.alert(story.subject())
    due = datetime(2021, 9, 15, 22, tzinfo=UTC)
    story.clock.move_to(due + timedelta(hours=23))
    assert report(story, Report.LATE_PURGES) == []
    story.clock.move_to(due + timedelta(days=3))
    (found,) = report(story, Report.LATE_PURGES)
    assert (found["case_id"], found["purged_at"], found["late_by_days"]) == (case, None, 3)
    assert sweep(story.desk).alerts_purged == 1
    story.clock.advance(days=30)
    (found,) = report(story, Report.LATE_PURGES)
    assert (found["state"], found["due_at"], found["late_by_days"]) == ("purged", due, 3)


def test_a_purge_in_time_is_none_of_the_report_and_a_closed_case_is_kept_as_long_as_its_entry(story: Story):
    prompt = story.alert(story.subject(a_person("Prompt")))
    story.clock.move_to(datetime(2021, 9, 15, 22, tzinfo=UTC))
    assert sweep(story.desk).alerts_purged == 1
    _, case, _ = story.listed()
    close_case(story.desk, ask(), case, ClosingOutcome.ESTABLISHED)
    story.clock.move_to(datetime(2026, 9, 16, 23, tzinfo=UTC))
    assert sweep(story.desk).cases_purged == 1
    assert report(story, Report.LATE_PURGES) == []
    assert story.rows("SELECT count(*) AS n FROM cases WHERE purged_at IS NOT NULL")[0]["n"] == 2
    assert {prompt, case} == {row["case_id"] for row in story.rows("SELECT case_id FROM cases")}


def test_a_closed_case_that_nobody_purged_in_time_is_shown_with_its_day(story: Story):
    case = story.case(story.subject())
    close_case(story.desk, ask(), case, ClosingOutcome.NOT_ESTABLISHED)
    story.clock.move_to(datetime(2026, 3, 25, 23, tzinfo=UTC))
    (found,) = report(story, Report.LATE_PURGES)
    assert (found["case_id"], found["due_at"]) == (case, datetime(2026, 3, 15, 23, tzinfo=UTC))
    assert sweep(story.desk).cases_purged == 1
    (found,) = report(story, Report.LATE_PURGES)
    assert (found["due_at"], found["late_by_days"]) == (datetime(2026, 3, 15, 23, tzinfo=UTC), 10)


def test_a_letter_is_shown_while_it_is_late_and_after_it_was_sent_late(story: Story):
    _, _, entry = story.listed()
    story.clock.move_to(datetime(2021, 4, 15, 12, tzinfo=UTC))
    assert report(story, Report.LATE_NOTICES) == []
    story.clock.move_to(datetime(2021, 4, 20, 12, tzinfo=UTC))
    (found,) = report(story, Report.LATE_NOTICES)
    assert (found["inscription_id"], found["why"]) == (entry, ["late_now"])
    assert found["last_day"] == date(2021, 4, 15)
    _sent(story, found["letter_id"], date(2021, 4, 20))
    (found,) = report(story, Report.LATE_NOTICES)
    assert (found["why"], found["sent_on"], found["last_day"]) == (
        ["sent_late"],
        date(2021, 4, 20),
        date(2021, 4, 15),
    )


def test_a_letter_sent_on_its_last_day_is_not_late(story: Story):
    story.listed()
    story.clock.move_to(datetime(2021, 4, 15, 12, tzinfo=UTC))
    (letter,) = story.rows("SELECT letter_id FROM letters")
    _sent(story, letter["letter_id"], date(2021, 4, 15))
    story.clock.advance(days=10)
    assert report(story, Report.LATE_NOTICES) == []


def test_a_hit_that_was_told_before_the_letter_stays_shown(story: Story):
    story.listed(a_person("Lefèvre", "Anne", RPPS))
    screened_hits(story, RPPS)
    (found,) = report(story, Report.LATE_NOTICES)
    assert found["why"] == ["late_now", "hit_told_before"]
    _sent(story, found["letter_id"], date(2021, 3, 15))
    (found,) = report(story, Report.LATE_NOTICES)
    assert found["why"] == ["hit_told_before"]


def _sent(story: Story, letter_id: UUID, on: date) -> None:
    posting = Posting(on, Channel.POST)
    record_sent(story.desk, Writing(TypstPress(), CONTACTS), ask(), letter_id, posting)


def test_hits_that_nobody_reviewed_are_shown_to_whose_entry_it_is(story: Story):
    story.listed(a_person("Lefèvre", "Anne", RPPS))
    first, second = screened_hits(story, RPPS, RPPS)
    assert {one["screening_id"] for one in report(story, Report.UNREVIEWED_HITS)} == {first, second}
    reviewed(story, first, ReviewOutcome.CONFIRMED)
    story.clock.advance(days=4)
    (found,) = report(story, Report.UNREVIEWED_HITS, scope=ORGANISATION)
    assert (found["screening_id"], found["organisation"], found["days"]) == (second, "TPG", 4)
    assert report(story, Report.UNREVIEWED_HITS, scope="TPG") == []


def test_a_report_is_read_page_by_page(story: Story):
    for number in range(5):
        story.listed(a_person(f"N{number}", "Anne", rpps(number)))
    screened_hits(story, *(rpps(number) for number in range(5)))
    whole = [one["id"] for one in report(story, Report.UNREVIEWED_HITS)]
    paged, after = [], FIRST
    while page := report(story, Report.UNREVIEWED_HITS, after=after, limit=2):
        paged += [one["id"] for one in page]
        after = page[-1]["id"]
    assert paged == whole == sorted(whole)
    assert len(whole) == 5


# Samples --------------------------------------------------------------------------------------


def sample(story: Story, kind: SampledKind, at: datetime, seed: str = "s", size: int = 3) -> dict[str, Any]:
    return draw_sample(story.house.reports, None, Drawing(kind, seed, LONG_AGO, at, size))


def test_a_sample_is_drawn_again_from_its_seed_and_instant_whatever_came_since(story: Story):
    drawn = {}
    ids = [story.listed(a_person(f"N{number}", "Anne", rpps(number)))[2] for number in range(6)]
    screened_hits(story, *(rpps(number) for number in range(4)))
    story.clock.advance(minutes=2)
    at = story.clock.now() - timedelta(minutes=1)
    for kind in SampledKind:
        drawn[kind] = sample(story, kind, at)
        assert [one["rank"] for one in drawn[kind]["items"]] == [
            rank("s", one["id"]) for one in drawn[kind]["items"]
        ]
    assert {kind.value: one["population"] for kind, one in drawn.items()} == {
        "entries": 6,
        "cases": 6,
        "screenings": 4,
    }
    assert [one["id"] for one in drawn[SampledKind.ENTRIES]["items"]] == sorted(
        ids, key=lambda id: rank("s", id)
    )[:3]
    for number in range(6, 12):
        story.listed(a_person(f"N{number}", "Anne", rpps(number)))
    screened_hits(story, rpps(7))
    for kind in SampledKind:
        assert sample(story, kind, at) == drawn[kind]
    assert sample(story, SampledKind.ENTRIES, at, seed="t") != drawn[SampledKind.ENTRIES]
