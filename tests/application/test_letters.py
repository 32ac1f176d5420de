"""Letters on a real register: read, printed, sent once, deferred, erased; held entries reviewed (L12, L13, C5, P6)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from tests.letters import CONTACTS, text_of
from tests.stories import ANOTHER, BRUNO, MONDAY, ORGANISATION, RPPS, Story, a_house, a_person, ask
from watchlist.adapters.letter_press import TypstPress
from watchlist.adapters.postgres.late_letters import paint_late_letters
from watchlist.application.delist import delist
from watchlist.application.inscribe import Deferral, approve
from watchlist.application.letters import (
    Document,
    Posting,
    Writing,
    defer_letter,
    print_letter,
    read_letter,
    record_sent,
)
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.register_subject import rectify_subject
from watchlist.application.replay import check
from watchlist.application.review_hold import review_hold
from watchlist.application.sweep import sweep
from watchlist.domain import refusals
from watchlist.domain.correspondence import Channel, LetterKind, letter_id
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.letter import Letter

TODAY = MONDAY.date()
BY_POST = Posting(TODAY, Channel.REGISTERED_POST)
INSCRIPTION, DELISTING = LetterKind.INSCRIPTION, LetterKind.DELISTING
WRITING = Writing(TypstPress(), CONTACTS)
TERM_ENDS = datetime(2022, 3, 15, 23, tzinfo=UTC)
"""Of twelve months from that Monday."""


class AnotherEngine:
    """The press, once its engine prints otherwise."""

    def print(self, letter: Letter) -> bytes:
        return TypstPress().print(letter) + b"\n"


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_house(database_url) as house:
        yield Story(house)


def of(entry: UUID, kind: LetterKind = INSCRIPTION) -> UUID:
    return letter_id(entry, kind)


def send(story: Story, letter: UUID, posting: Posting = BY_POST) -> None:
    record_sent(story.desk, WRITING, ask(), letter, posting)


def read(story: Story, letter: UUID) -> dict[str, object]:
    return read_letter(story.desk, WRITING, letter, ORGANISATION)


def said(story: Story, letter: UUID) -> str:
    content = read(story, letter)["content"]
    assert isinstance(content, Letter)
    return text_of(content)


def deadlines(story: Story) -> dict[str, dict[str, object]]:
    ours = "SELECT * FROM deadlines WHERE kind IN ('letter', 'delisting_letter', 'hold_review')"
    return {row["kind"]: row for row in story.rows(ours)}


def states(story: Story) -> dict[UUID, str]:
    rows = story.house.pictures.letters(ORGANISATION, None, story.clock.now())
    return {row["letter_id"]: row["state"] for row in rows}


# Read and printed -----------------------------------------------------------------------------


def test_before_it_is_sent_a_letter_says_what_is_known_today(story: Story) -> None:
    subject, case, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    assert "Anne Lefèvre" in said(story, of(entry))
    assert "Le 15 mars 2021" in said(story, of(entry))
    assert "Son dernier jour est le 15 mars 2026" in said(story, of(entry))
    rectify_subject(story.desk, ask(), subject, a_person("Durand", "Anne", RPPS), "erreur", 1)
    story.open_procedure(case, subject)
    story.clock.advance(days=1)
    text = said(story, of(entry))
    assert "Anne Durand" in text
    assert "Le 16 mars 2021" in text
    assert "Une telle procédure est en cours à la date de cette lettre." in text
    _, document = print_letter(story.desk, WRITING, of(entry), ORGANISATION)
    assert document is Document.DRAFT


def test_what_was_sent_is_printed_again_byte_for_byte_whatever_happened_since(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    draft, _ = print_letter(story.desk, WRITING, of(entry), ORGANISATION)
    send(story, of(entry))
    before = read(story, of(entry))["content"]
    rectify_subject(story.desk, ask(), subject, a_person("Durand", "Anne", RPPS), "erreur", 1)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "remboursé")
    story.clock.advance(days=400)
    printed, document = print_letter(story.desk, WRITING, of(entry), ORGANISATION)
    assert (printed, document) == (draft, Document.IDENTICAL)
    assert read(story, of(entry))["content"] == before


def test_a_sent_letter_names_the_contacts_of_its_day(story: Story) -> None:
    _, _, entry = story.listed()
    send(story, of(entry))
    moved = Writing(TypstPress(), msgspec.structs.replace(CONTACTS, controller="Organisme renommé"))
    content = read_letter(story.desk, moved, of(entry), ORGANISATION)["content"]
    assert CONTACTS.controller in text_of(content)


def test_another_engine_says_that_its_bytes_are_not_those_that_were_sent(story: Story) -> None:
    _, _, entry = story.listed()
    send(story, of(entry))
    later = replace(WRITING, press=AnotherEngine())
    with pytest.raises(refusals.LetterDiffers):
        print_letter(story.desk, later, of(entry), ORGANISATION)
    _, document = print_letter(story.desk, later, of(entry), ORGANISATION, as_printed_now=True)
    assert document is Document.DIFFERS


# Sent -----------------------------------------------------------------------------------------


def test_a_sent_letter_is_due_no_more(story: Story) -> None:
    _, _, entry = story.listed()
    assert deadlines(story)["letter"]["id"] == of(entry)
    assert deadlines(story)["letter"]["due_at"] == datetime(2021, 4, 15, 22, tzinfo=UTC)
    send(story, of(entry))
    assert deadlines(story) == {}
    assert story.rows("SELECT letter_due_at FROM inscriptions") == [{"letter_due_at": None}]
    assert "letter" not in {row["kind"] for row in story.rows("SELECT kind FROM deadlines")}
    assert states(story) == {of(entry): "sent"}
    with pytest.raises(refusals.LetterAlreadySent):
        send(story, of(entry))


def test_the_same_command_sends_once(story: Story) -> None:
    _, _, entry = story.listed()
    again = ask(command_id=uuid4())
    first = record_sent(story.desk, WRITING, again, of(entry), BY_POST)
    second = record_sent(story.desk, WRITING, again, of(entry), BY_POST)
    assert first.position == second.position


def test_neither_a_name_nor_a_digest_is_in_the_events_or_the_answer(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne"))
    receipt = record_sent(story.desk, WRITING, ask(), of(entry), BY_POST)
    printed, _ = print_letter(story.desk, WRITING, of(entry), ORGANISATION)
    digest = hashlib.sha256(printed)
    stored = b"".join(bytes(row["state"]) for row in story.rows("SELECT state FROM events"))
    answer = msgspec.json.encode(receipt.body())
    for value in (b"Lef", digest.digest(), digest.hexdigest().encode(), b"Exemple"):
        assert value not in stored
        assert value not in answer


def test_what_was_sent_is_under_the_subjects_key_and_a_deferral_under_the_cases(story: Story) -> None:
    subject, case, entry = story.listed()
    defer_letter(story.desk, ask(), of(entry), "enquête en cours", date(2021, 6, 1))
    send(story, of(entry))
    owners = {row["field"]: row["owner"] for row in story.rows("SELECT field, owner FROM vault")}
    assert owners["letter"] == owners["letter_document"] == subject
    assert owners["letter_deferral"] == case


@pytest.mark.parametrize("sent", [True, False])
def test_after_erasure_the_letter_is_gone(story: Story, sent: bool) -> None:
    subject, _, entry = story.listed()
    if sent:
        send(story, of(entry))
    story.desk.keyring.destroy([subject])
    for attempt in (
        lambda: read(story, of(entry)),
        lambda: print_letter(story.desk, WRITING, of(entry), ORGANISATION),
    ):
        with pytest.raises(refusals.LetterErased):
            attempt()
    if not sent:
        with pytest.raises(refusals.LetterErased):
            send(story, of(entry))


def test_letters_are_their_organisations_alone(story: Story) -> None:
    _, _, entry = story.listed()
    elsewhere = ask(organisation=ANOTHER)
    refused = []
    for id in (of(entry), uuid4()):
        for attempt in (
            lambda id=id: read_letter(story.desk, WRITING, id, ANOTHER),
            lambda id=id: print_letter(story.desk, WRITING, id, ANOTHER),
            lambda id=id: record_sent(story.desk, WRITING, elsewhere, id, BY_POST),
            lambda id=id: defer_letter(story.desk, elsewhere, id, "x", date(2021, 6, 1)),
        ):
            with pytest.raises(refusals.NoSuchLetter) as refusal:
                attempt()
            refused.append((refusal.value.code, refusal.value.state, refusal.value.field))
    assert len(set(refused)) == 1


def test_a_rectification_while_it_is_sent_makes_it_be_written_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))

    class Overtaken:
        """The press, while whose first letter is printed somebody corrects the name."""

        printed = 0

        def print(self, letter: Letter) -> bytes:
            self.printed += 1
            if self.printed == 1:
                rectify_subject(story.desk, ask(), subject, a_person("Durand", "Anne", RPPS), "erreur", 1)
            return TypstPress().print(letter)

    record_sent(story.desk, replace(WRITING, press=Overtaken()), ask(), of(entry), BY_POST)
    assert "Anne Durand" in said(story, of(entry))


# Deferred -------------------------------------------------------------------------------------


def test_a_deferral_moves_the_deadline(story: Story) -> None:
    _, _, entry = story.listed()
    receipt = defer_letter(story.desk, ask(), of(entry), "enquête en cours", date(2021, 6, 1))
    assert receipt["deferred_to"] == date(2021, 6, 1)
    assert deadlines(story)["letter"]["due_at"] == datetime(2021, 6, 1, 22, tzinfo=UTC)
    assert states(story) == {of(entry): "deferred"}
    story.clock.move_to(datetime(2021, 6, 1, 22, tzinfo=UTC))
    assert states(story) == {of(entry): "late"}


def test_a_deferral_at_the_approval_counts(story: Story) -> None:
    subject = story.subject()
    entry = story.propose(story.case(subject), subject).id
    approve(story.desk, ask(BRUNO), entry, Deferral("enquête en cours", date(2021, 6, 1)))
    assert deadlines(story)["letter"]["due_at"] == datetime(2021, 6, 1, 22, tzinfo=UTC)
    assert states(story) == {of(entry): "deferred"}


# Delisted -------------------------------------------------------------------------------------


def test_a_delisting_makes_its_letter_due_from_the_sweep_too(story: Story) -> None:
    _, _, entry = story.listed(months=12)
    send(story, of(entry))
    story.clock.move_to(TERM_ENDS + timedelta(days=3))
    sweep(story.desk)
    due = deadlines(story)["delisting_letter"]
    assert (due["id"], due["due_at"]) == (of(entry, DELISTING), datetime(2022, 4, 19, 22, tzinfo=UTC))
    text = said(story, of(entry, DELISTING))
    assert "Inscription : du 15 mars 2021 au 15 mars 2022" in text
    assert "La durée de l'inscription est écoulée." in text
    send(story, of(entry, DELISTING), Posting(date(2022, 3, 19), Channel.POST))
    assert deadlines(story) == {}


def test_who_was_delisted_before_being_informed_is_told_both_at_once(story: Story) -> None:
    _, _, entry = story.listed()
    delist(story.desk, ask(BRUNO), entry, DelistingGround.INACCURATE, "erreur")
    assert states(story) == {of(entry): "not_due", of(entry, DELISTING): "due"}
    assert "L'inscription avait été décidée pour 60 mois" in said(story, of(entry, DELISTING))
    story.clock.advance(days=1)
    with pytest.raises(refusals.LetterReplaced):
        send(story, of(entry), Posting(TODAY + timedelta(days=1), Channel.POST))


def test_an_entry_that_was_held_says_so_when_it_ends(story: Story) -> None:
    subject, case, entry = story.listed(months=12)
    procedure = story.open_procedure(case, subject)
    story.clock.move_to(TERM_ENDS + timedelta(days=30))
    story.end_procedure(case, procedure)
    sweep(story.desk)
    text = said(story, of(entry, DELISTING))
    assert "du 15 mars 2021 au 15 avril 2022" in text
    assert "ce maintien a cessé" in text


# Merged (C8) ----------------------------------------------------------------------------------


def test_the_letter_of_a_merged_subject_goes_to_the_survivor_and_stays_what_it_was(story: Story) -> None:
    duplicate, _, entry = story.listed(a_person("Lefevre", "Anne"))
    survivor = story.subject(a_person("Lefèvre", "Anne", RPPS))
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    assert deadlines(story)["letter"]["subject_id"] == survivor
    send(story, of(entry))
    split_subjects(story.desk, ask(), survivor, duplicate, "deux personnes")
    assert "Anne Lefèvre" in said(story, of(entry))
    assert [row["subject_id"] for row in story.rows("SELECT subject_id FROM letters")] == [survivor]


# Held (L13) -----------------------------------------------------------------------------------


def test_a_held_entry_is_a_deadline_every_year_until_it_is_reviewed(story: Story) -> None:
    subject, case, entry = story.listed(months=12)
    send(story, of(entry))
    assert deadlines(story) == {}
    procedure = story.open_procedure(case, subject)
    due = deadlines(story)["hold_review"]
    assert (due["id"], due["due_at"], due["held_by"]) == (entry, datetime(2023, 3, 15, 23, tzinfo=UTC), [])
    with pytest.raises(refusals.NotHeld):
        review_hold(story.desk, ask(BRUNO), entry, "rien de nouveau")
    story.clock.move_to(datetime(2023, 2, 1, 9, tzinfo=UTC))
    receipt = review_hold(story.desk, ask(BRUNO), entry, "l'instruction se poursuit")
    assert (receipt["reviewed_on"], receipt["held_by"]) == (date(2023, 2, 1), [procedure])
    assert deadlines(story)["hold_review"]["due_at"] == datetime(2024, 2, 1, 23, tzinfo=UTC)
    story.end_procedure(case, procedure)
    assert "hold_review" not in deadlines(story)


def test_the_reason_of_a_review_is_sealed_under_the_cases_key(story: Story) -> None:
    subject, case, entry = story.listed(months=12)
    story.open_procedure(case, subject)
    story.clock.move_to(TERM_ENDS)
    review_hold(story.desk, ask(BRUNO), entry, "secret de l'instruction")
    assert story.rows("SELECT owner FROM vault WHERE field = 'hold_review'") == [{"owner": case}]


# The pictures ---------------------------------------------------------------------------------


def test_the_letters_are_what_the_log_says(story: Story, database_url: str) -> None:
    subject, case, entry = story.listed(months=12)
    _, _, other = story.listed(months=12)
    story.open_procedure(case, subject)
    defer_letter(story.desk, ask(), of(entry), "enquête", date(2021, 6, 1))
    send(story, of(other))
    delist(story.desk, ask(BRUNO), other, DelistingGround.REPAID, "remboursé")
    story.clock.move_to(TERM_ENDS)
    review_hold(story.desk, ask(BRUNO), entry, "se poursuit")
    assert check(story.desk, story.house.snapshots)[1] == []
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE watchlist.letters SET due_at = NULL")
    found = {(d.table, d.columns) for d in check(story.desk, story.house.snapshots)[1]}
    assert found == {("letters", ("due_at",))}


def test_entries_that_took_effect_before_there_were_letters_are_painted_by_the_same_rules(
    story: Story, database_url: str
) -> None:
    subject, case, held = story.listed()
    story.open_procedure(case, subject)
    _, _, ended = story.listed()
    delist(story.desk, ask(BRUNO), ended, DelistingGround.REPAID, "remboursé")
    story.propose(story.case(subject), subject)
    with psycopg.connect(database_url) as conn:  # as migration 0005 leaves them
        conn.execute("DELETE FROM watchlist.letters")
        conn.execute("UPDATE watchlist.inscriptions SET hold_review_due_at = NULL")
        conn.execute(
            "INSERT INTO watchlist.letters_to_paint"
            " SELECT DISTINCT case_id FROM watchlist.inscriptions WHERE inscribed_at IS NOT NULL"
        )
    assert {d.table for d in check(story.desk, story.house.snapshots)[1]} == {"letters", "inscriptions"}
    assert paint_late_letters(story.house.register, story.house.pool) == 2
    assert check(story.desk, story.house.snapshots)[1] == []
    assert paint_late_letters(story.house.register, story.house.pool) == 0
    assert states(story) == {of(held): "due", of(ended): "not_due", of(ended, DELISTING): "due"}
