"""The body of a bulk screening as it comes, and its answer as it is made: both stream, neither waits for the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.problems import BodyTooSlow
from api.shares import Shares
from watchlist.adapters.spool import Spool, SpoolRoom
from watchlist.application.screen_in_bulk import BulkScreening
from watchlist.domain.refusals import Refusal

PATIENCE_SECONDS = 60.0
"""How long the next part of a body may take, and how long a client may leave an answer unread once all was asked."""
MOST_STREAMS = 20
log = logging.getLogger("watchlist.api")


class BulkStreams:
    """How many run in this process, since each takes its part of the one event loop, and what all of them spool."""

    def __init__(self) -> None:
        self.shares = Shares(MOST_STREAMS)
        self.room = SpoolRoom()


class BulkAnswer(Response):
    """Begins with the first answers, so that what refuses the whole is still told as a problem.

    When it breaks off after that, the connection is closed without the end that HTTP gives to a whole answer.
    """

    def __init__(
        self, screening: BulkScreening, streams: BulkStreams, media_type: str, headers: dict[str, str]
    ) -> None:
        super().__init__(None, 200, headers, media_type)
        del self.headers["content-length"]
        self._screening, self._streams = screening, streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        organisation = self._screening.bulk.asking.organisation
        self._streams.shares.require(organisation)
        with self._streams.shares.one(organisation):
            await self._stream(receive, send, Spool(self._streams.room, organisation))

    async def _stream(self, receive: Receive, send: Send, spool: Spool) -> None:
        asking = asyncio.create_task(self._ask(receive, spool))
        try:
            await self._send(asking, spool, send)
        except ClientDisconnect:
            pass
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            spool.close()

    async def _ask(self, receive: Receive, spool: Spool) -> None:
        try:
            await self._screening.answer(_pieces(receive), spool.put)
        finally:
            spool.end()

    async def _send(self, asking: asyncio.Task[None], spool: Spool, send: Send) -> None:
        """What was answered before it broke off is given out: it was written that it would be."""
        started = False
        while piece := await spool.get():
            if not started:
                await self._start(send)
                started = True
            message = {"type": "http.response.body", "body": piece, "more_body": True}
            await _sent(asyncio.ensure_future(send(message)), asking)
        try:
            await asking
        except Refusal as error:
            if started:
                log.warning(
                    "a bulk screening broke off after %d lines: %s",
                    self._screening.answered,
                    type(error).__name__,
                )
            raise
        if not started:
            await self._start(send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})


async def _sent(sending: asyncio.Future[None], asking: asyncio.Task[None]) -> None:
    """As long as it takes while the client still asks, and then while it is worth waiting; raises ClientDisconnect."""
    try:
        await asyncio.wait({sending, asking}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({sending}, timeout=PATIENCE_SECONDS)
        if not sending.done():
            raise ClientDisconnect()
        await sending
    finally:
        sending.cancel()


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow() from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect()
        more = message.get("more_body", False)
        if piece := message.get("body", b""):
            yield piece
