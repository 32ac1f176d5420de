"""Easel: where the pictures are painted a second time, beside those that are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from watchlist.domain.aggregate import Event

Told = tuple[int, datetime, Event]
Rows = Mapping[str, Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Part:
    """Streams by id, from behind `after` up to `until`: of a rebuild that was killed, what is left of them."""

    number: int
    after: UUID
    until: UUID


@dataclass(frozen=True, slots=True)
class Begun:
    position: int
    """The log's, when this began: what was recorded later is painted again."""
    total: int
    """Events, about."""
    resumed: bool


@dataclass(slots=True)
class Differences:
    """Rows of one picture that were not what the log says."""

    table: str
    missing: int = 0
    unexpected: int = 0
    different: int = 0
    samples: list[dict[str, Any]] = field(default_factory=list)
    """Of the first of them what they are, their keys (ids and instants), and the columns that differ."""

    @property
    def rows(self) -> int:
        return self.missing + self.unexpected + self.different


class Overtaken(Exception):
    """Another process goes on with this part."""


class Outdated(Exception):
    """The tables were migrated since this was begun: what is painted is not for them."""


class Painting(Protocol):
    """One hand at the easel; every call is a transaction of its own."""

    def parts(self) -> list[Part]: ...
    def streams(self, part: Part) -> list[Told]: ...
    def keep(self, part: Part, until: UUID, events: int, rows: Rows, lost: Sequence[UUID]) -> None:
        """Rows of whole streams, and how far the part is by them; Overtaken when it is not where it was."""

    def part_done(self, part: Part, after: UUID) -> None: ...
    def moved(self) -> tuple[list[UUID], int]:
        """The streams that went on since they were painted, and the position up to which that is looked at."""

    def stories(self, streams: Sequence[UUID]) -> list[Told]: ...
    def repaint(self, streams: Sequence[UUID], rows: Rows, lost: Sequence[UUID]) -> None: ...
    def caught_up(self, position: int) -> None: ...


class Easel(Painting, Protocol):
    def begin(self, generation: int, parts: int) -> Begun: ...
    def done(self) -> int:
        """How many events were painted."""

    def finish(self, progress: Callable[[str], None]) -> None:
        """Indexes, rights, and what follows from several streams at once."""

    def lost(self) -> int: ...
    def nobody_records(self) -> AbstractContextManager[None]: ...
    def comparing(self) -> AbstractContextManager[Iterator[Differences]]: ...
    def find_to_mend(self) -> int: ...
    def to_mend(self) -> int: ...
    def mend(self, rows: int) -> None:
        """Certificates, in their place: they hold what no event tells, and are not swapped."""

    def prepare(self) -> None:
        """All that a swap needs to know, before anybody waits for it."""

    def swap(self, seconds: float) -> bool:
        """Outdated when what is painted is for other tables than there are by now."""

    def clear(self, keep: bool) -> None: ...
