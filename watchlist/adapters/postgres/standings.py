"""How entries stood at any instant, as was known then or since; read from the rows of their history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.adapters.postgres.queries import queries
from watchlist.domain import periods
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.standing import Moment
from watchlist.ports.registry import FIRST
from watchlist.projections.as_of import Difference, HistoryRow, difference, standing_at
from watchlist.projections.rows import Standing
from watchlist.tracing import span

SQL = queries("standings.sql")
CHUNK = 1000
"""Entries whose histories are read at once."""
STANDING = Standing.__struct_fields__
History = tuple[list[HistoryRow], DelistingGround | None]


class Standings:
    """Answers what was; what it once told of an instant as it was known then, it tells for ever."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def settle(self, at: datetime) -> None:
        """Wait until nothing can be recorded any more with an instant up to this one: some milliseconds at most."""
        self._rows("settle", {"lock": WRITE_LOCK, "at": at})

    def listed(
        self, organisation: str | None, moment: Moment, after: UUID = FIRST, limit: int = 100
    ) -> list[DictRow]:
        """The list of one organisation or of all (None), by inscription id; what `standing_at` says, page by page."""
        self.settle(moment.known_at)
        page = {"organisation": organisation, "after": after, "limit": limit}
        day = periods.civil_date(moment.at)
        return self._rows("list_as_of", page | {"at": moment.at, "known_at": moment.known_at, "day": day})

    def of_subject(self, organisation: str | None, subject_id: UUID, moment: Moment) -> list[Standing]:
        """The entries that a subject had on the list then, by inscription id."""
        self.settle(moment.known_at)
        found = self._rows("entries_ever_of", {"subject_id": subject_id, "organisation": organisation})
        stood = (standing_at(rows, moment) for rows, _ in self._histories([row["id"] for row in found]))
        return [one for one in stood if one is not None and one.subject_id == subject_id]

    def differences(
        self, organisation: str | None, first: Moment, second: Moment, after: UUID = FIRST, limit: int = 100
    ) -> list[Difference]:
        """What entered, left or changed between two instants, the earlier first, by inscription id."""
        self.settle(second.known_at)
        return list(islice(self._differences(organisation, first, second, after), limit))

    def _differences(
        self, organisation: str | None, first: Moment, second: Moment, after: UUID
    ) -> Iterator[Difference]:
        between = {
            "organisation": organisation,
            "first": first.at,
            "second": second.at,
            "first_day": periods.civil_date(first.at),
            "second_day": periods.civil_date(second.at),
            "limit": CHUNK,
        }
        while ids := [row["id"] for row in self._rows("entries_moved", between | {"after": after})]:
            for rows, ground in self._histories(ids):
                found = difference(rows, first, second, ground)
                if found is not None:
                    yield found
            after = ids[-1]

    def _histories(self, ids: Sequence[UUID]) -> Iterator[History]:
        """What was recorded of each of these entries, in its order, and the ground on which it was delisted."""
        found = self._rows("histories", {"ids": list(ids)}) if ids else []
        for _, group in groupby(found, key=lambda row: row["inscription_id"]):
            rows = list(group)
            ground = rows[0]["delisting_ground"]
            yield [_row(row) for row in rows], None if ground is None else DelistingGround(ground)

    def _rows(self, name: str, params: dict[str, Any]) -> list[DictRow]:
        # Planned anew each time: how much of the history an instant leaves decides which index is the short way.
        with span(name), borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params, prepare=False).fetchall()


def _row(row: DictRow) -> HistoryRow:
    standing = Standing(**{name: row[name] for name in STANDING})
    return HistoryRow(standing, row["recorded_from"], row["recorded_until"])
