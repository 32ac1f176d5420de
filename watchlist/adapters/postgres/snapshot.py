"""The log and the pictures as of one instant, read in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from psycopg import IsolationLevel
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from watchlist.adapters.codec import EventCodec
from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.locks import SNAPSHOT_LOCK, WRITE_LOCK
from watchlist.domain.aggregate import Event

PAGE = 5_000

EVENTS = b"""SELECT notification_id, recorded_at, topic, originator_id, originator_version, state
FROM events WHERE notification_id > %b ORDER BY notification_id LIMIT %b"""


class PostgresSnapshot:
    """One repeatable-read transaction."""

    def __init__(self, conn: Connection, codec: EventCodec) -> None:
        self._conn = conn
        self._codec = codec

    def stored(self, after: int = 0) -> Iterator[tuple[int, datetime, str, Any, int, bytes]]:
        """The log as it is stored, by position."""
        with self._conn.cursor(row_factory=tuple_row, binary=True) as cursor:
            while rows := cursor.execute(EVENTS, (after, PAGE), prepare=True).fetchall():
                yield from rows
                after = rows[-1][0]

    def events(self) -> Iterator[tuple[int, datetime, Event]]:
        return map(self._codec.read, self.stored())

    def table(self, name: str) -> Iterator[dict[str, Any]]:
        with self._conn.cursor(f"all_{name}", binary=True) as cursor:
            cursor.itersize = PAGE
            yield from cursor.execute(SQL("SELECT * FROM {}").format(Identifier(name)))


class PostgresSnapshots:
    def __init__(self, pool: ConnectionPool[Connection], codec: EventCodec) -> None:
        self._pool = pool
        self._codec = codec

    @contextmanager
    def snapshot(self) -> Iterator[PostgresSnapshot]:
        with borrowed(self._pool) as conn:
            # What was stamped before now is committed before the snapshot is taken.
            conn.execute("SELECT pg_advisory_xact_lock_shared(%b)", (WRITE_LOCK,))
            conn.execute("SELECT pg_advisory_lock_shared(%b)", (SNAPSHOT_LOCK,))
            conn.isolation_level = IsolationLevel.REPEATABLE_READ
            try:
                with conn.transaction():
                    conn.execute("SET TRANSACTION READ ONLY")
                    conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                    yield PostgresSnapshot(conn, self._codec)
            finally:
                conn.isolation_level = None
                if not conn.closed:
                    conn.execute("SELECT pg_advisory_unlock_shared(%b)", (SNAPSHOT_LOCK,))
