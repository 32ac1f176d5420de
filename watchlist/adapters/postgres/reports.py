"""Reports for auditors, read from the pictures and the registers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.adapters.postgres.queries import queries
from watchlist.domain.report import Report
from watchlist.domain.retention import PURGED_WITHIN
from watchlist.domain.sampling import SampledKind

SQL = queries("reports.sql")


class PostgresReports:
    """Keeps the port Reports."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def page(
        self, report: Report, organisation: str | None, at: datetime, after: UUID, limit: int
    ) -> list[DictRow]:
        page = {"organisation": organisation, "at": at, "after": after, "limit": limit}
        return self._rows(report.value, page | {"within": PURGED_WITHIN})

    def sample(
        self, kind: SampledKind, organisation: str | None, seed: str, since: datetime, at: datetime, size: int
    ) -> list[DictRow]:
        self._rows("settle", (WRITE_LOCK,))
        drawn = {"organisation": organisation, "since": since, "at": at, "seed": seed, "size": size}
        return [{**row, "rank": row["rank"].hex()} for row in self._rows(f"sample_{kind.value}", drawn)]

    def population(self, kind: SampledKind, organisation: str | None, since: datetime, at: datetime) -> int:
        asked = {"organisation": organisation, "since": since, "at": at}
        counted: int = self._rows(f"population_{kind.value}", asked)[0]["n"]
        return counted

    def _rows(self, name: str, params: Any) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params).fetchall()
