"""The one write transaction: everything or nothing, once, in order, and never changed (T4, L8, L9)."""

import functools
import itertools
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import OperationalError, PersistenceError
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from tests.following import WRITERS, Following, Writers, by_query, followed
from tests.stories import (
    A_PROPOSAL,
    BRUNO,
    MONDAY,
    RPPS,
    Story,
    a_house,
    a_person,
    ask,
    at_once,
)
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.embedded_postgres import SUPERUSER
from watchlist.adapters.postgres import painter, register
from watchlist.adapters.postgres.connections import SERVICE_ROLE, service_conninfo
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.application.delist import delist, restrict
from watchlist.application.desk import IdempotencyMismatch
from watchlist.application.disclose import Communication, disclose_by_hand
from watchlist.application.inscribe import approve, propose
from watchlist.application.merge_subjects import merge_subjects
from watchlist.application.receipt import Receipt
from watchlist.application.register_subject import register_subject
from watchlist.application.work_on_case import add_note
from watchlist.domain import refusals
from watchlist.domain.identifiers import Identifier
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.subject import Role
from watchlist.domain.trace import Recipient

PAINTED = (
    "events",
    "vault",
    "commands",
    "inscriptions",
    "inscription_history",
    "answerable",
    "cases",
    "subjects",
)


@pytest.fixture
def story(database_url):
    with a_house(database_url) as house:
        yield Story(house)


def everything(story: Story) -> dict[str, int]:
    return {table: story.count(table) for table in PAINTED}


def note(story: Story, case_id, **asked) -> Receipt:
    return add_note(story.desk, ask(**asked), case_id, "une note")


# Effective when it returns (L9) ---------------------------------------------------------------


def test_a_command_that_returned_is_effective(story):
    subject_id = story.subject(a_person("Lefèvre", "Anne", RPPS))
    entry = story.propose(story.case(subject_id), subject_id).id
    assert story.answers(RPPS) == set()
    story.approve(entry)
    assert story.answers(RPPS) == {entry}
    restrict(story.desk, ask(), entry, "contestée")
    assert story.answers(RPPS) == set()


def test_a_receipt_tells_the_place_of_its_last_event(story):
    case_id = story.case(story.subject())
    receipt = note(story, case_id)
    assert receipt.position == story.desk.log.position()
    assert receipt.version == story.desk.log.load([case_id])[case_id].version == 3


# Everything or nothing ------------------------------------------------------------------------


def _raise(*_):
    raise RuntimeError("the painter slipped")


def _break_a_statement(brush, aggregates, events, work):
    brush.rows("subjects", [])
    brush.paint("imports", '[{"import_id": "no uuid at all"}]')


def _break_a_constraint(brush, aggregates, events, work):
    brush.paint("imports", '[{"import_id": null}]')


@pytest.mark.parametrize(
    ("broken", "raised"),
    [
        pytest.param(_raise, RuntimeError, id="an exception"),
        pytest.param(_break_a_statement, PersistenceError, id="a statement that fails"),
        pytest.param(_break_a_constraint, PersistenceError, id="a constraint"),
    ],
)
def test_an_error_in_the_painter_undoes_everything(story, monkeypatch, broken, raised):
    case_id = story.case(story.subject())
    before = everything(story)
    with monkeypatch.context() as patch:
        patch.setattr(painter, "paint", broken)
        with pytest.raises(raised):
            note(story, case_id)
    assert everything(story) == before


def test_an_error_half_way_through_the_painting_undoes_it_too(story, monkeypatch):
    subject_id = story.subject(a_person("Lefèvre", "Anne", RPPS))
    entry = story.propose(story.case(subject_id), subject_id).id
    before, paint = everything(story), painter.paint

    def slip_at_the_end(*painting):
        paint(*painting)
        _raise()

    with monkeypatch.context() as patch:
        patch.setattr(painter, "paint", slip_at_the_end)
        with pytest.raises(RuntimeError):
            story.approve(entry)
    assert everything(story) == before
    assert story.answers(RPPS) == set()
    story.approve(entry)
    assert story.answers(RPPS) == {entry}


def test_with_a_quarter_of_refusals_one_connection_stays_usable(database_url, monkeypatch):
    # given a pool of one connection, and a painter that fails for one command in four
    paint, painted = painter.paint, iter(range(1_000_000))

    def often(*painting):
        match next(painted) % 12:
            case 3:
                _raise()
            case 7:
                _break_a_statement(*painting)
            case 11:
                paint(*painting)
                _break_a_constraint(*painting)
            case _:
                paint(*painting)

    with a_house(database_url, pool_size=1) as house:
        story = Story(house)
        case_id = story.case(story.subject())
        before = everything(story)
        # when two hundred commands are given, three at a time
        with monkeypatch.context() as patch, ThreadPoolExecutor(3) as pool:
            patch.setattr(painter, "paint", often)
            commands = [pool.submit(note, story, case_id) for _ in range(200)]
            errors = [command.exception() for command in commands]
        # then those that failed left nothing, and the others are there
        done = sum(error is None for error in errors)
        assert all(isinstance(error, RuntimeError | PersistenceError) for error in errors if error)
        assert 100 < done < 200
        after = everything(story)
        assert [after[t] - before[t] for t in ("events", "vault", "commands")] == [done] * 3
        assert house.desk.log.load([case_id])[case_id].version == 2 + done


# In order -------------------------------------------------------------------------------------


def test_a_reader_that_follows_the_log_misses_nothing(database_url):
    """While sixteen write; of a million events, in `make drill`."""
    with a_house(database_url, pool_size=WRITERS + 4) as house:
        story = Story(house)
        reader = Following(by_query(story))
        recorded = followed(story, Writers(story, story.subject(), 10_000, random.Random()), [reader])
        assert len(recorded) >= 10_000
        assert list(reader.seen) == recorded


def test_recorded_at_strictly_increases_even_when_the_clock_stands_still_or_goes_back(story):
    case_id = story.case(story.subject())
    for minutes in (0, 0, -60, 0, 5):
        story.clock.advance(minutes=minutes)
        note(story, case_id)
    instants = [
        r["recorded_at"] for r in story.rows("SELECT recorded_at FROM events ORDER BY notification_id")
    ]
    assert all(earlier < later for earlier, later in itertools.pairwise(instants))


def test_the_events_of_one_command_are_recorded_at_once(story):
    survivor, duplicate = story.subject(), story.subject(a_person("Lefebvre"))
    case_id = story.case(duplicate)
    receipt = merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    rows = story.rows("SELECT recorded_at, topic FROM events ORDER BY notification_id DESC LIMIT 3")
    assert receipt.position == story.desk.log.position()
    assert {row["topic"] for row in rows} == {
        "subject.merged_into",
        "subject.absorbed",
        "case.subject_followed",
    }
    assert len({row["recorded_at"] for row in rows}) == 1
    assert story.rows("SELECT subject_ids FROM cases WHERE case_id = %b", case_id)[0]["subject_ids"] == [
        survivor
    ]


# Never changed (T4) ---------------------------------------------------------------------------

CHANGES = [
    "UPDATE watchlist.events SET topic = 'case.sung'",
    "UPDATE watchlist.events SET recorded_at = now() WHERE false",
    "DELETE FROM watchlist.events",
    "DELETE FROM watchlist.events WHERE false",
    "TRUNCATE watchlist.events",
    "TRUNCATE watchlist.events CASCADE",
    "MERGE INTO watchlist.events e USING watchlist.subjects s ON e.originator_id = s.subject_id"
    " WHEN MATCHED THEN DELETE",
    "INSERT INTO watchlist.events OVERRIDING SYSTEM VALUE SELECT * FROM watchlist.events"
    " ON CONFLICT (originator_id, originator_version) DO UPDATE SET topic = 'case.sung'",
]


def whoever(conninfo: str, *settings: str) -> psycopg.Connection:
    conn = psycopg.connect(conninfo, autocommit=True, row_factory=dict_row)
    for setting in settings:
        conn.execute(setting)
    return conn


def of_a_superuser(database_url: str) -> str:
    """The tests' own server has one; on another server, whoever may create databases has to be one."""
    with whoever(database_url) as conn:
        row = conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return database_url if row["rolsuper"] else make_conninfo(database_url, user=SUPERUSER)


@pytest.mark.parametrize(
    ("login", "settings"),
    [
        pytest.param(str, (f"SET ROLE {SERVICE_ROLE}",), id="the service"),
        pytest.param(str, (), id="the owner"),
        pytest.param(of_a_superuser, (), id="a superuser"),
        pytest.param(
            of_a_superuser, ("SET session_replication_role = replica",), id="a superuser as a replica"
        ),
    ],
)
def test_nobody_changes_an_event(story, database_url, login, settings):
    story.subject()
    before = story.rows("SELECT * FROM events")
    with whoever(login(database_url), *settings) as conn:
        for change in CHANGES:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(change)
    assert story.rows("SELECT * FROM events") == before


def test_the_events_belong_to_whoever_migrated(database_url):
    with whoever(database_url) as conn:
        row = conn.execute(
            "SELECT tableowner = current_user AS mine FROM pg_tables WHERE tablename = 'events'"
        ).fetchone()
    assert row["mine"]


def test_the_service_may_only_add_and_read_events(database_url):
    with whoever(database_url) as conn:
        rows = conn.execute(
            "SELECT privilege_type FROM information_schema.role_table_grants"
            " WHERE table_schema = 'watchlist' AND table_name = 'events'"
            " AND grantee IN (%s, 'PUBLIC')",
            (SERVICE_ROLE,),
        ).fetchall()
        columns = conn.execute(
            "SELECT DISTINCT privilege_type FROM information_schema.column_privileges"
            " WHERE table_schema = 'watchlist' AND table_name = 'events' AND grantee IN (%s, 'PUBLIC')",
            (SERVICE_ROLE,),
        ).fetchall()
        may = conn.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", (SERVICE_ROLE,))
        assert may.fetchone() == {"rolsuper": False, "rolbypassrls": False}
    assert {row["privilege_type"] for row in rows} == {"INSERT", "SELECT"}
    assert {row["privilege_type"] for row in columns} == {"INSERT", "SELECT"}


def test_the_service_is_itself_and_nobody_else(story):
    assert story.rows("SELECT current_user AS me")[0]["me"] == SERVICE_ROLE
    with story.house.register.service_factory.datastore.get_connection() as conn:
        assert conn.execute("SELECT current_user AS me").fetchone() == {"me": SERVICE_ROLE}


# Busy, cut off, repeated ----------------------------------------------------------------------


def test_a_lock_that_is_not_got_in_time_is_busy_and_records_nothing(database_url, monkeypatch):
    impatient = functools.partial(service_conninfo, lock_timeout_ms=150)
    monkeypatch.setattr(register, "service_conninfo", impatient)
    with a_house(database_url) as house, whoever(database_url) as other:
        story = Story(house)
        case_id = story.case(story.subject())
        before = everything(story)
        other.execute("SELECT pg_advisory_lock(%s)", (WRITE_LOCK,))
        began = time.monotonic()
        with pytest.raises(refusals.Busy):
            note(story, case_id)
        assert time.monotonic() - began < 2
        assert everything(story) == before
        other.execute("SELECT pg_advisory_unlock(%s)", (WRITE_LOCK,))
        note(story, case_id)
        assert story.count("events") == before["events"] + 1


def test_a_connection_killed_before_the_commit_is_tried_again_and_recorded_once(
    story, database_url, monkeypatch
):
    case_id = story.case(story.subject())
    before, paint, killed = everything(story), painter.paint, []

    def kill_the_first(brush, *painting):
        if not killed:
            killed.append(brush._cursor.connection.info.backend_pid)
            with whoever(database_url) as other:
                other.execute("SELECT pg_terminate_backend(%s, 2000)", (killed[0],))
        paint(brush, *painting)

    monkeypatch.setattr(painter, "paint", kill_the_first)
    receipt = note(story, case_id)
    assert killed
    assert receipt.position == story.desk.log.position()
    after = everything(story)
    assert [after[t] - before[t] for t in ("events", "vault", "commands")] == [1, 1, 1]


@contextmanager
def lost_the_end_of(story: Story, id: UUID, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As after a failover to a standby that lacks the last events: decided on more than it has, and then again."""
    real, readings = story.house.register.load, itertools.count()

    def load(ids, wrapped=None):
        loaded = real(ids, wrapped)
        if id in loaded and next(readings) == 0:
            loaded[id].version += 7
        return loaded

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(story.house.register, "load", load)
        yield
    assert next(readings) == 2


def test_a_command_decided_on_what_the_server_does_not_have_is_decided_again(story, monkeypatch):
    """The stream goes on where it ends there."""
    case_id = story.case(story.subject())
    before = story.house.register.load([case_id])[case_id].version
    with lost_the_end_of(story, case_id, monkeypatch):
        add_note(story.desk, ask(), case_id, "une note")
    assert story.house.register.load([case_id])[case_id].version == before + 1


def test_a_command_that_only_read_what_the_server_does_not_have_is_decided_again(story, monkeypatch):
    """Nothing is raised on a merge, or an erasure, that was lost."""
    subject_id = story.subject()
    with lost_the_end_of(story, subject_id, monkeypatch):
        story.alert(subject_id)


def test_a_command_beside_the_log_decided_on_what_the_server_does_not_have_is_decided_again(
    story, monkeypatch
):
    subject_id = story.subject()
    told = Communication(subject_id, Recipient.ALFA, "L. 561-15", "un signalement", MONDAY.date())
    with lost_the_end_of(story, subject_id, monkeypatch):
        disclose_by_hand(story.desk, ask(), told)


def test_a_connection_killed_every_time_is_busy(story, database_url, monkeypatch):
    case_id = story.case(story.subject())
    before = everything(story)

    def kill(brush, *_):
        with whoever(database_url) as other:
            other.execute(
                "SELECT pg_terminate_backend(%s, 2000)", (brush._cursor.connection.info.backend_pid,)
            )

    with monkeypatch.context() as patch:
        patch.setattr(painter, "paint", kill)
        with pytest.raises(refusals.Busy):
            note(story, case_id)
    assert everything(story) == before
    note(story, case_id)


@contextmanager
def acknowledgement_lost(story: Story):
    """The connection breaks once, right after the first commit that recorded something."""
    datastore = story.house.register.service_factory.datastore
    get_connection, before = datastore.get_connection, story.count("commands")
    lost = []

    @contextmanager
    def breaking():
        with get_connection() as conn:
            yield conn
        if not lost and story.count("commands") > before:
            lost.append(True)
            raise OperationalError("lost") from psycopg.OperationalError("server closed the connection")

    datastore.get_connection = breaking
    try:
        yield
    finally:
        datastore.get_connection = get_connection
    assert lost, "the acknowledgement was never lost"


def test_an_acknowledgement_lost_after_the_commit_is_found_again(story):
    case_id = story.case(story.subject())
    before = everything(story)
    with acknowledgement_lost(story):
        receipt = note(story, case_id)
    assert (receipt.id, receipt.version) == (case_id, 3)
    assert receipt.position == story.desk.log.position()
    after = everything(story)
    assert [after[t] - before[t] for t in ("events", "vault", "commands")] == [1, 1, 1]


def test_an_acknowledgement_lost_is_no_false_conflict(story):
    subject_id = story.subject()
    case_id = story.case(subject_id)
    with acknowledgement_lost(story):
        proposed = story.propose(case_id, subject_id)
    with acknowledgement_lost(story):
        story.approve(proposed.id)
    assert story.rows("SELECT state FROM inscriptions") == [{"state": "active"}]


def test_a_subject_registered_without_acknowledgement_is_registered_once_and_said_new(story):
    with acknowledgement_lost(story):
        receipt = register_subject(story.desk, ask(), Role.INSURED, a_person("Lefèvre", "Anne", RPPS))
    assert receipt.created
    assert [row["subject_id"] for row in story.rows("SELECT subject_id FROM subjects")] == [receipt.id]


def test_the_same_command_given_again_answers_the_same(story):
    case_id = story.case(story.subject())
    again = {"command_id": uuid4(), "mac": b"the body"}
    first, second = (note(story, case_id, **again) for _ in range(2))
    assert first.body() == second.body()
    assert story.desk.log.load([case_id])[case_id].version == 3


def test_the_same_command_id_for_another_request_is_refused(story):
    case_id = story.case(story.subject())
    command_id = uuid4()
    note(story, case_id, command_id=command_id, mac=b"the body")
    with pytest.raises(IdempotencyMismatch):
        note(story, case_id, command_id=command_id, mac=b"another body")
    assert story.desk.log.load([case_id])[case_id].version == 3


def test_the_same_proposal_given_again_answers_the_same_though_a_second_would_be_refused(story):
    subject_id = story.subject()
    case_id = story.case(subject_id)
    again = ask(command_id=uuid4(), mac=b"the body")
    first, second = (propose(story.desk, again, case_id, subject_id, A_PROPOSAL) for _ in range(2))
    assert first.body() == second.body()


def test_the_same_registration_given_again_answers_the_same(story):
    again = ask(command_id=uuid4(), mac=b"the body")
    anne = a_person("Lefèvre", "Anne", RPPS)
    first, second = (register_subject(story.desk, again, Role.INSURED, anne) for _ in range(2))
    assert (first.body(), first.created) == (second.body(), second.created)


def test_the_same_command_at_once_is_recorded_once(story):
    case_id = story.case(story.subject())
    again = {"command_id": uuid4(), "mac": b"the body"}
    answers = at_once([lambda: note(story, case_id, **again)] * 8)
    assert len({str(answer.body()) for answer in answers}) == 1
    assert story.desk.log.load([case_id])[case_id].version == 3


# At once --------------------------------------------------------------------------------------


def test_of_twenty_who_propose_the_same_inscription_one_succeeds(story):
    subject_id = story.subject()
    case_id = story.case(subject_id)
    answers = at_once([lambda: story.propose(case_id, subject_id)] * 20)
    refused = [answer for answer in answers if isinstance(answer, refusals.AlreadyProposed)]
    assert (len(refused), sum(isinstance(answer, Receipt) for answer in answers)) == (19, 1)
    assert story.count("inscriptions") == 1


def test_two_who_register_the_same_identifier_at_once_get_one_subject(story):
    for n in range(5):
        identity = a_person(f"Nom{n}", "Anne", Identifier("adeli", f"75100{n:04d}"))
        first, second = at_once([lambda i=identity: story.subject(i)] * 2)
        assert first == second
    assert story.count("subjects") == 5


def test_of_two_opposite_merges_at_once_one_wins(story):
    one, other = story.subject(), story.subject(a_person("Lefebvre"))
    answers = at_once(
        [
            lambda: merge_subjects(story.desk, ask(), one, other, "doublon"),
            lambda: merge_subjects(story.desk, ask(), other, one, "doublon"),
        ]
    )
    assert sorted(type(answer) for answer in answers if isinstance(answer, Exception)) == [
        refusals.SubjectMerged
    ]
    merged = story.rows("SELECT subject_id, merged_into FROM subjects WHERE merged_into IS NOT NULL")
    assert len(merged) == 1


def test_of_several_who_approve_or_delist_at_once_one_does(story):
    subject_id = story.subject()
    case_id = story.case(subject_id)
    entry = story.propose(case_id, subject_id).id
    answers = at_once([lambda: approve(story.desk, ask(BRUNO), entry)] * 4)
    assert sum(isinstance(answer, refusals.NotProposed) for answer in answers) == 3
    decided = at_once([lambda: delist(story.desk, ask(), entry, DelistingGround.REPAID, "remboursé")] * 4)
    assert sum(isinstance(answer, refusals.NotListed) for answer in decided) == 3
    topics = [
        row["topic"] for row in story.rows("SELECT topic FROM events WHERE originator_id = %b", case_id)
    ]
    assert (topics.count("inscription.approved"), topics.count("inscription.delisted")) == (1, 1)


# The clock ------------------------------------------------------------------------------------


class MachinesClock(ManualClock):
    """Stands for the machine's own clock, so that it must agree with the database's."""

    is_the_machines = True


@pytest.mark.parametrize("seconds", [-3, 3])
def test_a_clock_more_than_two_seconds_off_the_database_refuses_to_write(database_url, seconds):
    clock = MachinesClock(datetime.now(UTC) + timedelta(seconds=seconds))
    with a_house(database_url, clock) as house:
        with pytest.raises(refusals.ClockSkewed):
            Story(house).subject()
        assert Story(house).count("events") == 0
        clock.move_to(datetime.now(UTC))
        Story(house).subject()
        assert Story(house).count("events") == 1


def test_a_clock_that_agrees_leaves_the_instant_to_the_database(database_url):
    clock = MachinesClock(datetime.now(UTC) + timedelta(seconds=1))
    with a_house(database_url, clock) as house:
        Story(house).subject()
        recorded_at = Story(house).rows("SELECT recorded_at FROM events")[0]["recorded_at"]
    assert abs(datetime.now(UTC) - recorded_at) < timedelta(seconds=5)


def test_a_tests_clock_need_not_agree(story):
    story.subject()
    recorded_at = story.rows("SELECT recorded_at FROM events")[0]["recorded_at"]
    assert recorded_at == MONDAY
