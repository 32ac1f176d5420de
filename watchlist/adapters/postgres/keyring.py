"""The keyring in PostgreSQL: data keys and look-up keys, wrapped by the master key.

A destroyed key leaves its owner's row with nothing in it, so that it can never be created again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool

from watchlist.adapters import ciphers
from watchlist.adapters.ciphers import Tampered
from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.domain.refusals import KeyLost
from watchlist.ports.keys import KeysFound, KeyStanding, MasterKey, NewKeys
from watchlist.ports.log import VersionConflict

SQL = queries("keyring.sql")


class KeyExists(VersionConflict):
    """The owner has, or had, a key: it is never created a second time."""


class PostgresKeyring:
    """Keeps the port Keyring, in the database of the log: new keys travel with the events that need them."""

    travels = True

    def __init__(self, pool: ConnectionPool[Connection], master: MasterKey) -> None:
        self.pool = pool
        self._master = master

    def make(self, owners: Iterable[UUID]) -> NewKeys:
        """Kept by the transaction that records their first use: the log is in the same database."""
        keys = {owner: ciphers.new_key() for owner in owners}
        wrapped = {owner: self._master.wrap(key, owner.bytes) for owner, key in keys.items()}
        return NewKeys(keys, wrapped)

    def create(self, owners: Iterable[UUID]) -> dict[UUID, bytes]:
        """New keys, committed when this returns; refuses with KeyExists an owner that has or had one."""
        made = PostgresKeyring.make(self, owners)
        try:
            with borrowed(self.pool) as conn:
                conn.execute(SQL["create"], (list(made.wrapped), list(made.wrapped.values())), prepare=True)
        except psycopg.errors.UniqueViolation:
            raise KeyExists("an owner has, or had, a key") from None
        return dict(made.keys)

    def opened(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
        try:
            return {owner: self._master.unwrap(key, owner.bytes) for owner, key in wrapped.items()}
        except Tampered:
            raise KeyLost() from None

    def keys(self, owners: Iterable[UUID]) -> dict[UUID, bytes]:
        return self.opened({owner: key for owner, key in self._rows(owners).items() if key is not None})

    def found(self, owners: Iterable[UUID]) -> KeysFound:
        wanted = set(owners)
        rows = self._rows(wanted)
        keys = {}
        for owner, wrapped in rows.items():
            if wrapped is not None:
                with suppress(Tampered):
                    keys[owner] = self._master.unwrap(wrapped, owner.bytes)
        destroyed = frozenset(owner for owner, wrapped in rows.items() if wrapped is None)
        return KeysFound(keys, destroyed, frozenset(wanted - keys.keys() - destroyed))

    def standing(self, owners: Iterable[UUID]) -> dict[UUID, KeyStanding]:
        wanted = set(owners)
        with borrowed(self.pool) as conn:
            rows = conn.execute(SQL["standing"], (list(wanted),), prepare=True).fetchall()
        held = {row["owner"]: row["held"] for row in rows}
        told = {None: KeyStanding.MISSING, False: KeyStanding.DESTROYED, True: KeyStanding.HELD}
        return {owner: told[held.get(owner)] for owner in wanted}

    def _rows(self, owners: Iterable[UUID]) -> dict[UUID, bytes | None]:
        with borrowed(self.pool) as conn:
            rows = conn.execute(SQL["keys"], (list(owners),), prepare=True).fetchall()
        return {row["owner"]: row["wrapped"] for row in rows}

    def destroy(self, owners: Iterable[UUID]) -> int:
        with borrowed(self.pool) as conn:
            row = conn.execute(SQL["destroy"], {"owners": list(owners)}).fetchone()
        return row["destroyed"] if row else 0

    def older(self, age: timedelta, after: UUID, limit: int) -> list[UUID]:
        """Owners of keys that were made so long ago and are held, by id, from behind `after` on."""
        with borrowed(self.pool) as conn:
            return [row["owner"] for row in conn.execute(SQL["older"], (age, after, limit)).fetchall()]

    def unopenable(self) -> int:
        """How many keys are under a master key that is not here."""
        with borrowed(self.pool) as conn:
            row = conn.execute(SQL["unopenable"], (self._master.headers,)).fetchone()
        return row["n"] if row else 0

    # Look-up keys -----------------------------------------------------------------------------

    def lookup_key(self, generation: int) -> bytes:
        """The look-up key of a generation; made here, once, when there is none."""
        wrapped = self._master.wrap(os.urandom(ciphers.KEY_BYTES), lookup_purpose(generation))
        with borrowed(self.pool) as conn, conn.transaction():
            conn.execute(SQL["make_lookup_key"], (generation, wrapped))
        return self.lookup_keys()[generation]

    def lookup_keys(self) -> dict[int, bytes]:
        """Every look-up key that is not destroyed, by generation; 0 is the one that does not rotate."""
        with borrowed(self.pool) as conn:
            rows = conn.execute(SQL["lookup_keys"]).fetchall()
        return {
            row["generation"]: self._master.unwrap(row["wrapped"], lookup_purpose(row["generation"]))
            for row in rows
        }

    def destroy_lookup_key(self, generation: int) -> None:
        with borrowed(self.pool) as conn:
            conn.execute(SQL["destroy_lookup_key"], (generation,))

    def holds_keys(self) -> bool:
        """Whether anything was ever kept here."""
        with borrowed(self.pool) as conn:
            row = conn.execute(SQL["has_keys"]).fetchone()
        return bool(row and row["has"])


class KeyStoreKeyring(PostgresKeyring):
    """The same in a store of its own: a key is committed there before the event that needs it.

    A crash in between, or a command that is decided again, leaves a key that nothing needs; `keyring tidy` destroys it.
    """

    travels = False

    def make(self, owners: Iterable[UUID]) -> NewKeys:
        return NewKeys(self.create(owners), {})


def lookup_purpose(generation: int) -> bytes:
    """What a look-up key is bound to, wrapped."""
    return b"look-up %d" % generation
