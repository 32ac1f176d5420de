"""What is sealed in PostgreSQL, read whole to be compared with what it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.binary_copy import numbered
from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.adapters.postgres.sealed_log import days_digested
from watchlist.audit.tree import Place
from watchlist.ports.seal import Digest, Published

SQL = queries("sealed_log.sql")
AT_ONCE = 64
"""Tiles; some megabytes with their events."""


@contextmanager
def examined(pool: ConnectionPool[Connection]) -> Iterator[PostgresExamination]:
    """As of one instant: whatever is sealed meanwhile is not seen."""
    with borrowed(pool) as conn, conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield PostgresExamination(conn)


class PostgresExamination:
    """Keeps the port Examination."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def keys(self) -> Sequence[str]:
        return [row["key"] for row in self._conn.execute(SQL["keys"]).fetchall()]

    def published(self) -> Sequence[Published]:
        rows = self._conn.execute(SQL["signed"], binary=True).fetchall()
        return [Published(**row) for row in rows]

    def leaves(self) -> Iterator[tuple[Sequence[int], bytes]]:
        after = -1
        while rows := self._conn.execute(SQL["leaf_tiles"], (after, AT_ONCE), binary=True).fetchall():
            yield (
                [source for row in rows for source in row["sources"]],
                b"".join(row["hashes"] for row in rows),
            )
            after = rows[-1]["tile"]

    def events(self, after: int, until: int) -> Iterator[tuple[int, bytes]]:
        with self._conn.cursor().copy(SQL["lines_between"], (after, until)) as copy:
            yield from numbered(copy, 8)

    def upper_tiles(self) -> dict[Place, bytes]:
        rows = self._conn.execute(SQL["upper_tiles"], binary=True).fetchall()
        return {Place(row["level"], row["tile"]): row["hashes"] for row in rows}

    def digests(self) -> dict[int, Digest]:
        rows = self._conn.execute(SQL["digests"], binary=True).fetchall()
        return {row.pop("digest_id"): Digest(**row) for row in rows}

    def days(self, register: str, first: date, last: date) -> Iterator[Digest]:
        yield from days_digested(self._conn, register, first, last + timedelta(days=1))

    def dropped(self, first: date, last: date) -> list[date]:
        asked = {"first": first, "last": last}
        rows = self._conn.execute(SQL["dropped_months"], asked, binary=True).fetchall()
        return [row["month"] for row in rows]
