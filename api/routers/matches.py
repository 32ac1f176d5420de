"""Matching: the investigators' search for tools that speak the open convention `POST /match/{dataset}`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from api.answered.matches import Matches
from api.asked import MatchQueries
from api.errand import TheHouse, json_answer
from api.operator import Asker, allowed
from api.problems import invalid
from api.routes import problems, router
from watchlist.application.match_entities import ALGORITHM, DATASET, MATCHES_FROM, SAID, match_entities
from watchlist.domain import refusals
from watchlist.domain.operator import Role

routes = router("matches", "/match")

Investigator = Annotated[Asker, Depends(allowed(Role.INVESTIGATOR))]
Score = Annotated[float, Query(ge=0, le=1)]
MATCHER = {certainty: {"description": detail, "coefficient": 1.0} for certainty, detail in SAID.items()}
MOST_RESULTS = 100


class NoSuchDataset(refusals.NotFound):
    """There is one dataset, `watchlist`: the subjects of your own organisation.

    fr: Il y a un seul jeu de données, « watchlist » : les personnes connues de votre organisme.
    """


@routes.post(
    "/{dataset}", response_model=Matches, response_model_exclude_none=True, responses=problems(404, 413, 415)
)
def match_examples(
    dataset: str,
    body: MatchQueries,
    asker: Investigator,
    house: TheHouse,
    limit: Annotated[int, Query(ge=1, le=MOST_RESULTS, description="results of a query at most")] = 5,
    threshold: Annotated[Score, Query(description="the score from which a result is a match")] = MATCHES_FROM,
    cutoff: Annotated[Score, Query(description="results below this score are left out")] = 0.0,
    algorithm: Annotated[str, Query(max_length=64, description=f"`best` or `{ALGORITHM}`")] = "best",
) -> Response:
    """Who of one's own organisation resembles each example, best first, and why; never who is listed elsewhere."""
    if dataset != DATASET:
        raise NoSuchDataset()
    if algorithm not in ("best", ALGORITHM):
        raise invalid("algorithm", "unknown_algorithm")
    responses = match_entities(house.desk, asker.organisation, body.queries, limit, threshold, cutoff)
    return json_answer({"responses": responses, "matcher": MATCHER, "limit": limit})
