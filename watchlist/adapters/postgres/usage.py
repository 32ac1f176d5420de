"""How the screening is used, in numbers, and the alarms that were raised of it (S6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.application.ordered_id import ordered_id
from watchlist.domain.unusual_use import HABIT, Observed, Usage

SQL = queries("usage.sql")
LATELY = timedelta(days=1)
_encode = msgspec.json.Encoder().encode


class PostgresUsage:
    """Keeps the port UsageBook."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def add(self, hours: Sequence[Usage]) -> None:
        self._do("add", (_encode(hours).decode(),))

    def by_client(self, at: datetime) -> Iterator[tuple[UUID, str, Sequence[Usage]]]:
        since = {"since": at - HABIT - LATELY, "lately": at - LATELY}
        rows = [Usage(**row) for row in self._rows("recent", since)]
        for operator_id, hours in groupby(rows, key=lambda one: one.operator_id):
            of_one = list(hours)
            yield operator_id, of_one[-1].organisation, of_one

    def forget(self, before: datetime) -> int:
        """Hours that no habit is told from; how many."""
        return self._do("forget", (before,))

    def forget_alarms(self, before: datetime) -> int:
        return self._do("forget_alarms", (before,))

    def raise_alarm(
        self, operator_id: UUID, organisation: str, day: date, observed: Observed, at: datetime
    ) -> bool:
        values = (
            ordered_id(), at, observed.kind.value, operator_id, organisation, day, observed.hour, observed.number
        )  # fmt: skip
        return self._do("raise", values) == 1

    def alarms(
        self, organisation: str | None, after: UUID | None, limit: int, *, only_open: bool = False
    ) -> list[DictRow]:
        """The latest first; of one organisation, or of all."""
        page = {"organisation": organisation, "open": only_open, "after": after, "limit": limit}
        return self._rows("alarms", page)

    def acknowledge(self, alarm_id: UUID, organisation: str, by: UUID, at: datetime) -> DictRow | None:
        """None when that organisation has no such alarm."""
        found = self._rows(
            "acknowledge", {"alarm_id": alarm_id, "organisation": organisation, "by": by, "at": at}
        )
        return found[0] if found else None

    def open_alarms(self) -> dict[str, int]:
        """How many wait for somebody to look, by kind."""
        return {row["kind"]: row["n"] for row in self._rows("open", None)}

    def _do(self, name: str, params: Any) -> int:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params).rowcount

    def _rows(self, name: str, params: Any) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params).fetchall()
