"""What streams take of one process: so many run in all, and of one organisation no more than a quarter of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from watchlist.domain.refusals import Busy

ORGANISATIONS = 4
"""Parts that the whole has: three organisations that take all they can leave a part to the others."""


class Shares:
    def __init__(self, most: int) -> None:
        self._most, self._each = most, most // ORGANISATIONS
        self._running: Counter[str] = Counter()

    @property
    def running(self) -> int:
        return self._running.total()

    def require(self, organisation: str) -> None:
        """Raises Busy when too many run, in all or of that organisation."""
        if self.running >= self._most or self._running[organisation] >= self._each:
            raise Busy()

    @contextmanager
    def one(self, organisation: str) -> Iterator[None]:
        self._running[organisation] += 1
        try:
            yield
        finally:
            self._running[organisation] -= 1
            if not self._running[organisation]:
                del self._running[organisation]
