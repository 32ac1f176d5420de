"""Whether the service lives, and whether it is ready to answer."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.answered.common import Health
from api.errand import TheHouse, json_answer
from api.routes import PROBLEM
from watchlist.domain.refusals import Unavailable

routes = APIRouter(tags=["health"])


class NotReady(Unavailable):
    """The service is not ready: the database lacks migrations; run `watchlist migrate`.

    fr: Le service n'est pas prêt : des migrations manquent à la base ; lancez « watchlist migrate ».
    """


@routes.get("/livez", response_model=Health)
async def tell_whether_it_lives() -> Response:
    """The process answers."""
    return json_answer({"status": "live"})


@routes.get("/readyz", response_model=Health, responses={503: PROBLEM})
def tell_whether_it_is_ready(house: TheHouse) -> Response:
    """The database answers and has every migration of this version."""
    late = house.pictures.late_migrations()
    if late:
        raise NotReady(detail=f"Missing: {', '.join(late)}; run `watchlist migrate`.")
    return json_answer({"status": "ready"})
