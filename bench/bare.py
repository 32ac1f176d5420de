"""The library's own save, as it comes: the floor's other side."""

from __future__ import annotations

from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

SCHEMA = "bare"


class Notebook(Aggregate):
    """About as much in one event as in one of ours."""

    @event("Opened")
    def __init__(self, organisation: str) -> None:
        self.organisation = organisation
        self.notes = 0

    @event("Noted")
    def note(self, text: str, by: UUID, organisation: str) -> None:
        self.notes += 1


FILL = f"""INSERT INTO {SCHEMA}.bare_events (originator_id, originator_version, topic, state)
SELECT gen_random_uuid(), 1, 'bench.bare:Notebook.Noted', convert_to(repeat('x', 300), 'UTF8')
FROM generate_series(1, %s)"""


class Bare(Application[UUID]):
    """Stock: PostgresApplicationRecorder, JSON transcoder, a table of its own on the same server.

    Its table holds `events` before it begins: a log as long as ours, as large an index.
    """

    name = "bare"

    def __init__(self, conninfo: str, events: int) -> None:
        with psycopg.connect(conninfo, autocommit=True) as conn:
            conn.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
        place = conninfo_to_dict(conninfo)
        super().__init__(
            env={
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": str(place["dbname"]),
                "POSTGRES_HOST": str(place["host"]),
                "POSTGRES_PORT": str(place["port"]),
                "POSTGRES_USER": str(place["user"]),
                "POSTGRES_PASSWORD": "",
                "POSTGRES_SCHEMA": SCHEMA,
            }
        )
        with psycopg.connect(conninfo, autocommit=True) as conn:
            conn.execute(FILL.encode(), (events,))

    def opened(self) -> Notebook:
        notebook = Notebook("BENCH")
        self.save(notebook)
        return notebook
