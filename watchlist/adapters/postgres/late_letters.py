"""Paints the letters of entries that took effect before there were letters, and what reports compare: once, after the
migrations 0005 and 0022.

A migration cannot: when a letter is due is a rule of the domain, and SQL only compares instants. And it would hold its
tables all the while.
"""

from __future__ import annotations

from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.adapters.postgres.painter import Brush, paint_letters_of
from watchlist.adapters.postgres.register import Register
from watchlist.domain.case import Case

BATCH = 100
"""Cases painted while nobody records: some twenty milliseconds."""
TAKE = b"""DELETE FROM letters_to_paint WHERE case_id IN (SELECT case_id FROM letters_to_paint LIMIT %b)
RETURNING case_id"""


def paint_late_letters(register: Register, pool: ConnectionPool[Connection]) -> int:
    """How many cases were painted; a crash leaves the rest to the next opening."""
    painted = 0
    while done := _paint_some(register, pool):
        painted += done
    return painted


def _paint_some(register: Register, pool: ConnectionPool[Connection]) -> int:
    with borrowed(pool) as conn, conn.transaction(), conn.cursor() as cursor:
        if not cursor.execute("SELECT FROM letters_to_paint LIMIT 1").fetchall():
            return 0
        # Under the lock of those who record: what is painted is what the log says.
        cursor.execute("SELECT pg_advisory_xact_lock(%b)", (WRITE_LOCK,))
        ids = [row["case_id"] for row in cursor.execute(TAKE, (BATCH,)).fetchall()]
        cases = [case for case in register.load(ids).values() if isinstance(case, Case)]
        paint_letters_of(Brush(cursor), cases)
        return len(ids)
