"""Migrations: applied once however many start together, never changed, never older than the database."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.stories import at_once
from watchlist.adapters.postgres import migrate as migrating
from watchlist.adapters.postgres.migrate import (
    REGISTER,
    Migration,
    MigrationError,
    migrate,
    migrations,
    pending,
)

NAMES = [migration.name for migration in migrations()]
ROOT = Path(__file__).parents[2]


def ledger(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo) as conn:
        rows = conn.execute("SELECT name FROM public.watchlist_migrations ORDER BY name").fetchall()
    return [name for (name,) in rows]


def change(conninfo: str, statement: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(statement)


def test_an_empty_database_is_migrated_once(empty_database_url):
    assert pending(empty_database_url) == NAMES
    assert migrate(empty_database_url) == NAMES
    assert migrate(empty_database_url) == pending(empty_database_url) == []
    assert ledger(empty_database_url) == NAMES


def test_several_threads_migrate_an_empty_database_at_once(empty_database_url):
    applied = at_once([lambda: migrate(empty_database_url)] * 8)
    assert sorted(applied, key=len) == [[]] * 7 + [NAMES]
    assert ledger(empty_database_url) == NAMES


def test_several_processes_migrate_an_empty_database_at_once(empty_database_url):
    program = "import sys; from watchlist.adapters.postgres.migrate import migrate; print(len(migrate(sys.argv[1])))"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty_database_url], cwd=ROOT, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    answers = sorted(int(process.communicate(timeout=30)[0]) for process in started)
    assert [process.returncode for process in started] == [0] * 4
    assert answers == [0, 0, 0, len(NAMES)]


def test_two_databases_of_one_server_are_migrated_at_once(empty_database_url, database_url):
    # the service's role is the server's: one is made while another looks for it
    applied = at_once([lambda: migrate(empty_database_url), lambda: migrate(database_url)])
    assert applied == [NAMES, []]


def test_a_migration_that_was_changed_after_it_was_applied_is_told(database_url):
    change(database_url, "UPDATE public.watchlist_migrations SET checksum = 'another'")
    for read in (migrate, pending):
        with pytest.raises(MigrationError, match=f"{NAMES[0]} was changed"):
            read(database_url)


def test_a_database_newer_than_this_version_is_told(database_url):
    change(database_url, "INSERT INTO public.watchlist_migrations VALUES ('9999_later.sql', 'a checksum')")
    for read in (migrate, pending):
        with pytest.raises(MigrationError, match=r"9999_later\.sql"):
            read(database_url)


def test_a_migration_that_fails_leaves_nothing_and_can_be_repeated(database_url, monkeypatch):
    broken = Migration("9998_broken.sql", "CREATE TABLE watchlist.half (a int); SELECT 1 / 0;")
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "migrations", lambda series=REGISTER: [*migrations(series), broken])
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(database_url)
        assert pending(database_url) == ["9998_broken.sql"]
    assert ledger(database_url) == NAMES
    mended = Migration("9998_broken.sql", "CREATE TABLE watchlist.half (a int);")
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "migrations", lambda series=REGISTER: [*migrations(series), mended])
        assert migrate(database_url) == ["9998_broken.sql"]


def test_migrations_are_numbered_in_order_and_each_once():
    numbers = [name.partition("_")[0] for name in NAMES]
    assert numbers == sorted(set(numbers))
    assert sorted(NAMES) == NAMES


def test_the_service_may_read_the_ledger_and_not_write_it(database_url):
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("SET ROLE watchlist_service")
        assert conn.execute("SELECT count(*) FROM public.watchlist_migrations").fetchone() == (len(NAMES),)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("DELETE FROM public.watchlist_migrations")


LATER = Migration("9999_later.sql", "ALTER TABLE watchlist.cases ADD COLUMN later integer")


def test_a_migration_lets_everybody_past_while_it_waits_for_a_table(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind one that waits for a backup, every reader of that table would queue."""
    known = migrations()
    monkeypatch.setattr(migrating, "migrations", lambda *_: [*known, LATER])
    longest = 0.0
    with psycopg.connect(database_url) as backup, ThreadPoolExecutor(1) as another:
        backup.execute("SELECT count(*) FROM watchlist.cases")
        applied = another.submit(migrate, database_url)
        with psycopg.connect(database_url, autocommit=True) as reader:
            ends = time.monotonic() + 1
            while time.monotonic() < ends:
                began = time.monotonic()
                reader.execute("SELECT count(*) FROM watchlist.cases")
                longest = max(longest, time.monotonic() - began)
        assert not applied.done()
        backup.rollback()
        assert applied.result(10) == [LATER.name]
    assert longest < 0.8


def test_a_migration_that_never_gets_its_table_says_so_and_leaves_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations()
    monkeypatch.setattr(migrating, "migrations", lambda *_: [*known, LATER])
    monkeypatch.setattr(migrating, "PATIENCE_SECONDS", 0.2)
    with psycopg.connect(database_url) as backup:
        backup.execute("SELECT count(*) FROM watchlist.cases")
        with pytest.raises(MigrationError, match="another session holds"):
            migrate(database_url)
    assert pending(database_url) == [LATER.name]
