"""Long work in the event loop, cut into slices: between two of them everybody else is served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
SLICE = 100
"""Questions: about a millisecond's work, which a single question then waits for at most."""


class Turns:
    """One slice of anybody's in each round of the loop, however many batches are asked at once."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = asyncio.Lock()

    async def each(self, items: Sequence[T], work: Callable[[Sequence[T]], None]) -> None:
        """Does the work on all of them, slice after slice."""
        if len(items) <= SLICE:
            work(items)
            return
        turn = self._lock()
        for at in range(0, len(items), SLICE):
            async with turn:
                work(items[at : at + SLICE])
                await asyncio.sleep(0)

    def _lock(self) -> asyncio.Lock:
        """Of the loop that runs: a lock belongs to one."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._turn = loop, asyncio.Lock()
        return self._turn
