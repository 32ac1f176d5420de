"""How much each client still may ask, in PostgreSQL, on a small pool of its own."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.queries import queries
from watchlist.domain.quota import Quota
from watchlist.domain.refusals import Busy
from watchlist.ports.quotas import Leased

SQL = queries("buckets.sql")
CONNECTIONS = 2
TIMEOUT_SECONDS = 5.0


class PostgresBuckets:
    """Keeps the port Buckets; opened by the event loop that uses it."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = _without_waiting(service_conninfo(conninfo))
        self._pool: AsyncConnectionPool | None = None

    async def open(self) -> None:
        """A new pool, of the event loop that opens it. Leases are rare enough for each to look whether its connection
        still stands: nobody is refused because the database was restarted a while ago."""
        self._pool = AsyncConnectionPool(
            self._conninfo,
            kwargs={"autocommit": True},
            min_size=1,
            max_size=CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
        self._pool = None

    async def lease(
        self,
        client: UUID,
        quota: Quota,
        needed: int,
        wanted: int,
        returned: int,
        at: datetime | None = None,
    ) -> Leased:
        """By the database's clock, which is one for all processes; `at` is for tests that need no waiting."""
        if self._pool is None:
            raise Busy()
        rate = (float(quota.per_second), float(quota.burst))
        values = (client, quota.name, *rate, needed, wanted, returned, at)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), self._pool.connection() as conn:
                cursor = await conn.execute(SQL["lease"], values, prepare=True, binary=True)
                row = await cursor.fetchone()
        except (psycopg.OperationalError, PoolTimeout, TimeoutError) as error:
            raise Busy() from error
        assert row is not None
        return Leased(*row)


def _without_waiting(conninfo: str) -> str:
    """A crash may forget the last instants of counting; nobody waits for a disk to be counted."""
    options = conninfo_to_dict(conninfo)["options"]
    return make_conninfo(conninfo, options=f"{options} -c synchronous_commit=off")
