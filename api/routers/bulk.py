"""Screening in bulk: a stream of lines, and an answer to each (S1-S5, S9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, Header, Request
from starlette.responses import Response

from api.accesses import asking_of
from api.bulk import BulkAnswer
from api.limits import limit_lines
from api.operator import Allowed, Asker, allowed
from api.problems import NeedsHttp11, UnsupportedMediaType, invalid
from api.routers.screenings import screening_of
from api.routes import Route, problems, router
from watchlist.application.bulk_csv import ANSWERED, COLUMNS, Csv
from watchlist.application.bulk_stream import Form, JsonLines
from watchlist.application.screen_in_bulk import BulkAsking, BulkScreening
from watchlist.application.screening_request import REFERENCE, Purpose
from watchlist.domain.operator import Role


class TracedByItself(Route):
    """A route whose verb writes what was asked and told, part by part, before each part of its answer."""

    TRACED = False


routes = router("screenings", route_class=TracedByItself)

OPERATION = "screen_in_bulk"
FORMS: Mapping[str, Callable[[], Form]] = {JsonLines.media_type: JsonLines, Csv.media_type: Csv}
_LINES = {
    JsonLines.media_type: {
        "schema": {"type": "string"},
        "example": '{"key":"q1","identifiers":[{"scheme":"rpps","value":"10000001916"}]}\n',
    },
    Csv.media_type: {
        "schema": {"type": "string"},
        "example": f"{','.join(COLUMNS)}\nq1,,,,,,10000001916,,,,\n",
    },
}
_ANSWERS = {
    JsonLines.media_type: {"schema": {"type": "string"}, "example": '{"key":"q1","hit":false}\n'},
    Csv.media_type: {"schema": {"type": "string"}, "example": f"{','.join(ANSWERED)}\nq1,false,,\n"},
}
_ID = {"description": "of the whole, for reviews and changes", "schema": {"type": "string", "format": "uuid"}}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "One line for each, in their order. An answer that breaks off has no end of its transfer; "
            "a line without an answer is unknown, and never a no hit (S9)."
        ),
        "content": _ANSWERS,
        "headers": {"Screening-Id": _ID, "Review-Required": {"schema": {"type": "string", "const": "true"}}},
    },
    **problems(408, 415, 426),
}


@routes.post(
    "/screenings/bulk",
    operation_id=OPERATION,
    summary="Ask for as many subjects as one likes",
    description=(
        "NDJSON (a subject a line, with `key`) or CSV, answered in the same form while it is sent. "
        "A malformed line is an error for that line, the others are answered."
    ),
    response_class=Response,
    responses=ANSWERS,
    openapi_extra={"requestBody": {"required": True, "content": _LINES}},
)
async def screen_in_bulk(
    request: Request,
    asker: Annotated[Asker, Depends(allowed(Role.INTEGRATOR))],
    screening_purpose: Annotated[Purpose, Header(description="why the list is asked")],
    screening_file_reference: Annotated[
        str, Header(min_length=1, max_length=128, description="the asker's own reference", examples=["LOT-1"])
    ],
) -> Response:
    if request.scope["http_version"] == "1.0":
        raise NeedsHttp11()
    form = _form(request)
    if not REFERENCE.fullmatch(screening_file_reference):
        raise invalid("Screening-File-Reference", "header")
    bulk = BulkAsking(
        asking_of(request, asker, OPERATION), screening_purpose, screening_file_reference, uuid4()
    )
    headers = {"Screening-Id": str(bulk.screening_id), "Review-Required": "true"}
    screening = BulkScreening(screening_of(request, asker), form, bulk, partial(_admit, request))
    return BulkAnswer(screening, request.app.state.bulk_streams, form.media_type, headers)


_gate = Allowed(Role.INTEGRATOR)


async def _admit(request: Request, questions: int) -> None:
    """Asked again for every part, of the door's short memory: whoever left since gets no answer any more (T2).

    So many lines are counted, as soon as they may be asked (S6).
    """
    request.scope.pop("watchlist.asker", None)
    await _gate(request)
    await limit_lines(request, questions)


def _form(request: Request) -> Form:
    """By the Content-Type; in UTF-8, as it is."""
    media_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "')
    made = FORMS.get(media_type.strip())
    coded = request.headers.get("content-encoding", "identity").lower() != "identity"
    if made is None or charset not in ("", "utf-8") or coded:
        raise UnsupportedMediaType()
    return made()
