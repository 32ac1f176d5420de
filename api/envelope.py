"""What every request and answer passes through: its id, the limit of its body, headers, and the last resort.

Plain ASGI, because the screening route is measured through it.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import math
import os
import re
import traceback
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import ContentTooLarge, InternalError, problem, wants_french
from watchlist.domain.refusals import Refusal

MIB = 1024 * 1024
LIMIT = MIB
LIMITS: Sequence[tuple[str, float]] = (
    ("/v1/screenings/bulk", math.inf),
    ("/v1/screenings", 8 * MIB),
    ("/v1/imports", 50 * MIB),
)
"""Bodies larger than this are refused; by the beginning of the path, else LIMIT. A stream has a limit for each line."""

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
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'".encode(),
    ),
]
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
log = logging.getLogger("watchlist.api")


class Envelope:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"])
        request_id = _request_id(given.get(b"x-request-id"))
        scope["watchlist.request_id"] = request_id.decode()
        headers = [*_HEADERS, (b"x-request-id", request_id)]
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        limit = _limit(scope["path"])
        if _announced(given) > limit:
            await _refused(ContentTooLarge, given)(scope, receive, send_with_headers)
            return
        try:
            await self.app(scope, _counted(receive, limit), send_with_headers)
        except Exception as error:
            _log(error, request_id, scope)
            if started:
                raise Aborted() from None
            await _refused(InternalError, given)(scope, receive, send_with_headers)


def _refused(kind: type[Refusal], headers: dict[bytes, bytes]) -> Response:
    return problem(kind, wants_french(headers.get(b"accept-language", b"").decode("latin-1")))


class Aborted(Exception):
    """An answer broke off after it had begun; what broke it is in the log."""


def _request_id(given: bytes | None) -> bytes:
    return given if given and _REQUEST_ID.fullmatch(given) else os.urandom(8).hex().encode()


def _limit(path: str) -> float:
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


def _log(error: Exception, request_id: bytes, scope: Scope) -> None:
    """What and where, never the message: it may quote what was sent."""
    route = getattr(scope.get("route"), "path", "?")
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    where = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    kind = type(error).__name__
    log.error("%s %s %s: %s at %s", request_id.decode(), scope["method"], route, kind, where)
