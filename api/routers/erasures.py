"""Erasures: the certificates of what was forgotten; they identify nobody."""

from __future__ import annotations

from starlette.responses import Response

from api.answered.erasures import Erasure, Erasures
from api.errand import TheHouse, json_answer
from api.fields import Id
from api.paging import Pages
from api.routers.lists import Guardian
from api.routes import LISTS, READS, router
from watchlist.application.erasures import read_erasure, read_erasures

routes = router("erasures", "/erasures")


@routes.get("", response_model=Erasures, responses=LISTS)
def list_erasures(asker: Guardian, house: TheHouse, pages: Pages) -> Response:
    """What was forgotten: one's own organisation's (auditors: of all), by id."""
    found = read_erasures(house.desk, asker.scope, house.key_horizon, pages.after_id, pages.fetch)
    return pages.answer(found, lambda row: row["id"], lambda row: row)


@routes.get("/{erasure_id}", response_model=Erasure, responses=READS)
def read_an_erasure(erasure_id: Id, asker: Guardian, house: TheHouse) -> Response:
    """One certificate; its id is that of the subject, the case, the import or the text."""
    return json_answer(read_erasure(house.desk, erasure_id, asker.scope, house.key_horizon))
