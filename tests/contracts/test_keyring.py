"""What every Keyring and every Vault keep: a key is made once, and once destroyed it is gone for good (P6)."""

from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from tests.stories import Story, a_house, a_person, ask, at_once
from watchlist.adapters import ciphers
from watchlist.adapters.ciphers import Tampered
from watchlist.adapters.master_key import MasterKeys
from watchlist.adapters.postgres import rewrap as rewrapping
from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.keyring import KeyExists, KeyStoreKeyring, PostgresKeyring
from watchlist.adapters.postgres.rewrap import NotTheOwner, counted, rewrap
from watchlist.adapters.postgres.vault import PostgresVault
from watchlist.application.register_subject import identity_of, rectify_subject
from watchlist.application.work import Erased
from watchlist.application.work_on_case import add_note
from watchlist.bootstrap import build
from watchlist.domain.refusals import KeyLost
from watchlist.domain.tokens import Tokenizer
from watchlist.ports.keys import KeyStanding

MASTER = b"m" * 32
FIRST = UUID(int=0)


@pytest.fixture(params=[PostgresKeyring, KeyStoreKeyring], ids=["the register's database", "its own"])
def kind(request):
    return request.param


@pytest.fixture
def owner_url(kind, request):
    """Of whoever owns the keys."""
    return request.getfixturevalue("database_url" if kind is PostgresKeyring else "key_store_url")


@pytest.fixture
def pool(owner_url):
    settings = {"row_factory": dict_row, "autocommit": True}
    with ConnectionPool(service_conninfo(owner_url), kwargs=settings, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture
def keyring(kind, pool):
    return kind(pool, MasterKeys([MASTER]))


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
    keyring.lookup_key(1)
    wrong = PostgresKeyring(pool, MasterKeys([b"n" * 32]))
    with pytest.raises(KeyLost):
        wrong.keys([owner])
    with pytest.raises(Tampered):
        wrong.lookup_key(1)


def test_a_master_key_of_another_length_is_refused(pool):
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKeys([b"short"])


def test_a_key_does_not_open_under_another_owner(keyring, pool, owner_url):
    one, other = uuid4(), uuid4()
    keyring.create([one, other])
    exchanged = (
        "UPDATE watchlist_keys.data_keys SET wrapped ="
        " (SELECT wrapped FROM watchlist_keys.data_keys WHERE owner = %b) WHERE owner = %b"
    )
    with pool.connection() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(exchanged, (other, one))
    with psycopg.connect(owner_url) as conn:
        conn.execute(exchanged, (other, one))
    with pytest.raises(KeyLost):
        keyring.keys([one])


def test_no_key_is_stored_in_the_clear(keyring, pool):
    made = [*keyring.create([uuid4()]).values(), keyring.lookup_key(1)]
    with pool.connection() as conn:
        stored = conn.execute(
            "SELECT wrapped FROM watchlist_keys.data_keys UNION ALL SELECT wrapped FROM watchlist_keys.lookup_keys"
        ).fetchall()
    assert not any(key in bytes(row["wrapped"]) for key in made for row in stored)


def test_the_look_up_key_is_made_once_however_many_start_together(keyring):
    keys = at_once([lambda: keyring.lookup_key(1)] * 4)
    assert set(keys) == {keyring.lookup_key(1)}
    assert Tokenizer(keys[0]).digest("one") == Tokenizer(keyring.lookup_key(1)).digest("one")


def test_a_key_is_held_destroyed_or_missing(keyring):
    held, destroyed, missing = uuid4(), uuid4(), uuid4()
    keyring.create([held, destroyed])
    keyring.destroy([destroyed])
    standing = keyring.standing([held, destroyed, missing])
    assert standing == {
        held: KeyStanding.HELD,
        destroyed: KeyStanding.DESTROYED,
        missing: KeyStanding.MISSING,
    }
    found = keyring.found([held, destroyed, missing])
    assert (set(found.keys), found.destroyed, found.lost) == ({held}, {destroyed}, {missing})


def test_an_owner_whose_missing_key_was_destroyed_never_gets_one(keyring):
    owner = uuid4()
    assert keyring.destroy([owner, owner]) == 0
    assert keyring.standing([owner]) == {owner: KeyStanding.DESTROYED}
    with pytest.raises(KeyExists):
        keyring.create([owner])


@pytest.mark.parametrize("who", ["the service", "the owner"])
def test_nobody_puts_a_key_where_one_was_destroyed(keyring, pool, owner_url, who):
    kept, destroyed = uuid4(), uuid4()
    keyring.create([kept, destroyed])
    keyring.lookup_key(1)
    keyring.destroy([destroyed])
    keyring.destroy_lookup_key(1)
    changes = [
        "UPDATE watchlist_keys.data_keys SET wrapped = 'x' WHERE wrapped IS NULL",
        "UPDATE watchlist_keys.lookup_keys SET wrapped = 'x' WHERE wrapped IS NULL",
        "UPDATE watchlist_keys.data_keys SET owner = gen_random_uuid() WHERE wrapped IS NULL",
        "UPDATE watchlist_keys.lookup_keys SET generation = 7",
        "DELETE FROM watchlist_keys.data_keys",
        "DELETE FROM watchlist_keys.lookup_keys",
    ]
    with psycopg.connect(owner_url, autocommit=True) as conn:
        conn.execute("RESET ROLE" if who == "the owner" else "SET ROLE watchlist_service")
        for change in changes:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(change)
    assert keyring.standing([destroyed]) == {destroyed: KeyStanding.DESTROYED}
    with pytest.raises(KeyError):
        keyring.lookup_key(1)


def test_a_new_key_is_committed_before_its_event_only_in_a_store_of_its_own(keyring, kind):
    owner = uuid4()
    made = keyring.make([owner])
    if kind is KeyStoreKeyring:
        assert (made.wrapped, keyring.keys([owner])) == ({}, made.keys)
    else:
        assert (keyring.opened(made.wrapped), keyring.keys([owner])) == (made.keys, {})


def test_keys_of_nobody_are_told_by_their_age(keyring):
    owners = sorted(uuid4() for _ in range(3))
    keyring.create(owners)
    keyring.destroy(owners[:1])
    assert keyring.older(timedelta(0), FIRST, 10) == owners[1:]
    assert keyring.older(timedelta(0), owners[1], 10) == owners[2:]
    assert keyring.older(timedelta(days=1), FIRST, 10) == []


# Under which master key -----------------------------------------------------------------------


def test_keys_of_the_released_form_still_open(keyring, pool):
    owner, key = uuid4(), ciphers.new_key()
    bare = ciphers.wrap(MASTER, key, owner.bytes)
    with pool.connection() as conn:
        conn.execute("INSERT INTO watchlist_keys.data_keys (owner, wrapped) VALUES (%b, %b)", (owner, bare))
    assert keyring.keys([owner]) == {owner: key}
    assert keyring.unopenable() == 0


def test_every_key_is_wrapped_again_and_what_was_destroyed_stays_so(keyring, kind, pool, owner_url):
    owners = [uuid4() for _ in range(5)]
    made = keyring.create(owners)
    lookup = keyring.lookup_key(1)
    keyring.destroy(owners[:1])
    both = MasterKeys([b"n" * 32, MASTER])
    assert counted(owner_url).not_under(both.headers[0]) == 5
    done = rewrap(owner_url, both, lambda count: None)
    assert (done.keys, done.lookup_keys, done.lost) == (4, 1, 0)
    assert rewrap(owner_url, both, lambda count: None).keys == 0
    assert counted(owner_url).not_under(both.headers[0]) == 0
    new = kind(pool, MasterKeys([b"n" * 32]))
    assert new.keys(owners) == {owner: made[owner] for owner in owners[1:]}
    assert new.lookup_key(1) == lookup
    with pytest.raises(KeyLost):
        keyring.keys(owners)
    assert keyring.unopenable() == 4


def test_a_key_that_opens_under_no_master_key_is_counted_and_left(keyring, owner_url):
    keyring.create([uuid4()])
    others = MasterKeys([b"n" * 32, b"o" * 32])
    done = rewrap(owner_url, others, lambda count: None)
    assert (done.keys, done.lost) == (0, 1)


def test_a_rewrapping_that_was_killed_goes_on(keyring, owner_url, monkeypatch):
    monkeypatch.setattr(rewrapping, "BATCH", 2)
    keyring.create([uuid4() for _ in range(5)])
    both = MasterKeys([b"n" * 32, MASTER])

    def kill(count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rewrap(owner_url, both, kill)
    assert counted(owner_url).not_under(both.headers[0]) == 3
    assert rewrap(owner_url, both, lambda count: None).keys == 3


def test_a_key_destroyed_while_it_is_wrapped_again_stays_destroyed(keyring, owner_url):
    owner = uuid4()
    keyring.create([owner])

    class Destroying(MasterKeys):
        def unwrap(self, wrapped, purpose):
            keyring.destroy([owner])
            return super().unwrap(wrapped, purpose)

    assert rewrap(owner_url, Destroying([b"n" * 32, MASTER]), lambda count: None).keys == 0
    assert keyring.standing([owner]) == {owner: KeyStanding.DESTROYED}


def test_the_service_may_not_wrap_keys_again(keyring, owner_url):
    keyring.create([uuid4()])
    with pytest.raises(NotTheOwner):
        rewrap(service_conninfo(owner_url), MasterKeys([b"n" * 32, MASTER]), lambda count: None)


# The vault, under the desk --------------------------------------------------------------------


@pytest.fixture
def store(kind, owner_url):
    """The keys' own, if they have one."""
    return owner_url if kind is KeyStoreKeyring else None


@pytest.fixture
def story(database_url, store):
    with a_house(database_url, keys_conninfo=store) as house:
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


def test_a_house_does_not_open_under_another_master_key(story, database_url, store):
    story.subject()
    with pytest.raises(Tampered):
        build(database_url, b"n" * 32, keys_conninfo=store)


def test_a_rectified_identity_is_the_one_that_opens(story):
    subject_id = story.subject()
    rectify_subject(story.desk, ask(), subject_id, a_person("Durand"), "erreur de saisie", 1)
    assert identity_of(story.desk, story.desk.subject(subject_id, "GROUPAMA")) == a_person("Durand")
