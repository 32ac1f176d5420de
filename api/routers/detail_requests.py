"""Questions about one's own entries, from organisations that were told of a hit, and their answers (C6, S8)."""

from __future__ import annotations

from starlette.responses import Response

from api.answered.common import Receipt
from api.answered.reviews import DetailRequestRead, DetailRequests
from api.asked import DetailReply
from api.errand import Investigation, TheHouse, json_answer
from api.fields import Id
from api.operator import Reader
from api.paging import Pages
from api.problems import invalid
from api.routes import COMMANDS, LISTS, READS, router
from watchlist.application.answer_details import answer_details, read_detail_request, refuse_details
from watchlist.domain.detail_request import DetailState

routes = router("detail-requests", "/detail-requests")


@routes.get("", response_model=DetailRequests, responses=LISTS)
def list_detail_requests(
    asker: Reader, house: TheHouse, pages: Pages, state: DetailState | None = None
) -> Response:
    """The questions about the entries of one's own organisation (auditors: of all), by id."""
    found = house.desk.details.of_owner(asker.scope, state, pages.after_id, pages.fetch)
    return pages.answer(found, lambda row: row["detail_id"], lambda row: row)


@routes.get("/{detail_id}", response_model=DetailRequestRead, responses=READS)
def read_a_detail_request(detail_id: Id, asker: Reader, house: TheHouse) -> Response:
    """One question, and what was answered."""
    read = read_detail_request(house.desk, detail_id, asker.scope)
    return json_answer({name: read[name] for name in DetailRequestRead.model_fields})


@routes.post("/{detail_id}/answer", response_model=Receipt, responses=COMMANDS)
def answer_a_detail_request(detail_id: Id, body: DetailReply, errand: Investigation) -> Response:
    """What is told to whoever asked, which is a disclosure; or that nothing is."""
    if (body.answer is None) is (body.refused is None) or (body.answer and body.reason):
        raise invalid("answer", "answer_or_refusal")
    if body.answer is not None:
        told = body.answer
        return errand.tell(lambda desk, ask: answer_details(desk, ask, detail_id, told))
    return errand.tell(lambda desk, ask: refuse_details(desk, ask, detail_id, body.reason))
