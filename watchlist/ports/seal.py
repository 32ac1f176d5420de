"""The sealed log: a tree over what was recorded, and what was published of it (T4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


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
