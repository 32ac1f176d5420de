"""How much is measured: enough to trust, or just enough to see that everything is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    entries: int
    """Listed entries that are seeded; a sweep then delists them all."""
    rounds: int
    """How often the two sides of a ratio take turns."""
    commands: int
    """Commands in one turn: few, and many turns, since the disk is slow for seconds at a time."""
    replayed: int
    """Events in one round of replay."""
    erased: int
    """Subjects that nobody retains, erased by one sweep."""
    seconds: float
    """Of load in one round of screening."""
    starts: int
    lines: int
    """Of one stream of a bulk screening."""
    sealed: int
    """Events that are sealed at once, in a database of their own."""


FULL = Sizes(
    entries=100_000,
    rounds=7,
    commands=20,
    replayed=200_000,
    erased=10_000,
    seconds=2.0,
    starts=5,
    lines=1_000_000,
    sealed=1_000_000,
)
QUICK = Sizes(
    entries=5_000,
    rounds=5,
    commands=20,
    replayed=20_000,
    erased=2_000,
    seconds=0.6,
    starts=2,
    lines=100_000,
    sealed=100_000,
)
TINY = Sizes(
    entries=600,
    rounds=5,
    commands=10,
    replayed=2_000,
    erased=600,
    seconds=0.2,
    starts=1,
    lines=4_000,
    sealed=3_000,
)
