"""The answerable entries in PostgreSQL, asked by many at once.

Look-ups that arrive while a statement runs go together into the next one: a single question costs a
fraction of a statement, and a busy service asks fewer, larger ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from struct import Struct, pack

import psycopg
from psycopg import pq
from psycopg.adapt import Dumper
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.queries import queries
from watchlist.domain.refusals import Busy
from watchlist.domain.tokens import DIGEST_BYTES, Token
from watchlist.ports.clock import Clock
from watchlist.ports.screening import Found

SQL = queries("list_index.sql")
ALONE = 256
"""From so many digests on, a look-up gets a statement of its own, so that single questions need not wait for it."""
CONNECTIONS = 4
TIMEOUT_SECONDS = 5.0

BYTEA = psycopg.adapters.types["bytea"]
ONE_DIMENSION = Struct("!iiIii")
NO_DIMENSIONS = pack("!iiI", 0, 0, BYTEA.oid)
LENGTH = pack("!i", DIGEST_BYTES)


class Digests:
    """What is asked, as one parameter of PostgreSQL: it is always of one length, and is asked by the million."""

    def __init__(self, digests: Sequence[bytes]) -> None:
        self.digests = digests


class DigestsDumper(Dumper):
    """As bytea[] in the binary form: the library's own takes each element by itself, a hundred times as long."""

    format = pq.Format.BINARY
    oid = BYTEA.array_oid

    def dump(self, obj: Digests) -> bytes:
        if not obj.digests:
            return NO_DIMENSIONS
        head = ONE_DIMENSION.pack(1, 0, BYTEA.oid, len(obj.digests), 1)
        return head + LENGTH + LENGTH.join(obj.digests)


Waiting = tuple[Sequence[bytes], str, "asyncio.Future[Found]"]
"""What is asked, for which organisation, and its answer to be."""


class PostgresListIndex:
    """Keeps the port ListIndex; opened by the event loop that uses it."""

    def __init__(
        self, conninfo: str, clock: Clock, seconds: float = TIMEOUT_SECONDS, *, standby: bool = False
    ) -> None:
        """Of a standby nothing is believed once it is promoted: it may go ways of its own then."""
        self._conninfo = service_conninfo(conninfo)
        self._seconds = seconds
        self._standby = standby
        self._pool: AsyncConnectionPool | None = None
        self._clock = clock
        self._waiting: list[Waiting] = []
        self._asking: asyncio.Task[None] | None = None
        self._large = asyncio.Semaphore(CONNECTIONS - 1)
        """One connection is left to single questions, however many are asked in bulk."""

    async def open(self) -> None:
        """A new pool, of the event loop that opens it."""
        self._large = asyncio.Semaphore(CONNECTIONS - 1)
        self._pool = AsyncConnectionPool(
            self._conninfo,
            kwargs={"autocommit": True},
            min_size=1,
            max_size=CONNECTIONS,
            timeout=self._seconds,
            configure=_configured,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        if self._asking is not None:
            await self._asking
        if self._pool is not None:
            await self._pool.close()
        self._pool = None

    async def find(self, digests: Sequence[bytes], organisation: str) -> Found:
        if len(digests) >= ALONE:
            async with self._large:
                return await self._ask(digests, {organisation})
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((digests, organisation, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_all())
        return await answer

    async def _ask_for_all(self) -> None:
        """One statement after the other, each for all that wait."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                asked = [digest for digests, _, _ in waiting for digest in digests]
                try:
                    found = await self._ask(asked, {organisation for _, organisation, _ in waiting})
                except Exception as error:
                    _tell(waiting, error)
                else:
                    _tell(waiting, found)
        finally:
            self._asking = None

    async def _ask(self, digests: Sequence[bytes], organisations: Collection[str]) -> Found:
        at = self._clock.now()
        if self._pool is None:
            raise Busy()
        try:
            async with asyncio.timeout(self._seconds), self._pool.connection() as conn:
                cursor = conn.cursor(binary=True)
                asked = {"digests": Digests(digests), "organisations": list(organisations), "at": at}
                await cursor.execute(SQL["find"], asked, prepare=True)
                rows = await cursor.fetchall()
        except (psycopg.OperationalError, PoolTimeout, TimeoutError) as error:
            raise Busy() from error
        tokens: dict[bytes, list[Token]] = {}
        position, generation = None, 0
        for digest, given, entry, dismissed_by, counted, current, recovering in rows:
            if digest is None:  # wherever it stands: a union has no order
                position, generation = counted, current
                if self._standby and not recovering:
                    raise Busy()
            else:
                token = Token(digest, given, entry=entry, dismissed_by=frozenset(dismissed_by))
                tokens.setdefault(digest, []).append(token)
        if position is None:
            raise Busy()
        return Found(tokens, at, position, generation)


async def _configured(conn: psycopg.AsyncConnection) -> None:
    conn.adapters.register_dumper(Digests, DigestsDumper)


def _tell(waiting: Sequence[Waiting], outcome: Found | Exception) -> None:
    for *_, answer in waiting:
        if answer.done():
            continue
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)
