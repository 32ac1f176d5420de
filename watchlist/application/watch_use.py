"""Watch how the screening is used (S6), without remembering who was asked about.

Whether somebody was asked for before, and whether numbers follow on one another, is told from HMACs under a key that is
made at random each day in each process, is nowhere but in its memory, and is gone the next day with all of them. What
is kept are numbers by client and hour.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import Collection, Iterable
from datetime import date, datetime
from itertools import islice
from math import ceil
from secrets import randbelow
from uuid import UUID

from watchlist.application.screening_request import LineError
from watchlist.domain import periods
from watchlist.domain.identifiers import Identifier
from watchlist.domain.tokens import Question
from watchlist.domain.trace import Asking
from watchlist.domain.unusual_use import Observed, Thresholds, Usage, in_sequence, unusual
from watchlist.ports.clock import Clock
from watchlist.ports.screening import UsageBook

REMEMBERED = 4_096
"""Identifiers and names of one client that are remembered exactly; of more, one in two, one in four ... of them."""
DEEPEST = 16
"""Halvings; from there on the persons of one client would be as many as those of the earth."""
LAST_NUMBERS = 256
"""Among so many, the number before this one is looked for."""
LOOKED_AT = 100
"""About so many of the numbers that are asked together are compared: a sweep shows in any hundred of its neighbours."""
MADE_UP = frozenset({"check_failed", "malformed_identifier"})
FLUSH_SECONDS = 30.0
log = logging.getLogger("watchlist.use")

Line = Question | LineError


class UseWatch:
    """Of one process; counts in memory, and adds to the book now and then."""

    def __init__(self, clock: Clock, book: UsageBook) -> None:
        self._clock, self._book = clock, book
        self._day: date | None = None
        self._seen: dict[UUID, _Seen] = {}
        self._hours: dict[tuple[UUID, datetime], Usage] = {}

    def saw(self, asking: Asking, lines: Collection[Line], hits: int) -> None:
        """What was asked together, and how many hits it had; some microseconds."""
        now = self._clock.now()
        seen = self._of(asking.operator_id, periods.civil_date(now))
        refused = sum([isinstance(line, LineError) and line.code in MADE_UP for line in lines])
        fresh = seen.fresh(lines)
        looked, sequential = seen.sequence(lines)
        hour = now.replace(minute=0, second=0, microsecond=0)
        usage = Usage(
            asking.operator_id, asking.organisation, hour,
            len(lines), hits, refused, fresh, looked, sequential,
        )  # fmt: skip
        self._add(usage)

    def _add(self, usage: Usage) -> None:
        place = usage.operator_id, usage.hour
        before = self._hours.get(place)
        self._hours[place] = usage if before is None else before.plus(usage)

    def _of(self, operator_id: UUID, day: date) -> _Seen:
        """What that client asked today; what was there of yesterday, and its key, are gone."""
        if day != self._day:
            self._day = day
            self._seen.clear()
            self._key = hashlib.blake2b(digest_size=8, key=os.urandom(32))
        seen = self._seen.get(operator_id)
        if seen is None:
            seen = self._seen[operator_id] = _Seen(self._key)
        return seen

    async def flush(self) -> None:
        """Adds what was counted to the book; what cannot be added now is added later."""
        hours, self._hours = self._hours, {}
        if not hours:
            return
        try:
            await asyncio.to_thread(self._book.add, list(hours.values()))
        except Exception as error:
            log.warning("the use of the screening was not counted yet: %s", type(error).__name__)
            for usage in hours.values():
                self._add(usage)

    async def flush_for_ever(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()


class _Seen:
    """Whom one client asked for on one day, as keyed digests of digests."""

    def __init__(self, key: hashlib.blake2b) -> None:
        self._key = key
        self._level = 0
        self._bound = b"\xff" * 17
        self._persons: dict[bytes, bytes] = {}
        self._identifiers = self._names = 0
        self._last: dict[bytes, bytes] = {}
        self._next: set[bytes] = set()

    def fresh(self, lines: Collection[Line]) -> int:
        """How many were not asked for before, by identifiers or by names, whichever are more.

        One line may ask for twenty identifiers, or for one name after the other beside an identifier that stays: each
        counts. Whoever is asked for by both is one all the same.
        """
        before = max(self._identifiers, self._names)
        for line in lines:
            if isinstance(line, LineError):
                continue
            for digest in line.identifiers:
                if digest < self._bound:
                    self._identifiers += self._new(digest)
            if line.names and line.names[0] < self._bound:
                self._names += self._new(line.names[0])
        return max(self._identifiers, self._names) - before

    def _new(self, digest: bytes) -> int:
        """How many a digest stands for when it was not asked before; of many, a part stands for the rest."""
        hidden = self._hidden(digest)
        if hidden in self._persons:
            return 0
        self._persons[hidden] = digest[:2]
        stands_for = 1 << self._level
        if len(self._persons) > REMEMBERED:
            self._halve()
        return stands_for

    def _halve(self) -> None:
        self._level = min(self._level + 1, DEEPEST)
        self._bound = (0x10000 >> self._level).to_bytes(2, "big")
        for hidden in [one for one, begins in self._persons.items() if begins >= self._bound]:
            del self._persons[hidden]

    def sequence(self, lines: Collection[Line]) -> tuple[int, int]:
        """How many numbers were compared, and how many follow on one of the last; each once while it is among them."""
        looked = sequential = 0
        for identifier in _looked_at(
            [one for line in lines if isinstance(line, Question) for one in line.asked]
        ):
            numbers = in_sequence(identifier)
            if numbers is None:
                continue
            number, following = self._hidden(numbers[0].encode()), self._hidden(numbers[1].encode())
            if number in self._last:
                continue
            looked += 1
            sequential += number in self._next or following in self._last
            self._last[number] = following
            self._next.add(following)
            if len(self._last) > LAST_NUMBERS:
                self._next.discard(self._last.pop(next(iter(self._last))))
        return looked, sequential

    def _hidden(self, value: bytes) -> bytes:
        made = self._key.copy()
        made.update(value)
        return made.digest()


def _looked_at(asked: list[Identifier]) -> Iterable[Identifier]:
    """Of many, those of some tens of numbers that chance picks, out of all: neighbours stay beside each other, and
    nobody can put what is harmless where one looks."""
    parts = ceil(len(asked) / LOOKED_AT)
    if parts <= 1:
        return asked
    part = randbelow(parts)
    return islice((one for one in asked if hash(one.value[:-2]) % parts == part), 2 * LOOKED_AT)


def look_for_unusual_use(book: UsageBook, at: datetime, thresholds: Thresholds) -> list[Observed]:
    """What is unusual today, and was not recorded yet."""
    found = []
    for operator_id, organisation, hours in book.by_client(at):
        for observed in unusual(hours, at, thresholds):
            if book.raise_alarm(operator_id, organisation, periods.civil_date(at), observed, at):
                log.warning("unusual use of the screening by operator %s: %s", operator_id, observed.kind)
                found.append(observed)
    return found
