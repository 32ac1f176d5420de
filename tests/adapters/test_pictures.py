"""The pictures: the list at any instant, what answers, and whose it is (L3, L9, L10, C6, C8, S3)."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.stories import (
    A_PROPOSAL,
    ANNE,
    ANOTHER,
    MONDAY,
    ORGANISATION,
    RPPS,
    Story,
    a_house,
    a_person,
    ask,
)
from watchlist.application.delist import delist, lift_restriction, restrict
from watchlist.application.follow_procedure import (
    EndedProcedure,
    OpenedProcedure,
    end_procedure,
    open_procedure,
)
from watchlist.application.inscribe import Amendment, Deferral, amend, approve, propose, reject, withdraw
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.open_case import RaisedAlert, close_case, qualify_alert, raise_alert
from watchlist.application.purge_case import purge_case
from watchlist.application.register_subject import record_death, rectify_subject, register_subject
from watchlist.application.sweep import sweep
from watchlist.application.work_on_case import add_evidence, add_note, add_subject, record_victim
from watchlist.domain import refusals
from watchlist.domain.case_events import ClosingOutcome, Source
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Organisation
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.procedure import Kind, Outcome
from watchlist.domain.subject import Role

BORN = date(1970, 1, 2)
ANNE_LEFEVRE = ("Lefèvre", "Anne", BORN)
ADELI = Identifier("adeli", "751000001")
SIREN, SIRET = Identifier("siren", "732829320"), Identifier("siret", "73282932000074")
TERM_ENDS = datetime(2022, 3, 15, 23, tzinfo=UTC)
"""Of twelve months from that Monday, in winter time."""


@pytest.fixture
def story(database_url):
    with a_house(database_url) as house:
        yield Story(house)


def list_at(story: Story, at: datetime) -> dict[UUID, tuple[bool, list[UUID]]]:
    """Who was on the list, restricted or not, held by what."""
    rows = story.house.pictures.list_as_of(ORGANISATION, at)
    return {row["inscription_id"]: (row["restricted"], row["held_by"]) for row in rows}


# The list as of an instant --------------------------------------------------------------------


def test_the_list_of_each_day_of_a_story_is_what_it_was(story):
    # given a story, one thing a day
    days: list[tuple[datetime, object]] = []

    def on_the_list(expected) -> None:
        days.append((story.clock.now(), expected))
        story.clock.advance(days=1)

    subject_id = story.subject(a_person("Lefèvre", "Anne", RPPS))
    case_id = story.case(subject_id)
    on_the_list(None)
    entry = story.propose(case_id, subject_id, 12).id
    on_the_list(None)
    story.approve(entry)
    on_the_list((False, []))
    procedure = story.open_procedure(case_id, subject_id)
    on_the_list((False, [procedure]))
    restrict(story.desk, ask(), entry, "contestée")
    on_the_list((True, [procedure]))
    lift_restriction(story.desk, ask(), entry, "confirmée")
    on_the_list((False, [procedure]))
    story.clock.move_to(MONDAY.replace(year=2023))
    on_the_list((False, [procedure]))
    story.end_procedure(case_id, procedure)
    on_the_list(None)
    sweep(story.desk)
    on_the_list(None)
    # then each day tells what it was, at its very instant and until the next
    for number, (at, expected) in enumerate(days):
        assert list_at(story, at).get(entry) == expected, f"day {number}"
        assert list_at(story, at + timedelta(hours=23)).get(entry) == expected, f"evening of day {number}"


def test_before_an_instant_nothing_of_it_was_known(story):
    *_, entry = story.listed()
    recorded_at = story.rows("SELECT max(recorded_at) AS at FROM events")[0]["at"]
    assert entry in list_at(story, recorded_at)
    assert entry not in list_at(story, recorded_at - timedelta(microseconds=1))


@pytest.mark.parametrize("swept", [False, True])
def test_the_list_ends_at_midnight_whoever_swept_or_not(story, swept):
    *_, entry = story.listed(months=12)
    if swept:
        story.clock.move_to(TERM_ENDS + timedelta(days=30))
        assert sweep(story.desk).delisted == 1
    assert entry in list_at(story, TERM_ENDS - timedelta(microseconds=1))
    assert entry not in list_at(story, TERM_ENDS)


def test_a_person_delisted_is_off_the_list_from_that_instant(story):
    *_, entry = story.listed()
    story.clock.advance(days=1)
    delist(story.desk, ask(), entry, DelistingGround.REPAID, "remboursé")
    delisted_at = story.rows("SELECT max(recorded_at) AS at FROM events")[0]["at"]
    assert entry in list_at(story, delisted_at - timedelta(microseconds=1))
    assert entry not in list_at(story, delisted_at)


def test_the_current_list_is_the_list_as_of_now(story):
    entries = [story.listed(a_person(f"Nom{n}"), months=n)[2] for n in (1, 12, 24, 60)]
    for months in (0, 2, 13, 25, 61):
        now = MONDAY + timedelta(days=31 * months, seconds=1)
        current = [row["inscription_id"] for row in story.house.pictures.current_list(ORGANISATION, now)]
        assert current == sorted(list_at(story, now))
        assert len(current) == sum(31 * months < 30 * n for n in (1, 12, 24, 60))
    assert set(list_at(story, MONDAY + timedelta(seconds=1))) == set(entries)


def test_the_list_comes_in_pages(story):
    entries = sorted(story.listed(a_person(f"Nom{n}"))[2] for n in range(5))
    found, after = [], UUID(int=0)
    while page := story.house.pictures.current_list(None, story.clock.now(), after, limit=2):
        found += [row["inscription_id"] for row in page]
        after = found[-1]
    assert found == entries


# What answers ---------------------------------------------------------------------------------


def test_only_listed_and_unrestricted_entries_answer(story):
    subject_id = story.subject(a_person("Lefèvre", "Anne", RPPS))
    case_id = story.case(subject_id)
    entry = story.propose(case_id, subject_id, 12).id
    for expected, verb in [
        (set(), lambda: story.approve(entry)),
        ({entry}, lambda: restrict(story.desk, ask(), entry, "contestée")),
        (set(), lambda: lift_restriction(story.desk, ask(), entry, "confirmée")),
        ({entry}, lambda: delist(story.desk, ask(), entry, DelistingGround.INACCURATE, "erreur")),
        (set(), lambda: None),
    ]:
        assert story.answers(RPPS) == expected
        assert story.answers(person=ANNE_LEFEVRE) == expected
        verb()
    assert story.count("answerable") == 0


@pytest.mark.parametrize("closing", ["withdraw", "reject"])
def test_a_proposal_never_answers(story, closing):
    subject_id = story.subject(a_person("Lefèvre", "Anne", RPPS))
    entry = story.propose(story.case(subject_id), subject_id).id
    assert story.count("answerable") == 0
    if closing == "withdraw":
        withdraw(story.desk, ask(), entry)
    else:
        reject(story.desk, ask(), entry, "preuves insuffisantes")
    assert story.count("answerable") == 0


def test_with_no_sweep_an_ended_entry_answers_no_more(story):
    *_, entry = story.listed(a_person("Lefèvre", "Anne", RPPS), months=12)
    story.clock.move_to(TERM_ENDS - timedelta(microseconds=1))
    assert story.answers(RPPS) == {entry}
    story.clock.move_to(TERM_ENDS)
    assert story.answers(RPPS) == set()


def test_a_held_entry_answers_until_its_procedure_has_ended(story):
    subject_id, case_id, entry = story.listed(a_person("Lefèvre", "Anne", RPPS), months=12)
    procedure = story.open_procedure(case_id, subject_id)
    story.clock.move_to(TERM_ENDS + timedelta(days=400))
    assert story.answers(RPPS) == {entry}
    story.end_procedure(case_id, procedure)
    assert story.answers(RPPS) == set()


def test_an_answer_follows_a_rectification(story):
    subject_id, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    rectify_subject(story.desk, ask(), subject_id, a_person("Durand", "Anne", ADELI), "erreur", 1)
    assert story.answers(RPPS) == story.answers(person=ANNE_LEFEVRE) == set()
    assert story.answers(ADELI) == story.answers(person=("Durand", "Anne", BORN)) == {entry}


def test_a_rectification_does_not_make_a_restricted_entry_answer(story):
    subject_id, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    restrict(story.desk, ask(), entry, "contestée")
    rectify_subject(story.desk, ask(), subject_id, a_person("Durand", "Anne", ADELI), "erreur", 1)
    assert story.count("answerable") == 0


def test_a_legal_person_answers_by_its_siren_for_each_establishment(story):
    *_, entry = story.listed(Organisation("Optique du Port", (SIREN,)))
    assert story.answers(SIRET) == story.answers(SIREN) == {entry}


def test_an_entry_answers_under_every_identity_merged_into_its_subject(story):
    survivor, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    duplicate = story.subject(a_person("Durand", "Anne", ADELI))
    assert story.answers(ADELI) == set()

    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    assert story.answers(RPPS) == story.answers(ADELI) == {entry}
    assert story.answers(person=("Durand", "Anne", BORN)) == {entry}

    split_subjects(story.desk, ask(), survivor, duplicate, "deux personnes")
    assert story.answers(ADELI) == story.answers(person=("Durand", "Anne", BORN)) == set()
    assert story.answers(RPPS) == {entry}


def test_the_entry_of_the_duplicate_follows_a_merge_and_a_split(story):
    duplicate, case_id, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    survivor = story.subject(a_person("Durand", "Anne", ADELI))
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    assert story.answers(RPPS) == story.answers(ADELI) == {entry}
    assert [row["subject_id"] for row in story.rows("SELECT subject_id FROM inscriptions")] == [survivor]

    split_subjects(story.desk, ask(), survivor, duplicate, "deux personnes")
    assert (story.answers(RPPS), story.answers(ADELI)) == ({entry}, set())
    assert [row["subject_id"] for row in story.rows("SELECT subject_id FROM inscriptions")] == [duplicate]
    assert story.desk.registry.cases_about(duplicate) == [case_id]


def test_merged_namesakes_answer_under_the_given_names_of_each(story):
    survivor, _, entry = story.listed(a_person("Lefèvre", "Anne"))
    duplicate = story.subject(a_person("Lefèvre", "Marie"))
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    asked = [("Lefèvre", given_names, BORN) for given_names in ("Anne", "Marie")]
    assert [story.answers(person=person) for person in asked] == [{entry}, {entry}]


def test_a_victims_stolen_identifier_is_no_key_to_the_cases_entries(story):
    # given somebody listed under a number that turns out to be stolen
    _, case_id, entry = story.listed(a_person("Lefèvre", "Anne", RPPS, ADELI))
    victim = story.subject(a_person("Martin", "Luc", Identifier("rpps", "10000001924")))
    record_victim(story.desk, ask(), victim, case_id, (RPPS,), "plainte pour usurpation")
    # then only what is the listed person's own answers
    assert story.answers(RPPS) == set()
    assert story.answers(ADELI) == story.answers(person=ANNE_LEFEVRE) == {entry}
    # and it stays so after a rectification
    subject_id = story.rows("SELECT subject_id FROM inscriptions")[0]["subject_id"]
    rectify_subject(
        story.desk, ask(), subject_id, a_person("Lefèvre", "Anne Marie", RPPS, ADELI), "état civil", 1
    )
    assert story.answers(RPPS) == set()


def test_an_identifier_stolen_in_one_case_is_a_key_to_anothers(story):
    subject_id, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    elsewhere = story.case(subject_id)
    victim = story.subject(a_person("Martin", "Luc"))
    record_victim(story.desk, ask(), victim, elsewhere, (RPPS,), "plainte pour usurpation")
    assert story.answers(RPPS) == {entry}


def test_a_victim_never_answers(story):
    subject_id = story.subject(a_person("Lefèvre", "Anne", RPPS))
    case_id = story.case(subject_id)
    record_victim(story.desk, ask(), subject_id, case_id, (RPPS,), "plainte pour usurpation")
    with pytest.raises(refusals.VictimNotListed):
        story.propose(case_id, subject_id)
    assert story.count("answerable") == 0


# Ended, not swept (L1, L8) --------------------------------------------------------------------


def test_an_entry_that_ended_and_was_not_swept_leaves_room_for_the_next(story):
    subject_id, case_id, first = story.listed(a_person("Lefèvre", "Anne", RPPS), months=12)
    story.clock.move_to(TERM_ENDS)
    add_evidence(story.desk, ask(), case_id, "une pièce nouvelle", "0" * 64)
    second = story.inscribe(case_id, subject_id)
    assert story.answers(RPPS) == {second}
    states = {row["inscription_id"]: row["state"] for row in story.rows("SELECT * FROM inscriptions")}
    assert states == {first: "delisted", second: "active"}
    assert sweep(story.desk).delisted == 0


def test_a_merge_does_not_revive_an_entry_that_ended_and_was_not_swept(story):
    duplicate, case_id, entry = story.listed(a_person("Lefèvre", "Anne", RPPS), months=12)
    survivor = story.subject(a_person("Durand", "Anne", ADELI))
    add_subject(story.desk, ask(), case_id, survivor)
    story.open_procedure(case_id, survivor)
    story.clock.move_to(TERM_ENDS)
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    assert story.answers(RPPS) == story.answers(ADELI) == set()
    assert entry not in list_at(story, story.clock.now() + timedelta(seconds=1))


def test_a_case_is_not_opened_on_or_given_somebody_who_was_merged_into_another(story):
    survivor, duplicate = story.subject(), story.subject(a_person("Durand"))
    case_id = story.case(survivor)
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    with pytest.raises(refusals.SubjectMerged):
        story.case(duplicate)
    with pytest.raises(refusals.SubjectMerged):
        add_subject(story.desk, ask(), case_id, duplicate)


# Deadlines ------------------------------------------------------------------------------------


def test_what_falls_due_is_shown_with_its_day(story):
    subject_id, case_id, entry = story.listed(months=12)
    record_death(story.desk, ask(), subject_id, date(2021, 3, 10))
    rows = story.house.pictures.deadlines(ORGANISATION, datetime(2030, 1, 1, tzinfo=UTC))
    due = {row["kind"]: (row["due_at"], row["case_id"], row["inscription_id"]) for row in rows}
    assert due["delisting"] == (TERM_ENDS, case_id, entry)
    assert due["letter"] == (datetime(2021, 4, 15, 22, tzinfo=UTC), case_id, entry)
    assert due["case_inactive"] == (TERM_ENDS, case_id, None)
    assert due["death_review"][2] == entry
    assert set(due) == {"delisting", "letter", "case_inactive", "death_review"}


def test_a_reasoned_deferral_moves_the_letter(story):
    subject_id = story.subject()
    entry = story.propose(story.case(subject_id), subject_id).id
    approve(story.desk, ask(uuid4()), entry, Deferral("enquête en cours", date(2021, 6, 1)))
    rows = story.rows("SELECT letter_due_at FROM inscriptions")
    assert rows == [{"letter_due_at": datetime(2021, 6, 1, 22, tzinfo=UTC)}]


# Whose it is (C6) -----------------------------------------------------------------------------


def test_another_organisation_knows_nothing_of_the_same_person(story):
    mine = story.subject(a_person("Lefèvre", "Anne", RPPS))
    receipt = register_subject(
        story.desk, ask(organisation=ANOTHER), Role.INSURED, a_person("Lefèvre", "Anne", RPPS)
    )
    assert receipt.created
    assert receipt.id != mine
    again = register_subject(story.desk, ask(), Role.INSURED, a_person("Lefèvre", "Anne", RPPS))
    assert (again.id, again.created) == (mine, False)


def test_each_organisation_sees_its_own_list(story):
    *_, entry = story.listed()
    now = story.clock.now() + timedelta(seconds=1)
    for listed in (story.house.pictures.current_list, story.house.pictures.list_as_of):
        assert [row["inscription_id"] for row in listed(ORGANISATION, now)] == [entry]
        assert [row["inscription_id"] for row in listed(None, now)] == [entry]
        assert listed(ANOTHER, now) == []


def test_what_is_another_organisations_is_not_found_under_any_verb(story):
    subject_id, case_id, entry = story.listed()
    procedure = story.open_procedure(case_id, subject_id)
    proposal = story.propose(story.case(subject_id), subject_id).id
    victim = story.subject(a_person("Martin", "Luc"), ANOTHER)
    mine = story.subject(a_person("Durand"), ANOTHER)
    my_case = story.case(mine, organisation=ANOTHER)
    desk, today = story.desk, MONDAY.date()
    alert = RaisedAlert((subject_id,), today, Source.CONTROL, "une anomalie")
    opened = OpenedProcedure(Kind.PROSECUTION, "TJ", "21/042", today, (subject_id,))
    ended = EndedProcedure(Outcome.ACQUITTED, today, "art. 8 CPP", today)
    before = story.count("events")

    def other():
        return ask(ANNE, ANOTHER)

    for attempt in (
        lambda: raise_alert(desk, other(), alert),
        lambda: qualify_alert(desk, other(), case_id, True, "pertinente"),
        lambda: qualify_alert(desk, other(), case_id, False, "non pertinente"),
        lambda: close_case(desk, other(), case_id, ClosingOutcome.ESTABLISHED),
        lambda: add_subject(desk, other(), case_id, mine),
        lambda: add_subject(desk, other(), my_case, subject_id),
        lambda: add_note(desk, other(), case_id, "une note"),
        lambda: add_evidence(desk, other(), case_id, "une pièce", "0" * 64),
        lambda: record_victim(desk, other(), victim, case_id, (), "plainte"),
        lambda: record_victim(desk, other(), subject_id, my_case, (), "plainte"),
        lambda: open_procedure(desk, other(), case_id, opened),
        lambda: end_procedure(desk, other(), case_id, procedure, ended),
        lambda: propose(desk, other(), case_id, mine, A_PROPOSAL),
        lambda: propose(desk, other(), my_case, subject_id, A_PROPOSAL),
        lambda: amend(desk, other(), proposal, Amendment(term_months=12), 3),
        lambda: withdraw(desk, other(), proposal),
        lambda: reject(desk, other(), proposal, "preuves insuffisantes"),
        lambda: approve(desk, other(), proposal),
        lambda: restrict(desk, other(), entry, "contestée"),
        lambda: lift_restriction(desk, other(), entry, "confirmée"),
        lambda: delist(desk, other(), entry, DelistingGround.REPAID, "remboursé"),
        lambda: rectify_subject(desk, other(), subject_id, a_person("Durand"), "erreur", 1),
        lambda: record_death(desk, other(), subject_id, today),
        lambda: merge_subjects(desk, other(), mine, subject_id, "doublon"),
        lambda: merge_subjects(desk, other(), subject_id, mine, "doublon"),
        lambda: split_subjects(desk, other(), subject_id, mine, "deux personnes"),
    ):
        with pytest.raises(refusals.NotFound):
            attempt()
    assert story.count("events") == before
    # nor was anything destroyed on the way
    assert set(story.house.keyring.keys([subject_id, case_id])) == {subject_id, case_id}


def test_what_does_not_exist_is_refused_like_what_is_anothers(story):
    *_, entry = story.listed()
    refused = []
    for inscription_id in (entry, uuid4()):
        with pytest.raises(refusals.NoSuchInscription) as refusal:
            withdraw(story.desk, ask(organisation=ANOTHER), inscription_id)
        refused.append((refusal.value.code, refusal.value.field, refusal.value.state, refusal.value.detail))
    assert refused[0] == refused[1]


def test_purging_does_not_touch_another_organisations_case(story):
    _, case_id, _ = story.listed()
    with pytest.raises(refusals.NotFound):
        purge_case(story.desk, ask(organisation=ANOTHER), case_id)
    assert case_id in story.house.keyring.keys([case_id])


def test_purging_does_not_touch_a_case_that_is_not_over(story):
    _, case_id, _ = story.listed()
    purge_case(story.desk, ask(), case_id)
    assert case_id in story.house.keyring.keys([case_id])
