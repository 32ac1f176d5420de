"""The letters of requests on a real register: read, drafted, printed, kept when the person is told, erased (P1-P6)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from tests.letters import CONTACTS, text_of
from tests.stories import (
    A_PROPOSAL,
    ANOTHER,
    BRUNO,
    MONDAY,
    ORGANISATION,
    RPPS,
    Story,
    a_person,
    a_story,
    ask,
)
from watchlist.adapters.letter_press import TypstPress
from watchlist.application import inscribe
from watchlist.application.access_export import access_export, export_for
from watchlist.application.case_file import read_case
from watchlist.application.case_texts import redact_text
from watchlist.application.delist import delist, restrict
from watchlist.application.exercise_rights import (
    DeferredPart,
    Received,
    answer_request,
    decide_request,
    extend_request,
    lift_requested_restriction,
    receive_request,
)
from watchlist.application.letters import Document, Writing
from watchlist.application.merge_subjects import merge_subjects
from watchlist.application.open_case import qualify_alert
from watchlist.application.purge_case import purge_case
from watchlist.application.read_request import read_request, request_of
from watchlist.application.register_subject import record_death, rectify_subject
from watchlist.application.replay import check
from watchlist.application.rights_letters import Saying, draft_reply, list_replies, print_reply, read_reply
from watchlist.application.work_on_case import add_note
from watchlist.domain import refusals
from watchlist.domain import rights_request as rules
from watchlist.domain.access_tables import label
from watchlist.domain.identity import Person
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.letter import Letter
from watchlist.domain.reply import ReplyKind, ReplyState
from watchlist.domain.rights_request import Right

TODAY = MONDAY.date()
WRITING = Writing(TypstPress(), CONTACTS)
EXTENSION, ANSWER, LIFTING = ReplyKind


class NoPress:
    """The press of a house without the extra."""

    def print(self, letter: Letter) -> bytes:
        raise refusals.LettersUnavailable()


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def receive(story: Story, subject: UUID, kind: Right = Right.ACCESS) -> UUID:
    return receive_request(story.desk, ask(), Received(kind, subject, TODAY)).id


def decide(story: Story, request: UUID, granted: bool = True, *deferred: DeferredPart) -> None:
    decide_request(story.desk, ask(), request, granted, "voici pourquoi", deferred)


def decided(story: Story, kind: Right = Right.ACCESS, granted: bool = True) -> UUID:
    request = receive(story, story.subject(a_person("Lefèvre", "Anne", RPPS)), kind)
    decide(story, request, granted)
    return request


def answer(story: Story, request: UUID, writing: Writing = WRITING, text: str | None = None) -> None:
    answer_request(story.desk, ask(), request, text=text, writing=writing)


def said(story: Story, request: UUID, kind: ReplyKind = ANSWER) -> str:
    return text_of(read_reply(story.desk, WRITING, request, kind, ORGANISATION)["content"])


def printed(story: Story, request: UUID, kind: ReplyKind = ANSWER, **how: bool) -> tuple[bytes, Document]:
    return print_reply(story.desk, WRITING, request, kind, ORGANISATION, **how)


def states(story: Story, request: UUID) -> dict[ReplyKind, ReplyState]:
    return {one["kind"]: one["state"] for one in list_replies(story.desk, request, ORGANISATION)}


# The answer -----------------------------------------------------------------------------------


def test_what_was_sent_is_the_draft_of_that_day_byte_for_byte_whatever_happened_since(story: Story) -> None:
    subject, case, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    add_note(story.desk, ask(), case, "une note d'alors")
    request = receive(story, subject)
    decide(story, request)
    draft, how = printed(story, request)
    assert how is Document.DRAFT
    assert "une note d'alors" in said(story, request)
    story.clock.advance(hours=3)
    answer(story, request)
    before = said(story, request)
    rectify_subject(story.desk, ask(), subject, a_person("Durand", "Anne", RPPS), "erreur", 1)
    add_note(story.desk, ask(), case, "une note de plus tard")
    story.clock.advance(days=400)
    assert printed(story, request) == (draft, Document.IDENTICAL)
    assert said(story, request) == before
    assert "plus tard" not in before
    assert check(story.desk, story.house.snapshots)[1] == []


def test_a_refusal_gives_its_reason_and_portability_its_own(story: Story) -> None:
    assert "voici pourquoi" in said(story, decided(story, Right.OBJECTION, granted=False))
    portability = receive(story, story.subject(a_person("Petit")), Right.PORTABILITY)
    decide_request(story.desk, ask(), portability, False, None)
    assert "intérêt légitime" in said(story, portability)


@pytest.mark.parametrize("kind", [Right.OBJECTION, Right.RESTRICTION, Right.ERASURE])
def test_what_was_granted_is_told_in_its_own_letter(story: Story, kind: Right) -> None:
    text = said(story, decided(story, kind))
    assert "Anne Lefèvre" in text
    assert "Notre réponse : acceptée" in text


def test_the_answer_of_one_organisation_says_nothing_of_anothers_entry(story: Story) -> None:
    subject, *_ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    theirs = listed_by_another(story, a_person("Lefèvre", "Anne", RPPS))
    objection = receive(story, subject, Right.OBJECTION)
    decide(story, objection)
    answer(story, objection)
    restriction = receive(story, subject, Right.RESTRICTION)
    decide(story, restriction)
    answer(story, restriction)
    ended = "l'inscription demandée par l'organisme GROUPAMA a pris fin le 15 mars 2021"
    assert ended in said(story, objection)
    assert "Ce que l'organisme GROUPAMA a inscrit" in said(story, restriction)
    for request in (objection, restriction):
        assert "ce que l'organisme GROUPAMA détient et a inscrit" in said(story, request)
        assert ANOTHER not in said(story, request)
    assert story.answers(RPPS) == {theirs}


def listed_by_another(story: Story, person: Person) -> UUID:
    subject = story.subject(person, organisation=ANOTHER)
    case = story.case(subject, organisation=ANOTHER)
    entry = inscribe.propose(story.desk, ask(organisation=ANOTHER), case, subject, A_PROPOSAL).id
    inscribe.approve(story.desk, ask(BRUNO, organisation=ANOTHER), entry)
    return entry


@pytest.mark.parametrize("kind", [Right.OBJECTION, Right.RECTIFICATION])
def test_whose_contest_ends_reads_that_it_ends_and_from_when(story: Story, kind: Right) -> None:
    person = a_person("Lefèvre", "Anne", RPPS)
    subject, _, entry = story.listed(person)
    request = receive(story, subject, kind)
    if kind is Right.RECTIFICATION:
        rectify_subject(
            story.desk,
            ask(),
            subject,
            a_person("Lefebvre", "Anne", RPPS),
            "erreur",
            version_of(story, subject),
        )
    decide(story, request, granted=kind is Right.RECTIFICATION)
    assert request_of(story.desk, request, ORGANISATION).contests
    assert FREED in said(story, request)
    assert "avec la présente réponse, à partir du 15 mars 2021" in said(story, request)
    draft = said(story, request)
    assert story.answers(RPPS) == set()
    answer(story, request)
    assert story.answers(RPPS) == {entry}
    assert not request_of(story.desk, request, ORGANISATION).contests
    assert said(story, request) == draft


FREED = "les organismes qui interrogent la liste peuvent apprendre que votre nom y figure"
KEPT_BACK = "reste limitée pour une autre raison"
NOTHING_STANDS = "Aucune inscription que cet organisme a demandée n'est en cours."


def version_of(story: Story, subject: UUID) -> int:
    return story.desk.subject(subject, ORGANISATION).version


def test_what_something_else_restricts_is_told_as_kept_back(story: Story) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    restrict(story.desk, ask(BRUNO), entry, "à vérifier")
    request = receive(story, subject, Right.OBJECTION)
    decide(story, request, granted=False)
    answer(story, request)
    assert KEPT_BACK in said(story, request)
    assert FREED not in said(story, request)
    assert story.answers(RPPS) == set()


@pytest.mark.parametrize("granted", [True, False])
def test_who_has_no_entry_any_more_reads_that_nothing_stands(story: Story, granted: bool) -> None:
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    request = receive(story, subject, Right.OBJECTION)
    decide(story, request, granted)
    if not granted:
        delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "remboursé")
    answer(story, request)
    assert NOTHING_STANDS in said(story, request)
    assert FREED not in said(story, request)


def test_an_entry_that_came_after_a_granted_objection_is_told_with_its_answer(story: Story) -> None:
    subject, *_ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    request = receive(story, subject, Right.OBJECTION)
    decide(story, request)
    again = story.inscribe(story.case(subject), subject)
    answer(story, request)
    assert story.answers(RPPS) == {again}
    text = said(story, request)
    assert "l'inscription demandée par l'organisme GROUPAMA a pris fin le 15 mars 2021" in text
    assert FREED in text
    assert "n'est pas de celles que la décision sur votre opposition a fait cesser" in text


def test_an_entry_that_is_approved_while_the_answer_is_written_is_in_it(story: Story) -> None:
    subject, *_ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    request = receive(story, subject, Right.OBJECTION)
    decide(story, request)

    class Overtaken:
        letters = 0

        def print(self, letter: Letter) -> bytes:
            self.letters += 1
            if self.letters == 1:
                story.inscribe(story.case(subject), subject)
            return TypstPress().print(letter)

    answer(story, request, replace(WRITING, press=Overtaken()))
    assert FREED in said(story, request)


def test_an_answer_of_ones_own_stands_in_the_place_of_the_letter(story: Story) -> None:
    request = decided(story)
    answer(story, request, text="répondu de vive voix")
    assert states(story, request) == {}
    with pytest.raises(refusals.NoSuchLetter):
        said(story, request)
    assert read_request(story.desk, request, ORGANISATION)["answer"]["text"] == "répondu de vive voix"


def test_nothing_is_written_before_it_is_decided(story: Story) -> None:
    request = receive(story, story.subject())
    assert states(story, request) == {EXTENSION: ReplyState.OPEN}
    for kind in ReplyKind:
        with pytest.raises(refusals.NoSuchLetter):
            said(story, request, kind)


def test_the_answer_on_directives_goes_to_whoever_exercises_the_rights_of_the_dead(story: Story) -> None:
    subject = story.subject(a_person("Lefèvre", "Anne", RPPS))
    record_death(story.desk, ask(), subject, TODAY)
    received = Received(Right.DIRECTIVES, subject, TODAY, directives="ne rien conserver")
    request = receive_request(story.desk, ask(), received).id
    decide(story, request)
    assert "À la personne qui exerce les droits de\nAnne Lefèvre" in said(story, request)
    assert "Les directives sont enregistrées" in said(story, request)


def test_a_letter_says_who_stands_for_a_duplicate_and_is_kept_under_that_key(story: Story) -> None:
    survivor, duplicate = (
        story.subject(a_person("Lefèvre", "Anne", RPPS)),
        story.subject(a_person("Lefebvre")),
    )
    request = receive(story, duplicate, Right.OBJECTION)
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    decide(story, request, granted=False)
    answer(story, request)
    assert "Anne Lefèvre" in said(story, request)
    owners = story.rows("SELECT owner FROM vault WHERE field IN ('letter', 'letter_document')")
    assert owners == [{"owner": survivor}] * 2


def test_neither_a_name_nor_a_digest_is_in_the_events(story: Story) -> None:
    request = decided(story)
    answer(story, request)
    digest = hashlib.sha256(printed(story, request)[0])
    stored = b"".join(bytes(row["state"]) for row in story.rows("SELECT state FROM events"))
    for value in (b"Lef", b"Exemple", digest.digest(), digest.hexdigest().encode()):
        assert value not in stored
    assert b'"template":"access-1"' in stored


def test_an_access_answer_says_what_is_not_recorded(story: Story) -> None:
    request = decided(story)
    told = export_for(story.desk, request_of(story.desk, request, ORGANISATION))
    lacking = [label(name) for name in ("recipients", "consultations") if told[name] is None]
    text = said(story, request)
    assert [
        name for name in ("Destinataires", "Consultations") if f"{name} | non enregistré" in text
    ] == lacking


def test_a_reason_that_names_another_is_told_neither_as_json_nor_by_letter(story: Story) -> None:
    subject, other = (
        story.subject(a_person("Lefèvre", "Anne", RPPS)),
        story.subject(a_person("Durandal", "Paul")),
    )
    story.case(subject, other)
    request = receive(story, subject)
    decide_request(story.desk, ask(), request, True, "accordé, malgré la plainte de Paul Durandal")
    told = export_for(story.desk, request_of(story.desk, request, ORGANISATION))
    assert "Durandal" not in str(told)
    assert "Durandal" not in said(story, request)
    assert "ce texte concerne une autre personne" in said(story, request)
    # what names nobody else is told
    assert "voici pourquoi" in said(story, decided(story))


# What waits (P3) ------------------------------------------------------------------------------


def test_a_deferred_part_is_named_in_the_letter_with_why_and_never_with_its_case(story: Story) -> None:
    subject = story.subject()
    case = story.case(subject)
    add_note(story.desk, ask(), case, "à ne pas dévoiler")
    request = receive(story, subject)
    decide(
        story, request, True, DeferredPart(f"cases.{case.hex}.notes", "enquête", TODAY + timedelta(days=30))
    )
    text = said(story, request)
    assert "Notes du dossier : enquête Nous réexaminerons ce report le 14 avril 2021." in text
    assert "à ne pas dévoiler" not in text
    assert "acceptée en partie" in text


def test_a_letter_in_which_procedures_wait_tells_of_no_hold(story: Story) -> None:
    subject, case, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    procedure = story.open_procedure(case, subject)
    request = receive(story, subject)
    decide(story, request, True, DeferredPart("cases.procedures", "enquête", TODAY + timedelta(days=30)))
    text = said(story, request)
    assert str(procedure) not in text
    assert "Maintenue par | communiqué plus tard" in text
    assert "Procédures judiciaires | communiqué plus tard" in text


@pytest.mark.parametrize("part", ["notes_du_dossier", "cases.identity", f"cases.{UUID(int=7).hex}.notes"])
def test_nothing_waits_by_a_slip(story: Story, part: str) -> None:
    subject = story.subject()
    story.case(subject)
    request = receive(story, subject)
    with pytest.raises(refusals.NoSuchPart):
        decide(story, request, True, DeferredPart(part, "enquête", TODAY + timedelta(days=30)))


# Extended and lifted --------------------------------------------------------------------------


def test_an_extension_is_drafted_sent_and_kept_as_it_was(story: Story) -> None:
    request = receive(story, story.subject())
    with pytest.raises(rules.ReasonMissing):
        draft_reply(story.desk, WRITING, request, EXTENSION, ORGANISATION, Saying(TODAY))
    draft = draft_reply(story.desk, WRITING, request, EXTENSION, ORGANISATION, Saying(TODAY, "complexe"))
    extend_request(story.desk, ask(), request, "complexe", TODAY, WRITING)
    assert read_reply(story.desk, WRITING, request, EXTENSION, ORGANISATION)["content"] == draft
    assert "au plus tard le 15 juin 2021" in text_of(draft)
    assert printed(story, request, EXTENSION) == (WRITING.press.print(draft), Document.IDENTICAL)
    with pytest.raises(refusals.NoSuchLetter):
        draft_reply(story.desk, WRITING, request, EXTENSION, ORGANISATION, Saying(TODAY, "encore"))


def test_a_person_reads_of_a_lifting_before_it_takes_effect(story: Story) -> None:
    request = decided(story, Right.RESTRICTION)
    answer(story, request)
    lifted_on = TODAY + timedelta(days=10)
    saying = Saying(TODAY, "plus nécessaire", lifted_on)
    draft = draft_reply(story.desk, WRITING, request, LIFTING, ORGANISATION, saying)
    story.clock.advance(days=10)
    lift_requested_restriction(story.desk, ask(), request, "plus nécessaire", TODAY, WRITING)
    assert read_reply(story.desk, WRITING, request, LIFTING, ORGANISATION)["content"] == draft
    assert "levée le 25 mars 2021" in text_of(draft)
    assert states(story, request) == {ANSWER: ReplyState.SENT, LIFTING: ReplyState.SENT}


def test_the_restriction_of_an_objection_is_told_by_its_answer(story: Story) -> None:
    request = receive(story, story.listed()[0], Right.OBJECTION)
    decide(story, request, granted=False)
    with pytest.raises(refusals.NoSuchLetter):
        draft_reply(story.desk, WRITING, request, LIFTING, ORGANISATION, Saying(TODAY, "x"))
    answer(story, request)
    assert states(story, request) == {ANSWER: ReplyState.SENT}
    assert check(story.desk, story.house.snapshots)[1] == []


# Without a press, and after the erasure -------------------------------------------------------


def test_where_nothing_can_be_printed_what_was_told_is_recorded_all_the_same(story: Story) -> None:
    request = decided(story, Right.OBJECTION)
    answer(story, request, replace(WRITING, press=NoPress()))
    assert "Votre opposition est acceptée" in said(story, request)
    with pytest.raises(refusals.LetterDiffers):
        printed(story, request)
    assert printed(story, request, as_printed_now=True)[1] is Document.DIFFERS


def test_an_erasure_takes_its_letter_which_could_be_printed_before(story: Story) -> None:
    request = decided(story, Right.ERASURE)
    draft, how = printed(story, request)
    assert (draft[:5], how) == (b"%PDF-", Document.DRAFT)
    answer(story, request)
    assert read_request(story.desk, request, ORGANISATION)["erased"]
    assert states(story, request) == {ANSWER: ReplyState.SENT}
    for attempt in (lambda: said(story, request), lambda: printed(story, request)):
        with pytest.raises(refusals.LetterErased):
            attempt()
    assert check(story.desk, story.house.snapshots)[1] == []


def test_whom_an_erasure_took_is_answered_without_a_letter(story: Story) -> None:
    subject = story.subject()
    request = receive(story, subject)
    decide(story, request)
    story.house.keyring.destroy([subject])
    answer(story, request)
    assert states(story, request) == {}


# Whose they are (C6) --------------------------------------------------------------------------


def test_letters_of_requests_are_their_organisations_alone(story: Story) -> None:
    request, desk = decided(story), story.desk
    for attempt in (
        lambda: list_replies(desk, request, ANOTHER),
        lambda: read_reply(desk, WRITING, request, ANSWER, ANOTHER),
        lambda: print_reply(desk, WRITING, request, ANSWER, ANOTHER),
        lambda: draft_reply(desk, WRITING, request, ANSWER, ANOTHER, Saying(date(2021, 3, 15))),
    ):
        with pytest.raises(rules.NoSuchRequest):
            attempt()


def test_a_rectification_while_it_is_written_makes_it_be_written_again(story: Story) -> None:
    subject = story.subject(a_person("Lefèvre", "Anne", RPPS))
    request = receive(story, subject, Right.ERASURE)
    decide(story, request, granted=False)

    class Overtaken:
        """The press, while whose first letter is printed somebody corrects the name."""

        letters = 0

        def print(self, letter: Letter) -> bytes:
            self.letters += 1
            if self.letters == 1:
                rectify_subject(story.desk, ask(), subject, a_person("Durand", "Anne", RPPS), "erreur", 1)
            return TypstPress().print(letter)

    answer(story, request, replace(WRITING, press=Overtaken()))
    assert "Anne Durand" in said(story, request)


# What it tells of cases (C2, P6) --------------------------------------------------------------


def an_access_about_two_cases(story: Story) -> tuple[UUID, UUID, UUID, UUID]:
    """Answered by the letter; of the two cases one may be purged at once: subject, cases, request."""
    subject, case, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    add_note(story.desk, ask(), case, "une note qui reste")
    story.clock.advance(hours=1)
    alert = story.alert(subject)
    add_note(story.desk, ask(), alert, "une note qui part")
    request = receive(story, subject)
    decide(story, request)
    answer(story, request)
    return subject, case, alert, request


def kept_under(story: Story, field: str) -> set[UUID]:
    return {row["owner"] for row in story.rows("SELECT owner FROM vault WHERE field = %b", field)}


def test_what_a_letter_tells_of_a_case_is_kept_with_the_case(story: Story) -> None:
    subject, case, alert, request = an_access_about_two_cases(story)
    assert kept_under(story, "letter_case") == {case, alert}
    assert kept_under(story, "letter_key") == {subject}
    assert {"une note qui reste", "une note qui part"} <= set(notes_in(said(story, request)))


def notes_in(text: str) -> list[str]:
    return [line.removeprefix("Texte | ") for line in text.split("\n") if line.startswith("Texte | ")]


def test_a_purged_case_takes_along_what_a_letter_told_of_it(story: Story) -> None:
    _, case, alert, request = an_access_about_two_cases(story)
    qualify_alert(story.desk, ask(), alert, False, "")
    purge_case(story.desk, ask(), alert)
    assert kept_under(story, "letter_case") == {case}
    assert notes_in(said(story, request)) == ["une note qui reste"]
    with pytest.raises(refusals.LetterReduced):
        printed(story, request)
    assert printed(story, request, as_printed_now=True)[1] is Document.DIFFERS


def test_a_redaction_takes_along_what_letters_told_of_the_case(story: Story) -> None:
    _, case, alert, request = an_access_about_two_cases(story)
    text_id = read_case(story.desk, case, ORGANISATION)["notes"][0]["text_ids"]["text"]
    redact_text(story.desk, ask(), case, text_id, "rien", "une personne effacée")
    assert kept_under(story, "letter_case") == {alert}
    assert notes_in(said(story, request)) == ["une note qui part"]
    with pytest.raises(refusals.LetterReduced):
        printed(story, request)
    assert check(story.desk, story.house.snapshots)[1] == []
    # and the person is told again of the case as it stands
    assert "rien" in str(access_export(story.desk, request_subject(story, request), ORGANISATION))


def request_subject(story: Story, request: UUID) -> UUID:
    return read_request(story.desk, request, ORGANISATION)["subject_id"]


def test_neither_key_alone_opens_what_a_letter_tells_of_a_case(story: Story) -> None:
    subject, case, _, request = an_access_about_two_cases(story)
    story.house.keyring.destroy([subject])
    rows = story.desk.vault.rows_of(case)
    key = story.house.keyring.found([case]).keys[case]
    parts = request_of(story.desk, request, ORGANISATION).replies[ANSWER].cases
    (mine,) = (part for part in parts if part.case_id == case)
    row = rows[mine.tables.ref]
    opened = story.desk.cipher.open_sealed(key, case, row.field, mine.tables, row.ciphertext)
    assert b"une note" not in opened
    with pytest.raises(refusals.LetterErased):
        said(story, request)


def test_a_note_that_is_added_while_the_letter_is_written_is_in_it(story: Story) -> None:
    subject, case, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    request = receive(story, subject)
    decide(story, request)

    class Overtaken:
        letters = 0

        def print(self, letter: Letter) -> bytes:
            self.letters += 1
            if self.letters == 1:
                add_note(story.desk, ask(), case, "une note de dernière minute")
            return TypstPress().print(letter)

    answer(story, request, replace(WRITING, press=Overtaken()))
    assert notes_in(said(story, request)) == ["une note de dernière minute"]
