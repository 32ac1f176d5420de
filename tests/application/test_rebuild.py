"""Rebuild: the pictures painted again beside the live ones, compared both ways, and swapped (decision 0027)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec import structs
from psycopg.rows import dict_row

from tests.application.test_replay import tell
from tests.stories import BRUNO, Story, a_person, a_story, ask, rpps, screened_hits
from watchlist.adapters.postgres.easel import MayNotRebuild, PostgresEasel
from watchlist.adapters.postgres.easel_schema import drop_what_rebuilds_left
from watchlist.adapters.postgres.locks import MIGRATION_LOCK
from watchlist.adapters.postgres.migrate import MigrationError, migrations
from watchlist.application.delist import delist
from watchlist.application.erase import erase_subject
from watchlist.application.erasures import read_erasure, read_erasures, standing_of_erasures
from watchlist.application.rebuild import (
    FEW,
    MOST,
    NeverLevel,
    RebuildBlocked,
    RebuildReport,
    RotationUnfinished,
    paint_part,
    rebuild,
)
from watchlist.application.replay import KEYS, check
from watchlist.application.sweep import sweep
from watchlist.application.work_on_case import add_note
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.refusals import LookupsIncomplete
from watchlist.projections import rows as painted_rows

SCHEMA = """
SELECT 'table' AS what, c.relname::text AS of, concat_ws(' ', a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
       a.attnotnull, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum),
       ARRAY(SELECT x::text FROM aclexplode(a.attacl) x ORDER BY 1)) AS is
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'watchlist'::regnamespace AND c.relkind IN ('r', 'v')
UNION ALL SELECT 'relation', c.relname, concat_ws(' ', c.relkind, c.reloptions, obj_description(c.oid),
       c.relowner::regrole, ARRAY(SELECT x::text FROM aclexplode(c.relacl) x ORDER BY 1))
FROM pg_class c WHERE c.relnamespace = 'watchlist'::regnamespace
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'watchlist'
UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'watchlist'::regnamespace
UNION ALL SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'watchlist'
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(t.oid) || tgenabled::text FROM pg_trigger t
JOIN pg_class c ON c.oid = tgrelid WHERE c.relnamespace = 'watchlist'::regnamespace AND NOT tgisinternal
UNION ALL SELECT 'schema', nspname, '' FROM pg_namespace WHERE nspname LIKE 'watchlist%'
ORDER BY 1, 2, 3"""


@pytest.fixture
def register(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def rebuilt(register: Story, owner: str, **how: Any) -> RebuildReport:
    """A rebuild by one hand, in this process."""
    with PostgresEasel(owner, register.house.register.codec) as easel:

        def crew() -> None:
            for part in easel.parts():
                paint_part(register.desk, easel, part)

        return rebuild(register.desk, easel, crew, parts=4, **how)


def owners_rows(owner: str, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(owner, row_factory=dict_row) as conn:
        return conn.execute(query.encode()).fetchall()


def pictures(owner: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every picture, in an order of its own."""
    return {
        name: sorted(
            owners_rows(owner, f"SELECT * FROM watchlist.{name}"), key=lambda row: str(list(row.values()))
        )
        for name in KEYS
    }


def test_what_is_swapped_in_is_what_was_there_when_nothing_was_wrong(
    register: Story, database_url: str
) -> None:
    tell(register)
    before, schema = pictures(database_url), owners_rows(database_url, SCHEMA)
    report = rebuilt(register, database_url)
    assert report.swapped
    assert not report.rows_different
    assert not report.resumed
    assert report.events == len(owners_rows(database_url, "SELECT FROM watchlist.events"))
    assert pictures(database_url) == before
    assert owners_rows(database_url, SCHEMA) == schema


def test_it_can_be_done_again_and_again(register: Story, database_url: str) -> None:
    tell(register)
    schema = owners_rows(database_url, SCHEMA)
    for _ in range(3):
        assert rebuilt(register, database_url).swapped
        register.listed()
    assert owners_rows(database_url, SCHEMA) == schema
    assert check(register.desk, register.house.snapshots)[1] == []


def test_an_empty_register_is_rebuilt_too(register: Story, database_url: str) -> None:
    report = rebuilt(register, database_url)
    assert report.swapped
    assert report.events == 0


DAMAGES = [
    ("UPDATE watchlist.inscriptions SET restricted = NOT restricted", "inscriptions", "different"),
    ("DELETE FROM watchlist.cases", "cases", "missing"),
    ("UPDATE watchlist.answerable SET answers_until = now()", "answerable", "different"),
    ("TRUNCATE watchlist.answerable", "answerable", "missing"),
    (
        "INSERT INTO watchlist.answerable VALUES ('x', gen_random_uuid(), NULL, now())",
        "answerable",
        "unexpected",
    ),
    ("UPDATE watchlist.inscription_history SET recorded_until = now()", "inscription_history", "different"),
    ("DELETE FROM watchlist.subject_tokens", "subject_tokens", "missing"),
    (
        "UPDATE watchlist.subject_tokens SET given = 'x' WHERE given IS NOT NULL",
        "subject_tokens",
        "different",
    ),
    ("UPDATE watchlist.subjects SET data_end_at = now()", "subjects", "different"),
    ("DELETE FROM watchlist.stolen_tokens", "stolen_tokens", "missing"),
    ("UPDATE watchlist.letters SET due_at = now()", "letters", "different"),
    ("DELETE FROM watchlist.erasures", "certificates", "missing"),
    ("UPDATE watchlist.erasures SET rule = 'P0', sealed_values = 7", "certificates", "different"),
]


@pytest.mark.parametrize(("damage", "table", "kind"), DAMAGES)
def test_a_picture_that_was_touched_is_reported_and_right_afterwards(
    register: Story, database_url: str, damage: str, table: str, kind: str
) -> None:
    tell(register)
    register.alert(register.subject())
    register.clock.advance(days=200)
    sweep(register.desk)
    with psycopg.connect(database_url) as conn:
        conn.execute(damage.encode())
    report = rebuilt(register, database_url)
    found = {one.table: one for one in report.differences}
    assert getattr(found[table], kind) > 0
    assert all(set(sample["keys"]) == set(KEYS[table]) for sample in found[table].samples)
    assert report.swapped
    assert check(register.desk, register.house.snapshots)[1] == []


def test_a_mended_certificate_keeps_what_no_event_tells(register: Story, database_url: str) -> None:
    register.alert(register.subject())
    register.clock.advance(days=200)
    sweep(register.desk)
    told = (
        "SELECT owner, sealed_values, journal_sequence, journal_digest FROM watchlist.erasures ORDER BY owner"
    )
    before = owners_rows(database_url, told)
    assert before
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE watchlist.erasures SET basis = 'another'")
    rebuilt(register, database_url)
    assert owners_rows(database_url, told) == before


def test_looking_alone_changes_nothing(register: Story, database_url: str) -> None:
    tell(register)
    with psycopg.connect(database_url) as conn:
        conn.execute("DELETE FROM watchlist.answerable")
    before, schema = pictures(database_url), owners_rows(database_url, SCHEMA)
    report = rebuilt(register, database_url, check_only=True)
    assert report.rows_different
    assert not report.swapped
    assert (pictures(database_url), owners_rows(database_url, SCHEMA)) == (before, schema)


def test_the_tables_before_are_kept_for_a_look_on_demand_and_go_with_the_next(
    register: Story, database_url: str
) -> None:
    register.listed()
    assert rebuilt(register, database_url, keep=True).swapped
    assert owners_rows(database_url, "SELECT * FROM watchlist_old.inscriptions")
    assert not register.desk.registry.look_ups_beside()
    assert rebuilt(register, database_url).swapped
    assert not owners_rows(
        database_url, "SELECT FROM pg_namespace WHERE nspname IN ('watchlist_old', 'watchlist_next')"
    )


def test_that_a_hit_was_told_before_the_letter_is_carried_over(register: Story, database_url: str) -> None:
    number = rpps(1)
    register.listed(a_person("Lefèvre", "Anne", number))
    screened_hits(register, number)
    told = "SELECT letter_id, hit_told_at FROM watchlist.letters WHERE hit_told_at IS NOT NULL"
    before = owners_rows(database_url, told)
    assert before
    rebuilt(register, database_url)
    assert owners_rows(database_url, told) == before


# What goes on meanwhile ---------------------------------------------------------------------------


@contextmanager
def interrupted_by(monkeypatch: pytest.MonkeyPatch, name: str, happens: Any) -> Iterator[None]:
    """Something happens just before a step of the real easel, once."""
    step = getattr(PostgresEasel, name)

    def first(self: PostgresEasel, *given: Any, **named: Any) -> Any:
        monkeypatch.setattr(PostgresEasel, name, step)
        happens()
        return step(self, *given, **named)

    monkeypatch.setattr(PostgresEasel, name, first)
    yield


@pytest.mark.parametrize("step", ["finish", "moved", "nobody_records", "find_to_mend", "parts"])
def test_what_is_recorded_meanwhile_is_in_the_new_pictures(
    register: Story, database_url: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    subject, _, entry = register.listed(a_person("Lefèvre", "Anne", rpps(1)))
    other, _, _ = register.listed(a_person("Dupont", "Jean", rpps(2)))

    def happens() -> None:
        tell(register)
        delist(register.desk, ask(BRUNO), entry, DelistingGround.REPAID, "repaid")
        register.case(subject, other)

    with psycopg.connect(database_url) as conn:  # so that there is something to mend too
        conn.execute("DELETE FROM watchlist.erasures")
    with interrupted_by(monkeypatch, step, happens):
        report = rebuilt(register, database_url)
    if step == "find_to_mend" and not report.differences:
        happens()
    assert report.swapped
    assert check(register.desk, register.house.snapshots)[1] == []
    assert (entry in register.on_the_list()) is False


def test_a_killed_rebuild_goes_on_where_it_was(register: Story, database_url: str) -> None:
    tell(register)
    with PostgresEasel(database_url, register.house.register.codec) as easel:
        easel.begin(1, 4)
        first, *_ = easel.parts()
        paint_part(register.desk, easel, first)
        painted = easel.done()
    assert painted
    register.listed()
    report = rebuilt(register, database_url)
    assert report.resumed
    assert report.swapped
    assert not report.rows_different
    assert check(register.desk, register.house.snapshots)[1] == []


def test_an_erased_subjects_look_ups_do_not_come_again(
    register: Story, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = register.subject(a_person("Martin", "Paul", rpps(5)))

    def happens() -> None:
        register.clock.advance(days=200)
        sweep(register.desk)

    with interrupted_by(monkeypatch, "finish", happens):
        assert rebuilt(register, database_url).swapped
    assert not register.rows("SELECT FROM subject_tokens WHERE subject_id = %b", alone)
    assert check(register.desk, register.house.snapshots)[1] == []


def test_no_erasure_is_complete_while_a_killed_rebuild_still_finds_whoever_was_erased(
    register: Story, database_url: str
) -> None:
    alone = register.subject(a_person("Martin", "Paul", rpps(5)))
    killed_once_painted(register, database_url)
    erase_subject(register.desk, ask(), alone)
    register.clock.advance(days=30)
    backups = timedelta(days=30)

    def told() -> tuple[int, int, bool, date | None]:
        standing = standing_of_erasures(register.desk, backups)
        certificate = read_erasure(register.desk, alone, None, backups)
        assert read_erasures(register.desk, None, backups) == [certificate]
        return standing.complete, standing.awaiting, standing.copied, certificate["complete_on"]

    beside = "SELECT FROM watchlist_next.subject_tokens WHERE subject_id = '%s'"
    assert owners_rows(database_url, beside % alone)
    assert told() == (0, 1, True, None)
    assert drop_what_rebuilds_left(database_url) == []
    assert told() == (1, 0, False, date(2021, 4, 14))


def test_nothing_is_swapped_when_a_key_is_lost(register: Story, database_url: str) -> None:
    subject, _, _ = register.listed()
    with psycopg.connect(database_url) as conn:
        conn.execute("ALTER TABLE watchlist_keys.data_keys DISABLE TRIGGER ALL")
        conn.execute("DELETE FROM watchlist_keys.data_keys WHERE owner = %s", (subject,))
    before = pictures(database_url)
    with pytest.raises(LookupsIncomplete):
        rebuilt(register, database_url)
    assert pictures(database_url) == before


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch, happens: Callable[[str], None]) -> Iterator[list[int]]:
    """Something is recorded whenever the real easel looks at what went on, or waits for the write lock; gives how many
    streams were painted again under that lock, each time."""
    held: list[bool] = []
    painted: list[int] = []
    moved, nobody_records, repaint = (
        getattr(PostgresEasel, name) for name in ("moved", "nobody_records", "repaint")
    )

    def look(self: PostgresEasel) -> Any:
        if not held:
            happens("look")
        return moved(self)

    @contextmanager
    def wait(self: PostgresEasel) -> Iterator[None]:
        happens("wait")
        with nobody_records(self):
            held.append(True)
            try:
                yield
            finally:
                held.clear()

    def paint(self: PostgresEasel, streams: Any, *rows: Any) -> None:
        if held:
            painted.append(len(streams))
        repaint(self, streams, *rows)

    monkeypatch.setattr(PostgresEasel, "moved", look)
    monkeypatch.setattr(PostgresEasel, "nobody_records", wait)
    monkeypatch.setattr(PostgresEasel, "repaint", paint)
    yield painted


def notes(register: Story, cases: list[UUID]) -> None:
    for case in cases:
        add_note(register.desk, ask(), case, "une note")


def test_what_is_much_is_not_painted_while_everybody_waits(
    register: Story, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [register.alert(register.subject(a_person("Nom", "Un", rpps(n)))) for n in range(MOST + 5)]
    waited: list[str] = []

    def happens(when: str) -> None:
        if when == "wait" and not waited:
            waited.append(when)
            notes(register, cases)

    with recording(monkeypatch, happens) as painted:
        report = rebuilt(register, database_url)
    assert report.swapped
    assert waited
    assert max(painted, default=0) <= MOST
    assert check(register.desk, register.house.snapshots)[1] == []


def test_it_comes_to_its_end_under_a_constant_load(
    register: Story, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [register.alert(register.subject(a_person("Nom", "Un", rpps(n)))) for n in range(FEW + 2)]
    looks: list[str] = []

    def happens(when: str) -> None:
        looks.append(when)
        assert len(looks) < 40, "it comes no nearer"
        notes(register, cases)

    with recording(monkeypatch, happens) as painted:
        report = rebuilt(register, database_url)
    assert report.swapped
    assert set(painted) == {len(cases)}
    assert check(register.desk, register.house.snapshots)[1] == []


def test_a_load_under_which_it_never_comes_level_stops_it_and_nothing_else(
    register: Story, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [register.alert(register.subject(a_person("Nom", "Un", rpps(n)))) for n in range(MOST + 1)]

    with (
        recording(monkeypatch, lambda _: notes(register, cases)) as painted,
        pytest.raises(NeverLevel, match="quieter hour"),
    ):
        rebuilt(register, database_url, patience=0.5)
    monkeypatch.undo()
    assert painted == []
    assert check(register.desk, register.house.snapshots)[1] == []
    assert rebuilt(register, database_url).resumed


# What it is made for ------------------------------------------------------------------------------

LATER = """
ALTER TABLE watchlist.inscriptions ADD COLUMN later integer DEFAULT 0 NOT NULL;
CREATE INDEX later_on ON watchlist.inscriptions (later)"""
THERE = "SELECT indexname FROM pg_indexes WHERE schemaname = 'watchlist' AND indexname = 'later_on'"


def migrated_meanwhile(owner: str, name: str, checksum: str) -> None:
    with psycopg.connect(owner) as conn:
        conn.execute(LATER.encode())
        conn.execute(
            "INSERT INTO public.watchlist_migrations (name, checksum) VALUES (%s, %s)", (name, checksum)
        )


@pytest.mark.parametrize("step", ["parts", "nobody_records", "prepare", "swap"])
def test_what_a_migration_changed_meanwhile_is_in_what_is_swapped_in(
    register: Story, database_url: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    tell(register)
    last = migrations()[-1]
    with psycopg.connect(database_url) as conn:
        conn.execute("DELETE FROM public.watchlist_migrations WHERE name = %s", (last.name,))

    def happens() -> None:
        migrated_meanwhile(database_url, last.name, last.checksum)

    with interrupted_by(monkeypatch, step, happens):
        report = rebuilt(register, database_url)
    assert report.swapped
    assert not report.rows_different
    assert owners_rows(database_url, THERE)
    with psycopg.connect(database_url) as conn:
        conn.execute("ALTER TABLE watchlist.inscriptions DROP COLUMN later")
    assert check(register.desk, register.house.snapshots)[1] == []


def test_a_migration_of_a_newer_version_stops_it_and_stays(
    register: Story, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This one does not know what the new columns hold."""
    register.listed()

    def happens() -> None:
        migrated_meanwhile(database_url, "9999_later.sql", "of another version")

    with interrupted_by(monkeypatch, "swap", happens), pytest.raises(MigrationError, match="newer version"):
        rebuilt(register, database_url)
    assert owners_rows(database_url, THERE)
    assert owners_rows(database_url, "SELECT later FROM watchlist.inscriptions")


def test_whoever_migrates_is_waited_for(register: Story, database_url: str) -> None:
    register.listed()
    with psycopg.connect(database_url, autocommit=True) as migrating:
        migrating.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        report = rebuilt(register, database_url, progress=at_the_third_try(migrating.close))
    assert (report.swapped, report.tries) == (True, 3)


def killed_once_painted(register: Story, owner: str) -> None:
    with PostgresEasel(owner, register.house.register.codec) as easel:
        easel.begin(1, 4)
        for part in easel.parts():
            paint_part(register.desk, easel, part)
        assert easel.done()


def test_what_another_program_began_is_not_gone_on_with(
    register: Story, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(register)
    with monkeypatch.context() as before:
        before.setattr("watchlist.adapters.postgres.easel.digest_of_code", lambda: "another")
        killed_once_painted(register, database_url)
    report = rebuilt(register, database_url)
    assert report.swapped
    assert not report.resumed


def test_what_was_gone_on_with_and_differs_is_painted_anew_before_it_is_believed(
    register: Story, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was killed painted by another rule: what is live was right."""
    tell(register)
    before = pictures(database_url)
    real = painted_rows.inscription_row
    with monkeypatch.context() as wrong:
        wrong.setattr(
            painted_rows, "inscription_row", lambda *told: structs.replace(real(*told), restricted=True)
        )
        killed_once_painted(register, database_url)
    report = rebuilt(register, database_url)
    assert report.swapped
    assert not report.resumed
    assert not report.rows_different
    assert pictures(database_url) == before


# Who may, and beside what -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rebuild", "rotate look-ups"])
def test_a_second_one_or_one_beside_a_rotation_does_nothing(
    register: Story, database_url: str, name: str
) -> None:
    with register.house.register.alone(name):
        report = rebuilt(register, database_url)
    assert not report.alone
    assert not report.swapped


def test_a_rotation_that_was_interrupted_is_finished_first(register: Story, database_url: str) -> None:
    register.listed()
    register.house.rotation.begin()
    with pytest.raises(RotationUnfinished):
        rebuilt(register, database_url)


def test_whoever_does_not_own_the_pictures_is_told_so(register: Story, database_url: str) -> None:
    from watchlist.adapters.postgres.connections import with_option

    with pytest.raises(MayNotRebuild, match="migrates"):
        rebuilt(register, with_option(database_url, "role", "watchlist_service"))


def at_the_third_try(happens: Callable[[], object]) -> Callable[[str, int, int | None], None]:
    """Called as the rebuild tells its progress."""

    def told(phase: str, done: int, total: int | None) -> None:
        if (phase, done) == ("swap", 3):
            happens()

    return told


def test_whoever_reads_for_long_is_waited_for_and_makes_nobody_wait(
    register: Story, database_url: str
) -> None:
    register.listed()
    with psycopg.connect(database_url) as conn:
        conn.execute("SELECT count(*) FROM watchlist.inscriptions")
        report = rebuilt(register, database_url, progress=at_the_third_try(conn.rollback))
    assert report.swapped
    assert report.tries == 3


def test_somebody_who_reads_for_too_long_leaves_everything_as_it_is(
    register: Story, database_url: str
) -> None:
    register.listed()
    with psycopg.connect(database_url) as conn:
        conn.execute("SELECT count(*) FROM watchlist.inscriptions")
        with pytest.raises(RebuildBlocked):
            rebuilt(register, database_url, patience=0.2)
    assert check(register.desk, register.house.snapshots)[1] == []
    assert rebuilt(register, database_url).resumed


def test_a_snapshot_that_is_read_is_waited_for(register: Story, database_url: str) -> None:
    """The tables that come are newer than the snapshot: it would see nothing in them."""
    register.listed()
    snapshot = register.house.snapshots.snapshot()
    held = snapshot.__enter__()
    seen: list[int] = []

    def read() -> None:
        seen.append(len(list(held.table("inscriptions"))))
        snapshot.__exit__(None, None, None)

    report = rebuilt(register, database_url, progress=at_the_third_try(read))
    assert report.swapped
    assert report.tries == 3
    assert seen == [1]
