"""A base backup and the archived WAL, recovered to an instant; what was erased later is erased again (P6)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest

from tests.acceptance.service import Office, Service, service, soon
from tests.acceptance.story import hits, listed, person
from tests.acceptance.test_restore import GONE, STAYS, dumped, erased, no_longer_there
from tests.servers import SUPERUSER, Server, Servers, servers
from watchlist.adapters.postgres.migrate import KEY_STORE, migrate

LATER, TOO_LATE = 3, 4


@pytest.fixture
def all_of_them() -> Iterator[Servers]:
    with servers() as made:
        yield made


def archived(north: Server) -> bool:
    """Whether the last finished segment is in the archive."""
    return bool(
        north.ask(
            "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_insert_lsn() - 16777216)"
            " FROM pg_stat_archiver"
        )
    )


def recovered(all_of_them: Servers, backup: Server, archive: str, instant: str) -> Server:
    """As docs/operations.md says, step by step."""
    (backup.data / "recovery.signal").touch()
    all_of_them.add(backup).start(
        restore_command=f"cp {archive}/%f %p",
        recovery_target_time=instant,
        recovery_target_action="promote",
    )
    backup.has_recovered()
    return backup


@pytest.mark.parametrize("keys_apart", [False, True], ids=["keys inside", "keys in their own store"])
def test_a_register_recovered_to_an_instant_opens_with_everything_erased_since_erased_again(
    all_of_them: Servers, keys_apart: bool, drill_report: Callable[..., None]
) -> None:
    archive = str(all_of_them.archive())
    north = all_of_them.primary("north", archive_mode="on", archive_command=f"cp %p {archive}/%f")
    migrate(north.conninfo())
    more = {"DATABASE_URL": north.conninfo()}
    if keys_apart:
        more["WATCHLIST_KEYS_DATABASE_URL"] = all_of_them.primary("safe").conninfo()
        migrate(more["WATCHLIST_KEYS_DATABASE_URL"], KEY_STORE)
    with service(**more) as running:
        running.start()
        office = Office.hired(running)
        gone = listed(office.investigator, office.supervisor, GONE)
        backup = north.copy("restored")
        for number in (STAYS, LATER):
            listed(office.investigator, office.supervisor, number)
        instant = str(north.ask("SELECT clock_timestamp()::text"))
        time.sleep(0.1)
        listed(office.investigator, office.supervisor, TOO_LATE)
        erased(running, gone)
        assert hits(office.integrator, GONE, STAYS, LATER, TOO_LATE) == [False, True, True, True]
        north.ask("SELECT pg_switch_wal()")
        assert soon(lambda: archived(north))
        running.end()
        north.stop()

        began = time.monotonic()
        restored = recovered(all_of_them, backup, archive, instant)
        assert_brought_back(restored, gone.subject)
        running.more["DATABASE_URL"] = restored.conninfo()
        running.start()
        no_longer_there(running, office, gone)
        took = time.monotonic() - began
        assert hits(office.integrator, GONE, STAYS, LATER, TOO_LATE) == [False, True, True, False]
        readable = still_readable(running, restored, gone.subject)
        drill_report(
            f"point in time, {'keys apart' if keys_apart else 'keys inside'}",
            kept=2,
            after_the_instant=1,
            erased_again=1,
            readable=len(readable),
            seconds=took,
        )
        assert readable == []


def assert_brought_back(restored: Server, subject: str) -> None:
    """The drill is about something: the recovery did bring back whom it is about."""
    rows = restored.ask("SELECT count(*) FROM watchlist.vault WHERE owner = %s", UUID(subject))
    assert rows > 0


def still_readable(running: Service, restored: Server, subject: str) -> list[str]:
    """Where anything of the erased person still is: sealed rows, a key, or a text in a dump."""
    keys = running.more.get("WATCHLIST_KEYS_DATABASE_URL", restored.conninfo())
    found = []
    if restored.ask("SELECT count(*) FROM watchlist.vault WHERE owner = %s", UUID(subject)):
        found.append("vault")
    with psycopg.connect(psycopg.conninfo.make_conninfo(keys, user=SUPERUSER)) as conn:
        query = "SELECT count(*) FROM watchlist_keys.data_keys WHERE owner = %s AND wrapped IS NOT NULL"
        if conn.execute(query, (UUID(subject),)).fetchone() != (0,):
            found.append("keys")
    try:
        if person(GONE)["family_name"].encode() in dumped(restored.conninfo(user=SUPERUSER)):
            found.append("dump")
    except subprocess.CalledProcessError as error:
        found.append(error.stderr.decode())
    return found
