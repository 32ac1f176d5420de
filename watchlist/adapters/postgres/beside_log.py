"""Commands that are kept beside the log: they decide nothing of an aggregate, and are carried out once all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.adapters.postgres.queries import queries
from watchlist.application.work import Work
from watchlist.domain.aggregate import Aggregate
from watchlist.ports.log import AlreadyDone, VersionConflict

SQL = queries("beside_log.sql")
NOT_AS_DECIDED = ("changed_meanwhile", "goes_on")
"""What this was decided on has gone on, or this server has lost the end of it."""


@contextmanager
def beside_log(
    pool: ConnectionPool[Connection],
    work: Work,
    unchanged: Sequence[Aggregate],
    position: int,
    alone: bool = False,
) -> Iterator[Connection]:
    """One transaction: what the command sealed, the command itself, and whatever is done meanwhile.

    Under the lock of those who record, shared, so that nothing of what it was decided on changes; or `alone`, so that
    no other is carried out and no hit is told meanwhile. Raises VersionConflict, AlreadyDone.
    """
    try:
        with borrowed(pool) as conn, conn.transaction():
            conn.execute(SQL["alone" if alone else "settle"], (WRITE_LOCK,))
            if unchanged:
                conn.execute(SQL["require_unchanged"], decided_on(unchanged))
            yield conn
            conn.execute(SQL["keep"], _kept(work, position))
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name in NOT_AS_DECIDED:
            raise VersionConflict(error.diag.constraint_name) from None
        if error.diag.constraint_name == "commands_pkey":
            raise _done(pool, work) from None
        raise


def decided_on(aggregates: Sequence[Aggregate]) -> dict[str, Any]:
    return {"streams": [one.id for one in aggregates], "versions": [one.version for one in aggregates]}


def _done(pool: ConnectionPool[Connection], work: Work) -> AlreadyDone:
    with borrowed(pool) as conn:
        (done,) = conn.execute(SQL["answered"], (work.ask.command_id,)).fetchall()
    return AlreadyDone(bytes(done["mac"]), bytes(done["answer"]), done["position"])


def _kept(work: Work, position: int) -> dict[str, Any]:
    return {
        "refs": [row.ref for row in work.sealed],
        "owners": [row.owner for row in work.sealed],
        "fields": [row.field for row in work.sealed],
        "ciphertexts": [row.ciphertext for row in work.sealed],
        "command_id": work.ask.command_id,
        "mac": work.ask.mac,
        "answer": work.answer,
        "position": position,
        "at": work.act.at,
    }
