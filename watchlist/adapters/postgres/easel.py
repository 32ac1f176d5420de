"""The pictures painted a second time, in a schema of their own, by the owner of the live ones (decision 0027)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from types import MappingProxyType
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row, tuple_row

from watchlist.adapters.codec import EventCodec
from watchlist.adapters.postgres import easel_schema as shapes
from watchlist.adapters.postgres.connections import with_option
from watchlist.adapters.postgres.easel_compare import compared
from watchlist.adapters.postgres.easel_schema import NEXT, OLD, Owner
from watchlist.adapters.postgres.locks import MIGRATION_LOCK, SNAPSHOT_LOCK, WRITE_LOCK
from watchlist.adapters.postgres.migrate import require_known
from watchlist.adapters.postgres.queries import queries
from watchlist.adapters.program import digest_of_code
from watchlist.application.replay import KEYS
from watchlist.ports.easel import Begun, Differences, Outdated, Overtaken, Part, Rows, Told
from watchlist.projections.painted import COLUMNS

SQL = queries("easel.sql")
PAGE = 5_000
"""Events read at once; a stream that is longer is read whole all the same."""
ALL_COLUMNS: dict[str, tuple[str, ...]] = COLUMNS | {
    "subject_tokens": ("digest", "subject_id", "organisation", "given", "answers", "generation"),
    "stolen_tokens": ("case_id", "digest", "generation"),
    "answerable": ("digest", "inscription_id", "given", "answers_until", "generation"),
}
"""Without what no event says: `letters.hit_told_at` is carried over."""
SWAPPED = tuple(name for name in KEYS if name != "certificates")
LOCK_MILLISECONDS = 50
AS_OWNER = {
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "lock_timeout": "5000",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "jit": "off",
}


class MayNotRebuild(Exception):
    """This login does not own the pictures: connect as the one that migrates (DATABASE_URL), as `watchlist migrate`
    does."""


def _connect(conninfo: str) -> Owner:
    for name, value in AS_OWNER.items():
        conninfo = with_option(conninfo, name, value)
    conninfo = make_conninfo(conninfo, application_name="watchlist rebuild")
    return psycopg.connect(conninfo, autocommit=True, row_factory=dict_row)


class PostgresPainting:
    """One connection of the owner; keeps the port Painting."""

    def __init__(self, conninfo: str, codec: EventCodec) -> None:
        self._conninfo = conninfo
        self._codec = codec
        self._conn = _connect(conninfo)

    def close(self) -> None:
        self._conn.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def parts(self) -> list[Part]:
        rows = self._conn.execute(SQL["parts"]).fetchall()
        return [Part(row["number"], row["after"], row["until"]) for row in rows]

    def streams(self, part: Part) -> list[Told]:
        """Whole streams: the last of a page may go on behind it, and is left to the next."""
        limit = PAGE
        while True:
            rows = self._stored("streams", part.after, part.until, limit)
            if len(rows) < limit:
                return rows
            last = rows[-1][2].originator_id
            whole = [row for row in rows if row[2].originator_id != last]
            if whole:
                return whole
            limit *= 4

    def stories(self, streams: Sequence[UUID]) -> list[Told]:
        return self._stored("stories", list(streams))

    def _stored(self, name: str, *params: object) -> list[Told]:
        with self._conn.cursor(row_factory=tuple_row, binary=True) as cursor:
            rows = cursor.execute(SQL[name], params, prepare=True).fetchall()
        return [self._codec.read(row) for row in rows]

    def keep(self, part: Part, until: UUID, events: int, rows: Rows, lost: Sequence[UUID]) -> None:
        with self._conn.transaction():
            stands = self._conn.execute(SQL["where_it_is"], (part.number,)).fetchone()
            if stands is None or stands["done"] or stands["after"] != part.after:
                raise Overtaken
            self._copy(rows)
            self._conn.execute(SQL["lose"], (list(lost),))
            self._conn.execute(SQL["further"], (until, events, part.number))

    def part_done(self, part: Part, after: UUID) -> None:
        self._conn.execute(SQL["part_done"], (part.number, after))

    def _copy(self, rows: Rows) -> None:
        for name, found in rows.items():
            if found:
                columns = ", ".join(ALL_COLUMNS[name])
                statement = f"COPY {NEXT}.{name} ({columns}) FROM STDIN".encode()
                with self._conn.cursor().copy(statement) as copy:
                    for row in found:
                        copy.write_row(row)

    def moved(self) -> tuple[list[UUID], int]:
        newest = self._conn.execute(SQL["newest"]).fetchone()
        position = newest["position"] if newest else 0
        rows = self._conn.execute(SQL["moved"], (position,)).fetchall()
        return [row["id"] for row in rows], position

    def caught_up(self, position: int) -> None:
        self._conn.execute(SQL["caught_up"], (position,))

    def repaint(self, streams: Sequence[UUID], rows: Rows, lost: Sequence[UUID]) -> None:
        ids = list(streams)
        entries = [row[0] for row in rows["inscriptions"]]
        letters = [row[0] for row in rows["letters"]]
        with self._conn.transaction():
            touched = self._touched(ids)
            self._conn.execute(SQL["forget"], {"streams": ids, "entries": entries, "letters": letters})
            self._copy(rows)
            self._conn.execute(SQL["lose"], (list(lost),))
            self._conn.execute(SQL["carry_hits_of"], (letters,))
            subjects = list(touched | self._touched(ids))
            self._conn.execute(SQL["end_again"], (subjects,))
            answering = self._conn.execute(SQL["silence"], {"entries": entries, "subjects": subjects})
            self._conn.execute(SQL["answer_again"], ([row["id"] for row in answering.fetchall()],))

    def _touched(self, streams: list[UUID]) -> set[UUID]:
        return {row["id"] for row in self._conn.execute(SQL["touched"], {"streams": streams}).fetchall()}


class PostgresEasel(PostgresPainting):
    """Keeps the port Easel."""

    _generation = 1
    _views: Mapping[str, str] = MappingProxyType({})

    def begin(self, generation: int, parts: int) -> Begun:
        """What was begun for these tables and this code goes on; anything else that is there goes."""
        if not shapes.may_rebuild(self._conn, SWAPPED):
            raise MayNotRebuild(" ".join((MayNotRebuild.__doc__ or "").split()))
        require_known(self._conninfo)
        self._generation = generation
        made_for = self._made_for(generation)
        stands = self._stands()
        if stands is None or stands["swapped"] or stands["made_for"] != made_for:
            self.clear(keep=False)
            self._make(generation, parts, made_for)
            return self._begun(resumed=False)
        self._drop(OLD)
        return self._begun(resumed=True)

    def _begun(self, resumed: bool) -> Begun:
        stands = self._stands()
        assert stands is not None
        return Begun(stands["position"], stands["total"], resumed)

    def _stands(self) -> dict[str, Any] | None:
        with suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return self._conn.execute(SQL["standing"]).fetchone()
        return None

    def _made_for(self, generation: int) -> str:
        """What the rows depend on beside the log: the tables, the code that paints, the look-up key."""
        applied = self._conn.execute("SELECT name FROM public.watchlist_migrations ORDER BY name").fetchall()
        formats = self._codec.formats()
        names = [row["name"] for row in applied]
        told = repr((names, ALL_COLUMNS, sorted(formats.items()), generation, digest_of_code()))
        return hashlib.sha256(told.encode()).hexdigest()

    def _make(self, generation: int, parts: int, made_for: str) -> None:
        with self._conn.transaction():
            for statement in SQL["make"].split(b";"):
                self._conn.execute(statement)
            for table in SWAPPED:
                shapes.copy_shape(self._conn, table)
            told = {"generation": generation, "made_for": made_for, "hits_from": _two_minutes_ago()}
            self._conn.execute(SQL["begin"], told)
            stands = self._conn.execute(SQL["standing"]).fetchone()
            total = stands["total"] if stands else 0
            sample = 100 if total < 50_000 else 5
            self._conn.execute(SQL["divide"], {"parts": parts, "sample": sample})

    def done(self) -> int:
        row = self._conn.execute(SQL["done"]).fetchone()
        return row["events"] if row else 0

    def lost(self) -> int:
        row = self._conn.execute(SQL["lost"]).fetchone()
        return row["n"] if row else 0

    # What several streams tell, and indexes ---------------------------------------------------

    def finish(self, progress: Callable[[str], None]) -> None:
        """Each step once, in a transaction that says it was done; two at a time. An index of a migration that came
        meanwhile may name a column that is not here."""
        self._require_made_for_these()
        plain = [t for t in SWAPPED if t not in ("subjects", "subject_tokens", "answerable", "letters")]
        lanes: list[list[tuple[str, Callable[[Owner], None]]]] = [
            [_dressing("subject_tokens"), *map(_dressing, plain)],
            [
                _stating("answer"),
                _dressing("answerable"),
                _stating("ends"),
                _dressing("subjects"),
                _stating("carry_hits"),
                _stating("find_hits"),
                _dressing("letters"),
            ],
        ]
        try:
            with ThreadPoolExecutor(2) as hands:
                for done in [hands.submit(self._walk, lane, progress) for lane in lanes]:
                    done.result()
        except psycopg.errors.ProgrammingError:
            self._require_made_for_these()
            raise

    def _walk(
        self, lane: Sequence[tuple[str, Callable[[Owner], None]]], progress: Callable[[str], None]
    ) -> None:
        with _connect(self._conninfo) as conn:
            for name, step in lane:
                with conn.transaction():
                    taken = conn.execute(SQL["take_step"], (name,))
                    if taken.rowcount:
                        progress(name)
                        step(conn)

    # Level with the log -----------------------------------------------------------------------

    @contextmanager
    def nobody_records(self) -> Iterator[None]:
        """The write lock, held by this session; whoever holds it for long is not waited for in the queue."""
        while True:
            try:
                with self._conn.transaction():
                    self._conn.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}".encode())
                    self._conn.execute("SELECT pg_advisory_lock(%s)", (WRITE_LOCK,))
                break
            except psycopg.errors.LockNotAvailable:
                time.sleep(0.05)
        try:
            yield
        finally:
            if not self._conn.closed:
                self._conn.execute("SELECT pg_advisory_unlock(%s)", (WRITE_LOCK,))

    @contextmanager
    def comparing(self) -> Iterator[Iterator[Differences]]:
        """Begun while nobody records, read afterwards: one snapshot of both, from two connections."""
        with ExitStack() as held, ThreadPoolExecutor(2) as hands:
            first, second = (held.enter_context(_connect(self._conninfo)) for _ in range(2))
            first.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            told = first.execute("SELECT pg_export_snapshot() AS name").fetchone()
            assert told is not None
            second.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            second.execute(f"SET TRANSACTION SNAPSHOT '{told['name']}'".encode())
            idle = [first, second]
            yield hands.map(lambda table: self._compared(idle, table), KEYS)

    def _compared(self, idle: list[Owner], table: str) -> Differences:
        """By whichever of as many connections as there are hands is free."""
        conn = idle.pop()
        try:
            return compared(conn, table, ALL_COLUMNS[table], self._generation)
        finally:
            idle.append(conn)

    def find_to_mend(self) -> int:
        self._conn.execute(SQL["find_to_mend"])
        return self.to_mend()

    def to_mend(self) -> int:
        row = self._conn.execute(SQL["to_mend"]).fetchone()
        return row["n"] if row else 0

    def mend(self, rows: int) -> None:
        self._conn.execute(SQL["mend"], (rows,))

    def prepare(self) -> None:
        self._conn.execute(f"CREATE SCHEMA IF NOT EXISTS {OLD}".encode())
        self._views = shapes.views_of(self._conn, SWAPPED)
        self._conn.execute(SQL["carry_late_hits"])
        self._conn.execute(SQL["carried_until"], (_two_minutes_ago(),))

    def swap(self, seconds: float) -> bool:
        """While nobody records; False when somebody reads for so long, or migrates, that it has to be tried again.

        Nobody may hold a snapshot that is older than the rows: to them the tables would be empty. And nobody may
        migrate: what they change of the live tables would go with these.
        """
        with self._if_free("pg_try_advisory_lock_shared", MIGRATION_LOCK) as settled:
            if not settled:
                return False
            self._require_made_for_these()
            with self._if_free("pg_try_advisory_lock", SNAPSHOT_LOCK) as free:
                if not free:
                    return False
                self._conn.execute(SQL["carry_late_hits"])
                return shapes.swap(self._conn, SWAPPED, self._views, seconds)

    @contextmanager
    def _if_free(self, how: LiteralString, lock: int) -> Iterator[bool]:
        found = self._conn.execute(f"SELECT {how}(%s) AS free", (lock,)).fetchone()
        free = bool(found and found["free"])
        try:
            yield free
        finally:
            if free and not self._conn.closed:
                given_back: LiteralString = how.replace("_try", "").replace("_lock", "_unlock")
                self._conn.execute(f"SELECT {given_back}(%s)", (lock,))

    def _require_made_for_these(self) -> None:
        stands = self._stands()
        if stands is None or stands["made_for"] != self._made_for(self._generation):
            raise Outdated

    def clear(self, keep: bool) -> None:
        """What is not live goes: the pictures before, unless they are kept for a look, and everything beside.

        P6: what is kept finds nobody; whoever is erased from now on would still be found there.
        """
        if keep:
            self._drop_tables(OLD, shapes.LOOK_UPS)
        else:
            self._drop(OLD)
        self._drop(NEXT)

    def _drop(self, schema: str) -> None:
        of_schema = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s)"
        self._drop_tables(
            schema, [row["relname"] for row in self._conn.execute(of_schema, (schema,)).fetchall()]
        )
        self._conn.execute(f"DROP SCHEMA IF EXISTS {schema}".encode())

    def _drop_tables(self, schema: str, names: Sequence[str]) -> None:
        """One at a time; a view that still followed one of them would refuse its end."""
        for name in names:
            self._conn.execute(f"DROP TABLE IF EXISTS {schema}.{name}".encode())


def _dressing(table: str) -> tuple[str, Callable[[Owner], None]]:
    return f"index {table}", lambda conn: shapes.dress(conn, table)


def _stating(name: str) -> tuple[str, Callable[[Owner], None]]:
    def step(conn: Owner) -> None:
        conn.execute(SQL[name])

    return name, step


def _two_minutes_ago() -> UUID:
    """The least id of that instant (application/ordered_id.py): clocks differ by less."""
    return UUID(int=(time.time_ns() // 1_000_000 - 120_000) << 80)
