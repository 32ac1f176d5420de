"""The answerable entries at a read replica, and never an answer older than the question (L3, L9, S9).

Under remote_apply a synchronous standby has applied what a command returned. It may cease to be one between two looks
at it: so each question first asks the primary how far the log is, which is nearly nothing, and what the replica finds
is believed only when it has come as far. Whatever is in doubt is asked of the primary (decision 0030).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from watchlist.adapters.postgres.list_index import PostgresListIndex
from watchlist.adapters.postgres.standby import Standing, standing_of
from watchlist.domain.refusals import Busy
from watchlist.ports.clock import Clock
from watchlist.ports.screening import Found

LOOK_SECONDS = 5.0
"""Between two looks at how the replica stands."""
BELIEVED_SECONDS = 3 * LOOK_SECONDS
"""How long what was seen is believed, should a look take for ever."""
REPLICA_SECONDS = 1.0
"""A replica that answers no sooner is left for the primary, within the time that a client waits."""
log = logging.getLogger(__name__)


class ReplicaListIndex:
    """Keeps the port ListIndex; opened by the event loop that uses it."""

    def __init__(self, conninfo: str, replica: str, clock: Clock) -> None:
        self._addresses = (conninfo, replica)
        self._primary = PostgresListIndex(conninfo, clock)
        self._replica = PostgresListIndex(replica, clock, REPLICA_SECONDS, standby=True)
        self._standing = Standing.UNKNOWN
        self._looked_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    @property
    def standing(self) -> Standing:
        """As it was seen last."""
        return self._standing

    async def open(self) -> None:
        await self._primary.open()
        await self._replica.open()
        await self._look()
        self._looking = asyncio.create_task(self._look_for_ever())

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._looking = None
        self._standing = Standing.UNKNOWN
        await self._replica.close()
        await self._primary.close()

    async def find(self, digests: Sequence[bytes], organisation: str) -> Found:
        if self._serves():
            now = await self._primary.find((), organisation)
            try:
                found = await self._replica.find(digests, organisation)
            except Busy:
                self._stands(Standing.UNREACHABLE)
            else:
                if found.position < now.position or found.generation != now.generation:
                    self._stands(Standing.BEHIND)
                elif not _dismissed(found):
                    return found
        return await self._primary.find(digests, organisation)

    def _serves(self) -> bool:
        recent = asyncio.get_running_loop().time() - self._looked_at < BELIEVED_SECONDS
        return recent and self._standing is Standing.SERVED

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        began = asyncio.get_running_loop().time()
        self._stands(await asyncio.to_thread(standing_of, *self._addresses))
        self._looked_at = began

    def _stands(self, standing: Standing) -> None:
        """Said when it changes: who runs the service sees why the primary has all to do."""
        if standing is not self._standing:
            level = logging.INFO if standing is Standing.SERVED else logging.WARNING
            log.log(level, "the replica of screenings: %s", standing.value)
        self._standing = standing


def _dismissed(found: Found) -> bool:
    """Whether somebody found one of these entries to be a homonym (S7): no event tells when that is over."""
    return any(token.dismissed_by for tokens in found.tokens.values() for token in tokens)
