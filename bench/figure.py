"""A figure: what was measured, how far it varied, and the floor it must not fall under."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

Measure = Callable[[], float]
"""Does one round of something, and gives its rate per second."""


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    rounds: tuple[float, ...]
    """One value per round; the figure is their median."""
    unit: str
    floor: float | None = None
    """None: shown only."""
    detail: str = ""
    instead: Figure | None = None
    """Another figure that suffices when it meets its own floor."""

    @property
    def value(self) -> float:
        return median(self.rounds)

    @property
    def met(self) -> bool | None:
        if self.floor is None:
            return None
        return self.value >= self.floor or bool(self.instead and self.instead.met)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "lowest": min(self.rounds),
            "highest": max(self.rounds),
            "rounds": len(self.rounds),
            "floor": self.floor,
            "met": self.met,
            "detail": self.detail,
            "instead": self.instead.document() if self.instead else None,
        }


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two things measured in turns: what the machine did to one, it did to the other."""

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratios(self) -> tuple[float, ...]:
        return tuple(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    def told(self, unit: str, theirs: str) -> str:
        return f"{median(self.ours):,.0f} {unit}/s, {theirs} {median(self.theirs):,.0f}/s"


def in_turns(rounds: int, ours: Measure, theirs: Measure, progress: Callable[[int], None]) -> Pairs:
    """A B A B ..., after one round of each that does not count."""
    measured: tuple[list[float], list[float]] = [], []
    for number in range(-1, rounds):
        a, b = ours(), theirs()
        if number >= 0:
            measured[0].append(a)
            measured[1].append(b)
        progress(number + 1)
    return Pairs(*measured)


def rate(count: int, work: Callable[[], object]) -> float:
    """How many of `count` things a second, when `work` does them all; letting go of what it made is not timed."""
    began = perf_counter()
    made = work()
    seconds = perf_counter() - began
    del made
    return count / seconds
