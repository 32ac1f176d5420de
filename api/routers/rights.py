"""Rights: what persons ask for of their data, followed by the DPO until they were told (P1-P5)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Query
from starlette.responses import Response

from api.answered.access import AccessExport
from api.answered.cases import RedactionReceipt
from api.answered.letters import LetterContent
from api.answered.rights import (
    RequestAnswerReceipt,
    RequestDecisionReceipt,
    RequestItem,
    RequestLetter,
    RequestLetters,
    RequestReceipt,
    Requests,
    RightsRequest,
)
from api.asked import (
    AnswerToRequest,
    AskedDeferral,
    Extension,
    LetterDraft,
    LiftingOfRestriction,
    NewRequest,
    Redaction,
    RequestDecision,
    ReviewOfDeferral,
)
from api.errand import Protection, TheHouse, json_answer
from api.fields import Day, Id
from api.operator import Asker, Officer
from api.paging import Pages
from api.pdf import PDF, AsPrintedNow, Pdf, printed
from api.routes import COMMANDS, LISTS, READS, problems, router
from watchlist.application import exercise_rights as rights
from watchlist.application import rights_letters as letters
from watchlist.application.access_export import export_for
from watchlist.application.letters import Document
from watchlist.application.person_texts import redact_request_text
from watchlist.application.read_request import read_request, request_of
from watchlist.bootstrap import House
from watchlist.domain import periods
from watchlist.domain.letter import Letter
from watchlist.domain.reply import ReplyKind, reply_id
from watchlist.domain.rights_request import RequestState, Right

EXPORT = problems(404, 409)
DRAFTS = problems(404, 413, 415)
PRINTED_DRAFTS = PDF | DRAFTS
routes = router("rights", "/rights-requests")

SHOWN = tuple(RequestItem.model_fields.keys() - {"overdue", "open"})


@routes.post("", status_code=201, response_model=RequestReceipt, responses=COMMANDS)
def receive_a_request(body: NewRequest, errand: Protection) -> Response:
    """A person's request: due in a month; an objection or a contested accuracy restricts all entries at once."""
    received = rights.Received(body.kind, body.subject_id, body.received_on, body.details, body.directives)
    return errand.make(lambda desk, ask: rights.receive_request(desk, ask, received))


@routes.get("", response_model=Requests, responses=LISTS)
def list_requests(
    asker: Officer,
    house: TheHouse,
    pages: Pages,
    state: RequestState | None = None,
    kind: Right | None = None,
    due_before: Annotated[Day | None, Query(description="due earlier than that day")] = None,
) -> Response:
    """The requests of one's organisation, by id."""
    found = house.pictures.rights_requests(
        asker.organisation, state, kind, due_before, pages.after_id, pages.fetch
    )
    now = house.clock.now()

    def item(row: dict[str, Any]) -> dict[str, Any]:
        overdue = row["state"] != RequestState.ANSWERED and row["due_at"] <= now
        return {**{name: row[name] for name in SHOWN}, "overdue": overdue, "open": row["is_open"]}

    return pages.answer(found, lambda row: row["request_id"], item)


@routes.get("/{request_id}", response_model=RightsRequest, responses=READS)
def read_a_request(request_id: Id, asker: Officer, house: TheHouse) -> Response:
    """One request: what was asked, decided and answered."""
    view = read_request(house.desk, request_id, asker.organisation)
    return json_answer(view, version=view["version"])


@routes.post("/{request_id}/extension", response_model=RequestReceipt, responses=COMMANDS)
def extend_a_request(request_id: Id, body: Extension, errand: Protection, house: TheHouse) -> Response:
    """Two months more, if the person was told why by the first due day: by the letter, which is kept as it reads."""
    return errand.tell(
        lambda desk, ask: rights.extend_request(
            desk, ask, request_id, body.reason, body.told_on, house.writing
        )
    )


@routes.post("/{request_id}/decision", response_model=RequestDecisionReceipt, responses=COMMANDS)
def decide_a_request(request_id: Id, body: RequestDecision, errand: Protection) -> Response:
    """Granted or refused: entries end at once where it is upheld; a refusal lifts nothing before the answer."""
    deferred = _deferred(body.deferred)
    return errand.tell(
        lambda desk, ask: rights.decide_request(desk, ask, request_id, body.granted, body.reason, deferred)
    )


@routes.post("/{request_id}/answer", response_model=RequestAnswerReceipt, responses=COMMANDS)
def answer_a_request(
    request_id: Id,
    errand: Protection,
    house: TheHouse,
    body: Annotated[AnswerToRequest | None, Body()] = None,
) -> Response:
    """The person was told what was decided: what the request restricted is free again.

    By a text of one's own, or without one by the letter, which is kept as it reads now: record it on the day you
    print it, and before an erasure, which takes the letter with it.
    """
    asked = body or AnswerToRequest()
    return errand.tell(
        lambda desk, ask: rights.answer_request(
            desk, ask, request_id, asked.told_on, asked.text, house.writing
        )
    )


@routes.post("/{request_id}/deferral-review", response_model=RequestReceipt, responses=COMMANDS)
def review_deferred_parts(request_id: Id, body: ReviewOfDeferral, errand: Protection) -> Response:
    """What was deferred is given to the person, or waits again with a reason and a day."""
    deferred = _deferred(body.deferred)
    return errand.tell(
        lambda desk, ask: rights.review_deferral(desk, ask, request_id, body.told_on, deferred)
    )


@routes.post("/{request_id}/lifting", response_model=RequestReceipt, responses=COMMANDS)
def lift_a_requested_restriction(
    request_id: Id, body: LiftingOfRestriction, errand: Protection, house: TheHouse
) -> Response:
    """A granted restriction ends; the person was told first, by the letter, which is kept as it reads."""
    return errand.tell(
        lambda desk, ask: rights.lift_requested_restriction(
            desk, ask, request_id, body.reason, body.told_on, house.writing
        )
    )


@routes.post("/{request_id}/redactions", status_code=201, response_model=RedactionReceipt, responses=COMMANDS)
def redact_a_text_of_a_request(request_id: Id, body: Redaction, errand: Protection) -> Response:
    """Replace a text of the request that names somebody who is erased; letters that may have told it go too.

    Its id is in `text_ids` of the request; `watchlist erase --find-texts` tells which name a subject.
    """
    return errand.make(
        lambda desk, ask: redact_request_text(desk, ask, request_id, body.text_id, body.text, body.reason)
    )


# What the person is told ----------------------------------------------------------------------


@routes.get("/{request_id}/export", response_model=AccessExport, responses=EXPORT)
def export_what_is_held(request_id: Id, asker: Officer, house: TheHouse) -> Response:
    """Everything one's organisation holds of whoever asked for access, less what the decision deferred."""
    request = request_of(house.desk, request_id, asker.organisation)
    return json_answer(export_for(house.desk, request))


@routes.get("/{request_id}/letters", response_model=RequestLetters, responses=READS)
def list_letters_of_a_request(request_id: Id, asker: Officer, house: TheHouse) -> Response:
    """The letters that were sent, and those that could be written now."""
    return json_answer({"items": letters.list_replies(house.desk, request_id, asker.organisation)})


@routes.get("/{request_id}/letters/{kind}", response_model=RequestLetter, responses=READS)
def read_a_letter_of_a_request(request_id: Id, kind: ReplyKind, asker: Officer, house: TheHouse) -> Response:
    """What it says: as it was sent; before that, of an answer, as it would be sent today."""
    view = letters.read_reply(house.desk, house.writing, request_id, kind, asker.organisation)
    return json_answer(view, version=view["version"])


@routes.get("/{request_id}/letters/{kind}/pdf", response_class=Pdf, responses=PDF)
def print_a_letter_of_a_request(
    request_id: Id, kind: ReplyKind, asker: Officer, house: TheHouse, as_printed_now: AsPrintedNow = False
) -> Response:
    """The letter to send, or the very document that was sent."""
    found = letters.print_reply(
        house.desk, house.writing, request_id, kind, asker.organisation, as_printed_now
    )
    return printed(reply_id(request_id, kind), *found)


@routes.post("/{request_id}/letters/{kind}/draft", response_model=LetterContent, responses=DRAFTS)
def draft_a_letter_of_a_request(
    request_id: Id, kind: ReplyKind, body: LetterDraft, asker: Officer, house: TheHouse
) -> Response:
    """What it would say with this reason and these days; nothing is recorded."""
    return json_answer(_draft(house, asker, request_id, kind, body))


@routes.post("/{request_id}/letters/{kind}/draft/pdf", response_class=Pdf, responses=PRINTED_DRAFTS)
def print_a_draft_of_a_request(
    request_id: Id, kind: ReplyKind, body: LetterDraft, asker: Officer, house: TheHouse
) -> Response:
    """The same, to send before it is recorded: an extension and a lifting are told first."""
    content = _draft(house, asker, request_id, kind, body)
    return printed(reply_id(request_id, kind), house.writing.press.print(content), Document.DRAFT)


def _draft(house: House, asker: Asker, request_id: UUID, kind: ReplyKind, body: LetterDraft) -> Letter:
    dated = body.told_on or periods.civil_date(house.clock.now())
    saying = letters.Saying(dated, body.reason, body.lifted_on)
    return letters.draft_reply(house.desk, house.writing, request_id, kind, asker.organisation, saying)


def _deferred(asked: list[AskedDeferral]) -> tuple[rights.DeferredPart, ...]:
    return tuple(rights.DeferredPart(one.part, one.reason, one.review_on) for one in asked)
