"""When each job of the scheduler last succeeded, or failed and by what kind of error."""

from __future__ import annotations

from datetime import datetime

from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.ports.job_runs import JobRun

SQL = queries("job_runs.sql")


class PostgresJobRuns:
    """Keeps the port JobRuns."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def succeeded(self, job: str, at: datetime) -> None:
        with borrowed(self._pool) as conn:
            conn.execute(SQL["succeeded"], (job, at))

    def failed(self, job: str, at: datetime, kind: str) -> None:
        with borrowed(self._pool) as conn:
            conn.execute(SQL["failed"], (job, at, kind))

    def all(self) -> list[JobRun]:
        with borrowed(self._pool) as conn:
            return [JobRun(**row) for row in conn.execute(SQL["all"]).fetchall()]
