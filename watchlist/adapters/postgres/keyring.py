"""The keyring in PostgreSQL: data keys and look-up keys, wrapped by the master key.

A destroyed key leaves its owner's row with nothing in it, so that it can never be created again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool

from watchlist.adapters import ciphers
from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.ports import NewKeys


class KeyExists(Exception):
    """The owner has, or had, a key: it is never created a second time."""


class PostgresKeyring:
    def __init__(self, pool: ConnectionPool[Connection], master: bytes) -> None:
        if len(master) != ciphers.KEY_BYTES:
            raise ValueError(f"the master key has {ciphers.KEY_BYTES} bytes")
        self._pool = pool
        self._master = master

    def make(self, owners: Iterable[UUID]) -> NewKeys:
        """Kept by the transaction that records their first use: the log is in the same database."""
        keys = {owner: ciphers.new_key() for owner in owners}
        wrapped = {owner: ciphers.wrap(self._master, key, owner.bytes) for owner, key in keys.items()}
        return NewKeys(keys, wrapped)

    def create(self, owners: Iterable[UUID]) -> dict[UUID, bytes]:
        """New keys, committed when this returns; refuses with KeyExists an owner that has or had one."""
        made = self.make(owners)
        try:
            with borrowed(self._pool) as conn:
                conn.execute(
                    "INSERT INTO watchlist_keys.data_keys (owner, wrapped)"
                    " SELECT * FROM unnest(%b::uuid[], %b::bytea[])",
                    (list(made.wrapped), list(made.wrapped.values())),
                )
        except psycopg.errors.UniqueViolation:
            raise KeyExists("an owner has, or had, a key") from None
        return dict(made.keys)

    def opened(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
        return {owner: ciphers.unwrap(self._master, key, owner.bytes) for owner, key in wrapped.items()}

    def keys(self, owners: Iterable[UUID]) -> dict[UUID, bytes]:
        with borrowed(self._pool) as conn:
            rows = conn.execute(
                "SELECT owner, wrapped FROM watchlist_keys.data_keys"
                " WHERE owner = ANY(%b) AND wrapped IS NOT NULL",
                (list(owners),),
                prepare=True,
            ).fetchall()
        return {
            row["owner"]: ciphers.unwrap(self._master, row["wrapped"], row["owner"].bytes) for row in rows
        }

    def destroy(self, owners: Iterable[UUID]) -> int:
        with borrowed(self._pool) as conn:
            return conn.execute(
                "UPDATE watchlist_keys.data_keys SET wrapped = NULL"
                " WHERE owner = ANY(%b) AND wrapped IS NOT NULL",
                (list(owners),),
            ).rowcount

    def lookup_key(self) -> bytes:
        """The look-up key of the newest generation; the first is made here, once."""
        with borrowed(self._pool) as conn, conn.transaction():
            found = _newest(conn)
            if found is None:
                wrapped = ciphers.wrap(self._master, os.urandom(ciphers.KEY_BYTES), _lookup_purpose(1))
                conn.execute(
                    "INSERT INTO watchlist_keys.lookup_keys VALUES (1, %b) ON CONFLICT DO NOTHING", (wrapped,)
                )
                found = _newest(conn)
            assert found is not None
            generation, wrapped = found
        return ciphers.unwrap(self._master, wrapped, _lookup_purpose(generation))


def _newest(conn: Connection) -> tuple[int, bytes] | None:
    row = conn.execute(
        "SELECT generation, wrapped FROM watchlist_keys.lookup_keys ORDER BY generation DESC LIMIT 1"
    ).fetchone()
    return (row["generation"], row["wrapped"]) if row else None


def _lookup_purpose(generation: int) -> bytes:
    return b"look-up %d" % generation
