"""Register: the eventsourcing application, on PostgreSQL, with our recorder and our codec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import ApplicationRecorder, InfrastructureFactory, Mapper, OperationalError
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment
from psycopg.rows import dict_row

from watchlist.adapters.codec import EventCodec
from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.locks import place_alone
from watchlist.adapters.postgres.queries import queries
from watchlist.adapters.postgres.recorder import Recorder
from watchlist.application.work import Work
from watchlist.domain.aggregate import Aggregate, Event
from watchlist.domain.dossier import Entered
from watchlist.domain.refusals import Busy
from watchlist.ports.clock import Clock
from watchlist.ports.log import AlreadyDone

SQL = queries("recorder.sql")


class ServiceFactory(PostgresFactory):
    """The library's factory, connected by a whole connection string under the service's role."""

    def __init__(self, env: Environment, conninfo: str) -> None:
        super().__init__(env)
        self.datastore.pool.conninfo = service_conninfo(conninfo)
        self.datastore.pool.kwargs = {"row_factory": dict_row}


class Register(Application[UUID]):
    """The log of the house, by stream; keeps the port Log."""

    name = "watchlist"

    def __init__(self, conninfo: str, clock: Clock, pool_size: int = 10, keys_are_here: bool = True) -> None:
        self._conninfo = conninfo
        self._keys_are_here = keys_are_here
        self._clock = clock
        super().__init__(
            env={
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": "",
                "POSTGRES_HOST": "",
                "POSTGRES_USER": "",
                "POSTGRES_PASSWORD": "",
                "POSTGRES_SCHEMA": "watchlist",
                "POSTGRES_POOL_SIZE": "1",
                "POSTGRES_MAX_OVERFLOW": str(pool_size - 1),
                "POSTGRES_CONNECT_TIMEOUT": "5",
                "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "30",
                "CREATE_TABLE": "n",
            }
        )

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        self.service_factory = ServiceFactory(env, self._conninfo)
        return self.service_factory

    def construct_mapper(self) -> Mapper[UUID]:
        self.codec = EventCodec()
        return self.codec

    def construct_recorder(self) -> ApplicationRecorder:
        self.log_recorder = Recorder(self.service_factory.datastore, self._clock)
        return self.log_recorder

    # The port ---------------------------------------------------------------------------------

    def load(
        self, ids: Iterable[UUID], wrapped: MutableMapping[UUID, bytes] | None = None
    ) -> dict[UUID, Aggregate]:
        """The aggregates by stream; with `wrapped`, their keys in the same trip, while both are in one database."""
        with_keys = wrapped is not None and self._keys_are_here
        query = SQL["load_with_keys"] if with_keys else SQL["load"]
        wanted = list(ids)
        try:
            with self.service_factory.datastore.get_connection() as conn:
                parameters = [wanted, wanted] if with_keys else [wanted]
                rows = conn.execute(query, parameters, prepare=True, binary=True).fetchall()
        except OperationalError as error:
            raise Busy() from error
        if wrapped is not None and with_keys:
            wrapped.update({row["originator_id"]: row["state"] for row in rows if row["topic"] is None})
            rows = [row for row in rows if row["topic"] is not None]
        return dict(self._projected(rows))

    def load_as_of(self, id: UUID, at: datetime) -> Aggregate | None:
        try:
            with self.service_factory.datastore.get_connection() as conn:
                rows = conn.execute(SQL["load_as_of"], (id, at), prepare=True, binary=True).fetchall()
        except OperationalError as error:
            raise Busy() from error
        return dict(self._projected(rows)).get(id)

    def _projected(self, rows: Iterable[dict[str, Any]]) -> Iterator[tuple[UUID, Aggregate]]:
        for stream, stored in groupby(rows, key=lambda row: row["originator_id"]):
            aggregate: Any = None
            for row in stored:
                event = self.codec.decode(row["topic"], stream, row["originator_version"], row["state"])
                aggregate = event.mutate(aggregate)
            yield stream, aggregate

    def streams(self, ids: Iterable[UUID]) -> dict[UUID, list[Event]]:
        try:
            with self.service_factory.datastore.get_connection() as conn:
                rows = conn.execute(SQL["load"], [list(ids)], prepare=True, binary=True).fetchall()
        except OperationalError as error:
            raise Busy() from error
        return {
            stream: [
                self.codec.decode(r["topic"], stream, r["originator_version"], r["state"]) for r in stored
            ]
            for stream, stored in groupby(rows, key=lambda row: row["originator_id"])
        }

    def entered(self, ids: Iterable[UUID]) -> dict[UUID, list[Entered]]:
        try:
            with self.service_factory.datastore.get_connection() as conn:
                rows = conn.execute(SQL["entered"], [list(ids)], binary=True).fetchall()
        except OperationalError as error:
            raise Busy() from error
        return {
            stream: [
                Entered(
                    row["notification_id"],
                    row["recorded_at"],
                    self.codec.decode(row["topic"], stream, row["originator_version"], row["state"]),
                )
                for row in stored
            ]
            for stream, stored in groupby(rows, key=lambda row: row["originator_id"])
        }

    def told(self, id: UUID) -> list[Event]:
        try:
            return [event for event in self.events.get(id) if isinstance(event, Event)]
        except OperationalError as error:
            raise Busy() from error

    def record(self, aggregates: Sequence[Aggregate], work: Work) -> int:
        """The library's save without its search for what each object is; its recorder is told what else belongs.

        A command that decided nothing new records nothing: its position is the log's last.
        """
        events: list[Event] = [event for aggregate in aggregates for event in aggregate.collect_events()]
        if not events:
            return self.position()
        try:
            recordings = self.events.put(events, work=work, aggregates=aggregates, events=events)
        except psycopg.Error as error:
            raise Busy() from error
        return recordings[-1].notification.id

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        place = place_alone(name)
        with self.service_factory.datastore.get_connection() as conn:
            got = conn.execute("SELECT pg_try_advisory_lock(%b::int, %b::int) AS got", place).fetchone()
            if not got or not got["got"]:
                yield False
                return
            try:
                yield True
            finally:
                conn.execute("SELECT pg_advisory_unlock(%b::int, %b::int)", place)

    def known(self, ids: Iterable[UUID]) -> set[UUID]:
        """Those of these streams that have events."""
        with self.service_factory.datastore.get_connection() as conn:
            return {row["originator_id"] for row in conn.execute(SQL["known"], (list(ids),)).fetchall()}

    def owners(self, after: UUID, limit: int) -> list[UUID]:
        """Whoever must have a key, by id, from behind `after` on."""
        with self.service_factory.datastore.get_connection() as conn:
            return [row["id"] for row in conn.execute(SQL["owners"], (after, limit)).fetchall()]

    def forget_answers(self, before: datetime) -> int:
        """Forget what commands answered before an instant; how many."""
        with self.service_factory.datastore.get_connection() as conn:
            return conn.execute(SQL["forget_answers"], (before,)).rowcount

    def position(self) -> int:
        return self.recorder.max_notification_id() or 0

    def answered(self, command_id: UUID) -> AlreadyDone | None:
        return self.log_recorder.answered(command_id)
