"""The one write transaction: lock, command, vault, events, pictures (architecture, One write transaction)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Cursor

from watchlist.adapters.postgres import painter
from watchlist.adapters.postgres.connections import Connection
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.adapters.postgres.queries import queries
from watchlist.application.work import Work
from watchlist.domain.aggregate import Aggregate, Event
from watchlist.domain.refusals import AlreadyProposed, Busy, ClockSkewed
from watchlist.ports import AlreadyDone, Clock, VersionConflict

SQL = queries("recorder.sql")
TRIES = 3
LARGEST_SKEW_SECONDS = 2.0


class Recorder(PostgresApplicationRecorder):
    """The library's recorder, its insert replaced whole."""

    def __init__(self, datastore: PostgresDatastore, clock: Clock) -> None:
        super().__init__(datastore, events_table_name="events")
        self._clock = clock

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        work: Work | None = None,
        aggregates: Sequence[Aggregate] = (),
        events: Sequence[Event] = (),
        **_: Any,
    ) -> Sequence[int]:
        """Record everything or nothing; a connection lost at the commit is resolved by the command id."""
        assert work is not None, "every command is recorded with its work"
        for attempt in range(1, TRIES + 1):
            try:
                with self.datastore.get_connection() as conn:
                    return self._record(conn, stored_events, work, aggregates, events)
            except IntegrityError as error:
                raise _explained(error, self, work) from error
            except (OperationalError, InterfaceError) as error:
                if isinstance(error.__cause__, psycopg.errors.LockNotAvailable) or attempt == TRIES:
                    raise Busy() from error
        raise Busy()

    def _record(
        self,
        conn: Connection,
        stored_events: Sequence[StoredEvent],
        work: Work,
        aggregates: Sequence[Aggregate],
        events: Sequence[Event],
    ) -> list[int]:
        """One transaction. psycopg syncs its pipeline before the commit: an error is raised inside, and undoes all."""
        recorded = conn.cursor()
        with conn.pipeline(), conn.transaction(), conn.cursor() as cursor:
            work.recorded_at = self._locked_at(cursor)
            _require_unknown(cursor, work)
            if work.forgotten:
                cursor.execute(SQL["forget_owner"], (work.forgotten,))
            recorded.execute(SQL["record"], _recorded(stored_events, work), prepare=True)
            painter.paint(painter.Brush(cursor, work.recorded_at), aggregates, events, work)
        return [row["notification_id"] for row in recorded.fetchall()]

    def _locked_at(self, cursor: Cursor[Any]) -> datetime:
        own = None if self._clock.is_the_machines else self._clock.now()
        cursor.execute(SQL["begin"], (WRITE_LOCK, own), prepare=True)
        stamp = painter.last_rows(cursor)[0]
        skew = abs((stamp["database_now"] - self._clock.now()).total_seconds())
        if own is None and skew > LARGEST_SKEW_SECONDS:
            raise ClockSkewed()
        recorded_at: datetime = stamp["recorded_at"]
        return recorded_at

    def answered(self, command_id: UUID) -> AlreadyDone | None:
        with self.datastore.get_connection() as conn:
            row = conn.execute(SQL["answered"], (command_id,)).fetchone()
        return AlreadyDone(bytes(row["mac"]), bytes(row["answer"]), row["position"]) if row else None


def _explained(error: IntegrityError, recorder: Recorder, work: Work) -> Exception:
    """What a broken constraint means: done before, overtaken, or already proposed."""
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    done = recorder.answered(work.ask.command_id)
    if done is not None:
        return done
    if constraint == "inscriptions_one_open":
        return AlreadyProposed("subject_id")
    if constraint in ("events_pkey", "imported_lines_pkey"):
        return VersionConflict(constraint)
    return error


def _require_unknown(cursor: Cursor[Any], work: Work) -> None:
    """Two registrations of one person at once: under the lock, the second sees the first and decides again."""
    if work.unknown_before:
        cursor.execute(SQL["known_meanwhile"], (work.unknown_before, work.act.organisation), prepare=True)
        if painter.last_rows(cursor):
            raise VersionConflict("subject")


def _recorded(stored_events: Sequence[StoredEvent], work: Work) -> tuple[Any, ...]:
    sealed, ask = work.sealed, work.ask
    return (
        [row.ref for row in sealed],
        [row.owner for row in sealed],
        [row.field for row in sealed],
        [row.ciphertext for row in sealed],
        work.recorded_at,
        [event.originator_id for event in stored_events],
        [event.originator_version for event in stored_events],
        [event.topic for event in stored_events],
        [event.state for event in stored_events],
        ask.command_id,
        ask.mac,
        work.answer,
        work.recorded_at,
    )
