"""What tests share: a PostgreSQL server for the session, and for each test that asks a database of its own.

`PG_BIN` runs the same tests on other programs; `WATCHLIST_TEST_DATABASE_URL` on a server that runs elsewhere
(its user must be allowed to create databases).
"""

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from watchlist.adapters.embedded_postgres import SUPERUSER, EmbeddedPostgres

MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes: a server's files and its log, for a few servers at once."""


@pytest.fixture(scope="session")
def pg_bin() -> Path | None:
    """The folder of PostgreSQL's programs to test on; None: the wheel's."""
    named = os.environ.get("PG_BIN")
    return Path(named) if named else None


@pytest.fixture
def crossable_folder() -> Iterator[Path]:
    """A temporary folder that another system user may cross (root's server is one's); pytest's are closed."""
    with _crossable_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def cluster(pg_bin: Path | None) -> Iterator[str]:
    """A server's connection string, to create databases by; with xdist, one for each worker."""
    outside = os.environ.get("WATCHLIST_TEST_DATABASE_URL")
    if outside:
        yield outside
        return
    with _crossable_folder(_memory()) as folder, EmbeddedPostgres(folder / "state", pg_bin) as running:
        _forgo_durability(running.conninfo("postgres", SUPERUSER))
        yield running.conninfo()


@pytest.fixture(scope="session")
def template_database(cluster: str) -> Iterator[str]:
    """The name of a migrated database that the tests' are copied from."""
    from watchlist.adapters.postgres.migrate import migrate

    name = _create(cluster)
    migrate(make_conninfo(cluster, dbname=name))
    yield name
    _drop(cluster, name)


@pytest.fixture
def database_url(cluster: str, template_database: str) -> Iterator[str]:
    """The connection string of a fresh, migrated database."""
    name = _create(cluster, template_database)
    yield make_conninfo(cluster, dbname=name)
    _drop(cluster, name)


@pytest.fixture
def key_store_url(cluster: str) -> Iterator[str]:
    """The connection string of a fresh store for keys alone."""
    from watchlist.adapters.postgres.migrate import KEY_STORE, migrate

    name = _create(cluster)
    conninfo = make_conninfo(cluster, dbname=name)
    migrate(conninfo, KEY_STORE)
    yield conninfo
    _drop(cluster, name)


@pytest.fixture
def empty_database_url(cluster: str) -> Iterator[str]:
    """The connection string of a database that was never migrated."""
    name = _create(cluster)
    yield make_conninfo(cluster, dbname=name)
    _drop(cluster, name)


def _create(cluster: str, template: str = "template1") -> str:
    name = f"test_{uuid.uuid4().hex}"
    command = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(command.format(sql.Identifier(name), sql.Identifier(template)))
    return name


def _drop(cluster: str, name: str) -> None:
    """FORCE: a test that failed may have left a connection. The server's own autovacuum is waited for."""
    command = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    for patience in range(100, -1, -1):
        try:
            with psycopg.connect(cluster, autocommit=True) as connection:
                connection.execute(command)
            return
        except psycopg.errors.InsufficientPrivilege:
            if not patience:
                raise
            time.sleep(0.1)


def _forgo_durability(conninfo: str) -> None:
    """Nobody misses a test's data after a crash; a fresh database then takes 30 ms instead of 80."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


def _memory() -> Path | None:
    """Where files are in memory, if there is room: a database of four hundred files costs 15 ms there, and up to
    half a second on a disk. None: the usual temporary folder."""
    if not os.access(MEMORY, os.W_OK | os.X_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= ROOM else None


@contextmanager
def _crossable_folder(within: Path | None = None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        prefix="watchlist-tests-", dir=within, ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
