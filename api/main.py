"""create_app(house): the HTTP service around a house that is already open."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.telemetry import TelemetryConfig
from pydantic import BaseModel

from api import pages, problems
from api.bulk import BulkStreams
from api.doorkeeper import Doorkeeper
from api.envelope import Envelope
from api.event_stream import Streams
from api.limits import Limits
from api.metrics import Metrics
from api.routers import (
    alarms,
    audit,
    bulk,
    cases,
    changes,
    detail_requests,
    disclosures,
    erasures,
    health,
    imports,
    inscriptions,
    letters,
    lists,
    matches,
    operators,
    reviews,
    rights,
    screenings,
    seal,
    subjects,
    webhooks,
)
from api.routes import gate_of
from api.scopes import opened_by
from api.shapes import tidied
from watchlist.bootstrap import POOL_SIZE, House
from watchlist.ports.operators import Passports

TITLE = "Watchlist"
DESCRIPTION = (
    "The fraud watchlist of French complementary health insurers: alerts, cases, inscriptions of presumed "
    "fraud, the list and its screening. Problems are RFC 9457; a 503 or no answer to a screening means "
    "unknown, never no hit. Commands take Idempotency-Key; changes need If-Match."
)
# Matched in this order, so what is asked most comes first.
MODULES = (
    screenings,
    bulk,
    subjects,
    cases,
    inscriptions,
    imports,
    lists,
    matches,
    letters,
    rights,
    erasures,
    changes,
    webhooks,
    disclosures,
    reviews,
    detail_requests,
    audit,
    alarms,
    seal,
    operators,
    health,
)
NAMED_ONLY: tuple[type[BaseModel], ...] = (problems.Problem, screenings.ScreeningRequest)
"""Models that the OpenAPI names and no route's signature does."""
NO_TELEMETRY = TelemetryConfig(
    tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False
)
"""The framework's own would tell addresses, query strings and the texts of errors to whatever is set up globally;
what is told of requests is in envelope.py."""
THREADS = POOL_SIZE - 2
"""Fewer than connections, so that no verb waits for one while it holds a thread."""


def create_app(house: House, *, version: str = "0.1.0", behind_tls: bool = False) -> FastAPI:
    """The service; it closes what it opens, and the house belongs to whoever opened it."""
    app = FastAPI(
        title=TITLE,
        description=DESCRIPTION,
        version=version,
        openapi_url=None,  # pages.py shows it, from a thread: making it takes a while
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        generate_unique_id_function=_operation_id,
        telemetry=NO_TELEMETRY,
    )
    app.state.house = house
    app.state.operators = house.operators
    app.state.streams = Streams()
    # Set when the process was told to stop: a stream that waits for something ends then.
    app.state.closing = asyncio.Event()
    app.state.doorkeeper = Doorkeeper(app.state.operators, house.clock)
    app.state.limits = Limits(house.buckets, house.quotas)
    app.state.metrics = Metrics(house)
    app.state.bulk_streams = BulkStreams()
    for module in MODULES:
        app.include_router(module.routes)
    app.include_router(pages.routes)
    app.router.routes.insert(0, screenings.direct)
    problems.install(app)
    app.add_middleware(Envelope, metrics=app.state.metrics, behind_tls=behind_tls)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _passports(house: House) -> Passports | None:
    """Imported when an issuer is configured: an HTTP client and a reader of tokens take a quarter of a second."""
    if not house.issuers:
        return None
    from watchlist.adapters.identity_provider import IdentityProviders

    return IdentityProviders(house.issuers, house.clock)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    house: House = app.state.house
    await house.index.open()
    app.state.doorkeeper.open(_passports(house), lambda: house.desk.lookups.now.requests)
    await house.buckets.open()
    await house.bell.open()
    await house.traces.open()
    counting = asyncio.create_task(house.watch.flush_for_ever())
    # What was loaded until here stays for good: looking for garbage in it stopped every answer for 0.1 s.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        counting.cancel()
        await house.watch.flush()
        await app.state.doorkeeper.close()
        app.state.closing.set()
        await house.buckets.close()
        await house.bell.close()
        await house.index.close()
        await house.traces.close()


def _operation_id(route: APIRoute) -> str:
    return route.name


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI, with the shape of problems, and the roles of each operation as `x-roles`."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = schema["components"]["schemas"]
        for model in NAMED_ONLY:
            shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update({**shape.pop("$defs", {}), model.__name__: shape})
        _say_roles(app, schema)
        app.openapi_schema = tidied(schema)
    return app.openapi_schema


def _say_roles(app: FastAPI, schema: dict[str, Any]) -> None:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        gate = gate_of(route.dependant) if isinstance(route, APIRoute) else None
        if gate is None:
            continue
        path = str(context.path_format)
        for method in context.methods or ():
            operation = schema["paths"][path][method.lower()]
            operation["x-roles"] = sorted(gate.roles)
            operation["x-scopes"] = sorted(opened_by(path, {method}))
