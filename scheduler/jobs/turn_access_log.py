"""Make the next months of the access log, and drop those that were kept long enough (T1)."""

from __future__ import annotations

from watchlist.bootstrap import House
from watchlist.domain.retention import accesses_kept_since


def turn_the_access_log(house: House) -> str | None:
    now = house.clock.now()
    made = house.registers.make_months(now)
    dropped = house.registers.forget_months(accesses_kept_since(now, house.access_log_months))
    return f"made {made} months of the access log, dropped {dropped}" if made or dropped else None
