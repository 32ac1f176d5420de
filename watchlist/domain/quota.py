"""A quota: how much one client may ask (S6)."""

from __future__ import annotations

from math import ceil

from msgspec import Struct


class Quota(Struct, frozen=True):
    """So many a second in the long run, and at most a burst of them at once."""

    name: str
    per_second: int
    burst: int

    @property
    def window_seconds(self) -> int:
        """In which an empty quota is full again."""
        return ceil(self.burst / self.per_second)

    def seconds_until(self, needed: int, remaining: float) -> int:
        """How long to wait for so many, at least one second; never more than the window."""
        return min(self.window_seconds, max(1, ceil((needed - remaining) / self.per_second)))


class Quotas(Struct, frozen=True):
    """What every client has of each kind."""

    screenings: Quota = Quota("screenings", 20_000, 1_000_000)
    """Counted by the identifiers asked for, and by the persons asked for by their name alone: a file of a million goes
    through at once, and then at the rate."""
    requests: Quota = Quota("requests", 500, 5_000)
    """Everything else, counted by the request."""
