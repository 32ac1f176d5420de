"""Look for unusual use of the screening (S6), and forget what is not needed any more."""

from __future__ import annotations

from datetime import timedelta

from watchlist.application.watch_use import look_for_unusual_use
from watchlist.bootstrap import House
from watchlist.domain.retention import accesses_kept_since
from watchlist.domain.unusual_use import HABIT

KEPT = HABIT + timedelta(days=2)


def watch_the_use(house: House) -> str | None:
    now = house.clock.now()
    found = look_for_unusual_use(house.usage, now, house.unusual)
    house.usage.forget(now - KEPT)
    house.usage.forget_alarms(accesses_kept_since(now, house.access_log_months))
    return f"raised {len(found)} alarms of unusual use" if found else None
