"""Connection strings and pools: every connection acts under the role it needs, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool, PoolTimeout

from watchlist.domain.refusals import Busy

SERVICE_ROLE = "watchlist_service"

Connection = psycopg.Connection[DictRow]


def service_conninfo(conninfo: str, lock_timeout_ms: int = 5000) -> str:
    """The connection string of the service: its own role, our schema, and no endless waiting."""
    options = " ".join(
        f"-c {name}={value}"
        for name, value in {
            "role": SERVICE_ROLE,
            "search_path": "watchlist",
            "lock_timeout": lock_timeout_ms,
            "idle_in_transaction_session_timeout": 30_000,
            "timezone": "UTC",
        }.items()
    )
    given = conninfo_to_dict(conninfo).get("options") or ""
    return make_conninfo(conninfo, options=f"{given} {options}".strip())


def with_option(conninfo: str, name: str, value: str) -> str:
    """The connection string with one more run-time setting, for what SQL is to know of the service's settings."""
    given = conninfo_to_dict(conninfo).get("options") or ""
    return make_conninfo(conninfo, options=f"{given} -c {name}={value}".strip())


@contextmanager
def borrowed(pool: ConnectionPool[Connection]) -> Iterator[Connection]:
    """A connection for a read; none free in time is a Busy."""
    try:
        with pool.connection() as conn:
            yield conn
    except (PoolTimeout, psycopg.OperationalError) as error:
        raise Busy() from error


def rows_of(conn: Connection, query: str, params: Any = None) -> list[DictRow]:
    return conn.execute(query.encode(), params).fetchall()
