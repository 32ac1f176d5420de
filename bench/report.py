"""What the bench says: each figure beside its floor."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from typing import Any

from bench.figure import Figure

HEADER = ("figure", "median", "lowest", "highest", "", "floor", "met", "measured")


def table(figures: Sequence[Figure]) -> str:
    rows = [HEADER, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def document(figures: Sequence[Figure], failed: Sequence[str], machine: str) -> dict[str, Any]:
    return {
        "machine": machine,
        "met": met(figures) and not failed,
        "failed": list(failed),
        "figures": [figure.document() for figure in figures],
    }


def met(figures: Iterable[Figure]) -> bool:
    """Whether none is under its floor."""
    return all(figure.met is not False for figure in figures)


def machine() -> str:
    return f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}"


def _row(figure: Figure) -> tuple[str, ...]:
    extremes = (figure.value, min(figure.rounds), max(figure.rounds))
    verdict = {True: "yes", False: "NO", None: "-"}[figure.met]
    return (figure.name, *map(_number, extremes), figure.unit, _floor(figure), verdict, figure.detail)


def _floor(figure: Figure) -> str:
    if figure.floor is None:
        return "-"
    floor = _number(figure.floor)
    instead = figure.instead
    return (
        floor
        if instead is None or instead.floor is None
        else f"{floor} or {_number(instead.floor)} {instead.unit}"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
