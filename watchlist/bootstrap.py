"""build(settings, clock): everything wired, in the one place that knows every room."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Self

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row, scalar_row
from psycopg_pool import ConnectionPool

from watchlist.adapters import ciphers
from watchlist.adapters.clock import SystemClock
from watchlist.adapters.embedded_postgres import EmbeddedPostgres
from watchlist.adapters.erasure_journal import FileErasureJournal, MemoryErasureJournal
from watchlist.adapters.letter_press import TypstPress
from watchlist.adapters.master_key import master_key
from watchlist.adapters.postgres.connections import SERVICE_ROLE, Connection, service_conninfo
from watchlist.adapters.postgres.keyring import PostgresKeyring
from watchlist.adapters.postgres.late_letters import paint_late_letters
from watchlist.adapters.postgres.list_index import PostgresListIndex
from watchlist.adapters.postgres.locks import MIGRATION_LOCK
from watchlist.adapters.postgres.migrate import migrate, pending
from watchlist.adapters.postgres.operators import PostgresOperators
from watchlist.adapters.postgres.pictures import Pictures
from watchlist.adapters.postgres.register import Register
from watchlist.adapters.postgres.snapshot import PostgresSnapshots
from watchlist.adapters.postgres.vault import PostgresVault
from watchlist.application.desk import Desk
from watchlist.application.follow_journal import Progress, follow_journal
from watchlist.application.letters import Writing
from watchlist.application.screen import Screening
from watchlist.domain.letter import Contacts
from watchlist.domain.tokens import Tokenizer
from watchlist.ports import Clock, ErasureJournal
from watchlist.settings import Settings, decoded_key

POOL_SIZE = 10
log = logging.getLogger(__name__)


@dataclass
class House:
    """The desk where verbs act, the pictures people look at, and what must be closed at the end.

    The index of screenings is opened and closed by the event loop that serves them.
    """

    desk: Desk
    pictures: Pictures
    register: Register
    keyring: PostgresKeyring
    operators: PostgresOperators
    index: PostgresListIndex
    screening: Screening
    snapshots: PostgresSnapshots
    pool: ConnectionPool[Connection]
    conninfo: str
    clock: Clock
    writing: Writing
    key_horizon: timedelta = Settings().key_horizon
    """From the destruction of a key until no backup holds it any more (P6)."""

    def close(self) -> None:
        self.pool.close()
        self.register.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def build(
    conninfo: str,
    master_key: bytes,
    clock: Clock | None = None,
    pool_size: int = POOL_SIZE,
    journal: ErasureJournal | None = None,
    contacts: Contacts | None = None,
) -> House:
    """The house on a migrated database; closes with its `with`, or `close()`.

    Without a journal its erasures are journalled in memory: for a house that nobody restores.
    """
    clock = clock or SystemClock()
    pool = ConnectionPool[Connection](
        service_conninfo(conninfo),
        kwargs={"row_factory": dict_row, "autocommit": True},
        min_size=1,
        max_size=pool_size,
        timeout=5.0,
        open=True,
    )
    keyring = PostgresKeyring(pool, master_key)
    try:
        tokenizer = Tokenizer(keyring.lookup_key())
    except BaseException:
        pool.close()
        raise
    register = Register(conninfo, clock, pool_size)
    pictures = Pictures(pool)
    desk = Desk(
        log=register,
        clock=clock,
        keyring=keyring,
        vault=PostgresVault(pool),
        cipher=ciphers,
        tokenizer=tokenizer,
        registry=pictures,
        journal=journal or MemoryErasureJournal(),
    )
    index = PostgresListIndex(conninfo, clock)
    screening = Screening(desk.tokenizer, index)
    snapshots = PostgresSnapshots(pool, register.codec)
    return House(
        desk,
        pictures,
        register,
        keyring,
        PostgresOperators(pool),
        index,
        screening,
        snapshots,
        pool,
        conninfo,
        clock,
        Writing(TypstPress(), contacts or Contacts()),
    )


class NotMigrated(Exception):
    """The database lacks migrations; `watchlist migrate` applies them."""


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The owner's connection string: of the server that DATABASE_URL names, or of the embedded one, running."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with EmbeddedPostgres(settings.data / "postgres", settings.pg_bin) as cluster:
        yield cluster.conninfo()


@contextmanager
def open_house(
    settings: Settings, clock: Clock | None = None, progress: Progress | None = None
) -> Iterator[House]:
    """The house that the settings describe, its database running and migrated, and what was erased erased (P6).

    Raises NotMigrated when something is missing and this login may not add it; JournalBehind, or JournalDamaged,
    when it cannot be told what a restored backup brought back.
    """
    with database(settings) as conninfo:
        bring_up_to_date(conninfo)
        if settings.database_url is None:
            conninfo = _as_service(conninfo)
        journal = FileErasureJournal(settings.journal)
        key = key_of(settings, conninfo)
        with build(conninfo, key, clock, journal=journal, contacts=settings.contacts) as house:
            house.key_horizon = settings.key_horizon
            if again := follow_journal(house.desk, progress):
                log.warning("erased again what a restore or a crash had left: %d", again)
            paint_late_letters(house.register, house.pool)
            yield house


def _as_service(conninfo: str) -> str:
    """The embedded database's owner steps back once it is migrated: the service logs in with its own rights."""
    with psycopg.connect(conninfo, row_factory=scalar_row) as conn:
        conn.execute("SELECT pg_advisory_xact_lock(%b)", (MIGRATION_LOCK,))
        can_login = conn.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %b", (SERVICE_ROLE,))
        if not can_login.fetchone():
            conn.execute(f"ALTER ROLE {SERVICE_ROLE} LOGIN")
    return make_conninfo(conninfo, user=SERVICE_ROLE)


def bring_up_to_date(conninfo: str) -> None:
    late = pending(conninfo)
    if not late:
        return
    try:
        migrate(conninfo)
    except psycopg.errors.InsufficientPrivilege:
        raise NotMigrated(
            f"the database lacks {', '.join(late)}: run `watchlist migrate` as its owner"
        ) from None


def key_of(settings: Settings, conninfo: str) -> bytes:
    """The master key: configured, or kept in the data folder."""
    if settings.master_key is not None:
        return settings.master_key
    with psycopg.connect(service_conninfo(conninfo), row_factory=scalar_row) as conn:
        has_keys = conn.execute("SELECT EXISTS (SELECT FROM watchlist_keys.lookup_keys)").fetchone()
    return decoded_key(master_key(settings.data, bool(has_keys)))
