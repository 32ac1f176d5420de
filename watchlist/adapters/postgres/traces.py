"""The access log and the register of disclosures in PostgreSQL, written for many at once (T1, S8).

Whatever arrives while one transaction commits goes together into the next one, and each is told when its own is on
disk: a row of its own for every answer then costs a fraction of a commit (decision 0017). Hits have a queue of their
own, because they wait for the lock of those who record; an answer without one does not.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.adapters.postgres.queries import queries
from watchlist.application.ordered_id import ordered_id
from watchlist.domain.refusals import Busy
from watchlist.domain.trace import Access, Hit, recipient_of_a_hit

SQL = queries("traces.sql")
LARGEST_GROUP = 1_000
"""Rows that are written together: an access and each of its hits. What has more is a group of its own."""
MOST_WAITING = 100_000
"""Rows that wait for the group before them, some two seconds; who comes then is refused rather than kept waiting."""
CONNECTIONS = 2
"""One for each queue: a group begins when the one before it is on disk."""
TIMEOUT_SECONDS = 5.0

Told = frozenset[tuple[str, UUID]]
Trace = tuple[UUID, Access, Sequence[Hit]]
"""With the id of its row."""
Waiting = tuple[Trace, "asyncio.Future[Told]"]
Write = Callable[[Sequence[Trace]], Awaitable[Mapping[UUID, Told]]]
NOTHING: Told = frozenset()
_encode = msgspec.json.Encoder().encode
log = logging.getLogger(__name__)


class PostgresTraces:
    """Keeps the port Traces; opened by the event loop that uses it."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = service_conninfo(conninfo)
        self._pool: AsyncConnectionPool | None = None
        self._without_hits = _Queue(self._write)
        self._with_hits = _Queue(self._write_hits)

    async def open(self) -> None:
        """A new pool, of the event loop that opens it."""
        self._pool = AsyncConnectionPool(
            self._conninfo,
            kwargs={"autocommit": True},
            min_size=1,
            max_size=CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        await self._without_hits.emptied()
        await self._with_hits.emptied()
        if self._pool is not None:
            await self._pool.close()
        self._pool = None

    async def write(self, access: Access) -> None:
        await self._without_hits.put((ordered_id(), access, ()))

    async def write_hits(self, access: Access, hits: Sequence[Hit]) -> Told:
        return await self._with_hits.put((ordered_id(), access, hits))

    async def _write(self, group: Sequence[Trace]) -> Mapping[UUID, Told]:
        async with self._borrowed() as conn:
            await conn.execute(SQL["write"], (_accesses(group),), prepare=True)
        return {}

    async def _write_hits(self, group: Sequence[Trace]) -> Mapping[UUID, Told]:
        """Under the lock of those who record, shared: no entry leaves the list between the question and this."""
        async with self._borrowed() as conn:
            cursor = conn.cursor(binary=True)
            async with _one_trip(conn):
                await conn.execute(SQL["settle"], (WRITE_LOCK,), prepare=True)
                await cursor.execute(SQL["write_hits"], (_accesses(group), _hits(group)), prepare=True)
            told: dict[UUID, set[tuple[str, UUID]]] = {}
            for access_id, key, inscription_id in await cursor.fetchall():
                told.setdefault(access_id, set()).add((key, inscription_id))
        return {access_id: frozenset(found) for access_id, found in told.items()}

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[AsyncConnection]:
        if self._pool is None:
            raise Busy()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), self._pool.connection() as conn:
                yield conn
        except (psycopg.Error, PoolTimeout, TimeoutError) as error:
            log.error("traces could not be written: %s", type(error).__name__)
            raise Busy() from error


class _Queue:
    """Traces that wait for their turn, written group after group."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: deque[Waiting] = deque()
        self._rows = 0
        self._writing: asyncio.Task[None] | None = None

    async def put(self, trace: Trace) -> Told:
        """What was told of it, once it is on disk; Busy when too much waits already."""
        if self._waiting and self._rows + _rows(trace) > MOST_WAITING:
            raise Busy()
        written: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting.append((trace, written))
        self._rows += _rows(trace)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await written

    async def emptied(self) -> None:
        if self._writing is not None:
            await self._writing

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._write_group(self._next_group())
        finally:
            self._writing = None

    def _next_group(self) -> list[Waiting]:
        """As many as go together, in their order."""
        group: list[Waiting] = []
        rows = 0
        while self._waiting and (not group or rows + _rows(self._waiting[0][0]) <= LARGEST_GROUP):
            group.append(self._waiting.popleft())
            rows += _rows(group[-1][0])
        self._rows -= rows
        return group

    async def _write_group(self, group: Sequence[Waiting]) -> None:
        told: Mapping[UUID, Told] = {}
        failed: Exception | None = None
        try:
            told = await self._write([trace for trace, _ in group])
        except Exception as error:
            failed = error
        for (access_id, _, _), written in group:
            if written.done():  # its asker has gone
                continue
            if failed is not None:
                written.set_exception(failed)
            else:
                written.set_result(told.get(access_id, NOTHING))


@asynccontextmanager
async def _one_trip(conn: AsyncConnection) -> AsyncIterator[None]:
    """A transaction whose statements and commit travel together; undone when one of them fails."""
    try:
        async with conn.pipeline():
            await conn.execute("BEGIN")
            yield
            await conn.execute("COMMIT")
    except BaseException:
        if not conn.closed:
            await conn.rollback()
        raise


# Rows -----------------------------------------------------------------------------------------


def _rows(trace: Trace) -> int:
    return 1 + len(trace[2])


def _accesses(group: Sequence[Trace]) -> str:
    return _encode([_access(access_id, access) for access_id, access, _ in group]).decode()


def _access(access_id: UUID, access: Access) -> dict[str, Any]:
    asking = access.asking
    return {
        "at": access.at,
        "access_id": access_id,
        "operation": asking.operation,
        "operator_id": asking.operator_id,
        "organisation": asking.organisation,
        "role": asking.role,
        "key_id": asking.key_id,
        "request_id": asking.request_id,
        "reference": access.reference,
        "purpose": access.purpose,
        "screening_id": access.screening_id,
        "asked": access.asked,
        "subject_ids": access.subject_ids,
        "owners": access.owners,
    }


def _hits(group: Sequence[Trace]) -> str:
    return _encode([row for trace in group for row in _hits_of(*trace)]).decode()


def _hits_of(access_id: UUID, access: Access, hits: Sequence[Hit]) -> Iterator[dict[str, Any]]:
    for hit in hits:
        yield {
            "access_id": access_id,
            "disclosure_id": ordered_id(),
            "recipient": recipient_of_a_hit(access.purpose),
            "key": hit.key,
            "inscription_id": hit.inscription_id,
            "digests": list(map(_hex, hit.digests)),
            "given": list(map(_hex, hit.given)),
            "generation": hit.generation,
            "question": _hex(hit.question),
            "met": hit.met and _hex(hit.met[0]),
            "met_given": hit.met and _hex(hit.met[1] or b""),
        }


def _hex(value: bytes) -> str:
    """As PostgreSQL reads bytes in a text."""
    return "\\x" + value.hex()
