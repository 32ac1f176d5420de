"""Server-sent events: changes as they come, for as long as whoever listens may (S8).

A stream ends when the service stops and when its key does; whoever listens connects again by itself, with the id it
saw last, and misses nothing.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import msgspec
from anyio import to_thread
from fastapi import Request
from starlette.responses import StreamingResponse

from api.operator import STREAMS_ASK_EVERY, Asker, still_admitted
from api.shares import Shares
from watchlist.adapters.postgres.change_bell import rung
from watchlist.bootstrap import House
from watchlist.domain.change import Change
from watchlist.domain.refusals import Busy

MEDIA_TYPE = "text/event-stream"
LOOK_SECONDS = 5.0
"""How often one looks without being rung for: a ring may be lost with its connection."""
KEEP_ALIVE_SECONDS = 15.0
AT_ONCE = 500
MOST_STREAMS = 200
"""Of one process."""
_encode = msgspec.json.Encoder().encode


def wants_stream(accept: str) -> bool:
    """Only who names it gets a stream: whoever takes anything gets a page."""
    named = [part.partition(";") for part in accept.lower().split(",")]
    return any(media.strip() == MEDIA_TYPE and weight.strip() != "q=0" for media, _, weight in named)


class EventStream(StreamingResponse):
    media_type = MEDIA_TYPE


class Streams:
    """The open streams of one process."""

    def __init__(self) -> None:
        self.shares = Shares(MOST_STREAMS)

    def open(self, request: Request, asker: Asker, house: House, after: int) -> AsyncIterator[bytes]:
        """Busy when there are too many."""
        self.shares.require(asker.organisation)
        return self._counted(asker.organisation, _stream(request, asker, house, after))

    async def _counted(self, organisation: str, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        with self.shares.one(organisation):
            try:
                async for part in stream:
                    yield part
            except Busy:
                return  # the database does not answer: whoever listens connects again, behind what they saw


async def _stream(request: Request, asker: Asker, house: House, after: int) -> AsyncIterator[bytes]:
    bell, closing = house.bell, request.app.state.closing
    spoke, looked = time.monotonic(), 0.0
    ring = bell.next
    yield b"retry: 1000\n\n"
    while not closing.is_set() and await still_admitted(request, asker):
        if ring.is_set() or time.monotonic() - looked >= LOOK_SECONDS:
            ring, looked = bell.next, time.monotonic()
            while changes := await _behind(house, asker.organisation, after):
                yield b"".join(map(_event, changes))
                after, spoke = changes[-1].sequence, time.monotonic()
                if closing.is_set():
                    break
        if time.monotonic() - spoke >= KEEP_ALIVE_SECONDS:
            yield b": still here\n\n"
            spoke = time.monotonic()
        await rung(ring, STREAMS_ASK_EVERY)


async def _behind(house: House, organisation: str, after: int) -> list[Change]:
    return await to_thread.run_sync(house.feed.changes, organisation, after, AT_ONCE)


def _event(change: Change) -> bytes:
    return b"id: %s\nevent: change\ndata: %s\n\n" % (change.id.encode(), _encode(change.item()))
