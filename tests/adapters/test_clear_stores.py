"""The files of the tables are cleared of what was deleted, or it is said that they are not (P6)."""

from __future__ import annotations

import psycopg
import pytest

from tests.stories import a_house, a_person, ask
from watchlist.adapters.postgres.easel_schema import NEXT, OLD
from watchlist.adapters.postgres.locks import place_alone
from watchlist.application.register_subject import register_subject
from watchlist.cli import erase
from watchlist.cli.database import rebuilds_examined
from watchlist.cli.erase import KEYS, OF_THE_REGISTER, clear_stores
from watchlist.domain.subject import Role
from watchlist.settings import Settings

EVERY = [KEYS, *OF_THE_REGISTER]


@pytest.fixture
def settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a register in which a ciphertext is kept."""
    monkeypatch.setattr(erase, "READERS_TIMEOUT_S", 0.5)
    with a_house(database_url) as house:
        register_subject(house.desk, ask(), Role.HEALTH_PROFESSIONAL, a_person())
    return Settings.from_environment({"DATABASE_URL": database_url})


def delete(settings: Settings) -> int:
    with psycopg.connect(str(settings.database_url)) as conn:
        return conn.execute("DELETE FROM watchlist.vault").rowcount


def test_what_an_older_transaction_may_still_read_is_not_told_as_cleared(settings: Settings) -> None:
    with psycopg.connect(str(settings.database_url)) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT FROM watchlist.cases")
        deleted = delete(settings)
        assert clear_stores(settings) == EVERY
        assert reader.execute("SELECT FROM watchlist.vault").rowcount == deleted > 0
    assert clear_stores(settings) == []


def test_whoever_writes_since_before_the_deletion_holds_it_back_too(settings: Settings) -> None:
    with psycopg.connect(str(settings.database_url)) as writer:
        writer.execute("SELECT pg_current_xact_id()")
        delete(settings)
        assert clear_stores(settings) == EVERY
    assert clear_stores(settings) == []


def test_a_transaction_that_began_after_the_deletion_holds_nothing_back(settings: Settings) -> None:
    delete(settings)
    with psycopg.connect(str(settings.database_url)) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT 1")
        assert clear_stores(settings) == []


def test_what_a_rebuild_left_beside_the_register_goes_unless_one_runs(settings: Settings) -> None:
    owner = str(settings.database_url)
    with psycopg.connect(owner, autocommit=True) as rebuilding:
        for schema in (NEXT, OLD):
            rebuilding.execute(f"CREATE SCHEMA {schema}".encode())
            rebuilding.execute(f"CREATE TABLE {schema}.subject_tokens (digest bytea)".encode())
        rebuilding.execute("SELECT pg_advisory_lock(%s::int, %s::int)", place_alone("rebuild"))
        assert clear_stores(settings) == [NEXT, OLD]
        with a_house(owner) as house:
            assert [finding.warning for finding in rebuilds_examined(house)] == [True]
    assert clear_stores(settings) == []
