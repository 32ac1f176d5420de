"""The sealed log in PostgreSQL: tiles of the tree, what was published of it, and the one transaction that adds to it.

A proof is two statements: where the leaf stands, and the few tiles that its path is computed from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.binary_copy import numbered
from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.locks import SEAL_LOCK
from watchlist.adapters.postgres.queries import queries
from watchlist.audit.leaf import event_line
from watchlist.audit.tree import WIDTH, Frontier, Place, consistency_spans, inclusion_spans, proof, split
from watchlist.audit.verifier import leaf_hash
from watchlist.ports.seal import Digest, Growth, Inclusion, Published, Stamp

SQL = queries("sealed_log.sql")
REGISTERS = ("accesses", "disclosures")
FIRST_OF_DAYS = date(2000, 1, 1)
MOST_DAYS = 400
"""Of a register, digested in one transaction; the rest follows in the next."""


class PostgresSealedLog:
    """Keeps the ports SealedLog and Sealing."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    # What was published -----------------------------------------------------------------------

    def latest(self) -> Published | None:
        return self.at_size(None)

    def at_size(self, size: int | None) -> Published | None:
        """The checkpoint of that very size (None: the last); None: there is none."""
        found = self._rows("at_size", (size,))
        return Published(**found[0]) if found else None

    def published(self, after: int = 0, limit: int = 1000) -> list[Published]:
        return [Published(**row) for row in self._rows("published", (after, limit))]

    def stamps(self, after: int = 0, limit: int = 1000) -> list[Stamp]:
        return [Stamp(**row) for row in self._rows("stamps", (after, limit))]

    def keys(self) -> list[str]:
        return [row["key"] for row in self._rows("keys")]

    def size(self) -> int:
        """Of the last tree that was published; 0: none was."""
        size: int = self._rows("size")[0]["size"]
        return size

    def unsealed(self) -> tuple[int, datetime | None]:
        """How many events are in no checkpoint, and when the oldest of them was recorded."""
        row = self._rows("unsealed")[0]
        return row["events"], row["since"]

    def unsealed_since(self) -> datetime | None:
        """The same, without counting."""
        found = self._rows("unsealed_since")
        return found[0]["since"] if found else None

    # Proofs -----------------------------------------------------------------------------------

    def inclusion(self, position: int, size: int | None = None) -> Inclusion | None:
        with borrowed(self._pool) as conn:
            found = _all(conn, "leaf", {"position": position})
            if not found or found[0]["place"] is None or found[0]["size"] is None:
                return None
            index, tree = _index(found[0]), found[0]["size"] if size is None else size
            if not index < tree <= found[0]["size"]:
                return None
            path = proof(inclusion_spans(index, tree), lambda places: _tiles(conn, places))
        return Inclusion(index, tree, event_line(found[0]), path)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        with borrowed(self._pool) as conn:
            return proof(consistency_spans(old, new), lambda places: _tiles(conn, places))

    # Adding to it -----------------------------------------------------------------------------

    @contextmanager
    def extend(self) -> Iterator[OneExtension]:
        with borrowed(self._pool) as conn, conn.transaction():
            conn.execute(SQL["alone"], (SEAL_LOCK,))
            yield OneExtension(conn)

    def _rows(self, name: str, params: Any = None) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return _all(conn, name, params)


class OneExtension:
    """Keeps the port Extension."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        found = _all(conn, "last")
        self.last = Published(**found[0]) if found else None
        self.keys = [row["key"] for row in _all(conn, "keys")]
        size = self.last.size if self.last else 0
        tiles = _tiles(conn, Frontier.places(size))
        self.unfilled = [tiles.get(place, b"") for place in Frontier.places(size)]

    def now(self) -> datetime:
        now: datetime = _all(self._conn, "now")[0]["now"]
        return now

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        return proof(consistency_spans(old, new), lambda places: _tiles(self._conn, places))

    def last_leaf(self) -> tuple[bytes, bytes | None] | None:
        if self.last is None or not self.last.position:
            return None
        found = _all(self._conn, "last_event_leaf", {"position": self.last.position})
        if not found or found[0]["place"] is None:
            return b"", None
        row = found[0]
        tile = Place(0, row["tile"])
        hashes = split(_tiles(self._conn, [tile]).get(tile, b""))
        at = row["place"] - 1
        now = None if row["topic"] is None else leaf_hash(event_line(row))
        return hashes[at] if at < len(hashes) else b"", now

    def events(self, after: int, limit: int) -> tuple[list[int], list[bytes]]:
        positions, hashes = [], []
        with self._conn.cursor().copy(SQL["lines_after"], (after, limit)) as copy:
            for position, line in numbered(copy, 8):
                positions.append(position)
                hashes.append(leaf_hash(line))
        return positions, hashes

    def digests(self, until: date) -> list[Digest]:
        return [digest for register in REGISTERS for digest in self._digests(register, until)]

    def _digests(self, register: str, until: date) -> Iterator[Digest]:
        first = _all(self._conn, f"first_day_of_{register}")[0]["day"]
        if first is None:
            return
        end = min(until, first + timedelta(days=MOST_DAYS))
        yield from days_digested(self._conn, register, first, end)

    # What is kept -----------------------------------------------------------------------------

    def publish(self, growth: Growth, checkpoint: Published, keys: Sequence[str]) -> None:
        before = self.last.size if self.last else 0
        edge = Frontier.places(before)
        longer = {place for place, hashes in zip(edge, self.unfilled, strict=True) if hashes}
        self._keep_tiles(growth, longer)
        self._keep_leaves(before, [*growth.positions, *self._keep_digests(growth.digests)])
        for key in reversed(keys):
            self._conn.execute(SQL["keep_key"], (key, checkpoint.at))
        self._conn.execute(
            SQL["keep_checkpoint"],
            (checkpoint.size, checkpoint.root, checkpoint.at, checkpoint.position, checkpoint.note),
        )

    def _keep_tiles(self, growth: Growth, longer: set[Place]) -> None:
        for level, tile in longer & set(growth.tiles):
            hashes = growth.tiles[level, tile]
            self._conn.execute(SQL["lengthen_tile"], {"level": level, "tile": tile, "hashes": hashes})
        with self._conn.cursor().copy(SQL["new_tiles"]) as copy:
            copy.set_types(["int2", "int8", "bytea"])
            for place in growth.tiles.keys() - longer:
                copy.write_row((*place, growth.tiles[place]))

    def _keep_digests(self, digests: Sequence[Digest]) -> list[int]:
        """What their leaves are told by: the number of each, negative."""
        last = _all(self._conn, "last_digest")[0]["id"] if digests else 0
        for number, digest in enumerate(digests, last + 1):
            kept = (number, digest.register, digest.day, digest.rows, digest.sha256)
            self._conn.execute(SQL["keep_digest"], kept)
        return [-number for number in range(last + 1, last + 1 + len(digests))]

    def _keep_leaves(self, before: int, sources: Sequence[int]) -> None:
        tile, held = divmod(before, WIDTH)
        if held:
            more, sources = sources[: WIDTH - held], sources[WIDTH - held :]
            lengthened = {"tile": tile, "sources": more, "first": _first_event(more)}
            self._conn.execute(SQL["lengthen_leaves"], lengthened)
            tile += 1
        with self._conn.cursor().copy(SQL["new_leaves"]) as copy:
            copy.set_types(["int8", "int8", "int8[]"])
            for begin in range(0, len(sources), WIDTH):
                full = list(sources[begin : begin + WIDTH])
                copy.write_row((tile + begin // WIDTH, _first_event(full), full))


def days_digested(conn: Connection, register: str, first: date, end: date) -> Iterator[Digest]:
    """Each day from the first until before the last, those without a row too."""
    if first >= end:
        return
    rows, hashed = dict[date, int](), dict[date, Any]()
    with conn.cursor().copy(SQL[f"days_of_{register}"], (_begin(first), _begin(end))) as copy:
        for number, line in numbered(copy, 4):
            day = FIRST_OF_DAYS + timedelta(days=number)
            rows[day] = rows.get(day, 0) + 1
            hashed.setdefault(day, hashlib.sha256()).update(line + b"\n")
    for after in range((end - first).days):
        day = first + timedelta(days=after)
        yield Digest(register, day, rows.get(day, 0), hashed.get(day, hashlib.sha256()).digest())


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _first_event(sources: Iterable[int]) -> int | None:
    return next((source for source in sources if source > 0), None)


def _index(row: DictRow) -> int:
    index: int = row["tile"] * WIDTH + row["place"] - 1
    return index


def _tiles(conn: Connection, places: Iterable[Place]) -> dict[Place, bytes]:
    wanted = list(places)
    rows = _all(conn, "tiles", ([place.level for place in wanted], [place.tile for place in wanted]))
    return {Place(row["level"], row["tile"]): row["hashes"] for row in rows}


def _all(conn: Connection, name: str, params: Any = None) -> list[DictRow]:
    return conn.execute(SQL[name], params, binary=True).fetchall()
