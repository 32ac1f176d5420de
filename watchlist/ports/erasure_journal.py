"""The erasure journal, outside the stores it erases from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from watchlist.domain.erasure import ErasureKind, JournalEntry

JournalLine = tuple[ErasureKind, UUID, datetime]
"""What was erased, and when."""


WriteJournal = Callable[[Sequence[JournalLine]], list[JournalEntry]]


class ErasureJournal(Protocol):
    """The erasures that are under way or done, outside the stores that they erase from: a restore cannot undo it.

    Raises JournalDamaged when what it holds is not what was appended.
    """

    def append(self, owners: Sequence[tuple[ErasureKind, UUID]], at: datetime) -> list[JournalEntry]:
        """One line for each, on disk when this returns."""
        ...

    def after(self, sequence: int = 0) -> Iterator[JournalEntry]:
        """The lines behind a sequence, in their order, each proven to follow all before it."""
        ...

    def length(self) -> int:
        """The sequence of the last line, 0 when there is none."""
        ...

    def begin(self, lines: Sequence[JournalLine]) -> list[JournalEntry]:
        """A lost journal, written again; on disk when this returns. Raises JournalThere when another has lines."""
        ...


class JournalThere(Exception):
    """A journal that has lines is not written over; the message says what to do."""


class JournalDamaged(Exception):
    """The erasure journal is not what was appended to it; the message says where, and what to do."""
