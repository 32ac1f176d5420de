"""Screening: is a subject listed? The one path that is asked thousands of times a second (S1-S5, S9).

The body is read by the verb itself, strictly and line by line; the models here say what it takes and gives.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.routing import Route

from api.accesses import asking_of
from api.limits import limit_screening
from api.operator import Allowed, Asker, allowed, require_scope
from api.problems import UnsupportedMediaType
from api.routes import problems, require_known_parameters, router
from api.scopes import opened_by
from watchlist.application.screen import Screening
from watchlist.application.screening_request import LARGEST_BATCH, Purpose
from watchlist.bootstrap import House
from watchlist.domain.operator import Role

routes = router("screenings")

OPERATION = "screen"
Key = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScreenedIdentifier(_Strict):
    scheme: str = Field(
        description="rpps, adeli, finess, siren, siret; amc_member only with a name and birth date"
    )
    value: str


class ScreenedSubject(_Strict):
    """Identifiers, or family name, given names and full birth date, or both: either hits."""

    kind: Literal["person", "organisation"] | None = None
    family_name: str | None = Field(None, description="birth or usage family name")
    given_names: str | None = None
    birth_date: str | None = Field(None, description="YYYY-MM-DD")
    birth_place: str | None = None
    identifiers: list[ScreenedIdentifier] | None = None


class ScreeningRequest(_Strict):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "purpose": "third_party_payment",
                    "file_reference": "LOT-2026-000123",
                    "subjects": {
                        "q1": {"identifiers": [{"scheme": "rpps", "value": "10000001916"}]},
                        "q2": {
                            "kind": "person",
                            "family_name": "Exemple",
                            "given_names": "Camille",
                            "birth_date": "1970-01-31",
                        },
                    },
                }
            ]
        },
    )
    purpose: Purpose
    file_reference: str = Field(min_length=1, max_length=128)
    subjects: dict[Key, ScreenedSubject] = Field(min_length=1, max_length=LARGEST_BATCH)


class HitOrNot(_Strict):
    hit: bool


class LineProblem(_Strict):
    code: str
    field: str
    detail: str


class LineRefused(_Strict):
    error: LineProblem


class ScreeningAnswer(_Strict):
    """A malformed line is an error for that line, never a no hit; the others are answered."""

    screening_id: UUID
    answered_at: datetime
    position: int = Field(description="the last event of the log that the answer takes into account")
    results: dict[str, HitOrNot | LineRefused]
    review_required: Literal[True] = Field(
        description="a person must review a hit before anything is decided on it"
    )


@routes.post(
    "/screenings",
    operation_id=OPERATION,
    summary="Ask whether subjects are listed",
    description="503, a time-out or no answer is unknown, and never a no hit (S9).",
    response_model=ScreeningAnswer,
    responses=problems(413, 415),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ScreeningRequest"}}},
        }
    },
)
async def screen(request: Request, asker: Annotated[Asker, Depends(allowed(Role.INTEGRATOR))]) -> Response:
    return await _answered(request, asker)


async def _answered(request: Request, asker: Asker) -> Response:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType()
    asking = asking_of(request, asker, OPERATION)
    answer = await screening_of(request, asker).answer(await request.body(), asking)
    request.app.state.metrics.screened(answer)
    return Response(answer, media_type="application/json")


def screening_of(request: Request, asker: Asker) -> Screening:
    """Of the list; or of the sandbox, which reads none."""
    house: House = request.app.state.house
    return house.sandbox if asker.sandbox else house.screening


_gate = Allowed(Role.INTEGRATOR)
_OPENED = opened_by("/v1/screenings", {"POST"})


async def _screen_directly(request: Request) -> Response:
    asker = await _gate(request)
    require_scope(asker, _OPENED)
    require_known_parameters(request, frozenset())
    await limit_screening(request)
    return await _answered(request, asker)


direct = Route("/v1/screenings", _screen_directly, methods=["POST"], include_in_schema=False)
"""The same, asked before all other routes: the framework's search among them and its dependencies, solved again
for every request, took half of the time of an answer. The route above declares it, and shows in the OpenAPI."""
