"""A later version's migrations are applied under load, and two versions serve one database meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from tests.acceptance.service import Office, service
from tests.acceptance.story import listed, question
from tests.drills.test_failover import LISTED, UNLISTED, Load
from tests.servers import Server, servers
from watchlist.adapters.postgres import migrate as migrations
from watchlist.adapters.postgres.migrate import Migration, migrate
from watchlist.application.work import Ask
from watchlist.application.work_on_case import add_note
from watchlist.bootstrap import build, key_of
from watchlist.settings import Settings

LATER = [
    Migration(
        "9998_additive.sql",
        """
        ALTER TABLE watchlist.events ADD COLUMN later text;
        ALTER TABLE watchlist.answerable ADD COLUMN later integer;
        ALTER TABLE watchlist.inscriptions ADD COLUMN later integer DEFAULT 0 NOT NULL;
        CREATE TABLE watchlist.later (id uuid PRIMARY KEY);
        GRANT SELECT, INSERT ON watchlist.later TO watchlist_service;
        """,
    ),
    Migration("9999_functions.sql", "CREATE INDEX later_index ON watchlist.later (id);"),
]
"""What a later version may bring: columns that the older one need not fill, tables, indexes of small tables."""
BACKUP_SECONDS = 3.0
LONGEST_PAUSE = 1.0


@pytest.fixture
def north() -> Iterator[Server]:
    with servers() as all_of_them:
        made = all_of_them.primary("north")
        migrate(made.conninfo())
        yield made


@contextmanager
def being_backed_up(server: Server) -> Iterator[None]:
    """A long reader of everything, as pg_dump is: whatever changes a table waits for it, and who comes behind that."""
    with psycopg.connect(server.conninfo()) as conn:
        conn.execute("SELECT count(*) FROM watchlist.answerable, watchlist.inscriptions, watchlist.events")
        timer = threading.Timer(BACKUP_SECONDS, conn.rollback)
        timer.start()
        try:
            yield
        finally:
            timer.join()


def test_migrations_are_applied_under_load_and_during_a_backup_with_no_pause(
    north: Server, monkeypatch: pytest.MonkeyPatch, drill_report: Callable[..., None]
) -> None:
    known = migrations.migrations()
    with service(DATABASE_URL=north.conninfo()) as running:
        running.start()
        office = Office.hired(running)
        load = Load(running, office, listed(office.investigator, office.supervisor, LISTED))
        with load.going_on():
            time.sleep(1)
            load.longest_pause = 0.0
            monkeypatch.setattr(migrations, "migrations", lambda *_: [*known, *LATER])
            began = time.monotonic()
            with being_backed_up(north):
                applied = migrate(north.conninfo())
            took = time.monotonic() - began
            assert load.goes_on(20)
            pause = load.longest_pause
            by_the_later = notes_of_the_later_version(running.environment, load, office)
        drill_report(
            "upgrade under load",
            migrations=len(applied),
            seconds=took,
            longest_pause_seconds=pause,
            acknowledged=len(load.acknowledged),
            by_the_later_version=by_the_later,
            unknown=load.unknown,
            wrong=len(load.wrong),
        )
        assert applied == [migration.name for migration in LATER]
        assert took >= BACKUP_SECONDS - 0.5, "it did wait for the backup"
        assert pause < LONGEST_PAUSE
        assert (load.refused, load.wrong, load.unknown) == ([], [], 0)
        assert running.is_ready(), "the older version goes on"
        monkeypatch.undo()
        assert "use a newer version" in running.run("sweep").line, "and does not begin again"


def notes_of_the_later_version(environment: dict[str, str], load: Load, office: Office) -> int:
    """Commands and screenings of another process's, on the same database, while the older one has its own."""
    settings = Settings.from_environment(environment)
    url = settings.database_url
    assert url is not None
    with build(url, key_of(settings, url)) as house, TestClient(create_app(house)) as client:
        asked = {"Authorization": f"Bearer {office.integrator.key}"}
        for _ in range(20):
            add_note(house.desk, Ask(UUID(int=1), "GRPM"), UUID(load.entry.case), "later")
            told = client.post("/v1/screenings", json=question(LISTED, UNLISTED), headers=asked).json()
            assert told["results"] == {"q1": {"hit": True}, "q2": {"hit": False}}
    return 20
