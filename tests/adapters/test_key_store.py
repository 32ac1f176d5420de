"""The keys in a store of their own: the same schema, never a second set, and keys of nobody tidied away."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.stories import Story, a_house, a_person, ask
from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.lookups import WrongKeyStore
from watchlist.adapters.postgres.migrate import KEY_STORE, migrate, pending
from watchlist.application.register_subject import identity_of, register_subject
from watchlist.application.tidy_keys import TooManyOrphans, lost_keys, orphans, tidy_keys
from watchlist.application.work_on_case import add_note
from watchlist.bootstrap import NotMigrated, bring_up_to_date
from watchlist.domain.identifiers import Identifier
from watchlist.domain.refusals import Busy
from watchlist.domain.subject import Role
from watchlist.ports.keys import KeyStanding

DAY = timedelta(days=1)
DAY_OLD = "UPDATE watchlist_keys.data_keys SET made_at = now() - interval '25 hours'"


@pytest.fixture
def story(database_url: str, key_store_url: str) -> Iterator[Story]:
    with a_house(database_url, keys_conninfo=key_store_url) as house:
        yield Story(house)


def do(conninfo: str, *statements: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())


def one(conninfo: str, query: str) -> Any:
    with psycopg.connect(conninfo) as conn:
        row = conn.execute(query.encode()).fetchone()
    return row and row[0]


# The schema -----------------------------------------------------------------------------------

COLUMNS = """SELECT table_name, column_name, data_type, is_nullable, column_default,
    (SELECT pg_catalog.col_description(format('watchlist_keys.%I', table_name)::regclass, ordinal_position))
    FROM information_schema.columns WHERE table_schema = 'watchlist_keys' ORDER BY 1, 2"""
CONSTRAINTS = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'watchlist_keys'::regnamespace ORDER BY 1, 2"""
TRIGGERS = """SELECT tgrelid::regclass::text, tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger
    WHERE tgrelid::regclass::text LIKE 'watchlist_keys.%' AND NOT tgisinternal ORDER BY 1, 2"""
FUNCTIONS = """SELECT proname, prosrc FROM pg_proc
    WHERE pronamespace = 'watchlist_keys'::regnamespace ORDER BY 1"""
RIGHTS = """SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges
    WHERE table_schema = 'watchlist_keys' AND grantee IN ('watchlist_service', 'PUBLIC') ORDER BY 1, 2, 3"""
TABLE_RIGHTS = """SELECT table_name, privilege_type FROM information_schema.role_table_grants
    WHERE table_schema = 'watchlist_keys' AND grantee IN ('watchlist_service', 'PUBLIC') ORDER BY 1, 2"""


@pytest.mark.parametrize("query", [COLUMNS, CONSTRAINTS, TRIGGERS, FUNCTIONS, RIGHTS, TABLE_RIGHTS])
def test_a_store_of_their_own_has_the_very_schema_of_the_registers(
    database_url: str, key_store_url: str, query: str
) -> None:
    found = []
    for conninfo in (database_url, key_store_url):
        with psycopg.connect(conninfo) as conn:
            found.append(conn.execute(query.encode()).fetchall())
    assert found[0] == found[1] != []


def test_a_key_store_is_migrated_once(empty_database_url: str) -> None:
    bring_up_to_date(empty_database_url, KEY_STORE)
    assert pending(empty_database_url, KEY_STORE) == migrate(empty_database_url, KEY_STORE) == []
    assert one(empty_database_url, "SELECT to_regnamespace('watchlist')") is None


def test_a_key_store_that_this_login_may_not_migrate_is_told(key_store_url: str) -> None:
    do(key_store_url, "DELETE FROM public.watchlist_key_migrations")
    with pytest.raises(NotMigrated, match=r"key store lacks 0001_keys\.sql: run `watchlist migrate`"):
        bring_up_to_date(service_conninfo(key_store_url), KEY_STORE)


# Never a second set ---------------------------------------------------------------------------


def test_a_registers_database_is_no_key_store(database_url: str) -> None:
    with pytest.raises(WrongKeyStore, match="names a register's database"):
        bring_up_to_date(database_url, KEY_STORE)


def test_a_key_store_is_refused_while_the_registers_database_holds_keys(
    database_url: str, key_store_url: str
) -> None:
    with a_house(database_url) as house:
        Story(house).subject()
    with pytest.raises(WrongKeyStore, match="move them first"):
        a_house(database_url, keys_conninfo=key_store_url)
    assert one(key_store_url, "SELECT count(*) FROM watchlist_keys.lookup_keys") == 0


def test_keys_that_were_moved_open_what_they_opened(database_url: str, key_store_url: str) -> None:
    with a_house(database_url) as house:
        subject_id = Story(house).subject()
    # when they are moved as the refusal says
    for table in ("data_keys", "lookup_keys"):
        with psycopg.connect(database_url) as source, psycopg.connect(key_store_url) as target:
            with source.cursor().copy(f"COPY watchlist_keys.{table} TO STDOUT".encode()) as out:
                rows = b"".join(bytes(chunk) for chunk in out)
            with target.cursor().copy(f"COPY watchlist_keys.{table} FROM STDIN".encode()) as into:
                into.write(rows)
        do(database_url, f"TRUNCATE watchlist_keys.{table}")
    # then
    with a_house(database_url, keys_conninfo=key_store_url) as house:
        assert identity_of(house.desk, house.desk.subject(subject_id, "GROUPAMA")) == a_person()


@pytest.mark.usefixtures("story")
def test_a_register_whose_keys_are_elsewhere_does_not_open_without_them(database_url: str) -> None:
    with pytest.raises(WrongKeyStore, match="set WATCHLIST_KEYS_DATABASE_URL as it was"):
        a_house(database_url)
    assert one(database_url, "SELECT count(*) FROM watchlist_keys.lookup_keys") == 0


def test_an_empty_register_does_not_open_beside_keys_of_another(
    story: Story, key_store_url: str, empty_database_url: str
) -> None:
    story.subject()
    migrate(empty_database_url)
    with pytest.raises(WrongKeyStore, match="do not belong together"):
        a_house(empty_database_url, keys_conninfo=key_store_url)


def test_keys_of_another_register_are_told_apart(
    story: Story, database_url: str, empty_database_url: str
) -> None:
    story.subject()
    migrate(empty_database_url, KEY_STORE)
    do(empty_database_url, "INSERT INTO watchlist_keys.lookup_keys VALUES (1, NULL)")
    with pytest.raises(WrongKeyStore):
        a_house(database_url, keys_conninfo=empty_database_url)
    do(database_url, "UPDATE watchlist.lookup_generations SET key_id = 'another'")
    with pytest.raises(WrongKeyStore, match="another register's"):
        a_house(database_url, keys_conninfo=story.house.keys_conninfo)


def test_a_log_without_any_key_does_not_begin_new_ones(database_url: str) -> None:
    with a_house(database_url) as house:
        Story(house).subject()
    do(
        database_url,
        "TRUNCATE watchlist_keys.lookup_keys, watchlist_keys.data_keys",
        "DELETE FROM watchlist.lookup_generations",
    )
    with pytest.raises(WrongKeyStore, match="restore the keys"):
        a_house(database_url)


def test_a_house_whose_first_opening_was_killed_opens(database_url: str, key_store_url: str) -> None:
    with a_house(database_url, keys_conninfo=key_store_url) as house:
        first = house.desk.tokenizer.digest("x")
    do(database_url, "DELETE FROM watchlist.lookup_generations")  # the key was committed, its row was not
    with a_house(database_url, keys_conninfo=key_store_url) as house:
        assert house.desk.tokenizer.digest("x") == first


# Before its event -----------------------------------------------------------------------------


def test_no_key_is_in_the_registers_database(story: Story, database_url: str, key_store_url: str) -> None:
    case_id = story.case(story.subject())
    add_note(story.desk, ask(), case_id, "une note")
    assert one(database_url, "SELECT count(*) FROM watchlist_keys.data_keys") == 0
    assert one(key_store_url, "SELECT count(*) FROM watchlist_keys.data_keys") == 2


def test_killed_between_a_key_and_its_event_only_a_key_of_nobody_is_left(
    story: Story, key_store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(story.desk.log), "record", kill)
        with pytest.raises(KeyboardInterrupt):
            story.subject()
    (key,) = orphans(story.house.keyring, story.house.register, age=-DAY)
    assert story.count("events") == 0
    assert lost_keys(story.desk, story.house.register) == 0
    # when it is a day old it goes, and nothing else does
    kept = story.subject()
    assert tidy_keys(story.desk, story.house.keyring, story.house.register) == 0
    do(key_store_url, DAY_OLD)
    assert tidy_keys(story.desk, story.house.keyring, story.house.register) == 1
    assert story.house.keyring.standing([key, kept]) == {
        key: KeyStanding.DESTROYED,
        kept: KeyStanding.HELD,
    }


def test_keys_of_today_beside_a_log_of_the_past_are_not_tidied_away(story: Story, key_store_url: str) -> None:
    story.house.keyring.create([uuid4() for _ in range(101)])
    do(key_store_url, DAY_OLD)
    with pytest.raises(TooManyOrphans):
        tidy_keys(story.desk, story.house.keyring, story.house.register)
    assert one(key_store_url, "SELECT count(*) FROM watchlist_keys.data_keys WHERE wrapped IS NULL") == 0


def test_a_subject_of_another_organisation_has_its_own_key_and_a_known_one_no_second(story: Story) -> None:
    known = story.subject(a_person("Lefèvre", "Anne", Identifier("rpps", "10000001916")))
    again = a_person("Lefèvre", "Anne", Identifier("rpps", "10000001916"))
    assert register_subject(story.desk, ask(), Role.OTHER, again).id == known
    assert story.house.keyring.standing([known]) == {known: KeyStanding.HELD}


def test_a_key_store_that_cannot_be_reached_is_busy_and_nothing_is_recorded(
    story: Story, key_store_url: str, cluster: str
) -> None:
    subject_id = story.subject()
    name = conninfo_to_dict(key_store_url)["dbname"]
    do(cluster, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false", _end_all(str(name)))
    try:
        with pytest.raises(Busy):
            story.subject(a_person("Durand"))
        with pytest.raises(Busy):
            identity_of(story.desk, story.desk.subject(subject_id, "GROUPAMA"))
    finally:
        do(cluster, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert story.count("subjects") == 1


def _end_all(name: str) -> str:
    return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
