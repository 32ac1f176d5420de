"""Access tells requests and letters too, and of what was redacted or purged only that it was (P3, P6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.letters import CONTACTS
from tests.stories import (
    ANNE,
    BRUNO,
    MONDAY,
    ORGANISATION,
    RPPS,
    Story,
    a_person,
    a_story,
    ask,
    rpps,
)
from watchlist.adapters.letter_press import TypstPress
from watchlist.application.access_export import access_export, export_for
from watchlist.application.case_file import read_case
from watchlist.application.case_texts import redact_text
from watchlist.application.delist import delist
from watchlist.application.erase import erase_subject
from watchlist.application.exercise_rights import (
    DeferredPart,
    Received,
    answer_request,
    decide_request,
    extend_request,
    receive_request,
    review_deferral,
)
from watchlist.application.inscribe import Deferral, approve
from watchlist.application.letters import Posting, Writing, defer_letter, record_sent
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.open_case import close_case, qualify_alert
from watchlist.application.purge_case import purge_case
from watchlist.application.read_request import request_of
from watchlist.application.review_hold import review_hold
from watchlist.application.work_on_case import add_note, record_victim
from watchlist.domain import refusals
from watchlist.domain.access import Deferred, Part
from watchlist.domain.case_events import ClosingOutcome
from watchlist.domain.correspondence import Channel, LetterKind, letter_id
from watchlist.domain.identifiers import Identifier
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.rights_request import Right

TODAY = MONDAY.date()
WRITING = Writing(TypstPress(), CONTACTS)


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def receive(story: Story, subject: UUID, kind: Right = Right.ACCESS, **more: str) -> UUID:
    return receive_request(story.desk, ask(), Received(kind, subject, TODAY, **more)).id


def decide(story: Story, request: UUID, granted: bool = True, *deferred: DeferredPart) -> None:
    decide_request(story.desk, ask(), request, granted, "voici pourquoi", deferred)


def export(story: Story, subject: UUID, *deferred: Deferred) -> dict[str, Any]:
    return access_export(story.desk, subject, ORGANISATION, deferred)


def exported(story: Story, request: UUID) -> dict[str, Any]:
    return export_for(story.desk, request_of(story.desk, request, ORGANISATION))


def send(story: Story, entry: UUID) -> None:
    posting = Posting(TODAY, Channel.REGISTERED_POST)
    record_sent(story.desk, WRITING, ask(), letter_id(entry, LetterKind.INSCRIPTION), posting)


def flat(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False)


# Letters and requests -------------------------------------------------------------------------


def test_a_letter_that_was_sent_is_told_word_for_word(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    send(story, entry)
    (told,) = export(story, subject)["cases"][0]["inscriptions"][0]["letters_sent"]
    assert (told["kind"], told["sent_on"], told["channel"]) == (
        "inscription",
        "2021-03-15",
        "registered_post",
    )
    assert told["content"]["addressee"] == ["Anne Lefèvre"]
    assert told["content"]["template"] == "inscription-1"
    assert export(story, subject)["cases"][0]["other"] == []


def test_an_access_answer_that_was_sent_is_told_without_what_it_told_of_cases(story: Story) -> None:
    subject = story.subject(a_person("Lefèvre", "Anne", RPPS))
    add_note(story.desk, ask(), story.case(subject), "une note d'alors")
    request = receive(story, subject)
    decide(story, request)
    answer_request(story.desk, ask(), request, writing=WRITING)
    told = export(story, subject)
    (letter,) = told["requests"][0]["letters_sent"]
    assert letter["content"]["addressee"] == ["Anne Lefèvre"]
    assert "une note d'alors" not in flat(letter)
    assert told["cases"][0]["notes"][0]["text"]["text"] == "une note d'alors"


def test_a_letter_to_another_of_the_same_case_is_not(story: Story) -> None:
    anne, durand = story.subject(a_person("Lefèvre", "Anne", RPPS)), story.subject(a_person("Durand", "Paul"))
    entry = story.inscribe(story.case(anne, durand), anne)
    defer_letter(
        story.desk, ask(), letter_id(entry, LetterKind.INSCRIPTION), "à vérifier", TODAY + timedelta(9)
    )
    send(story, entry)
    told = flat(export(story, durand))
    assert "Lefèvre" not in told
    assert "à vérifier" not in told


def test_why_a_letter_waited_is_told_unless_the_entry_waits(story: Story) -> None:
    subject = story.subject()
    entry = story.propose(story.case(subject), subject).id
    approve(story.desk, ask(BRUNO), entry, Deferral("dès l'approbation", date(2021, 5, 1)))
    defer_letter(
        story.desk, ask(), letter_id(entry, LetterKind.INSCRIPTION), "enquête en cours", date(2021, 6, 1)
    )
    (inscription,) = export(story, subject)["cases"][0]["inscriptions"]
    (told,) = inscription["letters_deferred"]
    assert (told["reason"]["text"], told["review_on"]) == ("enquête en cours", "2021-06-01")
    assert inscription["letter"]["deferral_reason"]["text"] == "dès l'approbation"
    waiting = flat(export(story, subject, Deferred(Part.INSCRIPTIONS, "enquête", date(2021, 6, 1))))
    assert "enquête en cours" not in waiting
    assert "dès l'approbation" not in waiting


def test_the_requests_of_a_person_are_told_with_what_they_were_answered(story: Story) -> None:
    subject, _, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    objection = receive(story, subject, Right.OBJECTION, details="je m'oppose")
    extend_request(story.desk, ask(), objection, "complexe", TODAY, WRITING)
    decide(story, objection, granted=False)
    answer_request(story.desk, ask(), objection, writing=WRITING)
    told = export(story, subject)
    (request,) = told["requests"]
    assert (request["kind"], request["received_on"], request["due_on"]) == (
        "objection",
        "2021-03-15",
        "2021-06-15",
    )
    assert request["details"]["text"] == "je m'oppose"
    assert request["extension"]["text"]["text"] == "complexe"
    assert (request["decision"]["granted"], request["decision"]["reason"]["text"]) == (
        False,
        "voici pourquoi",
    )
    assert request["answer"]["told_on"] == "2021-03-15"
    assert [one["content"]["template"] for one in request["letters_sent"]] == ["extension-1", "refusal-1"]
    assert str(ANNE) not in flat(told)


def test_what_a_request_restricted_is_told_from_when_until_when(story: Story) -> None:
    subject, _, _ = story.listed()
    request = receive(story, subject, Right.OBJECTION)
    story.clock.advance(days=1)
    decide(story, request, granted=False)
    assert [one["settled_at"] for one in export(story, subject)["contests"]] == [None]
    answer_request(story.desk, ask(), request)
    during = {"at": "2021-03-15T09:00:00Z", "settled_at": "2021-03-16T09:00:00Z"}
    told = export(story, subject)
    assert told["contests"] == [during]
    assert told["cases"][0]["inscriptions"][0]["contests"] == [during]


def test_a_letter_to_the_survivor_of_a_merge_that_was_split_is_not_told_to_the_other(story: Story) -> None:
    duplicate, _, entry = story.listed(a_person("Lefebvre", "Anne"))
    survivor = story.subject(a_person("Durand", "Paul", RPPS))
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    send(story, entry)
    split_subjects(story.desk, ask(), survivor, duplicate, "deux personnes")
    (told,) = export(story, duplicate)["cases"][0]["inscriptions"][0]["letters_sent"]
    assert (told["sent_on"], told["content"]) == ("2021-03-15", None)
    assert "Durand" not in flat(export(story, duplicate))


# Redacted, taken back, purged -----------------------------------------------------------------


def test_a_redacted_text_is_told_as_it_stands_now(story: Story) -> None:
    subject = story.subject()
    case = story.case(subject)
    add_note(story.desk, ask(), case, "vu avec M. Zyxwvut")
    text_id = read_case(story.desk, case, ORGANISATION)["notes"][0]["text_ids"]["text"]
    redact_text(story.desk, ask(), case, text_id, "vu avec [...]", "une personne effacée")
    told = export(story, subject)
    (note,) = told["cases"][0]["notes"]
    assert note["text"] == {"text": "vu avec [...]", "withheld": None}
    (redaction,) = told["cases"][0]["other"]
    assert redaction["what"] == "case.text_redacted"
    assert redaction["texts"] == {"reason": {"text": "une personne effacée", "withheld": None}}
    waits = flat(export(story, subject, Deferred(Part.NOTES, "enquête", date(2021, 6, 1))))
    assert "vu avec" not in waits


def test_what_was_stolen_from_an_erased_victim_is_asked_of_nobody(story: Story) -> None:
    author, victim = story.subject(a_person("Durand", "Paul", rpps(77))), story.subject(a_person("Lefèvre"))
    case = story.case(author)
    record_victim(story.desk, ask(), victim, case, (Identifier("rpps", RPPS.value),), "plainte")
    erase_subject(story.desk, ask(), victim)
    told = export(story, author)
    assert RPPS.value not in flat(told)
    assert told["cases"][0]["case_id"] == str(case)


def test_after_a_purge_and_an_access_request_the_letters_are_still_told(story: Story) -> None:
    subject, case, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    other = story.alert(subject)
    add_note(story.desk, ask(), other, "à revoir")
    send(story, entry)
    qualify_alert(story.desk, ask(), other, False, "")
    purge_case(story.desk, ask(), other)
    request = receive(story, subject)
    decide(story, request)
    answer_request(story.desk, ask(), request, writing=WRITING)
    told = {one["case_id"]: one for one in exported(story, request)["cases"]}
    assert told[str(other)]["notes"][0]["text"] == {"text": None, "withheld": "erased"}
    assert told[str(case)]["inscriptions"][0]["letters_sent"][0]["content"]["addressee"] == ["Anne Lefèvre"]


# For a request --------------------------------------------------------------------------------


def test_what_the_decision_deferred_waits_until_it_is_reviewed_late_too(story: Story) -> None:
    subject = story.subject()
    cases = [story.case(subject), story.case(subject)]
    for case in cases:
        add_note(story.desk, ask(), case, f"note de {case.hex}")
    request = receive(story, subject)
    assert f"note de {cases[1].hex}" in flat(exported(story, request))
    waits = DeferredPart(f"cases.{cases[1].hex}.notes", "enquête", TODAY + timedelta(days=30))
    decide(story, request, True, waits)
    answer_request(story.desk, ask(), request, writing=WRITING)
    story.clock.advance(days=60)
    told = exported(story, request)
    assert f"note de {cases[0].hex}" in flat(told)
    assert f"note de {cases[1].hex}" not in flat(told)
    (deferral,) = told["requests"][0]["deferrals"]
    assert (deferral["part"], deferral["reason"], deferral["review_on"]) == ("notes", "enquête", "2021-04-14")
    review_deferral(story.desk, ask(), request, None)
    assert f"note de {cases[1].hex}" in flat(exported(story, request))


def a_held_entry(story: Story) -> tuple[UUID, UUID]:
    """Past its term, and its hold reviewed: whose it is, and the ongoing procedure."""
    subject, case, entry = story.listed(a_person("Lefèvre", "Anne", RPPS), months=1)
    procedure = story.open_procedure(case, subject)
    story.clock.advance(days=40)
    review_hold(story.desk, ask(BRUNO), entry, "toujours en cours")
    return subject, procedure


def test_a_procedure_that_waits_is_given_away_by_nothing_it_holds(story: Story) -> None:
    subject, procedure = a_held_entry(story)
    waits = Deferred(Part.PROCEDURES, "enquête", date(2021, 6, 1))
    whole, told = export(story, subject), export(story, subject, waits)
    assert str(procedure) in flat(whole)
    assert "inscription.hold_reviewed" in flat(whole)
    assert str(procedure) not in flat(told)
    assert "hold_reviewed" not in flat(told)
    assert "toujours en cours" not in flat(told)
    (matter,) = told["cases"]
    (entry,) = matter["inscriptions"]
    assert entry["held_by"] == matter["procedures"]
    assert entry["held_by"]["reason"] == "enquête"


def test_where_procedures_wait_no_end_is_told_whether_there_is_one_or_not(story: Story) -> None:
    without, case, entry = story.listed(a_person("Durand", "Paul"), months=1)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "remboursé")
    close_case(story.desk, ask(), case, ClosingOutcome.SETTLED)
    whole = export(story, without)
    assert all(one["ends_at"] for one in retentions(whole))
    waits = Deferred(Part.PROCEDURES, "enquête", date(2021, 6, 1))
    silent = export(story, without, waits)
    held, _ = a_held_entry(story)
    for told in (silent, export(story, held, waits)):
        assert [one["ends_at"] for one in retentions(told)] == [None, None, None]
    assert [one["fr"] for one in retentions(silent)] == [one["fr"] for one in retentions(whole)]


def retentions(told: dict[str, Any]) -> list[dict[str, Any]]:
    (matter,) = told["cases"]
    return [told["identity"]["retention"], matter["retention"], matter["inscriptions"][0]["retention"]]


def test_whom_nobody_was_told_of_reads_that_nobody_was(story: Story) -> None:
    told = exported(story, receive(story, story.subject()))
    assert (told["recipients"], told["consultations"]) == ([], [])


@pytest.mark.parametrize("kind", [kind for kind in Right if kind not in (Right.ACCESS, Right.DIRECTIVES)])
def test_only_access_is_answered_with_an_export(story: Story, kind: Right) -> None:
    with pytest.raises(refusals.NoExport):
        exported(story, receive(story, story.subject(), kind))


def test_an_access_that_was_refused_exports_nothing(story: Story) -> None:
    request = receive(story, story.subject())
    decide(story, request, granted=False)
    with pytest.raises(refusals.NoExport):
        exported(story, request)


def test_after_an_erasure_there_is_nothing_to_export(story: Story) -> None:
    subject = story.subject()
    request = receive(story, subject)
    erase_subject(story.desk, ask(), subject)
    with pytest.raises(refusals.NoSuchSubject):
        exported(story, request)
