"""The clock that verbs are given."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the time; passed in, so that a test can be five years later."""

    @property
    def is_the_machines(self) -> bool:
        """Whether it must agree with the database's clock (a test's own need not)."""
        ...

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        ...
