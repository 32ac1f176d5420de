"""What persons are told of their requests, by HTTP: letters read, drafted and printed; everything held of them."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.api.conftest import Office
from watchlist.adapters.clock import ManualClock

TOLD = {"reason": "une pièce manque", "told_on": "2026-03-02"}
GRANTED = {"granted": True, "reason": "accordé"}


def received(office: Office, subject: str, kind: str = "access") -> str:
    body = {"kind": kind, "subject_id": subject, "received_on": "2026-03-02", "details": "ce que je demande"}
    return f"/rights-requests/{office.dpo.made('/rights-requests', body)['id']}"


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_access_is_exported_printed_answered_and_printed_again(office: Office) -> None:
    subject, case, _ = office.entry()
    office.investigator.made(f"/cases/{case}/notes", {"text": "une note"})
    dpo, request = office.dpo, received(office, subject)
    export = dpo.get(f"{request}/export").json()
    assert [note["text"]["text"] for note in export["cases"][0]["notes"]] == ["une note"]
    assert export["requests"][0]["details"]["text"] == "ce que je demande"
    dpo.made(f"{request}/decision", GRANTED, 200)
    letter = dpo.get(f"{request}/letters/answer").json()
    assert (letter["state"], letter["template"], letter["sent_on"]) == ("draft", "access-1", None)
    assert letter["content"]["addressee"] == ["Marie Claude Delatour"]
    draft = dpo.get(f"{request}/letters/answer/pdf")
    assert (draft.headers["content-type"], draft.headers["letter-document"]) == ("application/pdf", "draft")
    assert draft.headers["content-disposition"] == f'attachment; filename="{letter["letter_id"]}.pdf"'
    dpo.made(f"{request}/answer", {}, 200)
    again = dpo.get(f"{request}/letters/answer/pdf")
    assert (again.content, again.headers["letter-document"]) == (draft.content, "identical")
    listed = dpo.get(f"{request}/letters").json()["items"]
    assert [(one["kind"], one["state"], one["sent_on"]) for one in listed] == [
        ("answer", "sent", "2026-03-02")
    ]
    assert dpo.get(request).json()["letters"] == listed


def test_what_waits_is_neither_exported_nor_printed(office: Office) -> None:
    subject, case, _ = office.entry()
    office.investigator.made(f"/cases/{case}/notes", {"text": "une note"})
    dpo, request = office.dpo, received(office, subject)
    waits = [{"part": "cases.notes", "reason": "enquête", "review_on": "2026-05-04"}]
    dpo.made(f"{request}/decision", GRANTED | {"deferred": waits}, 200)
    notes = dpo.get(f"{request}/export").json()["cases"][0]["notes"]
    assert notes == {"deferred": "notes", "reason": "enquête", "review_on": "2026-05-04"}
    letter = dpo.get(f"{request}/letters/answer").text
    assert "une note" not in letter
    assert "Notes du dossier : enquête" in letter


def test_a_part_that_is_none_is_refused(office: Office) -> None:
    dpo, request = office.dpo, received(office, office.subject())
    waits = [{"part": "cases.les_notes", "reason": "enquête", "review_on": "2026-05-04"}]
    answer = dpo.post(f"{request}/decision", GRANTED | {"deferred": waits})
    assert code(answer) == (422, "no_such_part")
    assert answer.json()["field"] == "deferred[0].part"


def test_an_extension_is_drafted_and_then_kept(office: Office) -> None:
    dpo, request = office.dpo, received(office, office.subject())
    letter = f"{request}/letters/extension"
    assert code(dpo.get(letter)) == (404, "no_such_letter")
    assert code(dpo.post(f"{letter}/draft", {})) == (422, "reason_missing")
    draft = dpo.post(f"{letter}/draft", TOLD).json()
    assert (draft["template"], draft["dated"]) == ("extension-1", "2026-03-02")
    printed = dpo.post(f"{letter}/draft/pdf", TOLD)
    assert (printed.status_code, printed.headers["letter-document"]) == (200, "draft")
    dpo.made(f"{request}/extension", TOLD, 200)
    assert dpo.get(letter).json()["content"] == draft
    assert dpo.get(f"{letter}/pdf").content == printed.content
    assert code(dpo.post(f"{letter}/draft", TOLD)) == (404, "no_such_letter")


def test_a_lifting_is_told_first_and_kept(office: Office, clock: ManualClock) -> None:
    dpo, request = office.dpo, received(office, office.entry()[0], "restriction")
    dpo.made(f"{request}/decision", GRANTED, 200)
    dpo.made(f"{request}/answer", None, 200)
    letter = f"{request}/letters/lifting"
    asked = {"reason": "plus nécessaire", "told_on": "2026-03-02", "lifted_on": "2026-03-12"}
    draft = dpo.post(f"{letter}/draft/pdf", asked)
    clock.advance(days=10)
    dpo.made(f"{request}/lifting", {"reason": "plus nécessaire", "told_on": "2026-03-02"}, 200)
    assert dpo.get(f"{letter}/pdf").content == draft.content


def test_an_erasure_is_printed_before_it_is_answered_and_never_after(office: Office) -> None:
    dpo, request = office.dpo, received(office, office.subject(), "erasure")
    dpo.made(f"{request}/decision", GRANTED, 200)
    assert dpo.get(f"{request}/letters/answer/pdf").content.startswith(b"%PDF-")
    dpo.made(f"{request}/answer", {}, 200)
    for letter in (f"{request}/letters/answer", f"{request}/letters/answer/pdf"):
        assert code(dpo.get(letter)) == (404, "letter_erased")
    assert code(dpo.get(f"{request}/export")) == (409, "no_export")


def test_an_access_after_an_erasure_is_exported_to_nobody(office: Office) -> None:
    subject = office.subject()
    access, erasure = received(office, subject), received(office, subject, "erasure")
    office.dpo.made(f"{erasure}/decision", GRANTED, 200)
    office.dpo.made(f"{erasure}/answer", {}, 200)
    assert code(office.dpo.get(f"{access}/export")) == (404, "no_such_subject")


def test_a_restriction_is_not_answered_with_an_export(office: Office) -> None:
    assert code(office.dpo.get(f"{received(office, office.subject(), 'restriction')}/export")) == (
        409,
        "no_export",
    )


def test_another_organisation_finds_neither_letters_nor_export(office: Office, other_office: Office) -> None:
    request = received(office, office.subject())
    for path in ("export", "letters", "letters/answer", "letters/answer/pdf"):
        assert code(other_office.dpo.get(f"{request}/{path}")) == (404, "no_such_request")
    for path in ("draft", "draft/pdf"):
        refused = other_office.dpo.post(f"{request}/letters/extension/{path}", TOLD)
        assert code(refused) == (404, "no_such_request")


def test_without_the_extra_what_was_told_is_recorded_and_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    dpo, request = office.dpo, received(office, office.subject(), "objection")
    monkeypatch.setitem(sys.modules, "typst", None)
    dpo.made(f"{request}/extension", TOLD, 200)
    letter = f"{request}/letters/extension"
    assert dpo.get(letter).json()["state"] == "sent"
    assert code(dpo.get(f"{letter}/pdf")) == (503, "letters_unavailable")
    monkeypatch.undo()
    assert code(dpo.get(f"{letter}/pdf")) == (409, "letter_differs")
    now = dpo.get(f"{letter}/pdf?as_printed_now=true")
    assert (now.status_code, now.headers["letter-document"]) == (200, "differs")
