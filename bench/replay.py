"""Replay of the log, against fetching and decoding it alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

from bench.figure import Figure, Measure, in_turns, rate
from bench.premises import Premises
from watchlist.cli.terminal import bar
from watchlist.projections.replay import Recorded, Replay


def measure(premises: Premises) -> Iterator[Figure]:
    replay = _over(premises, lambda log: Replay().follow(log))
    decoding = _over(premises, lambda log: deque(log, maxlen=0))
    with bar("replay", premises.sizes.rounds) as moved:
        pairs = in_turns(premises.sizes.rounds, replay, decoding, moved)
    told = f"{pairs.told('events', 'fetched and decoded')}; {premises.sizes.replayed:,} events"
    yield Figure("replay", pairs.ratios, "of decoding", 0.4, told)


def _over(premises: Premises, follow: Callable[[Iterator[Recorded]], object]) -> Measure:
    """The log's first events, read anew each time."""
    events = premises.sizes.replayed

    def measured() -> float:
        with premises.house.snapshots.snapshot() as snapshot:
            return rate(events, lambda: follow(islice(snapshot.events(), events)))

    return measured
