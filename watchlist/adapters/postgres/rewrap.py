"""Wrap every key again under the master key of now, as the owner of the key store; what they seal is not touched.

A key that is destroyed meanwhile stays destroyed. Killed in between, what is left is done the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, dict_row

from watchlist.adapters.ciphers import Tampered
from watchlist.adapters.master_key import MasterKeys
from watchlist.adapters.postgres.keyring import SQL, lookup_purpose

BATCH = 1_000
FIRST = UUID(int=0)
Owner = psycopg.Connection[DictRow]


class NotTheOwner(Exception):
    """This login may not change the keys."""


@dataclass(slots=True)
class Rewrapped:
    keys: int = 0
    lookup_keys: int = 0
    lost: int = 0
    """Keys that open under no master key that is here: they stay as they are."""


@dataclass(slots=True)
class Counted:
    """The keys of a store, by what they are wrapped under."""

    held: int = 0
    destroyed: int = 0
    by_header: dict[bytes | None, int] = field(default_factory=dict)
    """Data keys and look-up keys together; None: from before there was a header."""

    def not_under(self, header: bytes) -> int:
        return sum(count for found, count in self.by_header.items() if found != header)


@contextmanager
def _owner(conninfo: str) -> Iterator[Owner]:
    try:
        with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as conn:
            yield conn
    except psycopg.errors.InsufficientPrivilege:
        raise NotTheOwner("only the owner of the keys may wrap them again: connect as it") from None


def rewrap(conninfo: str, master: MasterKeys, progress: Callable[[int], None]) -> Rewrapped:
    done = Rewrapped()
    with _owner(conninfo) as conn:
        _rewrap_lookup_keys(conn, master, done)
        after = FIRST
        header = master.headers[0]
        while rows := conn.execute(SQL["to_rewrap"], (header, after, BATCH)).fetchall():
            after = rows[-1]["owner"]
            again = {row["owner"]: _again(master, row, done) for row in rows}
            open_rows = [row for row in rows if again[row["owner"]] is not None]
            owners = [row["owner"] for row in open_rows]
            columns = owners, [row["wrapped"] for row in open_rows], [again[owner] for owner in owners]
            done.keys += conn.execute(SQL["rewrap"], columns).rowcount
            progress(done.keys)
    return done


def _again(master: MasterKeys, row: DictRow, done: Rewrapped) -> bytes | None:
    try:
        return master.wrap(master.unwrap(row["wrapped"], row["owner"].bytes), row["owner"].bytes)
    except Tampered:
        done.lost += 1
        return None


def _rewrap_lookup_keys(conn: Owner, master: MasterKeys, done: Rewrapped) -> None:
    for row in conn.execute(SQL["lookup_keys"]).fetchall():
        generation, was = row["generation"], row["wrapped"]
        if was.startswith(master.headers[0]):
            continue
        purpose = lookup_purpose(generation)
        now = master.wrap(master.unwrap(was, purpose), purpose)
        done.lookup_keys += conn.execute(SQL["rewrap_lookup_key"], (now, generation, was)).rowcount


def counted(conninfo: str) -> Counted:
    found = Counted()
    with psycopg.connect(conninfo, row_factory=dict_row) as conn:
        for row in conn.execute(SQL["counted"]).fetchall():
            found.held += row["held"]
            found.destroyed += row["destroyed"]
            if row["held"]:
                found.by_header[row["header"]] = row["held"]
        for row in conn.execute(SQL["lookup_keys_counted"]).fetchall():
            found.by_header[row["header"]] = found.by_header.get(row["header"], 0) + row["held"]
    return found
