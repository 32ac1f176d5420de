"""Send changes to the webhooks that are due, and forget old changes and the older part of the delivery log (S8, P6)."""

from __future__ import annotations

from datetime import timedelta

from watchlist.application.deliver_changes import Courier
from watchlist.bootstrap import House
from watchlist.domain.retention import accesses_kept_since

SECONDS = 29.0
"""Of one run, that keeps looking: the next begins at once."""
LOG_KEPT = timedelta(days=90)


def deliver_due_changes(house: House) -> str | None:
    requests = house.desk.lookups.now.requests
    courier = Courier(house.webhooks, house.postman, house.clock, requests)
    done = courier.run_for(SECONDS, house.stopping.is_set)
    if not done.sent and not done.failed:
        return None
    return f"delivered {done.sent} changes to webhooks, {done.failed} failed and are tried again"


def forget_old_attempts(house: House) -> str | None:
    forgotten = house.webhooks.forget_attempts(house.clock.now() - LOG_KEPT)
    return f"forgot {forgotten} attempts at webhooks" if forgotten else None


def forget_old_changes(house: House) -> str | None:
    """A change names a question by the asker's own text: it is kept for as long as the access log, which does too."""
    forgotten = house.feed.forget(accesses_kept_since(house.clock.now(), house.access_log_months))
    return f"forgot {forgotten} changes that were told long ago" if forgotten else None
