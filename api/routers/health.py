"""Whether the service lives, whether it is ready to answer, what is late, and what it counts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client.exposition import choose_encoder
from starlette.responses import PlainTextResponse, Response

from api.answered.common import Health, Readiness
from api.errand import TheHouse, json_answer
from api.lateness import late
from api.metrics import Metrics
from api.routes import PROBLEM
from watchlist.domain.refusals import Unavailable

routes = APIRouter(tags=["health"])


class NotReady(Unavailable):
    """The service is not ready: the database lacks migrations; run `watchlist migrate`.

    fr: Le service n'est pas prêt : des migrations manquent à la base ; lancez « watchlist migrate ».
    """


class Stopping(Unavailable):
    """This process is stopping: it finishes what it began; ask another, or ask again shortly.

    fr: Ce processus s'arrête : il achève ce qu'il a commencé ; adressez-vous à un autre, ou réessayez bientôt.
    """


@routes.get("/livez", response_model=Health)
async def tell_whether_it_lives() -> Response:
    """The process answers."""
    return json_answer({"status": "live"})


@routes.get("/readyz", response_model=Readiness, responses={503: PROBLEM})
def tell_whether_it_is_ready(request: Request, house: TheHouse) -> Response:
    """The database answers and has every migration of this version; what is late is told beside, and is no 503."""
    if request.app.state.closing.is_set():
        raise Stopping()
    missing = house.pictures.late_migrations()
    if missing:
        raise NotReady(detail=f"Missing: {', '.join(missing)}; run `watchlist migrate`.")
    return json_answer({"status": "ready", "late": late(house)})


@routes.get("/metrics", response_class=PlainTextResponse)
def tell_metrics(request: Request) -> Response:
    """What this process counts, for Prometheus: no person and no organisation is in it."""
    metrics: Metrics = request.app.state.metrics
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(metrics.registry), headers={"content-type": content_type})
