"""The leaves of the sealed log, as they are in PostgreSQL now: what an export carries away."""

from __future__ import annotations

from itertools import takewhile

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.audit.leaf import digest_line, event_line
from watchlist.ports.seal import Digest

SQL = queries("sealed_leaves.sql")


class PostgresSealedLeaves:
    """Keeps the port SealedLeaves."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def leaves(self, first: int, count: int) -> list[bytes]:
        """Up to the first that is gone: without it no root is what was published."""
        with borrowed(self._pool) as conn:
            asked = {"first": first, "last": first + count - 1}
            rows = conn.execute(SQL["leaves"], asked, binary=True).fetchall()
        return [_leaf(row) for row in takewhile(_is_there, rows)]


def _is_there(row: DictRow) -> bool:
    return row["position"] is not None or row["register"] is not None


def _leaf(row: DictRow) -> bytes:
    if row["position"] is not None:
        return event_line(row)
    return digest_line(Digest(row["register"], row["day"], row["rows"], row["sha256"]))
