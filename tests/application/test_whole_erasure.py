"""An erasure is whole: whatever is recorded while it is decided, and wherever else the person is named (P6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.letters import CONTACTS, text_of
from tests.stories import MONDAY, ORGANISATION, RPPS, Story, a_person, a_story, ask
from watchlist.adapters.letter_press import TypstPress
from watchlist.application.access_export import access_export
from watchlist.application.case_file import read_case
from watchlist.application.case_texts import every_identity_of, redact_text
from watchlist.application.desk import Desk
from watchlist.application.exercise_rights import (
    DeferredPart,
    Received,
    answer_request,
    decide_request,
    extend_request,
    lift_requested_restriction,
    receive_request,
    review_deferral,
)
from watchlist.application.letters import Document, Writing
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.open_case import qualify_alert
from watchlist.application.person_texts import person_texts_naming, redact_request_text, redact_subject_text
from watchlist.application.read_request import read_request, request_of
from watchlist.application.register_subject import rectify_subject
from watchlist.application.replay import check
from watchlist.application.rights_letters import print_reply, read_reply
from watchlist.application.sweep import sweep
from watchlist.application.work_on_case import add_note
from watchlist.domain import refusals
from watchlist.domain.erasure import ErasureKind
from watchlist.domain.letter import Letter
from watchlist.domain.reply import ReplyKind
from watchlist.domain.rights_request import Right

TODAY = MONDAY.date()
WRITING = Writing(TypstPress(), CONTACTS)
ANSWER = ReplyKind.ANSWER
ZOE = a_person("Zwingelstein", "Zoé")
SECRET = "Mme Untelle-Discrète a appelé"


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


@dataclass
class Overtaken:
    """A real adapter; behind one call of one of its methods, something else is done first by somebody else."""

    real: Any
    method: str
    call: int
    meanwhile: Callable[[], object]
    calls: int = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.real, name)
        return self._overtaken(found) if name == self.method else found

    def _overtaken(self, found: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            self.calls += 1
            told = found(*args)
            if self.calls == self.call:
                self.meanwhile()
            return told

        return called


def overtaken_vault(desk: Desk, method: str, call: int, meanwhile: Callable[[], object]) -> Desk:
    """Where, behind that call for ciphertexts, something else is recorded."""
    return replace(desk, vault=Overtaken(desk.vault, method, call, meanwhile))


def with_keys_overtaken(desk: Desk, call: int, meanwhile: Callable[[], object]) -> Desk:
    """The same, behind that look-up of keys: between what a stream says and what is kept."""
    return replace(desk, keyring=Overtaken(desk.keyring, "found", call, meanwhile))


def receive(story: Story, subject: UUID, kind: Right = Right.ACCESS, details: str | None = None) -> UUID:
    return receive_request(story.desk, ask(), Received(kind, subject, TODAY, details)).id


def granted(story: Story, subject: UUID, kind: Right = Right.ACCESS) -> UUID:
    request = receive(story, subject, kind)
    decide_request(story.desk, ask(), request, True, "voici pourquoi")
    return request


def answer(story: Story, request: UUID, desk: Desk | None = None) -> None:
    answer_request(desk or story.desk, ask(), request, writing=WRITING)


def said(story: Story, request: UUID, desk: Desk | None = None) -> str:
    return text_of(read_reply(desk or story.desk, WRITING, request, ANSWER, ORGANISATION)["content"])


def note_of(story: Story, case: UUID) -> UUID:
    text: UUID = read_case(story.desk, case, ORGANISATION)["notes"][0]["text_ids"]["text"]
    return text


# A redaction ----------------------------------------------------------------------------------


def test_a_letter_that_is_kept_while_a_text_is_redacted_goes_with_it_too(story: Story) -> None:
    subject, case, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    add_note(story.desk, ask(), case, SECRET)
    request, text_id = granted(story, subject), note_of(story, case)
    listed_then = 2  # once for the texts of the case, once for what letters told of it
    desk = overtaken_vault(story.desk, "rows_of", listed_then, lambda: answer(story, request))
    redact_text(desk, ask(), case, text_id, "rien", "elle n'est pas partie")
    assert SECRET not in said(story, request)
    with pytest.raises(refusals.LetterReduced):
        print_reply(story.desk, WRITING, request, ANSWER, ORGANISATION)
    reprinted = print_reply(story.desk, WRITING, request, ANSWER, ORGANISATION, as_printed_now=True)
    assert reprinted[1] is Document.DIFFERS
    assert check(story.desk, story.house.snapshots)[1] == []


def test_a_letter_is_read_while_a_text_of_its_case_is_redacted(story: Story) -> None:
    subject, case, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    add_note(story.desk, ask(), case, SECRET)
    request, text_id = granted(story, subject), note_of(story, case)
    answer(story, request)

    def redact() -> None:
        redact_text(story.desk, ask(), case, text_id, "rien", "elle n'est pas partie")

    told = said(story, request, with_keys_overtaken(story.desk, 2, redact))
    assert SECRET not in told
    assert "n'est conservé qu'avec le dossier" in told


def test_what_a_letter_told_of_a_case_and_is_lost_is_not_taken_for_redacted(story: Story) -> None:
    subject = story.listed(a_person("Lefèvre", "Anne", RPPS))[0]
    request = granted(story, subject)
    answer(story, request)
    with story.house.pool.connection() as conn:
        conn.execute("DELETE FROM watchlist.vault WHERE field = 'letter_case'")
    with pytest.raises(refusals.KeyLost):
        said(story, request)


# The answer that tells of it ------------------------------------------------------------------


class Stopped(BaseException):
    """The process was killed."""


class KilledAtTheJournal:
    """The erasure journal of a process that is killed before it can write a line."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def append(self, *_: Any) -> Any:
        raise Stopped()


def test_from_the_answer_on_that_tells_of_it_nothing_comes_before_an_erasure(story: Story) -> None:
    subject, case, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    request = granted(story, subject, Right.ERASURE)
    with pytest.raises(Stopped):
        answer(story, request, replace(story.desk, journal=KilledAtTheJournal(story.desk.journal)))
    assert read_request(story.desk, request, ORGANISATION)["state"] == "answered"
    assert story.desk.subject(subject, ORGANISATION).is_erasing
    assert story.answers(RPPS) == set()
    for late in (lambda: story.open_procedure(case, subject), lambda: story.case(subject)):
        with pytest.raises(refusals.Refusal):
            late()
    assert (sweep(story.desk).failed, check(story.desk, story.house.snapshots)[1]) == ([], [])
    assert read_request(story.desk, request, ORGANISATION)["erased"]
    assert story.desk.vault.rows_of(subject) == story.desk.vault.rows_of(case) == {}


def test_a_text_that_names_her_while_she_is_answered_refuses_the_answer(story: Story) -> None:
    subject = story.subject(a_person("Lefèvre", "Anne", RPPS))
    case = story.case(subject, story.subject(a_person("Durand", "Paul")))
    request = granted(story, subject, Right.ERASURE)

    def note() -> None:
        add_note(story.desk, ask(), case, "appel d'Anne Lefèvre")

    with pytest.raises(refusals.TextsNameTheSubject):
        answer(story, request, overtaken_vault(story.desk, "rows_of", 1, note))
    told = read_request(story.desk, request, ORGANISATION)
    assert (told["state"], [one["state"] for one in told["letters"]]) == ("decided", ["draft"])
    assert not story.desk.subject(subject, ORGANISATION).is_erasing


def test_a_person_is_told_by_a_letter_while_a_case_of_theirs_is_being_purged(story: Story) -> None:
    subject, case, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    add_note(story.desk, ask(), case, "une note qui reste")
    alert = story.alert(subject)
    add_note(story.desk, ask(), alert, "une note qui part")
    decided, destroyed = granted(story, subject), granted(story, subject)
    killed = replace(story.desk, journal=KilledAtTheJournal(story.desk.journal))
    with pytest.raises(Stopped):
        qualify_alert(killed, ask(), alert, False, "")
    answer(story, decided)
    story.house.keyring.destroy([alert])
    answer(story, destroyed)
    for request in (decided, destroyed):
        assert "une note qui reste" in said(story, request)
        assert "une note qui part" not in said(story, request)
        assert print_reply(story.desk, WRITING, request, ANSWER, ORGANISATION)[1] is Document.IDENTICAL
    owners = {row["owner"] for row in story.rows("SELECT owner FROM vault WHERE field = 'letter_case'")}
    assert owners == {case}


def test_a_letter_is_written_again_when_a_case_goes_while_it_is_written(story: Story) -> None:
    subject, case, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    alert = story.alert(subject)
    request = granted(story, subject)

    def purge() -> None:
        qualify_alert(story.desk, ask(), alert, False, "")

    answer(story, request, overtaken_vault(story.desk, "rows", 2, purge))
    assert "toutes les données que l'organisme" in said(story, request)
    owners = {row["owner"] for row in story.rows("SELECT owner FROM vault WHERE field = 'letter_case'")}
    assert owners == {case}


# What is still owed ---------------------------------------------------------------------------


def test_what_somebody_asked_for_is_followed_to_its_end_after_their_erasure(story: Story) -> None:
    subject, _, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    restriction, access, waiting = granted(story, subject, Right.RESTRICTION), *two_accesses(story, subject)
    answer(story, restriction)
    answer(story, granted(story, subject, Right.ERASURE))
    assert read_request(story.desk, restriction, ORGANISATION)["restricts"]
    lift_requested_restriction(story.desk, ask(), restriction, "elle est effacée", TODAY, WRITING)
    extend_request(story.desk, ask(), access, "complexe", TODAY, WRITING)
    later = DeferredPart("cases", "enquête", TODAY + timedelta(days=30))
    decide_request(story.desk, ask(), access, True, "voici pourquoi", [later])
    answer(story, access)
    review_deferral(story.desk, ask(), waiting, TODAY, [later])
    for request in (restriction, access, waiting):
        told = read_request(story.desk, request, ORGANISATION)
        assert (told["open"], told["restricts"]) == (False, False)
    told = read_request(story.desk, restriction, ORGANISATION)["lifting"]
    assert (told["told_on"], told["reason"]) == (TODAY, None)
    assert check(story.desk, story.house.snapshots)[1] == []
    assert story.desk.vault.rows_of(subject) == {}


def two_accesses(story: Story, subject: UUID) -> tuple[UUID, UUID]:
    """One that is not decided yet, and one of which a part waits."""
    later = DeferredPart("cases", "enquête", TODAY + timedelta(days=30))
    waiting = receive(story, subject)
    decide_request(story.desk, ask(), waiting, True, "voici pourquoi", [later])
    answer(story, waiting)
    return receive(story, subject), waiting


# Under another person's key -------------------------------------------------------------------


def test_a_letter_to_whom_she_was_taken_for_goes_with_her(story: Story) -> None:
    """They were merged by mistake, and split: the letter of then told of both (C8)."""
    survivor, mistaken = story.subject(a_person("Lefèvre", "Anne", RPPS)), story.subject(ZOE)
    case = story.case(mistaken, story.subject(a_person("Tiers", "Un")))
    apart = granted(story, survivor)
    answer(story, apart)
    story.clock.advance(days=1)
    hers = receive(story, mistaken, Right.OBJECTION)
    merge_subjects(story.desk, ask(), survivor, mistaken, "doublon")
    together = granted(story, survivor)
    answer(story, together)
    decide_request(story.desk, ask(), hers, False, "non fondée")
    answer(story, hers)
    assert "Zwingelstein" in said(story, together)
    split_subjects(story.desk, ask(), survivor, mistaken, "ce n'est pas elle")
    story.clock.advance(days=1)
    answer(story, granted(story, mistaken, Right.ERASURE))
    for request in (together, hers):
        with pytest.raises(refusals.LetterErased):
            said(story, request)
    assert "Lefèvre" in said(story, apart)
    told = str(access_export(story.desk, survivor, ORGANISATION))
    assert "Zwingelstein" not in told
    fields = [row.field for row in story.desk.vault.rows_of(survivor).values()]
    assert (fields.count("letter"), fields.count("letter_document"), fields.count("letter_key")) == (1, 1, 0)
    assert story.desk.case(case, ORGANISATION).purge_due is None
    journalled = {entry.owner for entry in story.desk.journal.after() if entry.kind is ErasureKind.TEXT}
    certified = {row["owner"] for row in story.rows("SELECT owner FROM erasures WHERE kind = 'text'")}
    assert len(journalled) == 5
    assert journalled == certified
    assert check(story.desk, story.house.snapshots)[1] == []


def test_texts_of_other_persons_that_name_her_are_found_and_redacted(story: Story) -> None:
    her, other = story.subject(ZOE), story.subject(a_person("Durand", "Paul"))
    request = receive(story, other, details="ma collègue Zoé Zwingelstein me l'a dit")
    later = DeferredPart("cases.notes", "Mme Zwingelstein enquête", TODAY + timedelta(days=30))
    decide_request(story.desk, ask(), request, True, "malgré Zoé Zwingelstein", [later])
    rectify_subject(story.desk, ask(), other, a_person("Durant", "Paul"), "selon Zoé Zwingelstein", 1)
    answer(story, request)
    assert "Zwingelstein" in said(story, request)
    naming = found_naming(story, her, other, request)
    assert len(naming) == 4
    for whose, text in naming:
        redact = redact_subject_text if whose == other else redact_request_text
        redact(story.desk, ask(), whose, text, "quelqu'un", "une personne effacée")
        with pytest.raises(refusals.AlreadyRedacted):
            redact(story.desk, ask(), whose, text, "quelqu'un", "encore")
    assert found_naming(story, her, other, request) == []
    told = read_request(story.desk, request, ORGANISATION)
    assert (told["details"], told["decision"]["reason"]) == ("quelqu'un", "quelqu'un")
    assert told["deferred"] == [
        {"part": "cases.notes", "reason": "quelqu'un", "review_on": later.review_on.isoformat()}
    ]
    with pytest.raises(refusals.LetterErased):
        said(story, request)
    export = str(access_export(story.desk, other, ORGANISATION))
    assert "quelqu'un" in export
    assert "Zwingelstein" not in export
    assert check(story.desk, story.house.snapshots)[1] == []


def test_only_a_text_of_a_request_is_redacted(story: Story) -> None:
    other = story.subject(a_person("Durand", "Paul"))
    request = receive(story, other, details="des détails")
    (identity,) = story.desk.vault.rows_of(other).keys() - texts_of(story, request)
    for attempt in (
        lambda: redact_request_text(story.desk, ask(), request, identity, "rien", "x"),
        lambda: redact_subject_text(story.desk, ask(), other, identity, "rien", "x"),
    ):
        with pytest.raises(refusals.NoSuchText):
            attempt()


def test_a_letter_that_is_kept_while_a_text_of_a_person_is_redacted_goes_with_it(story: Story) -> None:
    other = story.subject(a_person("Durand", "Paul"))
    earlier = receive(story, other, Right.OBJECTION, details=SECRET)
    (text,), request = texts_of(story, earlier), granted(story, other)
    desk = overtaken_vault(story.desk, "rows_of", 1, lambda: answer(story, request))
    redact_request_text(desk, ask(), earlier, text, "rien", "elle est effacée")
    with pytest.raises(refusals.LetterErased):
        said(story, request)


def test_a_text_of_a_person_that_is_redacted_while_a_letter_is_written_is_not_in_it(story: Story) -> None:
    other = story.subject(a_person("Durand", "Paul"))
    earlier = receive(story, other, Right.OBJECTION, details=SECRET)
    (text,), request = texts_of(story, earlier), granted(story, other)

    class Slow:
        letters = 0

        def print(self, letter: Letter) -> bytes:
            self.letters += 1
            if self.letters == 1:
                redact_request_text(story.desk, ask(), earlier, text, "rien", "elle est effacée")
            return TypstPress().print(letter)

    answer_request(story.desk, ask(), request, writing=replace(WRITING, press=Slow()))
    assert SECRET not in said(story, request)


def texts_of(story: Story, request: UUID) -> set[UUID]:
    details = request_of(story.desk, request, ORGANISATION).details
    assert details is not None
    return {details.ref}


def found_naming(story: Story, her: UUID, *whose: UUID) -> list[tuple[UUID, UUID]]:
    return person_texts_naming(story.desk, whose, [her], every_identity_of(story.desk, [her]))
