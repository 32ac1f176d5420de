"""Our migrations: numbered SQL files, applied in order under an advisory lock, with their checksums."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from importlib import resources
from typing import LiteralString

import psycopg
from psycopg.rows import scalar_row, tuple_row
from psycopg.sql import SQL, Composed, Identifier

from watchlist.adapters.postgres.locks import MIGRATION_LOCK


class MigrationError(Exception):
    """The database and this version's migrations do not fit together."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Series:
    """The migrations of one kind of database: their folder, and the table that says which were applied."""

    folder: str
    ledger: str

    def sql(self, statement: LiteralString) -> Composed:
        """A statement with the ledger in its place."""
        return SQL(statement).format(ledger=Identifier("public", self.ledger))


REGISTER = Series("migrations", "watchlist_migrations")
KEY_STORE = Series("key_migrations", "watchlist_key_migrations")
LOCK_MILLISECONDS = 100
"""How long a migration waits for a table, and whoever comes after it waits behind."""
PAUSE_SECONDS = 0.2
"""Until it tries again: the others are served meanwhile."""
PATIENCE_SECONDS = 600.0
LEDGER = """
CREATE TABLE IF NOT EXISTS {ledger} (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
"""


def migrations(series: Series = REGISTER) -> list[Migration]:
    """Every migration this version knows, in order."""
    folder = resources.files("watchlist.adapters.postgres") / series.folder
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda f: f.name)
    return [Migration(file.name, file.read_text("utf-8")) for file in files]


def migrate(conninfo: str, series: Series = REGISTER) -> list[str]:
    """Apply what is missing and give its names; several at once wait for each other.

    Raises MigrationError when an applied migration was changed, or the database is newer than this version.
    """
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        conn.execute(series.sql(LEDGER))
        applied = _applied(conn, series)
        _check(applied, series)
        return [_apply(conn, m, series) for m in migrations(series) if m.name not in applied]


def pending(conninfo: str, series: Series = REGISTER) -> list[str]:
    """The names of the migrations that are not applied yet."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        ledger = conn.cursor(row_factory=scalar_row).execute(
            "SELECT to_regclass(%s)", (f"public.{series.ledger}",)
        )
        applied = _applied(conn, series) if ledger.fetchone() else {}
    _check(applied, series)
    return [m.name for m in migrations(series) if m.name not in applied]


def require_known(conninfo: str, series: Series = REGISTER) -> None:
    """Raises MigrationError when an applied migration was changed, or the database is newer than this version."""
    pending(conninfo, series)


def _applied(conn: psycopg.Connection[tuple[object, ...]], series: Series) -> dict[str, str]:
    query = series.sql("SELECT name, checksum FROM {ledger}")
    rows = conn.cursor(row_factory=tuple_row).execute(query)
    return {str(name): str(checksum) for name, checksum in rows}


def _check(applied: dict[str, str], series: Series) -> None:
    known = {m.name: m.checksum for m in migrations(series)}
    for name, checksum in applied.items():
        if name not in known:
            raise MigrationError(
                f"the database has {name}, which this version does not know: use a newer version"
            )
        if known[name] != checksum:
            raise MigrationError(
                f"{name} was changed after it was applied: restore the file as it was released"
            )


def _apply(conn: psycopg.Connection[tuple[object, ...]], migration: Migration, series: Series) -> str:
    """Waits for locks in short tries: behind one that waits for a backup, every screening would queue.

    Raises MigrationError when a table is never free.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            _apply_now(conn, migration, series)
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > deadline:
                raise MigrationError(
                    f"{migration.name} waits for a table that another session holds (a backup, a forgotten"
                    " transaction): end that, then run it again"
                ) from None
            time.sleep(PAUSE_SECONDS)
        else:
            return migration.name


def _apply_now(conn: psycopg.Connection[tuple[object, ...]], migration: Migration, series: Series) -> None:
    with conn.transaction():
        conn.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
        conn.execute(migration.sql.encode())
        conn.execute(
            series.sql("INSERT INTO {ledger} (name, checksum) VALUES (%s, %s)"),
            (migration.name, migration.checksum),
        )
        conn.execute(series.sql("GRANT SELECT ON {ledger} TO watchlist_service"))
