"""The keyring as a person keeps it: keys rotated beside a running service, lost ones told, no secret ever shown."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.acceptance.service import Office, Service, service
from tests.acceptance.story import hits, listed

LISTED, UNLISTED = 1, 2


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with service() as made:
        yield made.start()


@pytest.fixture(scope="module")
def office(running: Service) -> Office:
    hired = Office.hired(running)
    listed(hired.investigator, hired.supervisor, LISTED)
    return hired


def keys_of(folder: Path) -> list[str]:
    return (folder / "master.key").read_text().split()


def test_the_look_up_key_rotates_beside_the_service(running: Service, office: Office) -> None:
    assert hits(office.integrator, LISTED, UNLISTED) == [True, False]
    report = running.run("keyring", "rotate-lookup", "--json", "--grace", "0").told
    assert (report["generation"], report["destroyed"], report["resumed"]) == (2, [1], False)
    assert hits(office.integrator, LISTED, UNLISTED) == [True, False]
    assert running.run("replay", "--check").status == 0
    (first, second) = running.run("keyring", "status", "--json").told["lookups"]
    assert (first["state"], first["subject_tokens"]) == ("destroyed", 0)
    assert second["state"] == "current"


def test_the_master_key_rotates_beside_the_service(running: Service, office: Office) -> None:
    old = keys_of(running.data)
    rotated = running.run("keyring", "rotate-master", "--json").told
    assert keys_of(running.data)[1:] == old
    status = running.run("keyring", "status", "--json").told
    assert [one["is"] for one in status["masters"]] == ["first", "older"]
    assert status["masters"][0]["id"] == rotated["first"]
    # then the service goes on, and wraps under the new one
    listed(office.investigator, office.supervisor, 5)
    before = running.run("keyring", "status", "--json").told["masters"]
    assert before[0]["keys"] == 2
    assert before[1]["keys"] == status["masters"][1]["keys"]
    # when all are wrapped again, the old one stays for a minute, and then goes
    done = running.run("keyring", "rewrap", "--json").told
    assert (done["rewrapped"], done["left"], done["dropped"]) == (before[1]["keys"], 0, 0)
    an_hour_ago = time.time() - 3600
    os.utime(running.data / "master.key", (an_hour_ago, an_hour_ago))
    assert running.run("keyring", "rewrap", "--json").told["dropped"] == 1
    assert len(keys_of(running.data)) == 1
    assert keys_of(running.data) != old
    listed(office.investigator, office.supervisor, 6)
    assert hits(office.integrator, LISTED, 5, 6, UNLISTED) == [True, True, True, False]
    assert running.run("doctor").status == 0


def test_nothing_that_is_said_holds_a_key(running: Service, office: Office) -> None:
    running.run("keyring", "rotate-master")
    secrets = keys_of(running.data)
    for command in (
        ("keyring", "status"),
        ("config", "show"),
        ("doctor",),
        ("keyring", "tidy"),
        ("keyring", "rewrap"),
    ):
        for more in ((), ("--json",)):
            said = running.run(*command, *more)
            assert said.status == 0, said.err
            assert not any(secret in said.out + said.err + running.said() for secret in secrets)


def test_a_command_and_a_variable_hand_the_key_out_and_say_where_to_rotate_it(cluster: str) -> None:
    key = base64.b64encode(b"s" * 32).decode()
    name = f"test_{os.urandom(6).hex()}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = make_conninfo(cluster, dbname=name)
        with service(DATABASE_URL=url, WATCHLIST_MASTER_KEY_COMMAND=f"echo {key}") as made:
            assert made.run("doctor").status == 0
            line = made.run("keyring", "rotate-master").line
            assert "WATCHLIST_MASTER_KEY_COMMAND" in line
            assert key not in line
            assert not (made.data / "master.key").exists()
            broken = made.run("sweep", WATCHLIST_MASTER_KEY_COMMAND="echo garbage")
            assert "garbage" not in broken.line
            other = base64.b64encode(b"t" * 32).decode()
            assert "does not open" in made.run("sweep", WATCHLIST_MASTER_KEY_COMMAND=f"echo {other}").line
            both = made.run(
                "keyring", "rewrap", "--json", WATCHLIST_MASTER_KEY_COMMAND=f"echo {other} {key}"
            ).told
            assert (both["left"], both["older"]) == (0, 1)
            assert made.run("sweep", WATCHLIST_MASTER_KEY_COMMAND=f"echo {other}").status == 0
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_keys_in_a_store_of_their_own_are_migrated_kept_and_missed(cluster: str) -> None:
    names = [f"test_{os.urandom(6).hex()}" for _ in range(2)]
    with psycopg.connect(cluster, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        register, store = (make_conninfo(cluster, dbname=name) for name in names)
        with service(DATABASE_URL=register, WATCHLIST_KEYS_DATABASE_URL=store) as made:
            applied = made.run("migrate", "--json").told
            assert applied["applied_to_key_store"] == ["0001_keys.sql"]
            office = Office.hired(made.start())
            listed(office.investigator, office.supervisor, LISTED)
            assert hits(office.integrator, LISTED, UNLISTED) == [True, False]
            status = made.run("keyring", "status", "--json").told
            assert (status["store"], status["held"], status["lost"], status["orphans"]) == ("own", 2, 0, 0)
            assert made.run("keyring", "tidy", "--json").told["destroyed"] == 0
            with psycopg.connect(store, autocommit=True) as keys:
                keys.execute("TRUNCATE watchlist_keys.data_keys")
            assert made.run("keyring", "status").status == 1
            doctor = made.run("doctor")
            assert doctor.status == 1
            assert "FAIL keys: in a store of their own, 2 lost" in doctor.out
            assert "WATCHLIST_KEYS_DATABASE_URL" in made.run("sweep", WATCHLIST_KEYS_DATABASE_URL="").line
            assert (
                "names a register's database" in made.run("sweep", WATCHLIST_KEYS_DATABASE_URL=register).line
            )
            made.end()
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
