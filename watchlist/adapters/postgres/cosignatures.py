"""The lines of witnesses under checkpoints, what a witness refused, and time stamps, in PostgreSQL (T4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.audit.witness import signer_of
from watchlist.ports.seal import Stamp
from watchlist.ports.witness import StampStanding, WitnessStanding

SQL = queries("cosignatures.sql")


class PostgresCosignatures:
    """Keeps the ports Cosigning and Witnessed."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def cosigned(self, size: int, line: str, at: datetime) -> None:
        self._do("cosigned", (size, signer_of(line), line, at))

    def cosigned_by(self, witness: str) -> int:
        return int(self._rows("cosigned_by", (witness,))[0]["size"])

    def refused(self, witness: str, size: int, seen: int | None, at: datetime) -> bool:
        given = {"witness": witness, "at": at, "size": size, "seen": seen}
        return self._do("refused", given) == 1

    def standings(self, witnesses: Sequence[str]) -> list[WitnessStanding]:
        return [WitnessStanding(**row) for row in self._rows("standing", (list(witnesses),))]

    def stamped(self, stamp: Stamp) -> None:
        self._do("stamped", (stamp.size, stamp.at, stamp.authority, stamp.token))

    def stamp_standing(self) -> StampStanding:
        return StampStanding(**self._rows("stamp_standing", None)[0])

    def _do(self, name: str, params: Any) -> int:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params).rowcount

    def _rows(self, name: str, params: Any) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params).fetchall()
