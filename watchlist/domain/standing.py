"""How an entry stood at an instant, as it was known at another: one rule over what was recorded of it, row by row.

A row says how the entry stood on the list, as the register knew it from `recorded_from` until `recorded_until`; the
rows of one entry follow each other without a gap, and the last one is closed by its delisting. Two instants are asked:
`at`, the one that is asked about, and `known_at`, what had been recorded by then.

With `known_at` equal to `at`, that is the list as we knew it: what was answered then, which nothing recorded later
changes. With a later `known_at` it is the list as it was, as far as is known by then. Four things differ between them,
and no more:

- an imported entry was on the list from its original date on (L7), and we knew it from its approval on;
- whose an entry is follows a merge or a split of its subjects (C8): the persons were the same all along;
- an end that was recorded a little after it came counts from when it came (L1);
- what a later row says of the end of an entry that then stood.

What a person decides takes effect when it is recorded, and is not undone backwards: a restriction, its lifting, a
delisting, even on the ground that the entry was inaccurate. Whoever was told a hit then was told it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

from watchlist.domain import periods
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.retention import NEVER


class Known(Protocol):
    """What was known of an entry, from when until when."""

    @property
    def recorded_from(self) -> datetime: ...
    @property
    def recorded_until(self) -> datetime: ...
    @property
    def inscribed_at(self) -> datetime: ...
    @property
    def inscribed_on(self) -> date: ...
    @property
    def ends_at(self) -> datetime: ...


K = TypeVar("K", bound=Known)


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant asked about, and by when what is told of it was recorded."""

    at: datetime
    known_at: datetime

    @classmethod
    def as_we_knew_it(cls, at: datetime) -> Moment:
        return cls(at, at)


@dataclass(frozen=True, slots=True)
class Stood(Generic[K]):
    """An entry that was listed."""

    latest: K
    """What was known last: of its end, and of whose it is."""
    then: K | None
    """What was in effect then: its restriction, and what held it; None before we had recorded anything of it."""


def stood(history: Sequence[K], moment: Moment) -> Stood[K] | None:
    """L1, L7, T3: how an entry stood then, as it was known; None when it was not listed."""
    known = [row for row in history if row.recorded_from <= moment.known_at]
    if not known or not begins_at(known[0]) <= moment.at < ended_at(known[-1], moment.known_at):
        return None
    then = (row for row in known if row.recorded_from <= moment.at < row.recorded_until)
    return Stood(known[-1], next(then, None))


def begins_at(first: Known) -> datetime:
    """L7: an entry is on the list from when its approval was recorded; an imported one from its original day on."""
    if first.inscribed_on < periods.civil_date(first.inscribed_at):
        return min(periods.start_of_day(first.inscribed_on), first.recorded_from)
    return first.recorded_from


def ended_at(latest: Known, known_at: datetime) -> datetime:
    """L1, L9: when an entry ended or will, by its term or by its delisting, whichever comes first."""
    delisted_at = latest.recorded_until if latest.recorded_until <= known_at else NEVER
    return min(latest.ends_at, delisted_at)


def why_ended(latest: Known, known_at: datetime, ground: DelistingGround | None) -> DelistingGround:
    """L9: an entry that was delisted before its term ended went on that ground; any other by itself."""
    by_itself = latest.ends_at <= ended_at(latest, known_at)
    return DelistingGround.TERM_ELAPSED if by_itself or ground is None else ground
