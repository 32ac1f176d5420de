"""The one write transaction: lock, command, vault, events, pictures (architecture, One write transaction)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from watchlist.adapters.postgres import forgetting, painter
from watchlist.adapters.postgres.connections import Connection
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.adapters.postgres.queries import queries
from watchlist.application.work import Work
from watchlist.domain.aggregate import Aggregate, Event
from watchlist.domain.refusals import AlreadyProposed, Busy, ClockSkewed
from watchlist.ports.clock import Clock
from watchlist.ports.log import AlreadyDone, LookupsChanged, VersionConflict
from watchlist.tracing import span

SQL = queries("recorder.sql")
TRIES = 3
LARGEST_SKEW = timedelta(seconds=2)
DECIDE_AGAIN = (
    "events_pkey",
    "goes_on",
    "imported_lines_pkey",
    "case_references_pkey",
    "known_meanwhile",
    "changed_meanwhile",
    "named_meanwhile",
)
"""Constraints that say: what this was decided on has changed."""


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
        recorded = conn.cursor()
        with span("record"), _one_trip(conn), conn.cursor() as cursor:
            now = self._clock.now()
            own = None if self._clock.is_the_machines else now
            began = (WRITE_LOCK, own, now, LARGEST_SKEW, work.written_under())
            cursor.execute(SQL["begin"], began, prepare=True)
            if work.unknown_before:
                cursor.execute(SQL["require_unknown"], (work.unknown_before, work.act.organisation))
            if work.unchanged:
                versions = [aggregate.version for aggregate in work.unchanged]
                cursor.execute(SQL["require_unchanged"], ([a.id for a in work.unchanged], versions))
            if work.about:
                cursor.execute(SQL["require_no_other_case"], (work.about, work.cases_known))
            if work.unnamed:
                cursor.execute(SQL["require_unnamed"], (list(work.unnamed), work.considered))
            if work.redacted_in:
                cursor.execute(SQL["require_no_other_letter"], (work.redacted_in, work.letters_known))
            recorded.execute(SQL["record"], _recorded(stored_events, work), prepare=True)
            brush = painter.Brush(cursor)
            painter.paint(brush, aggregates, events, work)
            forgetting.paint(brush, aggregates, events, work)
            painter.tell(brush)
        return [row["notification_id"] for row in recorded.fetchall()]

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
    if constraint == "clock_skewed":
        return ClockSkewed()
    if constraint == "inscriptions_one_open":
        return AlreadyProposed("subject_id")
    if constraint == "lookups_changed":
        return LookupsChanged(constraint)
    if constraint in DECIDE_AGAIN:
        return VersionConflict(constraint)
    return error


@contextmanager
def _one_trip(conn: Connection) -> Iterator[None]:
    """A transaction whose statements and commit travel together.

    The server skips all that follows a failed statement, the commit too, until the pipeline is synced; then
    the error is raised here and the transaction rolled back.
    """
    try:
        with conn.pipeline():
            conn.execute("BEGIN")
            yield
            conn.execute("COMMIT")
    except BaseException:
        if not conn.closed:
            conn.rollback()
        raise


def _goes_on(stored_events: Sequence[StoredEvent], work: Work) -> dict[UUID | str, int]:
    """The next version of each stream that this was decided on, written or only read.

    A server that lost the end of a stream does not have the one before it. One that goes on behind what was read is
    what `require_unchanged` refuses.
    """
    following: dict[UUID | str, int] = {}
    for event in stored_events:
        following.setdefault(event.originator_id, event.originator_version)
    for read in work.unchanged:
        following.setdefault(read.id, read.version + 1)
    return {stream: version for stream, version in following.items() if version > 1}


def _recorded(stored_events: Sequence[StoredEvent], work: Work) -> tuple[Any, ...]:
    sealed, ask = work.sealed, work.ask
    following = _goes_on(stored_events, work)
    return (
        list(work.new_keys),
        list(work.new_keys.values()),
        [row.ref for row in sealed],
        [row.owner for row in sealed],
        [row.field for row in sealed],
        [row.ciphertext for row in sealed],
        [event.originator_id for event in stored_events],
        [event.originator_version for event in stored_events],
        [event.topic for event in stored_events],
        [event.state for event in stored_events],
        ask.command_id,
        ask.mac,
        work.answer,
        list(following),
        list(following.values()),
    )
