"""Seal what was recorded since the last checkpoint (T4)."""

from __future__ import annotations

from scheduler.jobs.sweep import RunsElsewhere
from watchlist.bootstrap import House


def seal_the_log(house: House) -> str | None:
    alone, published = house.sealer.seal_unless_busy()
    if not alone:
        raise RunsElsewhere()
    return f"a checkpoint of {published.size} leaves" if published else None
