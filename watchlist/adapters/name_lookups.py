"""Look-ups of names that others chose: their servers may hang, and a look-up cannot be broken off.

Each runs in a thread of its own kind, which nothing else waits for: not the work with the database, not the look-up of
another name, and not the end of the process. There is one at a time for a name, however many messages go to it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future

MOST = 64
"""Names that are looked up at once in this process."""
SECONDS = 5.0
"""For one name, and for room to look it up: half of what an attempt may take."""
LOOKS_FOR_ROOM_EVERY = 0.05

Addresses = list[str]


class NameLookups:
    """May be asked from any event loop, and from several."""

    def __init__(self, most: int = MOST, seconds: float = SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[Addresses]] = {}

    async def addresses(self, host: str) -> Addresses:
        """All that the name leads to; raises TimeoutError, socket.gaierror or UnicodeError."""
        async with asyncio.timeout(self._seconds):
            while (looking := self._begun(host)) is None:
                await asyncio.sleep(LOOKS_FOR_ROOM_EVERY)
            return await asyncio.wrap_future(looking)

    def _begun(self, host: str) -> Future[Addresses] | None:
        """The look-up that is under way for that name, or else a new one; None while there is no room."""
        with self._lock:
            if host in self._under_way:
                return self._under_way[host]
            if len(self._under_way) >= self._most:
                return None
            looking: Future[Addresses] = Future()
            looking.set_running_or_notify_cancel()  # whoever does not wait any more cancels it for nobody else
            threading.Thread(target=self._look_up, args=(host, looking), name="look-up", daemon=True).start()
            self._under_way[host] = looking
        return looking

    def _look_up(self, host: str, looking: Future[Addresses]) -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except Exception as error:
            self._end(host)
            looking.set_exception(error)
        else:
            self._end(host)
            looking.set_result(list(dict.fromkeys(str(place[0]).partition("%")[0] for *_, place in found)))

    def _end(self, host: str) -> None:
        with self._lock:
            del self._under_way[host]
