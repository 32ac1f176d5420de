"""The look-up keys of a register, as one process knows them, and their rotation (decision 0016).

Which generation is asked and which are written stands beside the look-ups themselves, in the register's database; the
keys are in the keyring. So whoever reads look-ups sees in the same snapshot whether they were the right ones to ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters import ciphers
from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.keyring import PostgresKeyring
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.adapters.postgres.queries import queries
from watchlist.domain.tokens import Token, Tokenizer
from watchlist.ports.keys import LookupKeys

SQL = queries("lookups.sql")
REQUESTS = 0
"""The generation of the key that is no look-up's and does not rotate."""
DELETED_AT_ONCE = 2_000
FIRST = UUID(int=0)
States = dict[int, str]


class WrongKeyStore(Exception):
    """The keys that are here are not this register's; a second set is never made silently."""


class PostgresLookups:
    """Keeps the port Lookups."""

    def __init__(self, pool: ConnectionPool[Connection], keyring: PostgresKeyring) -> None:
        """Makes the first key of a new register. Raises WrongKeyStore, or Tampered when the master key is another."""
        self._pool, self._keyring = pool, keyring
        self._lock = Lock()
        if not self._rows("generations"):
            self._begin()
        self._require_ours()
        self._states: States = {}
        self.refresh()

    @property
    def now(self) -> LookupKeys:
        return self._now

    def refresh(self) -> None:
        with self._lock:
            states = self._read_states()
            while states != self._states:
                now = self._in_force(states)
                if now is not None:
                    self._now, self._states = now, states
                states = self._read_states()  # a key may have gone since its state was read

    def _read_states(self) -> States:
        return {row["generation"]: row["state"] for row in self._rows("generations")}

    def _in_force(self, states: States) -> LookupKeys | None:
        keys = self._keyring.lookup_keys()
        if REQUESTS not in keys:
            keys[REQUESTS] = self._keyring.lookup_key(REQUESTS)
        known = {n: Tokenizer(key, n) for n, key in keys.items() if n in states}
        current, arriving = (
            [n for n, state in states.items() if state == s] for s in ("current", "arriving")
        )
        written = [*current, *arriving]
        if not known.keys() >= set(written):
            return None
        return LookupKeys(
            asked=known[written[0]],
            written=tuple(known[n] for n in written),
            remembered=tuple(known.values()),
            requests=Tokenizer(keys[REQUESTS], REQUESTS),
        )

    # Whose they are ---------------------------------------------------------------------------

    def _begin(self) -> None:
        """Before anything is recorded; a crash between key and row leaves a key that the next one takes."""
        recorded, held = self._rows("recorded"), self._rows("holds_data_keys")
        if self._rows("generations"):  # another process began meanwhile
            return
        if held and not self._keyring.travels:
            raise WrongKeyStore(
                "the key store holds keys and this register has none: DATABASE_URL and WATCHLIST_KEYS_DATABASE_URL"
                " do not belong together"
            )
        if recorded:
            raise WrongKeyStore("the register holds events and there is no key: restore the keys first")
        self._keyring.lookup_key(1)
        self._do("began", ())

    def _require_ours(self) -> None:
        keys = self._keyring.lookup_keys()
        for row in self._rows("generations"):
            generation = row["generation"]
            if row["state"] not in ("arriving", "current"):
                continue
            if generation not in keys:
                raise WrongKeyStore(
                    f"the look-up key {generation} of this register is not where its keys are kept: set"
                    " WATCHLIST_KEYS_DATABASE_URL as it was, or restore the keys"
                )
            known = ciphers.key_id(keys[generation], b"look-up key")
            if row["key_id"] is None:
                self._do("identified", (known, generation))
            elif row["key_id"] != known:
                raise WrongKeyStore("the key store is another register's: check WATCHLIST_KEYS_DATABASE_URL")

    def _rows(self, name: str) -> list[DictRow]:
        pool = self._keyring.pool if name == "holds_data_keys" else self._pool
        with borrowed(pool) as conn:
            return conn.execute(SQL[name]).fetchall()

    def _do(self, name: str, params: Sequence[object]) -> None:
        with borrowed(self._pool) as conn:
            conn.execute(SQL[name], params)


class PostgresRotation:
    """What a rotation does to the tables, in transactions of its own; each under the lock of all that write."""

    def __init__(self, pool: ConnectionPool[Connection], keyring: PostgresKeyring) -> None:
        self._pool, self._keyring = pool, keyring

    def states(self) -> States:
        return {row["generation"]: row["state"] for row in self._rows("generations")}

    def begin(self) -> int:
        """A new generation, its key committed before anything is written under it."""
        generation = max(self.states()) + 1
        key = self._keyring.lookup_key(generation)
        with self._writing() as conn:
            conn.execute(SQL["arrive"], (generation, ciphers.key_id(key, b"look-up key")))
        return generation

    def subjects_lacking(self, generation: int, after: UUID, limit: int) -> tuple[list[UUID], UUID | None]:
        """Of the next subjects by id, those found under another generation and not under this one; and the last."""
        params = {"generation": generation, "after": after, "limit": limit}
        rows = self._rows("subjects_lacking", params)
        return [row["id"] for row in rows if row["lacks"]], rows[-1]["id"] if rows else None

    def cases_lacking(self, generation: int) -> list[UUID]:
        """Cases whose stolen identifiers, or whose reference, are not yet known under this generation."""
        return [row["id"] for row in self._rows("cases_lacking", {"generation": generation})]

    def fill_subjects(self, generation: int, found: Sequence[tuple[UUID, int, Sequence[Token]]]) -> int:
        """Their look-ups and what their entries answer, of those that did not change meanwhile; how many rows."""
        flat = [(id, version, token) for id, version, tokens in found for token in tokens]
        with self._writing() as conn:
            filled = conn.execute(
                SQL["fill_subjects"],
                (
                    generation,
                    [id for id, _, _ in flat],
                    [version for _, version, _ in flat],
                    [token.digest for _, _, token in flat],
                    [token.given for _, _, token in flat],
                    [token.answers for _, _, token in flat],
                ),
            ).rowcount
            conn.execute(SQL["answer_too"], ([id for id, _, _ in found], generation))
        return filled

    def fill_case(
        self, generation: int, id: UUID, version: int, stolen: Sequence[bytes], reference: bytes | None
    ) -> int:
        """What was stolen in it answers no more, and its reference is known (L10, L7), unless it changed meanwhile."""
        with self._writing() as conn:
            filled = conn.execute(SQL["fill_stolen"], (generation, list(stolen), id, version)).rowcount
            conn.execute(SQL["silence_stolen"], (id, generation))
            if reference is not None:
                filled += conn.execute(SQL["fill_reference"], (reference, generation, id, version)).rowcount
        return filled

    def unequal(self, generation: int) -> int:
        """Entries that do not answer to as much under this generation as under the one that is asked."""
        return int(self._rows("unequal", {"generation": generation})[0]["entries"])

    def counted(self) -> list[dict[str, Any]]:
        """Of each generation: its state, and how many rows were made under it."""
        return self._rows("counted")

    def unforgotten(self) -> bool:
        """Whether rows of a retired generation are there, of which its flip made nothing any more."""
        return bool(self._rows("unforgotten")[0]["some"])

    def flip(self, generation: int) -> None:
        """From this commit on the new one is asked."""
        with self._writing() as conn:
            conn.execute(SQL["retire"])
            conn.execute(SQL["make_current"], (generation,))

    def forget_retired(self) -> Iterator[int]:
        """The rows of generations that are neither asked nor written, some at a time; how many."""
        for table in ("answerable", "subject_tokens"):
            after: UUID | None = FIRST
            while after is not None:
                params = {"after": after, "limit": DELETED_AT_ONCE}
                with self._writing() as conn:
                    row = conn.execute(SQL[f"forget_{table}"], params).fetchone()
                after = row["last"] if row else None
                yield row["deleted"] if row else 0
        with self._writing() as conn:
            yield conn.execute(SQL["forget_stolen_tokens"]).rowcount
            yield conn.execute(SQL["forget_case_references"]).rowcount

    def destroy_keys(self) -> list[int]:
        """The keys of retired generations under which nothing is left; one with imported lines stays for those."""
        over = [row["generation"] for row in self._rows("without_rows")]
        for generation in over:
            self._keyring.destroy_lookup_key(generation)
            with self._writing() as conn:
                conn.execute(SQL["destroyed"], (generation,))
        return over

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with borrowed(self._pool) as conn, conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%b)", (WRITE_LOCK,))
            yield conn

    def _rows(self, name: str, params: Any = None) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params).fetchall()
