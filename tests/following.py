"""Sixteen write, others follow by position: whether a follower misses an event, and in which order they come."""

from __future__ import annotations

import random
import re
import threading
import time
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

from tests.stories import Story, ask
from watchlist.application.work import Work
from watchlist.domain.case import Case
from watchlist.domain.commitment import Sealed
from watchlist.domain.vault_field import VaultField

WRITERS = 16
LARGEST_SAVE = 100
CASE_LENGTH = 2_000
"""Events after which a writer begins another case."""
POSITION = re.compile(rb'^\{"position":(\d+)', re.MULTILINE)


@dataclass
class Following:
    """A reader: what it saw, in the order in which it saw it."""

    read: Callable[[int], list[int]]
    """The positions behind a position, some at a time; none: there is nothing more yet."""
    seen: array[int] = field(default_factory=lambda: array("q"))

    def follow(self, after: int, written: threading.Event) -> None:
        while True:
            over = written.is_set()
            positions = self.read(self.seen[-1] if self.seen else after)
            self.seen.extend(positions)
            if not positions:
                if over:
                    return
                time.sleep(0.001)


@dataclass
class Writers:
    """Each saves notes of cases of its own, up to a hundred in one save, until there are enough."""

    story: Story
    subject: UUID
    wanted: int
    chance: random.Random
    saved: list[int] = field(default_factory=list)
    """The last position of each save, as it was answered."""
    _left: int = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._left = self.wanted
        self._note = self._sealed_once()

    def write(self) -> None:
        case = self._new_case()
        while size := self._share():
            if case.version > CASE_LENGTH:
                case = self._new_case()
            self.saved.append(self._save(case, size))

    def _share(self) -> int:
        """How many events the next save has; none: there are enough."""
        with self._lock:
            size = min(self._left, self.chance.randint(1, LARGEST_SAVE))
            self._left -= size
            return size

    def _save(self, case: Case, size: int) -> int:
        desk = self.story.desk
        work = self._work()
        for _ in range(size):
            case.add_note(work.act, self._note)
        return desk.log.record([case], work)

    def _new_case(self) -> Case:
        (case,) = self.story.desk.log.load([self.story.case(self.subject)]).values()
        assert isinstance(case, Case)
        return case

    def _work(self) -> Work:
        return self.story.desk.new_work(ask())

    def _sealed_once(self) -> Sealed:
        """One text for all notes, and kept nowhere: what is followed is the log, not the vault."""
        return self._work().seal(self.story.case(self.subject), VaultField.NOTE, "une note")


def by_query(story: Story) -> Callable[[int], list[int]]:
    """Whoever tails the table itself."""

    def read(after: int) -> list[int]:
        rows = story.rows(
            "SELECT notification_id AS p FROM events WHERE notification_id > %b ORDER BY 1 LIMIT 5000", after
        )
        return [row["p"] for row in rows]

    return read


def by_lines(get: Callable[[int], bytes]) -> Callable[[int], list[int]]:
    """Whoever asks `GET /audit/events?after=`: the positions of its lines."""
    return lambda after: [int(found) for found in POSITION.findall(get(after))]


def followed(
    story: Story,
    writers: Writers,
    readers: list[Following],
    progress: Callable[[int], None] = lambda done: None,
) -> list[int]:
    """All positions that were recorded, after everybody wrote and everybody read to the end."""
    begun_at, written = story.desk.log.position(), threading.Event()
    with ThreadPoolExecutor(WRITERS + len(readers)) as threads:
        reading = [threads.submit(reader.follow, begun_at, written) for reader in readers]
        try:
            writing = [threads.submit(writers.write) for _ in range(WRITERS)]
            for one in writing:
                one.result()
        finally:
            written.set()
        for one in reading:
            one.result()
    query = "SELECT notification_id AS p FROM events WHERE notification_id > %b ORDER BY 1"
    return [row["p"] for row in story.rows(query, begun_at)]
