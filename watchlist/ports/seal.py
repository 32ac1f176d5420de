"""The sealed log: a tree over what was recorded, and what was published of it (T4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint as it was published; `note` with the cosignatures that have come."""

    size: int
    root: bytes
    at: datetime
    position: int
    """The last event that it covers; 0: none."""
    note: str


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That a leaf is in the tree of a size."""

    leaf_index: int
    tree_size: int
    leaf: bytes
    """What is hashed: of an event its line."""
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """An RFC 3161 time stamp of a published checkpoint: over the text of its note, signatures of the log included."""

    size: int
    at: datetime
    authority: str
    token: bytes


@dataclass(frozen=True, slots=True)
class Digest:
    """What a register held of one day (UTC), when that day was over: a leaf beside those of the events."""

    register: str
    """accesses or disclosures."""
    day: date
    rows: int
    sha256: bytes
    """Of its rows in their order, each as PostgreSQL's row_to_json writes it in UTC, each ended by a newline."""


class SealedLog(Protocol):
    """What proves the log; sizes are numbers of leaves."""

    def latest(self) -> Published | None:
        """The last checkpoint that was published."""
        ...

    def published(self, after: int = 0, limit: int = 1000) -> list[Published]:
        """Checkpoints larger than `after`, by size."""
        ...

    def inclusion(self, position: int, size: int | None = None) -> Inclusion | None:
        """The proof of an event's leaf in a tree (None: the last one published); None: not in that tree."""
        ...

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """That the tree of `new` leaves begins with that of `old`; both at most what is sealed."""
        ...

    def stamps(self, after: int = 0, limit: int = 1000) -> list[Stamp]:
        """Time stamps of checkpoints larger than `after`, by size and time."""
        ...

    def keys(self) -> Sequence[str]:
        """The public keys that ever signed, as notes name them, the oldest first."""
        ...


class SealedLeaves(Protocol):
    """What the tree is made of."""

    def leaves(self, first: int, count: int) -> list[bytes]:
        """The leaves from that index on, as they are sealed, at most so many; fewer: there are no more."""
        ...


class Cosigning(Protocol):
    """Where cosignatures and stamps of published checkpoints are kept."""

    def cosigned(self, size: int, line: str, at: datetime) -> None:
        """Keep a witness's line under a checkpoint; the same one twice is kept once."""
        ...

    def cosigned_by(self, witness: str) -> int:
        """The largest size that this witness (by its key, as notes name it) has cosigned; 0: none."""
        ...

    def stamped(self, stamp: Stamp) -> None: ...


@dataclass(frozen=True, slots=True)
class Growth:
    """What a tree grew by: leaves of events, then of digests."""

    positions: Sequence[int]
    """Of the events."""
    digests: Sequence[Digest]
    tiles: Mapping[tuple[int, int], bytes]
    """By level and number: what got longer or is new, whole."""


class Extension(Protocol):
    """One transaction that makes the sealed log longer; no other does meanwhile, in any process."""

    @property
    def last(self) -> Published | None:
        """What was published last, as the log signed it."""
        ...

    @property
    def keys(self) -> Sequence[str]:
        """The public keys that ever signed, the oldest first; the log has the name of the first."""
        ...

    @property
    def unfilled(self) -> Sequence[bytes]:
        """The hashes of the tiles at the right edge of the tree, level by level."""
        ...

    def now(self) -> datetime:
        """By the clock of where it is kept."""
        ...

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """That the tree of `new` leaves begins with that of `old`; LookupError: what it needs is not kept."""
        ...

    def last_leaf(self) -> tuple[bytes, bytes | None] | None:
        """Of the last event that is sealed: the hash in the tree, and that of the event as it is now (None: gone)."""
        ...

    def events(self, after: int, limit: int) -> tuple[list[int], list[bytes]]:
        """Events behind a position, in their order: positions, and hashes of leaves."""
        ...

    def digests(self, until: date) -> list[Digest]:
        """Of the days of each register that are over and not sealed yet, before a day; at most some hundreds."""
        ...

    def publish(self, growth: Growth, checkpoint: Published, keys: Sequence[str]) -> None:
        """What the tree grew by, what was signed of it, and the public keys that signed."""
        ...


class Sealing(Protocol):
    """Where the log is sealed."""

    def extend(self) -> AbstractContextManager[Extension]:
        """Everything in it is kept when it ends, or nothing; Busy when another takes too long."""
        ...


class SealKeys(Protocol):
    """Where the secrets of the keys are that sign; never in the database."""

    def seeds(self, begun: bool) -> Sequence[bytes]:
        """The newest first; of a log that was never signed (not `begun`) the first one is made when there is none.

        Raises NoSealKey when they are not here.
        """
        ...


class SealMemory(Protocol):
    """What was signed last, wherever the owner of the log cannot change it; raises NoSealMemory."""

    def last(self) -> Published | None:
        """None: nothing was signed from here."""
        ...

    def keep(self, signed: Published | None) -> None:
        """For good, when this returns; None forgets."""
        ...


class Examination(Protocol):
    """Everything that is sealed, and what it was made of, as of one instant."""

    def keys(self) -> Sequence[str]: ...

    def published(self) -> Sequence[Published]:
        """Every checkpoint as the log signed it, by size."""
        ...

    def leaves(self) -> Iterator[tuple[Sequence[int], bytes]]:
        """In the order of the tree: what they are (an event by its position, a digest by its negative number), and
        their hashes."""
        ...

    def events(self, after: int, until: int) -> Iterator[tuple[int, bytes]]:
        """Positions and leaves of the events as they are now."""
        ...

    def upper_tiles(self) -> Mapping[Any, bytes]:
        """The tiles above the leaves, by level and number."""
        ...

    def digests(self) -> Mapping[int, Digest]:
        """What was sealed of the registers, by number."""
        ...

    def days(self, register: str, first: date, last: date) -> Iterator[Digest]:
        """The same of each day of the register as it is now."""
        ...

    def dropped(self, first: date, last: date) -> Sequence[date]:
        """The months (their first days) from which no access is kept, of those that are old enough to be dropped."""
        ...
