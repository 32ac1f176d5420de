"""Disclosures made by hand: what a person told of a subject, to whom, on which basis (S8)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from api.answered.common import Receipt
from api.answered.traces import DisclosureRead
from api.asked import NewDisclosure
from api.errand import Protection, TheHouse, json_answer
from api.fields import Id
from api.operator import Asker, allowed
from api.routes import COMMANDS, READS, router
from watchlist.application.disclose import Communication, disclose_by_hand, read_disclosure
from watchlist.domain.operator import Role

routes = router("disclosures", "/disclosures")

Guardian = Annotated[Asker, Depends(allowed(Role.DPO, Role.AUDITOR))]


@routes.post("", status_code=201, response_model=Receipt, responses=COMMANDS)
def record_a_disclosure(body: NewDisclosure, errand: Protection) -> Response:
    """A communication about a subject of one's organisation, as it was made: to ALFA, a court, a victim."""
    made = Communication(
        body.subject_id,
        body.recipient,
        body.legal_basis,
        body.told,
        body.told_on,
        body.recipient_name,
        body.case_id,
    )
    return errand.make(lambda desk, ask: disclose_by_hand(desk, ask, made))


@routes.get("/{disclosure_id}", response_model=DisclosureRead, responses=READS)
def read_a_disclosure(disclosure_id: Id, asker: Guardian, house: TheHouse) -> Response:
    """One disclosure, with what was told by hand."""
    return json_answer(read_disclosure(house.desk, disclosure_id, asker.scope))
