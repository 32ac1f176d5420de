"""The bell that rings in every process when a change was committed: whoever streams changes need not ask all the time.

It may miss a ring while the connection is lost, so whoever waits also looks by itself now and then.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import psycopg

from watchlist.adapters.postgres.connections import service_conninfo

AGAIN_SECONDS = 1.0


class ChangeBell:
    """Opened and closed by the event loop that streams."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = service_conninfo(conninfo)
        self._listening: asyncio.Task[None] | None = None
        self._next = asyncio.Event()

    async def open(self) -> None:
        self._next = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        self._listening = None

    @property
    def next(self) -> asyncio.Event:
        """The next ring: taken before one looks, so that none is missed in between."""
        return self._next

    def _ring(self) -> None:
        rung, self._next = self._next, asyncio.Event()
        rung.set()

    async def _listen(self) -> None:
        while True:
            with suppress(psycopg.Error):
                await self._listen_until_lost()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen_until_lost(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as conn:
            await conn.execute("LISTEN watchlist_changes")
            self._ring()  # for what was missed before
            async for _ in conn.notifies():
                self._ring()


async def rung(bell: asyncio.Event, seconds: float) -> None:
    """Until it rings, or that long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
