"""The machine's clock, and one that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SystemClock:
    is_the_machines = True

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved."""

    is_the_machines = False

    def __init__(self, now: datetime) -> None:
        self.move_to(now)

    def now(self) -> datetime:
        return self._now

    def move_to(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("an instant has a time zone")
        self._now = now.astimezone(UTC)

    def advance(self, **parts: float) -> None:
        self._now += timedelta(**parts)
