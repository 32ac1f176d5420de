"""build(settings, clock): everything wired, in the one place that knows every room."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event
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
from watchlist.adapters.master_key import FILE, MasterKeys, master_key, printed_by, stamp_of
from watchlist.adapters.postgres.buckets import PostgresBuckets
from watchlist.adapters.postgres.change_bell import ChangeBell
from watchlist.adapters.postgres.connections import (
    SERVICE_ROLE,
    Connection,
    service_conninfo,
    with_option,
)
from watchlist.adapters.postgres.cosignatures import PostgresCosignatures
from watchlist.adapters.postgres.detail_requests import PostgresDetailRequests
from watchlist.adapters.postgres.feed import PostgresFeed
from watchlist.adapters.postgres.job_runs import PostgresJobRuns
from watchlist.adapters.postgres.keyring import KeyStoreKeyring, PostgresKeyring
from watchlist.adapters.postgres.late_letters import paint_late_letters
from watchlist.adapters.postgres.list_index import PostgresListIndex
from watchlist.adapters.postgres.locks import MIGRATION_LOCK
from watchlist.adapters.postgres.lookups import PostgresLookups, PostgresRotation, WrongKeyStore
from watchlist.adapters.postgres.migrate import KEY_STORE, REGISTER, Series, migrate, pending
from watchlist.adapters.postgres.operators import PostgresOperators
from watchlist.adapters.postgres.pictures import Pictures
from watchlist.adapters.postgres.register import Register
from watchlist.adapters.postgres.registers import PostgresRegisters
from watchlist.adapters.postgres.replica_index import ReplicaListIndex
from watchlist.adapters.postgres.reports import PostgresReports
from watchlist.adapters.postgres.reviews import PostgresReviews
from watchlist.adapters.postgres.sealed_log import PostgresSealedLog
from watchlist.adapters.postgres.snapshot import PostgresSnapshots
from watchlist.adapters.postgres.standby import Standing, standing_of
from watchlist.adapters.postgres.standings import Standings
from watchlist.adapters.postgres.traces import PostgresTraces
from watchlist.adapters.postgres.usage import PostgresUsage
from watchlist.adapters.postgres.vault import PostgresVault
from watchlist.adapters.postgres.webhooks import PostgresWebhooks
from watchlist.adapters.postman import HttpPostman
from watchlist.adapters.seal_key import FileSealKeys, GivenSealKeys
from watchlist.adapters.seal_memory import FileSealMemory, GivenSealMemory
from watchlist.application.compile_dossier import Proving
from watchlist.application.desk import Desk
from watchlist.application.follow_journal import Progress, follow_journal
from watchlist.application.letters import Writing
from watchlist.application.sandbox import sandbox_screening
from watchlist.application.screen import Screening
from watchlist.application.seal import Sealer
from watchlist.application.watch_use import UseWatch
from watchlist.domain.letter import Contacts
from watchlist.domain.operator import REVIEW_MONTHS
from watchlist.domain.passport import Issuer
from watchlist.domain.quota import Quotas
from watchlist.domain.retention import ACCESS_LOG_MONTHS
from watchlist.domain.trace import ACKNOWLEDGED_WITHIN
from watchlist.domain.unusual_use import Thresholds
from watchlist.ports.clock import Clock
from watchlist.ports.erasure_journal import ErasureJournal
from watchlist.ports.feed import Postman
from watchlist.ports.keys import MasterKey
from watchlist.ports.seal import SealKeys, SealMemory
from watchlist.ports.witness import Timestamping, WitnessAddress
from watchlist.settings import Settings, SettingsError, decoded_keys
from watchlist.tracing import switch_on

POOL_SIZE = 10
log = logging.getLogger(__name__)


@dataclass
class House:
    """The desk where verbs act, the pictures people look at, and what must be closed at the end.

    The index of screenings, the traces and the buckets of quotas are opened and closed by the event loop that
    serves them.
    """

    desk: Desk
    pictures: Pictures
    standings: Standings
    register: Register
    registers: PostgresRegisters
    keyring: PostgresKeyring
    operators: PostgresOperators
    index: PostgresListIndex | ReplicaListIndex
    traces: PostgresTraces
    screening: Screening
    sandbox: Screening
    """Of test identifiers, for keys that never reach the list."""
    usage: PostgresUsage
    watch: UseWatch
    snapshots: PostgresSnapshots
    rotation: PostgresRotation
    pool: ConnectionPool[Connection]
    conninfo: str
    keys_conninfo: str | None
    """Of the keys' own store; None: they are a schema of the register's database."""
    clock: Clock
    writing: Writing
    buckets: PostgresBuckets
    job_runs: PostgresJobRuns
    feed: PostgresFeed
    bell: ChangeBell
    """Opened and closed by the event loop that streams the changes."""
    webhooks: PostgresWebhooks
    postman: Postman
    sealed_log: PostgresSealedLog
    sealer: Sealer
    reports: PostgresReports
    cosigning: PostgresCosignatures
    witnesses: tuple[WitnessAddress, ...] = ()
    """Who is asked to cosign checkpoints; nobody is who is not named (T4)."""
    timestamping: Timestamping | None = None
    """The authority that stamps them; None: none is asked."""
    quotas: Quotas = field(default_factory=Quotas)
    """How much each client may ask (S6)."""
    stopping: Event = field(default_factory=Event)
    """Set when the process stops: whatever keeps looking for work looks no further."""
    private_webhooks: bool = False
    """Whether webhooks may lead to addresses that are not public, without TLS: for trials."""
    key_horizon: timedelta = Settings().key_horizon
    """From the destruction of a key until no backup holds it any more (P6)."""
    issuers: tuple[Issuer, ...] = ()
    """The identity providers whose tokens are accepted."""
    habilitation_months: int = REVIEW_MONTHS
    """T2: how long a habilitation stands until it is reviewed."""
    access_log_months: int = ACCESS_LOG_MONTHS
    """How long the access log is kept (T1)."""
    acknowledged_within: timedelta = ACKNOWLEDGED_WITHIN
    """How long an organisation has to acknowledge a change (S8)."""
    unusual: Thresholds = field(default_factory=Thresholds)
    """From when on use of the screening is unusual (S6)."""
    replica_conninfo: str | None = None
    """Of the standby that answers screenings; None: the primary does."""

    def replica_seen(self) -> Standing | None:
        """How the replica stood when this process looked last; None: there is none."""
        return self.index.standing if isinstance(self.index, ReplicaListIndex) else None

    def replica_now(self) -> Standing | None:
        """The same, looked at now."""
        return standing_of(self.conninfo, self.replica_conninfo) if self.replica_conninfo else None

    @property
    def proving(self) -> Proving:
        """What proves the log, sealed up to now."""
        return Proving(self.sealed_log, self.sealer.seal, self._sign, self.sealer.known)

    def _sign(self, text: str) -> str:
        """By the keys of the log that are held; it was sealed before."""
        return str(self.sealer.signer(self.sealed_log.keys()).sign(text))

    def close(self) -> None:
        self.stopping.set()
        self.keyring.pool.close()
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
    master_key: MasterKey | bytes,
    clock: Clock | None = None,
    pool_size: int = POOL_SIZE,
    journal: ErasureJournal | None = None,
    contacts: Contacts | None = None,
    keys_conninfo: str | None = None,
    private_webhooks: bool = False,
    acknowledgement_days: int = Settings().acknowledgement_days,
    replica_conninfo: str | None = None,
    seal_keys: SealKeys | None = None,
    log_origin: str | None = None,
    seal_memory: SealMemory | None = None,
) -> House:
    """The house on a migrated database, and on a migrated store of its keys; closes with its `with`, or `close()`.

    Without a journal its erasures are journalled in memory, and without seal keys it has one of its own: for a house
    that nobody restores.
    """
    clock = clock or SystemClock()
    conninfo = with_option(conninfo, "watchlist.acknowledged_within", f"{acknowledgement_days}d")
    with ExitStack() as unless_built:
        pool = unless_built.enter_context(_pool(conninfo, pool_size))
        keyring = PostgresKeyring(pool, _as_port(master_key))
        if keys_conninfo is not None:
            _require_no_keys(keyring)
            store = unless_built.enter_context(_pool(keys_conninfo, pool_size))
            keyring = KeyStoreKeyring(store, _as_port(master_key))
        lookups = PostgresLookups(pool, keyring)
        unless_built.pop_all()
    register = Register(conninfo, clock, pool_size, keys_are_here=keyring.travels)
    pictures = Pictures(pool)
    registers = PostgresRegisters(pool)
    desk = Desk(
        log=register,
        clock=clock,
        keyring=keyring,
        vault=PostgresVault(pool),
        cipher=ciphers,
        lookups=lookups,
        registry=pictures,
        journal=journal or MemoryErasureJournal(),
        registers=registers,
        reviews=PostgresReviews(pool),
        details=PostgresDetailRequests(pool),
    )
    index = _index(conninfo, replica_conninfo, clock)
    traces = PostgresTraces(conninfo)
    usage = PostgresUsage(pool)
    watch = UseWatch(clock, usage)
    screening = Screening(desk.lookups, index, traces, watch)
    snapshots = PostgresSnapshots(pool, register.codec)
    sealed_log = PostgresSealedLog(pool)
    return House(
        desk=desk,
        pictures=pictures,
        standings=Standings(pool),
        register=register,
        registers=registers,
        keyring=keyring,
        operators=PostgresOperators(pool),
        index=index,
        traces=traces,
        screening=screening,
        sandbox=sandbox_screening(desk.lookups, clock),
        usage=usage,
        watch=watch,
        snapshots=snapshots,
        rotation=PostgresRotation(pool, keyring),
        pool=pool,
        conninfo=conninfo,
        keys_conninfo=keys_conninfo,
        clock=clock,
        writing=Writing(TypstPress(), contacts or Contacts()),
        buckets=PostgresBuckets(conninfo),
        job_runs=PostgresJobRuns(pool),
        feed=PostgresFeed(pool),
        bell=ChangeBell(conninfo),
        webhooks=PostgresWebhooks(pool),
        postman=HttpPostman(private_webhooks),
        sealed_log=sealed_log,
        reports=PostgresReports(pool),
        sealer=Sealer(
            register,
            sealed_log,
            seal_keys or GivenSealKeys(),
            seal_memory or GivenSealMemory(),
            clock,
            log_origin,
        ),
        cosigning=PostgresCosignatures(pool),
        private_webhooks=private_webhooks,
        replica_conninfo=replica_conninfo,
    )


def _index(conninfo: str, replica: str | None, clock: Clock) -> PostgresListIndex | ReplicaListIndex:
    return ReplicaListIndex(conninfo, replica, clock) if replica else PostgresListIndex(conninfo, clock)


def _pool(conninfo: str, size: int) -> ConnectionPool[Connection]:
    return ConnectionPool[Connection](
        service_conninfo(conninfo),
        kwargs={"row_factory": dict_row, "autocommit": True},
        min_size=1,
        max_size=size,
        timeout=5.0,
        open=True,
    )


def _as_port(master_key: MasterKey | bytes) -> MasterKey:
    return MasterKeys([master_key]) if isinstance(master_key, bytes) else master_key


def _require_no_keys(keyring: PostgresKeyring) -> None:
    """A second set of keys is never begun beside a first."""
    if keyring.holds_keys():
        raise WrongKeyStore(
            "WATCHLIST_KEYS_DATABASE_URL is set and the register's own database holds keys: move them first"
            " (pg_dump --data-only --schema=watchlist_keys, into the store; then TRUNCATE both tables there),"
            " or leave it unset"
        )


class ExtraMissing(Exception):
    """A setting needs an optional part that is not installed; the message names both."""


@contextmanager
def spans_recorded(settings: Settings) -> Iterator[None]:
    """Spans go where the settings say; nowhere by default, and then nothing of it is even loaded."""
    if settings.otel_endpoint is None:
        yield
        return
    try:
        from watchlist.adapters.spans import to_endpoint
    except ImportError:
        raise ExtraMissing(
            "WATCHLIST_OTEL_ENDPOINT is set and OpenTelemetry is not installed: pip install 'watchlist[otel]'"
        ) from None
    spans = to_endpoint(settings.otel_endpoint)
    switch_on(spans)
    try:
        yield
    finally:
        switch_on(None)
        spans.close()


def timestamping_of(settings: Settings) -> Timestamping | None:
    """The authority of the settings; without one nothing of it is even loaded."""
    if settings.tsa_url is None or settings.tsa_root is None:
        return None
    try:
        from watchlist.adapters.timestamping import Rfc3161Timestamping, roots_in
    except ImportError:
        raise ExtraMissing(
            "WATCHLIST_TSA_URL is set and rfc3161-client is not installed: pip install 'watchlist[stamps]'"
        ) from None
    try:
        roots = roots_in(settings.tsa_root)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"WATCHLIST_TSA_ROOT is a file of certificates in PEM; it cannot be read ({type(error).__name__})"
        ) from None
    return Rfc3161Timestamping(settings.tsa_url, roots)


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
def migrated(settings: Settings) -> Iterator[str]:
    """The same, it and the keys' own store up to date."""
    with database(settings) as conninfo:
        bring_up_to_date(conninfo)
        if settings.keys_database_url is not None:
            bring_up_to_date(settings.keys_database_url, KEY_STORE)
        yield conninfo


@contextmanager
def open_house(
    settings: Settings, clock: Clock | None = None, progress: Progress | None = None
) -> Iterator[House]:
    """The house that the settings describe, its database running and migrated, and what was erased erased (P6).

    Raises NotMigrated when something is missing and this login may not add it; JournalBehind, or JournalDamaged,
    when it cannot be told what a restored backup brought back.
    """
    with unfollowed_house(settings, clock) as house:
        if again := follow_journal(house.desk, progress):
            log.warning("erased again what a restore or a crash had left: %d", again)
        paint_late_letters(house.register, house.pool)
        yield house


@contextmanager
def unfollowed_house(settings: Settings, clock: Clock | None = None) -> Iterator[House]:
    """The same before its journal was followed: for whoever writes a lost one again, and for nobody else."""
    with migrated(settings) as conninfo:
        if settings.database_url is None:
            conninfo = _as_service(conninfo)
        journal = FileErasureJournal(settings.journal)
        keys = key_of(settings, conninfo)
        with build(
            conninfo,
            keys,
            clock,
            journal=journal,
            contacts=settings.contacts,
            keys_conninfo=settings.keys_database_url,
            private_webhooks=settings.private_webhooks,
            acknowledgement_days=settings.acknowledgement_days,
            replica_conninfo=settings.replica_url,
            seal_keys=seal_keys_of(settings),
            log_origin=settings.log_origin,
            seal_memory=FileSealMemory(settings.data),
        ) as house:
            house.key_horizon = settings.key_horizon
            house.issuers = settings.issuers
            house.habilitation_months = settings.habilitation_months
            house.quotas = settings.quotas
            house.unusual = settings.unusual
            house.acknowledged_within = timedelta(days=settings.acknowledgement_days)
            house.access_log_months = settings.access_log_months
            house.witnesses = settings.witnesses
            house.timestamping = timestamping_of(settings)
            yield house


def _as_service(conninfo: str) -> str:
    """The embedded database's owner steps back once it is migrated: the service logs in with its own rights."""
    with psycopg.connect(conninfo, row_factory=scalar_row) as conn:
        conn.execute("SELECT pg_advisory_xact_lock(%b)", (MIGRATION_LOCK,))
        can_login = conn.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %b", (SERVICE_ROLE,))
        if not can_login.fetchone():
            conn.execute(f"ALTER ROLE {SERVICE_ROLE} LOGIN")
    return make_conninfo(conninfo, user=SERVICE_ROLE)


def bring_up_to_date(conninfo: str, series: Series = REGISTER) -> None:
    late = pending(conninfo, series)
    if not late:
        return
    try:
        apply(conninfo, series)
    except psycopg.errors.InsufficientPrivilege:
        which = "the database" if series is REGISTER else "the key store"
        raise NotMigrated(f"{which} lacks {', '.join(late)}: run `watchlist migrate` as its owner") from None


def apply(conninfo: str, series: Series) -> list[str]:
    """Migrate; a register's database is never made a key store too, of itself or of another."""
    if series is KEY_STORE:
        with psycopg.connect(conninfo, row_factory=scalar_row) as conn:
            register = conn.execute("SELECT to_regnamespace('watchlist') IS NOT NULL").fetchone()
        if register:
            raise WrongKeyStore(
                "WATCHLIST_KEYS_DATABASE_URL names a register's database: name one of its own, or leave it unset"
            )
    return migrate(conninfo, series)


def key_of(settings: Settings, conninfo: str) -> MasterKeys:
    """The master keys: configured, handed out by a command, or kept in the data folder."""
    if settings.master_key:
        return MasterKeys(settings.master_key)
    if settings.master_key_command:
        printed = printed_by(settings.master_key_command)
        return MasterKeys(decoded_keys(printed, "what WATCHLIST_MASTER_KEY_COMMAND prints"))
    return master_key_in(settings.data, _has_keys(settings, conninfo))


def seal_keys_of(settings: Settings) -> SealKeys:
    """The keys that sign checkpoints: configured, or kept in the data folder."""
    return GivenSealKeys(settings.seal_key) if settings.seal_key else FileSealKeys(settings.data)


def master_key_in(folder: Path, database_has_keys: bool = True) -> MasterKeys:
    """Those of the folder's file; when it changes they are read again, so that a rotation needs no restart."""

    def read(one_is_there: bool = True) -> tuple[bytes, ...]:
        return decoded_keys(master_key(folder, one_is_there), str(folder / FILE))

    return MasterKeys(read(database_has_keys), lambda: stamp_of(folder), read)


def _has_keys(settings: Settings, conninfo: str) -> bool:
    """Or had them: a register whose keys are elsewhere does not get a new master key either."""
    store = service_conninfo(settings.keys_database_url or conninfo)
    with psycopg.connect(store, row_factory=scalar_row) as conn:
        has_keys = conn.execute("SELECT EXISTS (SELECT FROM watchlist_keys.lookup_keys)").fetchone()
    with psycopg.connect(service_conninfo(conninfo), row_factory=scalar_row) as conn:
        had_keys = conn.execute("SELECT EXISTS (SELECT FROM lookup_generations)").fetchone()
    return bool(has_keys or had_keys)
