"""A witness over HTTP (C2SP tlog-witness): what it is asked to cosign, and what it cosigned last, for whoever asks.

It stands alone: no database, none of the service's settings; only `add-checkpoint` changes anything, and who may ask
is told by the log's own signature.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from watchlist.application.add_checkpoint import Witnessing
from watchlist.audit.verifier import Note
from watchlist.audit.witness import LARGEST_REQUEST, Refused, named

SIZE = "text/x.tlog.size"
BODY_SECONDS = 10.0
PER_SECOND, AT_ONCE = 20.0, 100.0
"""Requests to cosign, of all who ask together: a log asks every twenty seconds."""


class Bucket:
    """So many at once, and so many a second in the long run."""

    def __init__(self, per_second: float, at_once: float, now: Callable[[], float]) -> None:
        self._rate, self._most, self._now = per_second, at_once, now
        self._left, self._at = at_once, now()

    def take(self) -> bool:
        now = self._now()
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def witness_app(
    witnessing: Witnessing, *, per_second: float = PER_SECOND, at_once: float = AT_ONCE
) -> Starlette:
    bucket = Bucket(per_second, at_once, time.monotonic)

    async def add_checkpoint(request: Request) -> Response:
        if not bucket.take():
            return PlainTextResponse("too many requests\n", 429, headers={"retry-after": "1"})
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
            line = await run_in_threadpool(witnessing.add, body)
        except TimeoutError:
            return PlainTextResponse("the request did not end in time\n", 408)
        except Refused as refused:
            kind = SIZE if refused.status == 409 else "text/plain; charset=utf-8"
            return Response(f"{refused.says}\n", refused.status, headers={"content-type": kind})
        return PlainTextResponse(line)

    async def checkpoint(request: Request) -> Response:
        """The last one of a log, with the cosignature: from elsewhere than the log itself."""
        origin = request.path_params["origin"]
        last = await run_in_threadpool(witnessing.memory.last, origin) if origin in witnessing.logs else None
        if last is None:
            return PlainTextResponse("nothing of that log was cosigned here\n", 404)
        return PlainTextResponse(last, headers={"cache-control": "no-store"})

    async def standing(_: Request) -> Response:
        logs = [await run_in_threadpool(_standing, witnessing, origin) for origin in witnessing.logs]
        return JSONResponse({"witness": str(witnessing.key.public), "logs": logs})

    return Starlette(
        routes=[
            Route("/", standing),
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/checkpoint/{origin:path}", checkpoint),
        ]
    )


def _standing(witnessing: Witnessing, origin: str) -> dict[str, object]:
    """What was seen of a log, how many checkpoints of its contradict that, and how many came with a wrong proof."""
    last = witnessing.memory.last(origin)
    seen = witnessing.seen(origin)
    line = Note.parse(last.encode()).signed_by(witnessing.key.public) if last else None
    return {
        "origin": origin,
        "keys": [named(key) for key in witnessing.logs[origin]],
        "size": seen.size,
        "root": seen.root.hex(),
        "cosigned_at": line.cosigned_at if line else None,
        "contradictions": len(witnessing.memory.contradictions(origin)),
        "doubted": len(witnessing.memory.doubted(origin)),
    }


async def _body(request: Request) -> bytes:
    """Bounded, whatever its head says."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LARGEST_REQUEST:
            raise Refused(413, f"a request has at most {LARGEST_REQUEST} bytes")
        parts.append(part)
    return b"".join(parts)
