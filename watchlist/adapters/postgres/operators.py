"""Operators and their keys in PostgreSQL; a secret is there as its SHA-256 only."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.domain.operator import ApiKey, Operator, Role, one_person

SQL = queries("operators.sql")


class PostgresOperators:
    """Keeps the port Operators."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def add(self, operator: Operator) -> Operator:
        person = one_person(operator.name)
        with borrowed(self._pool) as conn:
            conn.execute(SQL["add_organisation"], (operator.organisation,))
            conn.execute(
                SQL["add_operator"], (operator.operator_id, operator.organisation, operator.name, person)
            )
            found = conn.execute(SQL["operator_named"], (operator.organisation, person)).fetchall()
            return Operator(**found[0])

    def leave(self, operator_id: UUID, at: datetime) -> None:
        self._do("leave", (at, operator_id))

    def keep_key(self, key: ApiKey, secret_sha256: bytes) -> None:
        values = (key.key_id, key.operator_id, key.role.value, secret_sha256, key.issued_at, key.expires_at)
        self._do("keep_key", values)

    def revoke(self, key_id: str, at: datetime) -> None:
        self._do("revoke", (at, key_id))

    def operator(self, operator_id: UUID) -> Operator | None:
        found = self._rows("operator", (operator_id,))
        return Operator(**found[0]) if found else None

    def key(self, key_id: str) -> tuple[ApiKey, Operator, bytes] | None:
        found = self._rows("key", (key_id,))
        return (*_key_of(found[0]), bytes(found[0]["secret_sha256"])) if found else None

    def operators(self, organisation: str | None, after: UUID, limit: int) -> list[Operator]:
        page = {"organisation": organisation, "after": after, "limit": limit}
        return [Operator(**row) for row in self._rows("operators", page)]

    def keys(self, organisation: str | None, after: str, limit: int) -> list[tuple[ApiKey, Operator]]:
        page = {"organisation": organisation, "after": after, "limit": limit}
        return [_key_of(row) for row in self._rows("keys", page)]

    def _do(self, name: str, params: Any) -> None:
        with borrowed(self._pool) as conn:
            conn.execute(SQL[name], params)

    def _rows(self, name: str, params: Any) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params, prepare=True).fetchall()


def _key_of(row: DictRow) -> tuple[ApiKey, Operator]:
    key = ApiKey(
        row["key_id"],
        row["operator_id"],
        Role(row["role"]),
        row["issued_at"],
        row["expires_at"],
        row["revoked_at"],
    )
    return key, Operator(row["operator_id"], row["organisation"], row["name"], row["left_at"])
