"""A rebuild of every picture, by as many processes as the product starts, while nothing else is measured."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure
from bench.premises import Premises
from bench.seed import seed
from watchlist.cli.rebuild import rebuilt
from watchlist.cli.terminal import bar

EVENTS_AN_ENTRY = 5
"""At least, of those that are seeded: what is missing to the size is seeded first."""
FLOOR = 1_000_000 / 60
"""A million events within a minute."""


def measure(premises: Premises) -> Iterator[Figure]:
    """Events a second, from the first page read to the last table dropped; no row may differ."""
    _fill(premises)
    premises.settle()
    report = rebuilt(premises.house, premises.cluster.conninfo(), premises.settings)
    if report.rows_different or not report.swapped:
        raise RuntimeError(f"{report.rows_different} rows differ, swapped: {report.swapped}")
    rate = report.events / report.seconds
    held = f"recording waited {report.held_seconds * 1000:.0f} ms"
    told = f"{report.events:,} events in {report.seconds:.1f} s, 0 rows different, {held}"
    yield Figure("rebuild", (rate,), "events/s", FLOOR, told)


def _fill(premises: Premises) -> None:
    """Entries that no other figure asks for, until there are as many events as are to be rebuilt."""
    missing = premises.sizes.rebuilt - premises.house.register.position()
    entries = -(-missing // EVENTS_AN_ENTRY)
    if entries > 0:
        with bar(f"seeding {entries:,} entries", entries) as moved:
            seed(premises.house, entries, moved, beginning=premises.sizes.entries)
