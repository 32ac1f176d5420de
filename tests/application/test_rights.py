"""Rights on a real database: all entries restricted at once, whoever acts meanwhile, until the person was told."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.stories import ANOTHER, BRUNO, RPPS, Story, a_person, a_story, ask, at_once
from watchlist.application.delist import delist, lift_restriction, restrict
from watchlist.application.erase import erase_subject
from watchlist.application.exercise_rights import (
    DeferredPart,
    Received,
    answer_request,
    decide_request,
    extend_request,
    lift_requested_restriction,
    receive_request,
    review_deferral,
)
from watchlist.application.import_file import COLUMNS
from watchlist.application.import_list import approve_import, submit_import
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.read_request import read_request
from watchlist.application.register_subject import record_death, rectify_subject
from watchlist.application.replay import check
from watchlist.application.sweep import sweep
from watchlist.domain import refusals
from watchlist.domain import rights_request as rules
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.rights_request import RequestState, Right

OWED = "(SELECT * FROM deadlines WHERE kind IN ('rights_request', 'access_deferral')) owed"

T = TypeVar("T")

TODAY = date(2021, 3, 15)
CHLOE = UUID(int=0xC)
"""The DPO of these stories."""


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def receive(story: Story, subject_id: UUID, kind: Right = Right.OBJECTION, **more: str) -> UUID:
    received = Received(kind, subject_id, story.clock.now().date(), **more)
    return receive_request(story.desk, ask(CHLOE), received).id


def decide(story: Story, request_id: UUID, granted: bool = False, reason: str | None = "motif", **more):
    return decide_request(story.desk, ask(CHLOE), request_id, granted, reason, **more)


def answer(story: Story, request_id: UUID) -> None:
    answer_request(story.desk, ask(CHLOE), request_id)


def restricted(story: Story) -> dict[UUID, bool]:
    rows = story.rows("SELECT inscription_id, restricted FROM inscriptions WHERE state = 'active'")
    return {row["inscription_id"]: row["restricted"] for row in rows}


def death_reviews(story: Story) -> list[dict[str, object]]:
    return story.rows("SELECT inscription_id, due_at FROM deadlines WHERE kind = 'death_review'")


def require_true_pictures(story: Story) -> None:
    assert check(story.desk, story.house.snapshots)[1] == []


# Received -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Right.OBJECTION, Right.RECTIFICATION])
def test_all_entries_of_the_subject_are_restricted_when_it_is_received(story, kind):
    # given two entries of one person, in two cases, and another person's
    subject_id, _, one = story.listed(a_person("Lefèvre", "Anne", RPPS))
    two = story.inscribe(story.case(subject_id), subject_id)
    *_, others = story.listed(a_person("Durand"))
    before = story.rows("SELECT max(notification_id) AS n FROM events")[0]["n"]
    # when
    receive(story, subject_id, kind)
    # then nothing of theirs answers, one event says so in each case, at one instant
    assert restricted(story) == {one: True, two: True, others: False}
    assert story.answers(RPPS) == set()
    recorded = story.rows("SELECT topic, recorded_at FROM events WHERE notification_id > %b", before)
    assert [row["topic"] for row in recorded].count("inscription.contested") == 2
    assert len({row["recorded_at"] for row in recorded}) == 1
    require_true_pictures(story)


@pytest.mark.parametrize("kind", [Right.ACCESS, Right.ERASURE, Right.RESTRICTION, Right.PORTABILITY])
def test_other_requests_restrict_nothing_before_they_are_granted(story, kind):
    subject_id, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    receive(story, subject_id, kind)
    assert story.answers(RPPS) == {entry}


def test_a_request_is_of_somebody_the_organisation_knows_and_who_was_not_erased(story):
    theirs = story.subject(a_person(), ANOTHER)
    erased = story.subject(a_person("Durand"))
    erase_subject(story.desk, ask(CHLOE), erased)
    for subject_id in (theirs, erased, uuid4()):
        with pytest.raises(refusals.NoSuchSubject):
            receive(story, subject_id)
    survivor, duplicate = story.subject(a_person("Petit")), story.subject(a_person("Petit"))
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    with pytest.raises(refusals.SubjectMerged):
        receive(story, duplicate)


def test_its_texts_are_in_the_vault_under_the_subjects_key_and_nowhere_else(story):
    subject_id = story.subject()
    request_id = receive(story, subject_id, Right.ACCESS, details="Zyxwvut demande")
    extend_request(story.desk, ask(CHLOE), request_id, "Zyxwvut complexe", TODAY)
    parts = (DeferredPart("cases.notes", "Zyxwvut en cours", TODAY + timedelta(days=30)),)
    decide(story, request_id, True, "Zyxwvut accordé", deferred=parts)
    answer_request(story.desk, ask(CHLOE), request_id, TODAY, "Zyxwvut répondu")
    owners = story.rows("SELECT DISTINCT owner FROM vault")
    assert owners == [{"owner": subject_id}]
    assert not story.rows("SELECT FROM events WHERE position('Zyxwvut'::bytea IN state) > 0")
    view = read_request(story.desk, request_id, "GROUPAMA")
    assert view["details"] == "Zyxwvut demande"
    assert view["extension"]["reason"] == "Zyxwvut complexe"
    assert view["decision"]["reason"] == "Zyxwvut accordé"
    assert view["deferred"] == [
        {"part": "cases.notes", "reason": "Zyxwvut en cours", "review_on": "2021-04-14"}
    ]
    assert view["answer"]["text"] == "Zyxwvut répondu"
    # and they go with the subject
    story.house.keyring.destroy([subject_id])
    gone = read_request(story.desk, request_id, "GROUPAMA")
    assert gone["erased"]
    assert (gone["details"], gone["answer"]["text"], gone["deferred"]) == (None, None, [])


def test_what_was_asked_by_somebody_erased_since_is_still_decided_and_answered(story):
    subject_id = story.subject()
    request_id = receive(story, subject_id)
    story.house.keyring.destroy([subject_id])
    decide(story, request_id)
    answer_request(story.desk, ask(CHLOE), request_id, TODAY, "répondu")
    view = read_request(story.desk, request_id, "GROUPAMA")
    assert (view["state"], view["decision"]["reason"], view["erased"]) == (RequestState.ANSWERED, None, False)


# Decided and answered -------------------------------------------------------------------------


def test_a_refused_objection_lifts_nothing_before_the_person_was_told(story):
    subject_id, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    request_id = receive(story, subject_id)
    decide(story, request_id, granted=False)
    assert story.answers(RPPS) == set()
    answer(story, request_id)
    assert story.answers(RPPS) == {entry}
    require_true_pictures(story)


def test_an_entry_answers_again_only_when_the_last_request_was_answered(story):
    subject_id, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    requests = [receive(story, subject_id, kind) for kind in (Right.OBJECTION, Right.RECTIFICATION)]
    seen = []
    for request_id in requests:
        decide(story, request_id)
        answer(story, request_id)
        seen.append(story.answers(RPPS))
    assert seen == [set(), {entry}]


def test_what_was_restricted_by_hand_stays_so(story):
    subject_id, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    restrict(story.desk, ask(BRUNO), entry, "à vérifier")
    request_id = receive(story, subject_id)
    assert lift_restriction(story.desk, ask(BRUNO), entry, "vérifiée")["restricted"] is True
    with pytest.raises(refusals.ContestedByRequest):
        lift_restriction(story.desk, ask(BRUNO), entry, "vérifiée")
    restrict(story.desk, ask(BRUNO), entry, "à vérifier encore")
    decide(story, request_id)
    answer(story, request_id)
    assert story.answers(RPPS) == set()
    assert lift_restriction(story.desk, ask(BRUNO), entry, "vérifiée")["restricted"] is False
    assert story.answers(RPPS) == {entry}


def test_an_answer_revives_nothing_that_ended_meanwhile(story):
    subject_id, *_ = story.listed(a_person("Lefèvre", "Anne", RPPS), months=1)
    request_id = receive(story, subject_id)
    decide(story, request_id)
    story.clock.move_to(datetime(2021, 4, 15, 22, tzinfo=UTC))
    answer(story, request_id)
    assert story.answers(RPPS) == set()
    assert sweep(story.desk).delisted == 1
    require_true_pictures(story)


def test_a_restriction_stops_no_term_and_a_held_entry_answers_nothing(story):
    subject_id, case_id, entry = story.listed(a_person("Lefèvre", "Anne", RPPS), months=1)
    story.open_procedure(case_id, subject_id)
    story.clock.move_to(datetime(2021, 5, 3, 9, tzinfo=UTC))
    assert story.answers(RPPS) == {entry}
    receive(story, subject_id)
    assert story.answers(RPPS) == set()
    assert entry in story.on_the_list()


def test_a_granted_objection_ends_all_entries_at_the_decision(story):
    subject_id, _, one = story.listed(a_person("Lefèvre", "Anne", RPPS))
    two = story.inscribe(story.case(subject_id), subject_id)
    pending = story.propose(story.case(subject_id), subject_id).id
    request_id = receive(story, subject_id)
    receipt = decide(story, request_id, granted=True)
    assert set(receipt["delisted"]) == {one, two}
    rows = story.rows("SELECT inscription_id, state, delisting_ground FROM inscriptions")
    assert {(row["inscription_id"], row["state"], row["delisting_ground"]) for row in rows} == {
        (one, "delisted", "objection_upheld"),
        (two, "delisted", "objection_upheld"),
        (pending, "withdrawn", None),
    }
    assert story.answers(RPPS) == set()
    answer(story, request_id)
    assert story.answers(RPPS) == set()
    require_true_pictures(story)


def test_a_granted_erasure_ends_all_entries_at_the_decision(story):
    subject_id, *_ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    request_id = receive(story, subject_id, Right.ERASURE)
    decide(story, request_id, granted=True)
    assert story.rows("SELECT state, delisting_ground AS ground FROM inscriptions") == [
        {"state": "delisted", "ground": DelistingGround.ERASURE_UPHELD}
    ]


def test_a_rectification_is_granted_by_rectifying_first(story):
    subject_id, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    # a rectification of another day is not this one
    rectify_subject(story.desk, ask(), subject_id, a_person("Lefebvre", "Anne", RPPS), "état civil", 1)
    story.clock.advance(days=1)
    request_id = receive(story, subject_id, Right.RECTIFICATION)
    with pytest.raises(rules.RectifyFirst):
        decide(story, request_id, granted=True)
    version = story.desk.subject(subject_id, "GROUPAMA").version
    rectify_subject(story.desk, ask(), subject_id, a_person("Lefèbvre", "Anne", RPPS), "acte", version)
    decide(story, request_id, granted=True)
    assert story.answers(RPPS) == set()
    answer(story, request_id)
    assert story.answers(RPPS) == {entry}


def test_a_granted_restriction_lasts_until_it_is_lifted(story):
    subject_id, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    request_id = receive(story, subject_id, Right.RESTRICTION)
    decide(story, request_id, granted=True)
    assert story.answers(RPPS) == set()
    answer(story, request_id)
    # an entry to come begins restricted too
    another = story.inscribe(story.case(subject_id), subject_id)
    assert restricted(story) == {entry: True, another: True}
    lift_requested_restriction(story.desk, ask(CHLOE), request_id, "plus nécessaire", TODAY)
    assert restricted(story) == {entry: False, another: False}
    assert story.answers(RPPS) == {entry, another}
    require_true_pictures(story)


def test_directives_need_a_recorded_death(story):
    subject_id, _, entry = story.listed()
    with pytest.raises(rules.DeathNotRecorded):
        receive(story, subject_id, Right.DIRECTIVES, directives="ne rien conserver")
    record_death(story.desk, ask(), subject_id, TODAY)
    request_id = receive(story, subject_id, Right.DIRECTIVES, directives="ne rien conserver")
    assert read_request(story.desk, request_id, "GROUPAMA")["directives"] == "ne rien conserver"
    assert [row["inscription_id"] for row in death_reviews(story)] == [entry]


def test_a_death_is_reviewed_within_a_month_of_its_record_and_not_of_the_inscription(story):
    subject_id, _, entry = story.listed()
    story.clock.advance(days=200)  # 1 October
    record_death(story.desk, ask(), subject_id, TODAY)
    due = {"inscription_id": entry, "due_at": datetime(2021, 11, 1, 23, tzinfo=UTC)}
    assert death_reviews(story) == [due]
    require_true_pictures(story)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.DECEASED, "décès")
    assert death_reviews(story) == []


def test_the_death_of_a_duplicate_is_reviewed_for_the_survivors_entry_once(story):
    survivor, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    duplicate = story.subject(a_person("Durand"))
    record_death(story.desk, ask(), duplicate, TODAY)
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    story.clock.advance(days=20)
    record_death(story.desk, ask(), survivor, TODAY)
    due = {"inscription_id": entry, "due_at": datetime(2021, 4, 15, 22, tzinfo=UTC)}
    assert death_reviews(story) == [due]
    require_true_pictures(story)


def test_every_decision_but_that_on_portability_is_reasoned(story):
    subject_id = story.subject()
    for kind in Right:
        if kind is Right.DIRECTIVES:
            continue
        request_id = receive(story, subject_id, kind)
        if kind is Right.PORTABILITY:
            decide(story, request_id, reason=None)
            view = read_request(story.desk, request_id, "GROUPAMA")
            assert set(view["decision"]["standard_reason"]) == {"en", "fr"}
            continue
        with pytest.raises(rules.ReasonMissing):
            decide(story, request_id, reason=None)


def test_a_deferred_part_is_reviewed_and_then_given(story):
    request_id = receive(story, story.subject(), Right.ACCESS)
    waits = (DeferredPart("cases.evidence", "enquête", TODAY + timedelta(days=30)),)
    decide(story, request_id, True, deferred=waits)
    answer(story, request_id)
    story.clock.advance(days=30)
    later = (DeferredPart("cases.evidence", "enquête encore", TODAY + timedelta(days=90)),)
    review_deferral(story.desk, ask(CHLOE), request_id, None, later)
    assert read_request(story.desk, request_id, "GROUPAMA")["deferred"][0]["reason"] == "enquête encore"
    assert story.desk.registry.has_open_request(
        [read_request(story.desk, request_id, "GROUPAMA")["subject_id"]]
    )
    review_deferral(story.desk, ask(CHLOE), request_id, None)
    assert story.rows(f"SELECT FROM {OWED}") == []


def test_the_same_command_again_has_the_same_answer_and_records_nothing(story):
    subject_id, *_ = story.listed()
    asked = ask(CHLOE, mac=b"m")
    received = Received(Right.OBJECTION, subject_id, TODAY)
    first = receive_request(story.desk, asked, received)
    assert receive_request(story.desk, asked, received).body() == first.body()
    assert story.count("rights_requests") == 1


# Approved meanwhile ---------------------------------------------------------------------------


def test_what_was_proposed_before_an_objection_begins_restricted(story):
    subject_id = story.subject(a_person("Lefèvre", "Anne", RPPS))
    entry = story.propose(story.case(subject_id), subject_id).id
    request_id = receive(story, subject_id)
    story.approve(entry)
    assert restricted(story) == {entry: True}
    assert story.answers(RPPS) == set()
    decide(story, request_id)
    answer(story, request_id)
    assert story.answers(RPPS) == {entry}
    require_true_pictures(story)


def test_what_is_imported_while_an_objection_is_open_begins_restricted(story):
    subject_id = story.subject(a_person("Lefèvre", "Anne", RPPS))
    receive(story, subject_id)
    line = dict.fromkeys(COLUMNS, "") | {
        "kind": "person",
        "role": "health_professional",
        "family_name": "Lefèvre",
        "given_names": "Anne",
        "birth_date": "1970-01-02",
        "rpps": RPPS.value,
        "case_reference": "D-1",
        "grounds": "overbilling",
        "inscribed_on": "2020-03-15",
        "term_months": "60",
    }
    file = "\n".join([",".join(COLUMNS), ",".join(line[name] for name in COLUMNS)])
    report = submit_import(story.desk, ask(), file.encode(), "liste.csv")
    assert report.accepted == 1
    assert approve_import(story.desk, ask(BRUNO), report.import_id)["approved"] == 1
    assert list(restricted(story).values()) == [True]
    assert story.answers(RPPS) == set()


def until_recorded(verb: Callable[[], T]) -> T:
    """As a client does (S9): on a machine that is starved for seconds a lock or a connection comes too late, and
    nothing was recorded; that says nothing of the rule."""
    for _ in range(9):
        with suppress(refusals.Busy):
            return verb()
    return verb()


@pytest.mark.parametrize("objection_first", [False, True])
def test_an_objection_and_an_approval_at_once_leave_the_entry_restricted(story, objection_first):
    for _ in range(20):
        subject_id = story.subject(a_person())
        entry = story.propose(story.case(subject_id), subject_id).id
        both = [
            lambda s=subject_id: until_recorded(lambda: receive(story, s)),
            lambda e=entry: until_recorded(lambda: story.approve(e)),
        ]
        done = at_once(both if objection_first else both[::-1])
        assert [one for one in done if isinstance(one, Exception)] == []
        assert restricted(story)[entry], "whichever was recorded first"
    require_true_pictures(story)


@pytest.mark.parametrize("approved_first", [False, True])
def test_whichever_of_the_two_is_recorded_first_the_other_is_decided_again(story, approved_first):
    """Deterministic: the second is recorded between the first's decision and its record."""
    for _ in range(10):
        subject_id = story.subject(a_person())
        entry = story.propose(story.case(subject_id), subject_id).id
        if approved_first:
            _between(story, lambda e=entry: story.approve(e), lambda s=subject_id: receive(story, s))
        else:
            _between(story, lambda s=subject_id: receive(story, s), lambda e=entry: story.approve(e))
        assert restricted(story)[entry]


def test_a_case_that_came_between_the_look_and_the_record_is_found(story):
    subject_id = story.subject(a_person("Lefèvre", "Anne", RPPS))
    _between(
        story,
        lambda: story.inscribe(story.case(subject_id), subject_id),
        lambda: receive(story, subject_id),
    )
    assert list(restricted(story).values()) == [True]


def _between(story: Story, first, second) -> None:
    """`first` is recorded after `second` was decided and before it is recorded: that one is decided again."""
    log, record, waiting = story.desk.log, story.desk.log.record, [first]

    def record_after(aggregates, work):
        if waiting:
            waiting.pop()()
        return record(aggregates, work)

    log.record = record_after
    try:
        second()
    finally:
        del log.record


# Merged and split (C8) ------------------------------------------------------------------------


def test_the_request_of_a_duplicate_counts_for_the_survivors_entries_until_the_split(story):
    survivor, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    duplicate, _, theirs = story.listed(a_person("Durand"))
    request_id = receive(story, duplicate)
    assert restricted(story) == {entry: False, theirs: True}
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    assert restricted(story) == {entry: True, theirs: True}
    assert story.answers(RPPS) == set()
    split_subjects(story.desk, ask(), survivor, duplicate, "deux personnes")
    assert restricted(story) == {entry: False, theirs: True}
    assert story.answers(RPPS) == {entry}
    decide(story, request_id)
    answer(story, request_id)
    assert restricted(story) == {entry: False, theirs: False}
    require_true_pictures(story)


def test_a_request_of_the_survivor_counts_for_the_duplicates_entries_until_the_split(story):
    survivor = story.subject(a_person("Lefèvre", "Anne", RPPS))
    duplicate, _, theirs = story.listed(a_person("Durand"))
    receive(story, survivor)
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    assert restricted(story) == {theirs: True}
    split_subjects(story.desk, ask(), survivor, duplicate, "deux personnes")
    assert restricted(story) == {theirs: False}
    require_true_pictures(story)


def test_a_request_answered_after_a_merge_frees_the_survivors_entries(story):
    survivor, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    duplicate = story.subject(a_person("Durand"))
    request_id = receive(story, duplicate)
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    decide(story, request_id)
    answer(story, request_id)
    assert restricted(story) == {entry: False}
    split_subjects(story.desk, ask(), survivor, duplicate, "deux personnes")
    assert story.desk.subject(duplicate, "GROUPAMA").contested_by == set()
    require_true_pictures(story)


def test_an_objection_of_a_merged_duplicate_that_is_granted_ends_the_survivors_entries(story):
    survivor, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    duplicate = story.subject(a_person("Durand"))
    request_id = receive(story, duplicate)
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    assert decide(story, request_id, granted=True)["delisted"] == [entry]


def test_an_objection_and_a_merge_at_once_leave_no_entry_unrestricted(story):
    for _ in range(5):
        survivor, _, entry = story.listed(a_person("Petit"))
        duplicate = story.subject(a_person("Petit"))
        done = at_once(
            [
                lambda d=duplicate: until_recorded(lambda: receive(story, d)),
                lambda s=survivor, d=duplicate: until_recorded(
                    lambda: merge_subjects(story.desk, ask(), s, d, "doublon")
                ),
            ]
        )
        too_late = any(isinstance(one, refusals.SubjectMerged) for one in done)
        assert restricted(story)[entry] is not too_late
    require_true_pictures(story)


# Pictures -------------------------------------------------------------------------------------


def test_what_is_open_is_told_of_any_of_several_subjects(story):
    subject_id, others = story.subject(), story.subject(a_person("Durand"))
    registry = story.desk.registry
    assert not registry.has_open_request([subject_id, others])
    request_id = receive(story, subject_id, Right.ACCESS)
    assert registry.has_open_request([others, subject_id])
    assert not registry.has_open_request([others])
    decide(story, request_id)
    assert registry.has_open_request([subject_id])
    answer(story, request_id)
    assert not registry.has_open_request([subject_id])
    assert not registry.has_open_request([])


def test_what_is_owed_to_persons_is_a_deadline(story):
    subject_id = story.subject()
    one = receive(story, subject_id, Right.ACCESS)
    two = receive(story, subject_id, Right.ERASURE)
    extend_request(story.desk, ask(CHLOE), two, "complexe", TODAY)
    decide(story, one, True, deferred=(DeferredPart("cases", "enquête", date(2021, 6, 1)),))
    shown = story.rows(f"SELECT * FROM {OWED} ORDER BY kind, due_at")
    assert [(row["kind"], row["id"], row["due_at"]) for row in shown] == [
        ("access_deferral", one, datetime(2021, 6, 1, 22, tzinfo=UTC)),
        ("rights_request", one, datetime(2021, 4, 15, 22, tzinfo=UTC)),
        ("rights_request", two, datetime(2021, 6, 15, 22, tzinfo=UTC)),
    ]
    assert {(row["organisation"], row["subject_id"], tuple(row["held_by"])) for row in shown} == {
        ("GROUPAMA", subject_id, ())
    }
    answer(story, one)
    assert (
        len(
            story.rows(
                f"SELECT FROM {OWED} WHERE id = %b",
                one,
            )
        )
        == 1
    )


def test_a_request_that_was_touched_in_the_picture_is_found_out(story, database_url):
    receive(story, story.subject())
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE watchlist.rights_requests SET due_on = due_on + 30")
    found = check(story.desk, story.house.snapshots)[1]
    assert [(one.table, one.kind, one.columns) for one in found] == [
        ("rights_requests", "different", ("due_on",))
    ]


def test_requests_come_in_pages_and_by_state_kind_and_due_day(story):
    subject_id = story.subject()
    access, objection = (receive(story, subject_id, kind) for kind in (Right.ACCESS, Right.OBJECTION))
    decide(story, access)
    story.clock.advance(days=10)
    late = receive(story, subject_id, Right.ACCESS)
    pictures = story.house.pictures

    def found(**asked) -> set[UUID]:
        return {row["request_id"] for row in pictures.rights_requests("GROUPAMA", **asked)}

    assert found() == {access, objection, late}
    assert found(state="decided") == {access}
    assert found(kind="access") == {access, late}
    assert found(due_before=date(2021, 4, 16)) == {access, objection}
    assert found(due_before=date(2021, 4, 15)) == set()
    first = pictures.rights_requests("GROUPAMA", limit=1)[0]["request_id"]
    assert found(after=first) == {access, objection, late} - {first}
    assert pictures.rights_requests(ANOTHER) == []


# Whose it is (C6) -----------------------------------------------------------------------------


def test_another_organisations_request_is_not_there(story):
    request_id = receive(story, story.subject(), Right.RESTRICTION)
    other, desk = ask(CHLOE, ANOTHER), story.desk
    for attempt in (
        lambda: extend_request(desk, other, request_id, "complexe", TODAY),
        lambda: decide_request(desk, other, request_id, True, "motif"),
        lambda: answer_request(desk, other, request_id),
        lambda: review_deferral(desk, other, request_id, None),
        lambda: lift_requested_restriction(desk, other, request_id, "motif", TODAY),
        lambda: read_request(desk, request_id, ANOTHER),
        lambda: read_request(desk, uuid4(), "GROUPAMA"),
    ):
        with pytest.raises(rules.NoSuchRequest):
            attempt()


def test_a_supervisor_still_delists_what_is_contested(story):
    subject_id, _, entry = story.listed()
    receive(story, subject_id)
    assert delist(story.desk, ask(BRUNO), entry, DelistingGround.INACCURATE, "erreur")["restricted"]
    require_true_pictures(story)
