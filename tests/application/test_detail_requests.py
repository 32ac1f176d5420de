"""Questions about a hit, and what their owner answers (C6, S8); what an erasure leaves of them and of reviews (P6)."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.stories import (
    ANOTHER,
    BRUNO,
    ORGANISATION,
    PAYER,
    RPPS,
    Story,
    a_person,
    a_story,
    ask,
    at_once,
    screened_hits,
)
from watchlist.adapters.postgres.detail_requests import PostgresDetailRequests
from watchlist.application.access_export import access_export
from watchlist.application.answer_details import answer_details, read_detail_request, refuse_details
from watchlist.application.ask_for_details import ask_for_details, details_of
from watchlist.application.delist import delist, restrict
from watchlist.application.disclose import read_disclosure
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.open_case import close_case
from watchlist.application.receipt import Receipt
from watchlist.application.replay import check
from watchlist.application.review_hit import Finding, review_hit, reviews_of
from watchlist.application.sweep import sweep
from watchlist.application.told_of import recipients_of
from watchlist.domain import refusals
from watchlist.domain.case_events import ClosingOutcome
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.review import ReviewOutcome
from watchlist.ports.registry import FIRST

QUESTION, ANSWER, REASON = "S'agit-il du cabinet de Lyon ?", "oui, depuis 2019", "enquête en cours"


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


@pytest.fixture
def listed(story: Story) -> tuple[UUID, UUID, UUID]:
    return story.listed(a_person("Lefèvre", "Anne", RPPS))


def asked(story: Story, screening: UUID | None = None) -> tuple[UUID, UUID, UUID]:
    """A hit that was asked about: its screening, the question as its asker knows it, and as its owner does."""
    screening = screening or screened_hits(story, RPPS)[0]
    request = ask_for_details(story.desk, ask(organisation=PAYER), screening, "q1", QUESTION).id
    waiting = story.desk.details.of_owner(ORGANISATION, None, FIRST, 100)
    return screening, request, waiting[-1]["detail_id"]


def seen(
    story: Story, screening: UUID, organisation: str | None = PAYER
) -> list[tuple[str, str | None, list[str]]]:
    """What the asker sees of its questions."""
    found = details_of(story.desk, screening, organisation, FIRST, 100)
    return [(one["state"], one["question"], [told["answer"] for told in one["answers"]]) for one in found]


def test_an_answer_is_told_to_whoever_asked_and_is_a_disclosure(
    story: Story, listed: tuple[UUID, UUID, UUID]
) -> None:
    screening, request, detail = asked(story)
    assert seen(story, screening) == [("waiting", QUESTION, [])]
    read = read_detail_request(story.desk, detail, ORGANISATION)
    assert (read["organisation"], read["question"], read["state"]) == (PAYER, QUESTION, "waiting")
    assert answer_details(story.desk, ask(), detail, ANSWER).id == detail
    assert seen(story, screening) == [("answered", QUESTION, [ANSWER])]
    (told,) = story.rows("SELECT * FROM disclosures WHERE kind = 'detail'")
    subject, case, entry = listed
    assert (told["organisation"], told["owner"], told["recipient"]) == (
        PAYER,
        ORGANISATION,
        "third_party_payer",
    )
    assert (told["subject_id"], told["case_id"], told["inscription_id"]) == (subject, case, entry)
    assert read_disclosure(story.desk, told["disclosure_id"], ORGANISATION)["told"] == ANSWER
    assert detail != request


def test_the_person_learns_what_was_told_of_them(story: Story, listed: tuple[UUID, UUID, UUID]) -> None:
    _, _, detail = asked(story)
    answer_details(story.desk, ask(), detail, ANSWER)
    heard = recipients_of(story.desk, [listed[0]])
    export = access_export(story.desk, listed[0], ORGANISATION, disclosures=heard)
    details = [one for one in export["recipients"] if one["occasion"] == "detail"]
    assert [(one["recipient"], one["told"]["text"]) for one in details] == [(PAYER, ANSWER)]


def test_a_refusal_is_an_answer_whose_reason_is_not_told(
    story: Story, listed: tuple[UUID, UUID, UUID]
) -> None:
    screening, _, detail = asked(story)
    refuse_details(story.desk, ask(), detail, REASON)
    assert seen(story, screening) == [("refused", QUESTION, [])]
    read = read_detail_request(story.desk, detail, ORGANISATION)
    assert (read["answer"], read["reason"], read["due_at"]) == (None, REASON, None)
    assert story.rows("SELECT kind FROM disclosures") == [{"kind": "hit"}]


def test_a_question_is_answered_once(story: Story, listed: tuple[UUID, UUID, UUID]) -> None:
    _, _, detail = asked(story)
    ways = [
        partial(answer_details, story.desk, ask(), detail, ANSWER),
        partial(refuse_details, story.desk, ask(BRUNO), detail, None),
        partial(answer_details, story.desk, ask(BRUNO), detail, "non"),
    ]
    outcomes = at_once(ways)
    refused = [one for one in outcomes if isinstance(one, refusals.AlreadyAnswered)]
    assert (len([one for one in outcomes if isinstance(one, Receipt)]), len(refused)) == (1, 2)
    told = story.rows("SELECT FROM disclosures WHERE kind = 'detail'")
    (kept,) = story.rows("SELECT state FROM detail_requests")
    assert len(told) == (kept["state"] == "answered")


def test_the_same_answer_sent_again_is_carried_out_once(
    story: Story, listed: tuple[UUID, UUID, UUID]
) -> None:
    screening, request, detail = asked(story)
    command = ask(mac=b"one")
    first = answer_details(story.desk, command, detail, ANSWER)
    assert answer_details(story.desk, command, detail, ANSWER) == first
    command = ask(organisation=PAYER, mac=b"two")
    again = [ask_for_details(story.desk, command, screening, "q1", QUESTION).id for _ in range(2)]
    assert len({*again, request}) == 2
    assert len(seen(story, screening)) == 2


def test_only_whoever_was_told_asks_and_only_the_owner_is_asked(
    story: Story, listed: tuple[UUID, UUID, UUID]
) -> None:
    screening, _, detail = asked(story)
    for organisation, screened in ((ANOTHER, screening), (PAYER, uuid4())):
        with pytest.raises(refusals.NoSuchHit):
            ask_for_details(story.desk, ask(organisation=organisation), screened, "q1", QUESTION)
    assert seen(story, screening, ANOTHER) == []
    for stranger in (PAYER, ANOTHER):
        with pytest.raises(refusals.NoSuchDetailRequest):
            read_detail_request(story.desk, detail, stranger)
        with pytest.raises(refusals.NoSuchDetailRequest):
            answer_details(story.desk, ask(organisation=stranger), detail, ANSWER)
        assert story.desk.details.of_owner(stranger, None, FIRST, 100) == []
    assert read_detail_request(story.desk, detail, None)["question"] == QUESTION


# Nothing is told of what would not be told as a hit ----------------------------------------------


def test_nothing_is_asked_about_a_hit_that_no_longer_stands(
    story: Story, listed: tuple[UUID, UUID, UUID]
) -> None:
    screening, _, _ = asked(story)
    review_hit(story.desk, ask(organisation=PAYER), Finding(screening, "q1", ReviewOutcome.HOMONYM))
    with pytest.raises(refusals.HitNoLongerStands):
        asked(story, screening)
    review_hit(story.desk, ask(organisation=PAYER), Finding(screening, "q1", ReviewOutcome.CONFIRMED))
    asked(story, screening)
    delist(story.desk, ask(BRUNO), listed[2], DelistingGround.REPAID, "payé")
    with pytest.raises(refusals.HitNoLongerStands):
        asked(story, screening)


@pytest.mark.parametrize("ending", ["delisted", "restricted", "elapsed"])
def test_of_an_entry_that_answers_no_more_a_question_can_only_be_refused(
    story: Story, listed: tuple[UUID, UUID, UUID], ending: str
) -> None:
    screening, _, detail = asked(story)
    if ending == "delisted":
        delist(story.desk, ask(BRUNO), listed[2], DelistingGround.REPAID, "payé")
    elif ending == "restricted":
        restrict(story.desk, ask(BRUNO), listed[2], "contesté")
    else:
        story.clock.advance(days=5 * 366)
    with pytest.raises(refusals.EntryNotTold):
        answer_details(story.desk, ask(), detail, ANSWER)
    assert story.rows("SELECT kind FROM disclosures") == [{"kind": "hit"}]
    refuse_details(story.desk, ask(), detail, None)
    assert seen(story, screening) == [("refused", QUESTION, [])]


def test_an_entry_that_ends_while_its_details_are_answered_is_not_told(
    story: Story, listed: tuple[UUID, UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, detail = asked(story)
    answer = PostgresDetailRequests.answer

    def overtaken(*args: Any) -> None:
        monkeypatch.setattr(PostgresDetailRequests, "answer", answer)
        delist(story.desk, ask(BRUNO), listed[2], DelistingGround.REPAID, "payé")
        answer(*args)

    monkeypatch.setattr(PostgresDetailRequests, "answer", overtaken)
    with pytest.raises(refusals.EntryNotTold):
        answer_details(story.desk, ask(), detail, ANSWER)
    assert story.rows("SELECT kind FROM disclosures") == [{"kind": "hit"}]


def test_an_answer_about_subjects_that_were_split_is_of_the_one_whose_entry_it_is(story: Story) -> None:
    subject, _, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    survivor = story.subject(a_person("Lefèvre", "Anne"))
    merge_subjects(story.desk, ask(), survivor, subject, "doublon")
    screening, _, detail = asked(story)
    split_subjects(story.desk, ask(), survivor, subject, "deux personnes")
    answer_details(story.desk, ask(), detail, ANSWER)
    (told,) = story.rows("SELECT subject_id FROM disclosures WHERE kind = 'detail'")
    assert told["subject_id"] == subject
    assert seen(story, screening) == [("answered", QUESTION, [ANSWER])]


# Due ---------------------------------------------------------------------------------------------


def test_an_unanswered_question_is_a_deadline_of_its_owner(
    story: Story, listed: tuple[UUID, UUID, UUID]
) -> None:
    _, _, detail = asked(story)

    def due(days: int) -> list[tuple[str, UUID]]:
        end = story.clock.now() + timedelta(days=days)
        rows = story.house.pictures.deadlines(ORGANISATION, end, (story.clock.now(), FIRST, ""), 100)
        return [(row["kind"], row["id"]) for row in rows if row["kind"] == "detail_request"]

    assert due(15) == []
    assert due(16) == [("detail_request", detail)]
    refuse_details(story.desk, ask(), detail, None)
    assert due(16) == []


# Erased ------------------------------------------------------------------------------------------


def texts_kept(story: Story) -> set[str]:
    ours = ["review_note", "detail_question", "detail_answer", "detail_refusal"]
    return {row["field"] for row in story.rows("SELECT field FROM vault WHERE field = ANY(%b)", ours)}


def reviewed_and_asked(story: Story) -> tuple[UUID, UUID]:
    """A hit with notes, a question that was answered and one that waits; the screening, the waiting question."""
    screening, _, detail = asked(story)
    answer_details(story.desk, ask(), detail, ANSWER)
    _, _, waiting = asked(story, screening)
    review_hit(
        story.desk, ask(organisation=PAYER), Finding(screening, "q1", ReviewOutcome.HOMONYM, "un autre")
    )
    return screening, waiting


def test_of_an_erased_subject_notes_homonyms_and_questions_go_and_random_ids_stay(
    story: Story, listed: tuple[UUID, UUID, UUID]
) -> None:
    subject, case, entry = listed
    screening, waiting = reviewed_and_asked(story)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "payé")
    close_case(story.desk, ask(), case, ClosingOutcome.SETTLED)
    story.clock.advance(days=5 * 366)
    sweep(story.desk)
    assert story.rows("SELECT erased FROM subjects WHERE subject_id = %b", subject) == [{"erased": True}]
    assert story.count("homonyms") == story.count("reviewed_hits") == story.count("hits") == 0
    assert texts_kept(story) == set()
    assert reviews_of(story.desk, screening, PAYER, FIRST, 100) == []
    assert seen(story, screening) == [("answered", None, [None]), ("closed", None, [])]
    rows = story.rows("SELECT key, due_at FROM detail_requests")
    assert rows == [{"key": None, "due_at": None}] * 2
    (review,) = story.rows("SELECT outcome, organisation, disclosure_ids FROM reviews")
    assert (review["outcome"], review["organisation"]) == ("homonym", PAYER)
    assert story.desk.reviews.unreviewed(PAYER) == 0
    with pytest.raises(refusals.NoSuchHit):
        review_hit(story.desk, ask(organisation=PAYER), Finding(screening, "q1", ReviewOutcome.CONFIRMED))
    with pytest.raises(refusals.AlreadyAnswered):
        refuse_details(story.desk, ask(), waiting, None)
    assert check(story.desk, story.house.snapshots)[1] == []


def test_of_a_purged_case_notes_and_questions_go_though_the_subject_is_kept(
    story: Story, listed: tuple[UUID, UUID, UUID]
) -> None:
    subject, case, entry = listed
    screening, _ = reviewed_and_asked(story)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "payé")
    close_case(story.desk, ask(), case, ClosingOutcome.SETTLED)
    story.clock.advance(days=5 * 366)
    story.alert(subject)
    sweep(story.desk)
    assert story.rows("SELECT erasing FROM subjects WHERE subject_id = %b", subject) == [{"erasing": False}]
    assert texts_kept(story) == {"detail_answer"}  # what was told of the person stays theirs to know
    assert story.count("homonyms") == story.count("reviewed_hits") == 0
    assert seen(story, screening) == [("answered", None, [ANSWER]), ("closed", None, [])]
    assert [one.occasion for one in recipients_of(story.desk, [subject])] == ["hit", "detail"]


def test_a_hit_whose_subjects_erasure_was_decided_is_gone_for_whoever_was_told(
    story: Story, listed: tuple[UUID, UUID, UUID]
) -> None:
    """Nobody learns from a refusal that there was an erasure: it is the same as of a hit that never was."""
    (screening,) = screened_hits(story, RPPS)
    with story.house.pool.connection() as conn:
        conn.execute("UPDATE subjects SET erasing = true")
    for note in (None, "un autre"):
        found = Finding(screening, "q1", ReviewOutcome.HOMONYM, note)
        with pytest.raises(refusals.NoSuchHit):
            review_hit(story.desk, ask(organisation=PAYER), found)
    with pytest.raises(refusals.NoSuchHit):
        asked(story, screening)
