"""The feed of changes in PostgreSQL; its rows are written by `tell_changes`, in the write transaction (S8)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.domain.change import Change, ChangeKind
from watchlist.ports.feed import Acknowledgement

SQL = queries("feed.sql")


class PostgresFeed:
    """Keeps the port Feed."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def changes(self, organisation: str, after: int, limit: int) -> list[Change]:
        with borrowed(self._pool) as conn:
            rows = conn.execute(SQL["changes"], (organisation, after, limit), prepare=True).fetchall()
        return [Change(**row | {"kind": ChangeKind(row["kind"])}) for row in rows]

    def acknowledge(self, organisation: str, sequence: int, at: datetime, by: UUID) -> Acknowledgement | None:
        named = {"organisation": organisation, "sequence": sequence}
        with borrowed(self._pool) as conn, conn.transaction():
            conn.execute(SQL["acknowledge"], named | {"at": at, "by": by})
            row = conn.execute(SQL["acknowledgement"], named).fetchone()
        return Acknowledgement(**row) if row else None

    def forget(self, before: datetime) -> int:
        """Changes told before then, and their acknowledgements (P6: their keys are texts of the askers); how many."""
        with borrowed(self._pool) as conn:
            row = conn.execute(SQL["forget"], (before,)).fetchone()
        return row["n"] if row else 0

    def is_late(self, at: datetime) -> bool:
        """Whether somebody should look: a change nobody acknowledged in time, or a webhook that was given up on."""
        with borrowed(self._pool) as conn:
            row = conn.execute(SQL["is_late"], (at,), prepare=True).fetchone()
        return bool(row and row["late"])
