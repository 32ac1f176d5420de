"""A sweep of everything at once: the day after all terms have elapsed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from time import perf_counter

from bench.figure import Figure
from bench.premises import Premises
from bench.seed import SPAN
from watchlist.adapters.clock import ManualClock
from watchlist.application.sweep import sweep
from watchlist.cli.terminal import bar

SLICES = 10


def measure(premises: Premises) -> Iterator[Figure]:
    """Delistings a second, whole transactions; a round is a tenth of the entries."""
    later = ManualClock(premises.house.clock.now() + 2 * SPAN)
    times = [(0, perf_counter())]
    with premises.another_house(later) as house, bar("sweep", premises.sizes.entries) as moved:

        def progress(done: int) -> None:
            moved(done)
            times.append((done, perf_counter()))

        times[0] = 0, perf_counter()
        report = sweep(house.desk, progress=progress)
    if report.failed or report.delisted < premises.sizes.entries:
        raise RuntimeError(f"the sweep delisted {report.delisted} of {premises.sizes.entries}")
    overall = report.delisted / (times[-1][1] - times[0][1])
    told = f"{report.delisted:,} entries, {overall:,.0f}/s overall"
    yield Figure("sweep", slices(times), "delistings/s", 1500, told)


def slices(times: list[tuple[int, float]]) -> tuple[float, ...]:
    """The rate of each tenth, of what was done until when."""
    width = max(1, (len(times) - 1) // SLICES)
    ends = times[::width]
    return tuple((b - a) / (until - since) for (a, since), (b, until) in pairwise(ends))
