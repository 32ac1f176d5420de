"""The list as of an instant: the slowest first or late page, whoever asks, of whatever instant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import product
from time import perf_counter
from uuid import UUID

from bench.figure import Figure
from bench.premises import Premises
from bench.seed import SPAN, organisation_of
from watchlist.bootstrap import House
from watchlist.cli.terminal import bar
from watchlist.domain.standing import Moment

FIRST, LATE = UUID(int=0), UUID("f0000000-0000-4000-8000-000000000000")
"""Where a page begins: with the first entry, or with the last sixteenth of them."""
LONGEST = 0.020
"""Seconds that a page may take."""
PARTS = (0.0, 0.01, 0.5, 0.99, 1.0)
"""Of the time in which the entries were listed."""

Asked = tuple[str | None, Moment, UUID]


def measure(premises: Premises) -> Iterator[Figure]:
    house = premises.house
    asked = list(_asked(house.clock.now()))
    slowest: list[float] = []
    with bar("as_of", premises.sizes.rounds) as moved:
        for number in range(-1, premises.sizes.rounds):
            seconds = max(_seconds(house, *one) for one in asked)
            if number >= 0:
                slowest.append(1 / seconds)
            moved(number + 1)
    told = f"{1000 / min(slowest):,.1f} ms the slowest of all; {premises.sizes.entries:,} entries"
    yield Figure("as_of", tuple(slowest), "pages/s", 1 / LONGEST, told)


def _asked(now: datetime) -> Iterator[Asked]:
    """By an auditor and by one organisation, as we knew it and as it was, the first page and a late one."""
    instants = [now - SPAN * (1 - part) for part in PARTS]
    for organisation, at, after in product((None, organisation_of(3)), instants, (FIRST, LATE)):
        for known_at in (at, now):
            yield organisation, Moment(at, known_at), after


def _seconds(house: House, organisation: str | None, moment: Moment, after: UUID) -> float:
    began = perf_counter()
    house.standings.listed(organisation, moment, after, 100)
    return perf_counter() - began
