"""What an asker does with a hit: the outcome of its human review (S7), and questions to the owner of the entry (C6)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from starlette.responses import Response

from api.answered.common import Receipt
from api.answered.reviews import DetailsAsked, ReviewItem, ReviewPage
from api.asked import NewDetailRequest, NewReview
from api.errand import Integration, TheHouse
from api.fields import Id
from api.operator import Asker, allowed
from api.paging import Pages
from api.routes import COMMANDS, LISTS, router
from watchlist.application.ask_for_details import ask_for_details, details_of
from watchlist.application.review_hit import Finding, review_hit, reviews_of
from watchlist.domain.operator import Role

routes = router("screenings", "/screenings/{screening_id}")

AskingSide = Annotated[Asker, Depends(allowed(Role.INTEGRATOR, Role.AUDITOR, Role.DPO))]


@routes.post("/reviews", status_code=201, response_model=Receipt, responses=COMMANDS)
def record_a_review(screening_id: Id, body: NewReview, errand: Integration) -> Response:
    """What a person found of a hit; the last review counts, and the same outcome again changes nothing (200).

    A homonym no longer hits when one's organisation asks the same, until the entry's identity changes.
    """
    found = Finding(screening_id, body.key, body.outcome, body.note)
    return errand.make(lambda desk, ask: review_hit(desk, ask, found))


@routes.get("/reviews", response_model=ReviewPage, responses=LISTS)
def list_reviews(screening_id: Id, asker: AskingSide, house: TheHouse, pages: Pages) -> Response:
    """The reviews of one's own organisation (auditors: of all) of a screening's hits, in their order."""
    found = reviews_of(house.desk, screening_id, asker.scope, pages.after_id, pages.fetch)

    def item(row: dict[str, Any]) -> dict[str, Any]:
        return {name: row[name] for name in ReviewItem.model_fields}

    return pages.answer(found, lambda row: row["review_id"], item)


@routes.post("/detail-requests", status_code=201, response_model=Receipt, responses=COMMANDS)
def ask_for_the_details(screening_id: Id, body: NewDetailRequest, errand: Integration) -> Response:
    """A question about a hit that still stands, to whoever owns the entry; who that is is never told."""
    return errand.make(lambda desk, ask: ask_for_details(desk, ask, screening_id, body.key, body.question))


@routes.get("/detail-requests", response_model=DetailsAsked, responses=LISTS)
def list_the_details_asked(screening_id: Id, asker: AskingSide, house: TheHouse, pages: Pages) -> Response:
    """What one's own organisation (auditors: any) asked about a screening's hits, and what it was told."""
    found = details_of(house.desk, screening_id, asker.scope, pages.after_id, pages.fetch)
    return pages.answer(found, lambda row: row["request_id"], lambda row: row)
