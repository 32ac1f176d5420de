"""What is sealed in PostgreSQL is the tree of what was recorded, whole, and proves every event (T4)."""

from __future__ import annotations

import random
from datetime import date, timedelta

import psycopg
import pytest

from tests.stories import MONDAY, RPPS, Story, a_house, a_person, a_story, at_once, rpps, screened_hits
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.sealed_log import OneExtension
from watchlist.adapters.postgres.sealed_log_examined import examined
from watchlist.adapters.seal_key import FileSealKeys, GivenSealKeys
from watchlist.application.check_seal import Difference, check_seal
from watchlist.audit.leaf import event_line
from watchlist.audit.verifier import (
    Checkpoint,
    Note,
    VerifierKey,
    leaf_hash,
    require_consistent,
    root_by_inclusion,
    root_of,
)
from watchlist.domain.refusals import NoSealKey, PastChanged
from watchlist.domain.retention import accesses_kept_since

SEALED = ("seal_tiles", "seal_leaves", "seal_digests", "seal_keys", "checkpoints")


@pytest.fixture
def story(database_url):
    with a_story(database_url) as story:
        yield story


def lines(story: Story) -> list[bytes]:
    return [event_line(row) for row in story.house.pictures.events(0, 10**9, 10**6)]


def checked(story: Story, kept_since: date | None = None) -> list[Difference]:
    """What differs between what is sealed and what is recorded."""
    since = kept_since or accesses_kept_since(story.clock.now(), 12).date()
    with examined(story.house.pool) as examination:
        return check_seal(examination, story.house.sealer.held(story.house.sealed_log.keys()), since)


def test_the_root_is_that_of_the_lines_of_all_events(story):
    story.listed()
    published = story.house.sealer.seal()
    assert published is not None
    assert (published.size, published.root) == (
        len(lines(story)), root_of(leaf_hash(line) for line in lines(story))
    )  # fmt: skip
    assert published.position == story.house.register.position()


def test_the_note_is_signed_by_a_key_that_is_published(story):
    story.listed()
    published = story.house.sealer.seal()
    note = Note.parse(published.note.encode())
    (key,) = map(VerifierKey.parse, story.house.sealed_log.keys())
    assert note.signed_by(key) is not None
    assert Checkpoint.parse(note.text) == Checkpoint(key.name, published.size, published.root)


def test_nothing_new_publishes_nothing(story):
    assert story.house.sealer.seal() is None
    story.listed()
    assert story.house.sealer.seal() is not None
    assert story.house.sealer.seal() is None
    assert story.count("checkpoints") == 1


def test_every_event_is_proven_in_every_tree_that_was_published_since(story):
    roots = {}
    for number in range(60):
        story.listed(a_person("Martin", "Anne", rpps(number)))
        published = story.house.sealer.seal()
        roots[published.size] = published.root
    positions = [row["position"] for row in story.house.pictures.events(0, 10**9, 10**6)]
    assert len(positions) > 256
    for size in random.Random(4).sample(sorted(roots), 10):
        for index in random.Random(size).sample(range(size), 10):
            found = story.house.sealed_log.inclusion(positions[index], size)
            assert (found.leaf_index, found.tree_size, found.leaf) == (index, size, lines(story)[index])
            assert root_by_inclusion(leaf_hash(found.leaf), index, size, found.path) == roots[size]
        for old in roots:
            if old <= size:
                path = story.house.sealed_log.consistency(old, size)
                require_consistent(old, roots[old], size, roots[size], path)


def test_sealing_one_by_one_gives_the_tree_of_all_at_once(story):
    for number in range(4):
        story.listed(a_person("Martin", "Anne", rpps(number)))
        last = story.house.sealer.seal()
    assert last.root == root_of(leaf_hash(line) for line in lines(story))


def test_a_leaf_is_the_same_bytes_in_sql_and_in_python(story):
    """Whatever a topic, an instant and a state may hold."""
    story.listed()
    with psycopg.connect(service_conninfo(story.house.conninfo), autocommit=True) as conn:
        for version, (topic, at, state) in enumerate(
            [
                ('case."\\/é\u2028\t\n\x1f', "2021-03-15T09:00:00Z", b'{"a":"\\u00e9\xc3\xa9"}'),
                ("a", "2021-03-15T09:00:00.1Z", b"{}"),
                ("b", "2021-03-15T11:00:00.000001+02:00", b"[1, 2 ]"),
                ("c", "1999-12-31T23:59:59.999999Z", b"null"),
            ],
            1,
        ):
            conn.execute(
                "INSERT INTO events (originator_id, originator_version, topic, state, recorded_at)"
                " VALUES (gen_random_uuid(), %s, %s, %s, %s)",
                (version, topic, state, at),
            )
    published = story.house.sealer.seal()
    assert published.root == root_of(leaf_hash(line) for line in lines(story))


# Alone, whole or not at all -------------------------------------------------------------------


def test_of_two_who_seal_at_once_one_does_and_the_other_finds_nothing_new(story):
    for number in range(3):
        story.listed(a_person("Martin", "Anne", rpps(number)))
        made = at_once([story.house.sealer.seal] * 4)
        assert sorted(one is None for one in made) == [False, True, True, True]
    assert story.count("checkpoints") == 3
    assert checked(story) == []


def test_a_second_scheduler_leaves_it_to_the_first(story):
    story.listed()
    with story.desk.log.alone("seal"):
        assert story.house.sealer.seal_unless_busy() == (False, None)
    assert story.house.sealer.seal_unless_busy()[0]
    assert story.count("checkpoints") == 1


STEPS = ("_keep_tiles", "_keep_digests", "_keep_leaves", "publish")


@pytest.mark.parametrize("step", STEPS)
def test_whoever_dies_between_two_steps_leaves_nothing_half_done(story, monkeypatch, step):
    story.listed()
    story.house.sealer.seal()
    story.listed(a_person("Martin", "Anne", rpps(1)))
    story.clock.advance(days=2)
    before = {table: story.rows(f"SELECT * FROM {table}") for table in SEALED}
    done = getattr(OneExtension, step)

    def killed(*args):
        done(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(OneExtension, step, killed)
        with pytest.raises(KeyboardInterrupt):
            story.house.sealer.seal()
    assert {table: story.rows(f"SELECT * FROM {table}") for table in SEALED} == before
    assert story.house.sealer.seal() is not None
    assert checked(story) == []


# Days of the registers ------------------------------------------------------------------------


def test_a_day_of_each_register_is_a_leaf_once_it_is_over(story):
    story.listed(a_person("Lefèvre", "Anne", RPPS))
    screened_hits(story, RPPS)
    screened_hits(story, RPPS)
    events = story.house.sealer.seal().size
    story.clock.move_to(MONDAY.replace(hour=0) + timedelta(days=1, minutes=59))
    assert story.house.sealer.seal() is None
    story.clock.advance(minutes=1)
    assert story.house.sealer.seal().size == events + 2
    kept = {row["register"]: row for row in story.rows("SELECT * FROM seal_digests")}
    assert {name: (row["day"], row["rows"]) for name, row in kept.items()} == {
        "accesses": (MONDAY.date(), 2), "disclosures": (MONDAY.date(), 2)
    }  # fmt: skip
    day = story.rows("SELECT row_to_json(r)::text AS line FROM disclosures r ORDER BY at, disclosure_id")
    assert len(day) == 2
    story.clock.advance(days=3)
    assert story.house.sealer.seal().size == events + 8
    assert story.house.sealer.seal() is None
    assert checked(story) == []


def test_days_of_which_the_accesses_were_dropped_in_time_differ_in_nothing(story):
    story.listed(a_person("Lefèvre", "Anne", RPPS))
    screened_hits(story, RPPS)
    story.clock.advance(days=400)
    story.house.sealer.seal()
    assert checked(story) == []
    story.house.registers.forget_months(story.clock.now())
    assert story.count("accesses") == 0
    assert checked(story) == []


def test_a_month_that_was_dropped_when_fewer_were_kept_is_told_as_that(story):
    """By its partition: one that is there and lacks rows differs, and so does one that is too young to be dropped."""
    story.listed(a_person("Lefèvre", "Anne", RPPS))
    story.house.registers.make_months(story.clock.now())
    screened_hits(story, RPPS)
    story.clock.advance(days=400)
    story.house.sealer.seal()
    story.house.registers.forget_months(story.clock.now())
    march = date(2021, 3, 1)
    assert [(one.what, one.where) for one in checked(story, march)] == [
        ("month_dropped", "accesses of 2021-03")
    ]
    story.house.registers.make_months(MONDAY)
    assert [one.where for one in checked(story, march)] == ["accesses of 2021-03-15"]


# What changed is found ------------------------------------------------------------------------


def rewritten(database_url: str, statement: str) -> None:
    """By the owner, whom no trigger binds once it is switched off."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        for table in ("events", *SEALED):
            conn.execute(f"ALTER TABLE watchlist.{table} DISABLE TRIGGER USER")
        conn.execute("SET search_path = watchlist")
        conn.execute(statement)


CHANGES = [
    ("UPDATE events SET state = '{}' WHERE notification_id = 3", [("event_changed", 3, 2)], False),
    ("DELETE FROM events WHERE notification_id = 2", [("event_missing", 2, 1)], False),
    ("UPDATE events SET recorded_at = recorded_at + interval '1 microsecond' WHERE notification_id = 5",
     [("event_changed", 5, 4)], True),
    ("UPDATE seal_tiles SET hashes = set_byte(hashes, 40, 255 - get_byte(hashes, 40))",
     [("event_changed", 2, 1), ("checkpoint_differs", None, None)], True),
    ("UPDATE seal_leaves SET sources = array_remove(sources, 2)",
     None, False),
    ("UPDATE checkpoints SET root = sha256('x')", None, True),
    ("UPDATE checkpoints SET note = replace(note, E'\\n5\\n', E'\\n6\\n')", None, True),
    ("DELETE FROM checkpoints", None, True),
    ("UPDATE seal_tiles SET hashes = substr(hashes, 1, 64)", None, True),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "expected", "stops"), CHANGES)
def test_a_changed_past_is_found_and_never_signed_over(database_url, statement, expected, stops):
    with a_story(database_url) as story:
        story.listed()
        assert story.house.sealer.seal().size == 5
        assert checked(story) == []
        rewritten(database_url, statement)
        found = [(one.what, one.position, one.leaf_index) for one in checked(story)]
        assert found
        assert expected is None or found == expected
        if stops:
            with pytest.raises(PastChanged):
                story.house.sealer.seal()


def test_an_event_slipped_in_behind_the_seal_is_found(database_url):
    """In a gap that a refused command left."""
    with a_story(database_url) as story:
        story.subject()
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("SELECT nextval('watchlist.events_notification_id_seq')")
        story.listed(a_person("Martin", "Anne", rpps(1)))
        story.house.sealer.seal()
        rewritten(
            database_url,
            "INSERT INTO events (originator_id, originator_version, topic, state, notification_id, recorded_at)"
            " OVERRIDING SYSTEM VALUE SELECT gen_random_uuid(), 1, topic, state, 2, recorded_at FROM events LIMIT 1",
        )
        assert [(one.what, one.position) for one in checked(story)] == [("event_added", 2)]


def test_a_register_that_was_changed_is_found_by_its_day(database_url):
    with a_story(database_url) as story:
        story.listed(a_person("Lefèvre", "Anne", RPPS))
        story.house.registers.make_months(MONDAY)
        screened_hits(story, RPPS)
        story.clock.advance(days=2)
        story.house.sealer.seal()
        rewritten(database_url, "UPDATE disclosures SET organisation = 'X'; DELETE FROM accesses")
        assert sorted(one.where for one in checked(story)) == [
            "accesses of 2021-03-15",
            "disclosures of 2021-03-15",
        ]


def test_the_service_cannot_change_what_is_sealed(story):
    story.listed(a_person("Lefèvre", "Anne", RPPS))
    screened_hits(story, RPPS)
    story.clock.advance(days=2)
    story.house.sealer.seal()
    for table in SEALED:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                story.rows(statement)
    for change in (
        "UPDATE seal_tiles SET hashes = sha256('x')",
        "UPDATE seal_tiles SET hashes = sha256('x') || hashes",
        "UPDATE seal_tiles SET level = 3",
        "UPDATE seal_leaves SET sources = '{1}'",
        "UPDATE seal_leaves SET sources = 0::bigint || sources",
        "UPDATE seal_leaves SET sources = sources || 9::bigint, first_position = 9",
        "UPDATE checkpoints SET root = sha256('x')",
        "UPDATE seal_digests SET rows = 0",
        "UPDATE seal_keys SET key = 'x'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            story.rows(change)


# Keys -----------------------------------------------------------------------------------------


def signed_by(house) -> list[bool]:
    note = Note.parse(house.sealed_log.latest().note.encode())
    keys = map(VerifierKey.parse, house.sealed_log.keys())
    return [note.signed_by(key) is not None for key in keys]


def test_while_two_keys_are_held_both_sign_and_then_the_new_one_alone(database_url):
    old, new = b"o" * 32, b"n" * 32
    clock = ManualClock(MONDAY)
    for number, seeds in enumerate([(old,), (new, old), (new,)]):
        with a_house(database_url, clock, seal_keys=GivenSealKeys(seeds)) as house:
            Story(house).listed(a_person("Martin", "Anne", rpps(number)))
            house.sealer.seal()
            assert signed_by(house) == [[True], [True, True], [False, True]][number]
            assert checked(Story(house)) == []
        clock.advance(days=1)


def test_another_key_alone_signs_nothing(database_url):
    with a_house(database_url) as house:
        Story(house).listed()
        house.sealer.seal()
    with a_house(database_url, seal_keys=GivenSealKeys((b"x" * 32,))) as house:
        Story(house).listed(a_person("Martin", "Anne", rpps(1)))
        with pytest.raises(PastChanged):
            house.sealer.seal()


def test_a_log_keeps_the_name_of_its_first_key(database_url):
    seal_keys = GivenSealKeys((b"x" * 32,))
    with a_house(database_url, seal_keys=seal_keys, log_origin="log.example.fr/a") as house:
        Story(house).listed()
        assert house.sealer.seal().note.startswith("log.example.fr/a\n")
    with a_house(database_url, seal_keys=seal_keys, log_origin="log.example.fr/b") as house:
        Story(house).listed(a_person("Martin", "Anne", rpps(1)))
        assert house.sealer.seal().note.startswith("log.example.fr/a\n")


def test_a_key_is_made_for_a_new_log_and_never_again(database_url, tmp_path):
    with a_house(database_url, seal_keys=FileSealKeys(tmp_path)) as house:
        Story(house).listed()
        house.sealer.seal()
        assert ((tmp_path / "seal.key").stat().st_mode & 0o777) == 0o600
        FileSealKeys(tmp_path).put_first()
        Story(house).listed(a_person("Martin", "Anne", rpps(1)))
        house.sealer.seal()
        assert len(house.sealed_log.keys()) == 2
        (tmp_path / "seal.key").unlink()
        Story(house).listed(a_person("Martin", "Anne", rpps(2)))
        with pytest.raises(NoSealKey):
            house.sealer.seal()
        assert not (tmp_path / "seal.key").exists()
