"""What is late: what /readyz tells beside its 200. Answers are right without it, and somebody should look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from watchlist.bootstrap import House
from watchlist.domain.refusals import PastChanged

LATE = timedelta(minutes=10)
"""The sweep runs every minute."""
SEALED_WITHIN = timedelta(seconds=60)
"""From an event to a checkpoint that covers it."""


def sweep_is_late(house: House) -> bool:
    """No sweep succeeded lately, in any process: the list is right (L3), but nothing ends, is purged or erased."""
    last = {run.job: run.succeeded_at for run in house.job_runs.all()}.get("sweep")
    return last is None or house.clock.now() - last > LATE


def feed_is_late(house: House) -> bool:
    """S8: a change that nobody acknowledged in time, or a webhook that was given up on."""
    return house.feed.is_late(house.clock.now())


def seal_is_late(house: House) -> bool:
    """T4: an event is in no checkpoint yet, or nothing is sealed any more because what was sealed has changed."""
    since = house.sealed_log.unsealed_since()
    if since is not None and house.clock.now() - since > SEALED_WITHIN:
        return True
    last = next((run for run in house.job_runs.all() if run.job == "seal"), None)
    return last is not None and last.failure == PastChanged.__name__ and last.failed_last


CHECKS: Mapping[str, Callable[[House], bool]] = {
    "sweep": sweep_is_late,
    "feed": feed_is_late,
    "seal": seal_is_late,
}
"""Name -> whether it is late; a line for each that can be. They are asked by /readyz, often, and have to be cheap."""


def late(house: House) -> list[str]:
    return [name for name, is_late in CHECKS.items() if is_late(house)]
