"""What every route has: who may ask (told before the body is read), known parameters only, problems declared."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.accesses import traced
from api.limits import limit
from api.operator import Allowed, require_scope
from api.problems import MEDIA_TYPE, NotAcceptable, invalid
from api.scopes import opened_by

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
ALWAYS = (401, 403, 406, 422, 429, 503)


class Route(APIRoute):
    """A route that asks who is there before it reads what they say, and leaves a trace of whoever was let in (T1)."""

    TRACED = True

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        gate = gate_of(self.dependant)
        opened = opened_by(self.path_format, self.methods or ())
        known = frozenset(_query_names(self.dependant))
        operation = self.operation_id or self.name

        async def handler(request: Request) -> Response:
            require_acceptable(request)
            if gate is not None:
                require_scope(await gate(request), opened)
                await limit(request)
            require_known_parameters(request, known)
            if gate is None or not self.TRACED:
                return await handle(request)
            return await traced(request, operation, handle)

        return handler


class OfNoPerson(Route):
    """A route by which no personal data of a subject can be reached: operators and their keys (T3)."""

    TRACED = False


def gate_of(dependant: Dependant) -> Allowed | None:
    """The roles a route declares, wherever among its dependencies."""
    if isinstance(dependant.call, Allowed):
        return dependant.call
    return next(filter(None, map(gate_of, dependant.dependencies)), None)


def _query_names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for below in dependant.dependencies:
        yield from _query_names(below)


def require_known_parameters(request: Request, known: frozenset[str]) -> None:
    """Refuse a parameter that the route does not know, or that is given twice."""
    query: bytes = request.scope["query_string"]
    if not query:
        return
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    for name in names:
        if name not in known or names.count(name) > 1:
            raise invalid(name, "unknown_parameter")


SPOKEN = frozenset(
    {
        "application/*",
        "application/json",
        "application/pdf",
        "application/problem+json",
        "application/x-ndjson",
        "text/*",
        "text/csv",
        "text/event-stream",
        "text/plain",
    }
)
"""The types that something here answers. A route answers its own even to who asks for another of these."""


def require_acceptable(request: Request) -> None:
    """Refuse only who accepts nothing that is spoken here."""
    accept = request.headers.get("accept")
    if not accept or "*/*" in accept:
        return
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if SPOKEN.isdisjoint(named):
        raise NotAcceptable()


def router(tag: str, prefix: str = "", route_class: type[Route] = Route) -> APIRouter:
    return APIRouter(prefix=f"/v1{prefix}", tags=[tag], route_class=route_class)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route may answer, besides those that any may."""
    return dict.fromkeys(sorted({*ALWAYS, *statuses}), PROBLEM)


READS = problems(404)
LISTS = problems()
COMMANDS = problems(404, 409, 413, 415)
CHANGES = problems(404, 409, 412, 413, 415, 428)
