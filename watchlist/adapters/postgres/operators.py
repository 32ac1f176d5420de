"""Operators and their keys in PostgreSQL; a secret is there as its SHA-256 only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.domain.operator import ApiKey, Habilitation, Operator, Role, one_person
from watchlist.domain.scope import Scope

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
        self._do("keep_key", _kept(key, secret_sha256))

    def succeed_key(self, key: ApiKey, secret_sha256: bytes, older_until: datetime, at: datetime) -> bool:
        older = {"key_id": key.rotated_from, "until": older_until, "at": at}
        try:
            with borrowed(self._pool) as conn, conn.transaction():
                lives = conn.execute(SQL["end_nearer"], older).rowcount == 1
                if lives:
                    conn.execute(SQL["keep_key"], _kept(key, secret_sha256))
                return lives
        except UniqueViolation:
            return False

    def live_keys(self, family: str, at: datetime) -> int:
        living: int = self._rows("live_keys", (family, at))[0]["living"]
        return living

    def note_key_use(self, key_id: str, at: datetime, before: datetime) -> None:
        self._do("note_key_use", (at, key_id, before))

    def revoke(self, key_id: str, at: datetime) -> None:
        self._do("revoke", (at, key_id))

    def knows(self, organisation: str) -> bool:
        known: bool = self._rows("knows", (organisation,))[0]["known"]
        return known

    def holder(self, digest: bytes) -> tuple[Operator, datetime] | None:
        found = self._rows("holder", (digest,))
        return (_operator_of(found[0]), found[0]["last_used_at"]) if found else None

    def keep_holder(self, digest: bytes, operator_id: UUID, roles: Collection[Role], at: datetime) -> None:
        self._do("keep_holder", (digest, operator_id, sorted(roles), at, at))

    def note_holder_use(self, digest: bytes, roles: Collection[Role], at: datetime, before: datetime) -> None:
        self._do("note_holder_use", (sorted(roles), at, digest, before))

    def review(self, operator_id: UUID, reviewed_by: UUID, at: datetime) -> None:
        self._do("review", (operator_id, at, reviewed_by))

    def habilitations(
        self, organisation: str | None, at: datetime, after: UUID, limit: int, only: UUID | None = None
    ) -> list[Habilitation]:
        page = {"organisation": organisation, "at": at, "after": after, "limit": limit, "only": only}
        return [_habilitation_of(row) for row in self._rows("habilitations", page)]

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


def _kept(key: ApiKey, secret_sha256: bytes) -> tuple[object, ...]:
    return (
        key.key_id,
        key.operator_id,
        key.role.value,
        secret_sha256,
        key.issued_at,
        key.expires_at,
        None if key.scopes is None else sorted(key.scopes),
        key.sandbox,
        key.rotated_from,
        key.family,
    )


def _key_of(row: DictRow) -> tuple[ApiKey, Operator]:
    key = ApiKey(
        row["key_id"],
        row["operator_id"],
        Role(row["role"]),
        row["issued_at"],
        row["expires_at"],
        row["revoked_at"],
        None if row["scopes"] is None else frozenset(map(Scope, row["scopes"])),
        row["sandbox"],
        row["rotated_from"],
        row["family"] or row["key_id"],
        row["last_used_at"],
    )
    return key, _operator_of(row)


def _operator_of(row: DictRow) -> Operator:
    return Operator(row["operator_id"], row["organisation"], row["name"], row["left_at"])


def _habilitation_of(row: DictRow) -> Habilitation:
    roles = tuple(map(Role, row["roles"]))
    times = row["since"], row["last_used_at"], row["reviewed_at"]
    return Habilitation(_operator_of(row), row["living"], roles, *times)
