"""A server process that dies under a command: its backend is ended between two steps of the one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing.persistence import OperationalError

from tests.stories import Story
from watchlist.adapters.postgres import forgetting, painter

STEPS = ("before it paints", "before it forgets", "before it tells", "after it committed")


class Crashes:
    """Armed, it strikes the next times that a command comes to that step."""

    def __init__(self, story: Story, conninfo: str) -> None:
        self._story, self._conninfo = story, conninfo
        self.step, self.times, self.struck = STEPS[0], 0, 0

    def arm(self, step: str, times: int) -> None:
        self.step, self.times = step, times

    def disarm(self) -> None:
        self.times = 0

    def _is_at(self, step: str) -> bool:
        if self.times == 0 or self.step != step:
            return False
        self.times -= 1
        self.struck += 1
        return True

    def _before(self, step: str, work: Callable[..., None]) -> Callable[..., None]:
        def wrapped(brush: painter.Brush, *painted: Any) -> None:
            if self._is_at(step):
                self._end(brush._cursor.connection.info.backend_pid)
            work(brush, *painted)

        return wrapped

    def _end(self, pid: int) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 2000)", (pid,))

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The real painters, and the real connections, each wrapped in a way to die."""
        datastore = self._story.house.register.service_factory.datastore
        kept = painter.paint, forgetting.paint, painter.tell, datastore.get_connection
        painter.paint = self._before(STEPS[0], kept[0])
        forgetting.paint = self._before(STEPS[1], kept[1])
        painter.tell = self._before(STEPS[2], kept[2])
        datastore.get_connection = self._losing_acknowledgements(kept[3])
        try:
            yield
        finally:
            painter.paint, forgetting.paint, painter.tell, datastore.get_connection = kept

    def _losing_acknowledgements(self, get_connection: Callable[[], Any]) -> Callable[[], Any]:
        @contextmanager
        def losing() -> Iterator[Any]:
            watched = self.times > 0 and self.step == STEPS[3]
            before = self._story.count("commands") if watched else 0
            with get_connection() as conn:
                yield conn
            if watched and self._story.count("commands") > before and self._is_at(STEPS[3]):
                raise OperationalError("lost") from psycopg.OperationalError("server closed the connection")

        return losing
