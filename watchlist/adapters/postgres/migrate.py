"""Our migrations: numbered SQL files, applied in order under an advisory lock, with their checksums."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

import psycopg
from psycopg.rows import scalar_row, tuple_row

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


LEDGER = """
CREATE TABLE IF NOT EXISTS public.watchlist_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
"""


def migrations() -> list[Migration]:
    """Every migration this version knows, in order."""
    folder = resources.files("watchlist.adapters.postgres") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda f: f.name)
    return [Migration(file.name, file.read_text("utf-8")) for file in files]


def migrate(conninfo: str) -> list[str]:
    """Apply what is missing and give its names; several at once wait for each other.

    Raises MigrationError when an applied migration was changed, or the database is newer than this version.
    """
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        conn.execute(LEDGER)
        applied = _applied(conn)
        _check(applied)
        return [_apply(conn, m) for m in migrations() if m.name not in applied]


def pending(conninfo: str) -> list[str]:
    """The names of the migrations that are not applied yet."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        ledger = conn.cursor(row_factory=scalar_row).execute(
            "SELECT to_regclass('public.watchlist_migrations')"
        )
        applied = _applied(conn) if ledger.fetchone() else {}
    _check(applied)
    return [m.name for m in migrations() if m.name not in applied]


def _applied(conn: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    rows = conn.cursor(row_factory=tuple_row).execute(
        "SELECT name, checksum FROM public.watchlist_migrations"
    )
    return {str(name): str(checksum) for name, checksum in rows}


def _check(applied: dict[str, str]) -> None:
    known = {m.name: m.checksum for m in migrations()}
    for name, checksum in applied.items():
        if name not in known:
            raise MigrationError(
                f"the database has {name}, which this version does not know: use a newer version"
            )
        if known[name] != checksum:
            raise MigrationError(
                f"{name} was changed after it was applied: restore the file as it was released"
            )


def _apply(conn: psycopg.Connection[tuple[object, ...]], migration: Migration) -> str:
    with conn.transaction():
        conn.execute(migration.sql.encode())
        conn.execute(
            "INSERT INTO public.watchlist_migrations (name, checksum) VALUES (%s, %s)",
            (migration.name, migration.checksum),
        )
        conn.execute("GRANT SELECT ON public.watchlist_migrations TO watchlist_service")
    return migration.name
