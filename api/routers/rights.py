"""Rights: what persons ask for of their data, followed by the DPO until they were told (P1-P5)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query
from starlette.responses import Response

from api.answered.rights import (
    RequestAnswerReceipt,
    RequestDecisionReceipt,
    RequestItem,
    RequestReceipt,
    Requests,
    RightsRequest,
)
from api.asked import (
    AnswerToRequest,
    AskedDeferral,
    Extension,
    LiftingOfRestriction,
    NewRequest,
    RequestDecision,
    ReviewOfDeferral,
)
from api.errand import Protection, TheHouse, json_answer
from api.fields import Day, Id
from api.operator import Officer
from api.paging import Pages
from api.routes import COMMANDS, LISTS, READS, router
from watchlist.application import exercise_rights as rights
from watchlist.application.read_request import read_request
from watchlist.domain.rights_request import RequestState, Right

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
def extend_a_request(request_id: Id, body: Extension, errand: Protection) -> Response:
    """Two months more, if the person was told why by the first due day."""
    return errand.tell(
        lambda desk, ask: rights.extend_request(desk, ask, request_id, body.reason, body.told_on)
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
    request_id: Id, errand: Protection, body: Annotated[AnswerToRequest | None, Body()] = None
) -> Response:
    """The person was told what was decided: what the request restricted is free again."""
    asked = body or AnswerToRequest()
    return errand.tell(
        lambda desk, ask: rights.answer_request(desk, ask, request_id, asked.told_on, asked.text)
    )


@routes.post("/{request_id}/deferral-review", response_model=RequestReceipt, responses=COMMANDS)
def review_deferred_parts(request_id: Id, body: ReviewOfDeferral, errand: Protection) -> Response:
    """What was deferred is given to the person, or waits again with a reason and a day."""
    deferred = _deferred(body.deferred)
    return errand.tell(
        lambda desk, ask: rights.review_deferral(desk, ask, request_id, body.told_on, deferred)
    )


@routes.post("/{request_id}/lifting", response_model=RequestReceipt, responses=COMMANDS)
def lift_a_requested_restriction(request_id: Id, body: LiftingOfRestriction, errand: Protection) -> Response:
    """A granted restriction ends; the person was told first."""
    return errand.tell(
        lambda desk, ask: rights.lift_requested_restriction(desk, ask, request_id, body.reason, body.told_on)
    )


def _deferred(asked: list[AskedDeferral]) -> tuple[rights.DeferredPart, ...]:
    return tuple(rights.DeferredPart(one.part, one.reason, one.review_on) for one in asked)
