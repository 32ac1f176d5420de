"""What every request and answer passes through: its id and trace, limits of its size, headers, and the last resort.

Plain ASGI, because the screening route is measured through it. Each request is counted and told in one line of the log.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import math
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import limits
from api.metrics import Metrics
from api.problems import (
    AddressTooLong,
    ContentTooLarge,
    HeadersTooLarge,
    InternalError,
    problem,
    wants_french,
)
from watchlist import tracing
from watchlist.domain.refusals import Refusal
from watchlist.logs import places, tell_of_request
from watchlist.tracing import RequestSpan, Trace

MIB = 1024 * 1024
LIMIT = MIB
BULK = "/v1/screenings/bulk"
"""Exactly there a body is a stream, which has a limit for each line; what lies under it is an ordinary address."""
LIMITS: Sequence[tuple[str, int]] = (
    ("/v1/screenings", 8 * MIB),
    ("/v1/imports", 50 * MIB),
)
"""Bodies larger than this are refused; by the beginning of the path, else LIMIT."""
LONGEST_ADDRESS = 8 * 1024
LARGEST_HEADERS = 32 * 1024

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{background:#8881;padding:.1em .3em}summary{cursor:pointer}table{border-collapse:collapse}"
    "td{padding:.1rem .6rem;vertical-align:top;border-top:1px solid #8884}"
)
"""The one style of the pages that the service shows."""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'".encode(),
    ),
]
_KEEP_TO_TLS = (b"strict-transport-security", b"max-age=63072000")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
UNMATCHED = "unmatched"
"""The route of what has none: an address may hold anything, and is neither logged nor counted."""
log = logging.getLogger("watchlist.api")


class Envelope:
    def __init__(self, app: ASGIApp, metrics: Metrics, behind_tls: bool = False) -> None:
        self.app = app
        self.metrics = metrics
        self.headers = [*_HEADERS, _KEEP_TO_TLS] if behind_tls else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        given = dict(scope["headers"])
        trace = tracing.begin(_request_id(given.get(b"x-request-id")), given.get(b"traceparent"))
        scope["watchlist.request_id"] = trace.request_id
        method: str = scope["method"]
        answer = Answer(scope, send, [*self.headers, (b"x-request-id", trace.request_id.encode())])
        if method == "HEAD":
            scope = answer.scope = {**scope, "method": "GET"}
        tracer = tracing.tracer()
        try:
            if tracer is None:
                await self._answer(given, receive, answer)
            else:
                await self._answer_in(tracer.request(method, trace), given, receive, answer, method)
        finally:
            self._tell(answer, method, perf_counter() - began, tracing.current.get() or trace)

    async def _answer_in(
        self,
        recorded: AbstractContextManager[RequestSpan],
        given: dict[bytes, bytes],
        receive: Receive,
        answer: Answer,
        method: str,
    ) -> None:
        with recorded as span:
            await self._answer(given, receive, answer)
            span.answered(method, _route(answer.scope), answer.status)

    async def _answer(self, given: dict[bytes, bytes], receive: Receive, answer: Answer) -> None:
        scope, limit = answer.scope, _limit(answer.scope["path"])
        refused = _too_large(scope, given, limit)
        if refused is not None:
            await _refused(refused, given)(scope, receive, answer.send)
            return
        try:
            await self.app(scope, _counted(receive, limit), answer.send)
        except HeadAnswered:
            pass
        except Exception as error:
            _log(error, scope)
            if answer.status:
                raise Aborted() from None
            await _refused(InternalError, given)(scope, receive, answer.send)

    def _tell(self, answer: Answer, method: str, seconds: float, trace: Trace) -> None:
        route, status = _route(answer.scope), answer.status or GONE
        self.metrics.answered(route, method, status, seconds)
        asker = answer.scope.get("watchlist.asker")
        operator_id = None if asker is None else asker.operator_id
        tell_of_request(method, route, status, seconds, trace, operator_id)


GONE = 499
"""Counted for a request that was given up before it was answered; sent to nobody."""


class Answer:
    """What goes back: headers are added as it begins; of an answer to HEAD there is nothing after them."""

    def __init__(self, scope: Scope, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self.scope = scope
        self.status = 0
        self._send = send
        self._headers = headers
        self._is_to_head = scope["method"] == "HEAD"

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._headers, *self._quota()]
        elif self._is_to_head:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            raise HeadAnswered()
        await self._send(message)

    def _quota(self) -> list[tuple[bytes, bytes]]:
        standing = self.scope.get(limits.STANDING)
        return [] if standing is None else limits.told(*standing)


class HeadAnswered(Exception):
    """Nothing more is to be made of the body of an answer to HEAD, however long it would be."""


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", UNMATCHED)


def _too_large(scope: Scope, given: dict[bytes, bytes], limit: float) -> type[Refusal] | None:
    if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
        return AddressTooLong
    if sum([len(name) + len(value) for name, value in scope["headers"]]) > LARGEST_HEADERS:
        return HeadersTooLarge
    return ContentTooLarge if _announced(given) > limit else None


def _refused(kind: type[Refusal], headers: dict[bytes, bytes]) -> Response:
    return problem(kind, wants_french(headers.get(b"accept-language", b"").decode("latin-1")))


class Aborted(Exception):
    """An answer broke off after it had begun; what broke it is in the log."""


def _request_id(given: bytes | None) -> str | None:
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else None


def _limit(path: str) -> float:
    if path == BULK:
        return math.inf
    for beginning, limit in LIMITS:
        if path.startswith(beginning):
            return limit
    return LIMIT


def _announced(headers: dict[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() and len(length) < 19 else 0


def _counted(receive: Receive, limit: float) -> Receive:
    """The body as it comes, until there is too much of it (nothing need have been announced)."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413)
        return message

    return counted


def _log(error: Exception, scope: Scope) -> None:
    """What and where, never the message: it may quote what was sent."""
    told = type(error).__name__, places(error)
    log.error("%s %s: %s at %s", scope["method"], _route(scope), *told)
