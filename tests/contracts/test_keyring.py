"""What every Keyring and every Vault keep: a key is made once, and once destroyed it is gone for good (P6)."""

from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from tests.stories import Story, a_house, a_person, ask, at_once
from watchlist.adapters import ciphers
from watchlist.adapters.ciphers import Tampered
from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.keyring import KeyExists, PostgresKeyring
from watchlist.adapters.postgres.vault import PostgresVault
from watchlist.application.register_subject import identity_of, rectify_subject
from watchlist.application.work import Erased
from watchlist.application.work_on_case import add_note
from watchlist.bootstrap import build
from watchlist.domain.tokens import Tokenizer

MASTER = b"m" * 32


@pytest.fixture
def pool(database_url):
    settings = {"row_factory": dict_row, "autocommit": True}
    with ConnectionPool(service_conninfo(database_url), kwargs=settings, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture(params=[PostgresKeyring])
def keyring(request, pool):
    return request.param(pool, MASTER)


# The keyring ----------------------------------------------------------------------------------


def test_a_key_is_there_when_its_creation_returns(keyring):
    owners = [uuid4(), uuid4()]
    made = keyring.create(owners)
    assert keyring.keys(owners) == made
    assert len(set(made.values())) == 2
    assert {len(key) for key in made.values()} == {ciphers.KEY_BYTES}


def test_a_key_is_not_created_twice(keyring):
    owner = uuid4()
    made = keyring.create([owner])
    with pytest.raises(KeyExists):
        keyring.create([owner])
    assert keyring.keys([owner]) == made


def test_of_several_keys_all_are_created_or_none(keyring):
    old, new = uuid4(), uuid4()
    keyring.create([old])
    with pytest.raises(KeyExists):
        keyring.create([new, old])
    assert keyring.keys([new]) == {}


def test_a_destroyed_key_is_never_created_again(keyring):
    owner = uuid4()
    keyring.create([owner])
    assert [keyring.destroy([owner]), keyring.destroy([owner])] == [1, 0]
    assert keyring.keys([owner]) == {}
    with pytest.raises(KeyExists):
        keyring.create([owner])
    assert keyring.keys([owner]) == {}


def test_an_unknown_owner_has_no_key_and_nothing_to_destroy(keyring):
    assert keyring.keys([uuid4()]) == {}
    assert keyring.keys([]) == {}
    assert keyring.destroy([uuid4()]) == 0


def test_of_several_who_create_one_key_at_once_one_does(keyring):
    owner = uuid4()
    answers = at_once([lambda: keyring.create([owner])] * 4)
    assert sum(isinstance(answer, KeyExists) for answer in answers) == 3
    assert keyring.keys([owner]) in answers


def test_a_wrong_master_key_is_told(keyring, pool):
    owner = uuid4()
    keyring.create([owner])
    keyring.lookup_key()
    wrong = PostgresKeyring(pool, b"n" * 32)
    with pytest.raises(Tampered):
        wrong.keys([owner])
    with pytest.raises(Tampered):
        wrong.lookup_key()


def test_a_master_key_of_another_length_is_refused(pool):
    with pytest.raises(ValueError, match="32 bytes"):
        PostgresKeyring(pool, b"short")


def test_a_key_does_not_open_under_another_owner(keyring, pool, database_url):
    one, other = uuid4(), uuid4()
    keyring.create([one, other])
    exchanged = (
        "UPDATE watchlist_keys.data_keys SET wrapped ="
        " (SELECT wrapped FROM watchlist_keys.data_keys WHERE owner = %b) WHERE owner = %b"
    )
    with pool.connection() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(exchanged, (other, one))
    with psycopg.connect(database_url) as conn:
        conn.execute(exchanged, (other, one))
    with pytest.raises(Tampered):
        keyring.keys([one])


def test_no_key_is_stored_in_the_clear(keyring, pool):
    made = [*keyring.create([uuid4()]).values(), keyring.lookup_key()]
    with pool.connection() as conn:
        stored = conn.execute(
            "SELECT wrapped FROM watchlist_keys.data_keys UNION ALL SELECT wrapped FROM watchlist_keys.lookup_keys"
        ).fetchall()
    assert not any(key in bytes(row["wrapped"]) for key in made for row in stored)


def test_the_look_up_key_is_made_once_however_many_start_together(keyring):
    keys = at_once([keyring.lookup_key] * 4)
    assert set(keys) == {keyring.lookup_key()}
    assert Tokenizer(keys[0]).digest("one") == Tokenizer(keyring.lookup_key()).digest("one")


# The vault, under the desk --------------------------------------------------------------------


@pytest.fixture
def story(database_url):
    with a_house(database_url) as house:
        yield Story(house)


def test_the_vault_gives_back_what_is_there_and_leaves_out_the_rest(story):
    subject = story.desk.subject(story.subject(), "GROUPAMA")
    vault = PostgresVault(story.house.pool)
    rows = vault.rows([subject.identity.ref, uuid4()])
    assert list(rows) == [subject.identity.ref]
    row = rows[subject.identity.ref]
    assert (row.owner, row.field) == (subject.id, "identity")
    assert vault.rows([]) == {}


def test_the_vault_shows_no_name(story):
    story.subject()
    with story.house.pool.connection() as conn:
        rows = conn.execute("SELECT ciphertext FROM vault").fetchall()
    assert rows
    assert not any("Lefèvre".encode() in bytes(row["ciphertext"]) for row in rows)


def test_without_its_key_an_identity_is_erased_not_empty(story):
    subject_id = story.subject()
    story.house.keyring.destroy([subject_id])
    assert identity_of(story.desk, story.desk.subject(subject_id, "GROUPAMA")) is None


def test_nothing_more_is_sealed_for_an_owner_whose_key_is_gone(story):
    case_id = story.case(story.subject())
    story.house.keyring.destroy([case_id])
    with pytest.raises(Erased):
        add_note(story.desk, ask(), case_id, "une note")
    assert story.house.keyring.keys([case_id]) == {}


def test_a_house_does_not_open_under_another_master_key(story, database_url):
    story.subject()
    with pytest.raises(Tampered):
        build(database_url, b"n" * 32)


def test_a_rectified_identity_is_the_one_that_opens(story):
    subject_id = story.subject()
    rectify_subject(story.desk, ask(), subject_id, a_person("Durand"), "erreur de saisie", 1)
    assert identity_of(story.desk, story.desk.subject(subject_id, "GROUPAMA")) == a_person("Durand")
