"""The vault in PostgreSQL: ciphertexts by reference."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.ports.vault import SealedRow


class PostgresVault:
    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def rows(self, refs: Sequence[UUID]) -> dict[UUID, SealedRow]:
        with borrowed(self._pool) as conn:
            found = conn.execute(
                "SELECT ref, owner, field, ciphertext FROM vault WHERE ref = ANY(%b)",
                (list(refs),),
                prepare=True,
            ).fetchall()
        return {row["ref"]: SealedRow(**row) for row in found}

    def rows_of(self, owner: UUID) -> dict[UUID, SealedRow]:
        with borrowed(self._pool) as conn:
            found = conn.execute(
                "SELECT ref, owner, field, ciphertext FROM vault WHERE owner = %b", (owner,), prepare=True
            ).fetchall()
        return {row["ref"]: SealedRow(**row) for row in found}
