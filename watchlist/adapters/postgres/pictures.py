"""The pictures, read: what verbs ask before they decide, and what people look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries

SQL = queries("pictures.sql")
FIRST = UUID(int=0)
"""Before every id: where a first page begins."""


class Pictures:
    """Keeps the port Registry, and answers the reading routes."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def rows(self, name: str, params: Any = None) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params, prepare=True).fetchall()

    def stream(self, name: str, params: Any, size: int = 1000) -> Iterator[DictRow]:
        """Rows as they come, in bounded memory."""
        with borrowed(self._pool) as conn, conn.transaction(), conn.cursor(name) as cursor:
            cursor.itersize = size
            yield from cursor.execute(SQL[name], params)

    # The port ---------------------------------------------------------------------------------

    def case_of(self, inscription_id: UUID) -> UUID | None:
        found = self.rows("case_of", (inscription_id,))
        return found[0]["case_id"] if found else None

    def subject_with(self, organisation: str, digests: Sequence[bytes]) -> UUID | None:
        found = self.rows("subject_with", (list(digests), organisation))
        return found[0]["subject_id"] if found else None

    def cases_about(self, subject_id: UUID) -> list[UUID]:
        return self._ids("cases_about", subject_id)

    def due_entries(self, at: datetime, limit: int) -> list[UUID]:
        return list(dict.fromkeys(self._ids("due_entries", at, limit)))

    def due_alerts(self, at: datetime, limit: int) -> list[UUID]:
        return self._ids("due_alerts", at, limit)

    def due_purges(self, limit: int) -> list[UUID]:
        return self._ids("due_purges", limit)

    def imported(self, fingerprints: Sequence[bytes]) -> set[bytes]:
        return {bytes(row["digest"]) for row in self.rows("imported", (list(fingerprints),))}

    def case_referenced(self, digests: Sequence[bytes]) -> dict[bytes, UUID]:
        return {bytes(r["digest"]): r["case_id"] for r in self.rows("case_referenced", (list(digests),))}

    def proposed_by_import(self, import_id: UUID, limit: int) -> list[UUID]:
        return self._ids("proposed_by_import", import_id, limit)

    def unfinished_imports(self) -> list[tuple[UUID, str, UUID]]:
        rows = self.rows("unfinished_imports")
        return [(row["import_id"], row["organisation"], row["approved_by"]) for row in rows]

    def _ids(self, name: str, *params: Any) -> list[UUID]:
        return [row["id"] for row in self.rows(name, params)]

    # What people look at ----------------------------------------------------------------------

    def current_list(
        self, organisation: str | None, at: datetime, after: UUID = FIRST, limit: int = 100
    ) -> list[DictRow]:
        """The list now, of one organisation or of all (None), by inscription id."""
        return self.rows(
            "current_list", {"organisation": organisation, "at": at, "after": after, "limit": limit}
        )

    def list_as_of(
        self, organisation: str | None, at: datetime, after: UUID = FIRST, limit: int = 100
    ) -> list[DictRow]:
        """The list as it was recorded up to `at`, and stood at `at`."""
        return self.rows("list_as_of", {"organisation": organisation, "at": at, "after": after, "limit": limit})

    def position(self) -> int:
        """The position of the last event, 0 when there is none."""
        position: int = self.rows("position")[0]["position"]
        return position
