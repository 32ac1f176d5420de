"""Inscriptions: amended or withdrawn, approved or rejected by a second person, restricted, delisted."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body
from starlette.responses import Response

from api.answered.cases import Inscription, InscriptionItemVersioned, Inscriptions, StateNow
from api.answered.lists import (
    AmendmentReceipt,
    ApprovalReceipt,
    DecisionReceipt,
    HoldReviewReceipt,
    StandingReceipt,
)
from api.asked import Amendment, Approval, Delisting, Nothing, Reason
from api.errand import ExpectedVersion, Investigation, Supervision, TheHouse, json_answer
from api.fields import Id
from api.operator import Reader
from api.paging import Pages
from api.problems import invalid
from api.routes import CHANGES, COMMANDS, LISTS, READS, router
from watchlist.application import delist, inscribe
from watchlist.application.case_file import read_inscription
from watchlist.application.review_hold import review_hold
from watchlist.domain import retention

routes = router("inscriptions", "/inscriptions")


@routes.get("", response_model=Inscriptions, responses=LISTS)
def list_inscriptions(
    asker: Reader, house: TheHouse, pages: Pages, state: StateNow | None = None
) -> Response:
    """The inscriptions of one's organisation (auditors: of all), by id, whatever became of them."""
    at = house.clock.now()
    found = house.pictures.inscriptions(asker.scope, state, at, pages.after_id, pages.fetch)
    return pages.answer(found, lambda row: row["inscription_id"], _item)


def _item(row: dict[str, object]) -> dict[str, object]:
    view = {name: row[name] for name in InscriptionItemVersioned.model_fields}
    held = row["ends_at"] == retention.NEVER
    return {**view, "state": row["state_now"], "ends_at": None if held else row["ends_at"]}


@routes.get("/{inscription_id}", response_model=Inscription, responses=READS)
def read_an_inscription(inscription_id: Id, asker: Reader, house: TheHouse) -> Response:
    """One inscription as it stands; its version is its case's."""
    view = read_inscription(house.desk, inscription_id, asker.scope)
    return json_answer(view, version=view["version"])


@routes.patch("/{inscription_id}", response_model=AmendmentReceipt, responses=CHANGES)
def amend_a_proposal(
    inscription_id: Id, body: Amendment, version: ExpectedVersion, errand: Investigation
) -> Response:
    """Change a proposal; whoever amended it last cannot approve it."""
    if not body.model_dump(exclude_none=True):
        raise invalid("body", "nothing_changed")
    changes = inscribe.Amendment(
        tuple(body.grounds) if body.grounds is not None else None,
        body.term_months,
        body.proportionality.model_dump() if body.proportionality is not None else None,
    )
    return errand.tell(lambda desk, ask: inscribe.amend(desk, ask, inscription_id, changes, version))


@routes.post("/{inscription_id}/withdrawal", response_model=DecisionReceipt, responses=COMMANDS)
def withdraw_a_proposal(
    inscription_id: Id, errand: Investigation, body: Annotated[Nothing | None, Body()] = None
) -> Response:
    """Withdraw a proposal."""
    return errand.tell(lambda desk, ask: inscribe.withdraw(desk, ask, inscription_id))


@routes.post("/{inscription_id}/approval", response_model=ApprovalReceipt, responses=COMMANDS)
def approve_a_proposal(
    inscription_id: Id, errand: Supervision, body: Annotated[Approval | None, Body()] = None
) -> Response:
    """Approve a proposal of somebody else: from now on the subject is listed."""
    asked = body.notice_deferral if body else None
    deferral = inscribe.Deferral(asked.reason, asked.review_on) if asked else None
    return errand.tell(lambda desk, ask: inscribe.approve(desk, ask, inscription_id, deferral))


@routes.post("/{inscription_id}/rejection", response_model=DecisionReceipt, responses=COMMANDS)
def reject_a_proposal(inscription_id: Id, body: Reason, errand: Supervision) -> Response:
    """Reject a proposal, with the reason."""
    return errand.tell(lambda desk, ask: inscribe.reject(desk, ask, inscription_id, body.reason))


@routes.post("/{inscription_id}/delisting", response_model=StandingReceipt, responses=COMMANDS)
def delist_an_entry(inscription_id: Id, body: Delisting, errand: Supervision) -> Response:
    """End an entry on a ground: no hit from the moment this answers."""
    return errand.tell(lambda desk, ask: delist.delist(desk, ask, inscription_id, body.ground, body.reason))


@routes.post("/{inscription_id}/restriction", response_model=StandingReceipt, responses=COMMANDS)
def restrict_an_entry(inscription_id: Id, body: Reason, errand: Supervision) -> Response:
    """The entry exists and is not answered; its term runs on."""
    return errand.tell(lambda desk, ask: delist.restrict(desk, ask, inscription_id, body.reason))


@routes.post("/{inscription_id}/restriction/lifting", response_model=StandingReceipt, responses=COMMANDS)
def lift_a_restriction(inscription_id: Id, body: Reason, errand: Supervision) -> Response:
    """The entry is answered again, unless it has ended meanwhile."""
    return errand.tell(lambda desk, ask: delist.lift_restriction(desk, ask, inscription_id, body.reason))


@routes.post("/{inscription_id}/hold-review", response_model=HoldReviewReceipt, responses=COMMANDS)
def review_a_hold(inscription_id: Id, body: Reason, errand: Supervision) -> Response:
    """An entry that a procedure holds past its term was looked at again: the hold stands for another year at most."""
    return errand.tell(lambda desk, ask: review_hold(desk, ask, inscription_id, body.reason))
