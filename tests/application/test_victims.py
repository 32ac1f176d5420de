"""Victims of identity theft: never a hit by their own case, whoever they are elsewhere (L10)."""

import asyncio
import json
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.stories import BRUNO, ORGANISATION, Story, a_story, an_asking, ask, open_screening, rpps
from watchlist.adapters.postgres.migrate import migrations
from watchlist.application.exercise_rights import Received, receive_request
from watchlist.application.import_file import COLUMNS
from watchlist.application.import_list import approve_import, submit_import
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.register_subject import rectify_subject
from watchlist.application.replay import check
from watchlist.application.work_on_case import add_subject, record_victim
from watchlist.domain import refusals
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Person
from watchlist.domain.rights_request import Right

STOLEN, OWN, AUTHORS = rpps(1), rpps(2), rpps(3)
VICTIM = Person("Victime", "Paule", date(1960, 5, 5), identifiers=(STOLEN, Identifier("adeli", "751000001")))
AUTHOR = Person("Auteur", "Jean", date(1970, 1, 31), identifiers=(AUTHORS,))


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told
        assert check(told.desk, told.house.snapshots)[1] == []


def steal(story: Story, victim: UUID, case_id: UUID, *stolen: Identifier) -> None:
    record_victim(story.desk, ask(), victim, case_id, stolen, "plainte pour usurpation")


def hits(story: Story, *asked: Identifier | Person) -> list[bool]:
    """What a payment operator is told of each, through the screening itself."""
    subjects = {f"q{n}": _question(one) for n, one in enumerate(asked)}
    envelope = {"purpose": "third_party_payment", "file_reference": "LOT-1", "subjects": subjects}

    async def answered() -> bytes:
        async with open_screening(story.house) as screening:
            return await screening.answer(json.dumps(envelope).encode(), an_asking())

    results = json.loads(asyncio.run(answered()))["results"]
    return [results[name]["hit"] for name in subjects]


def _question(asked: Identifier | Person) -> dict[str, Any]:
    if isinstance(asked, Identifier):
        return {"identifiers": [{"scheme": asked.scheme, "value": asked.value}]}
    assert asked.birth_date is not None
    return {
        "kind": "person",
        "family_name": asked.family_name,
        "given_names": asked.given_names,
        "birth_date": asked.birth_date.isoformat(),
    }


def everything_of(person: Person) -> list[Identifier | Person]:
    return [*person.identifiers, person]


def a_theft(story: Story) -> tuple[UUID, UUID, UUID]:
    """Case A lists an author who used the victim's number: victim, case, entry."""
    author = story.subject(Person("Auteur", "Jean", date(1970, 1, 31), identifiers=(AUTHORS,)))
    case_id = story.case(author)
    entry = story.inscribe(case_id, author)
    victim = story.subject(VICTIM)
    steal(story, victim, case_id, STOLEN)
    return victim, case_id, entry


# A victim's file ------------------------------------------------------------------------------


def test_a_victims_file_never_hits(story):
    a_theft(story)
    assert hits(story, *everything_of(VICTIM)) == [False, False, False]
    assert hits(story, *everything_of(AUTHOR)) == [True, True]


@pytest.mark.parametrize("recorded", ["before it is proposed", "before it is approved", "once it is listed"])
def test_a_number_recorded_as_stolen_is_no_key_to_the_cases_entry_whenever_that_is_recorded(story, recorded):
    # given an author who is registered under the victim's number besides their own
    author = story.subject(
        Person("Auteur", "Jean", date(1970, 1, 31), identifiers=(STOLEN, Identifier("adeli", "751000002")))
    )
    case_id = story.case(author)
    victim = story.subject(Person("Victime", "Paule", date(1960, 5, 5)))
    if recorded == "before it is proposed":
        steal(story, victim, case_id, STOLEN)
    entry = story.propose(case_id, author).id
    if recorded == "before it is approved":
        steal(story, victim, case_id, STOLEN)
    story.approve(entry)
    if recorded == "once it is listed":
        steal(story, victim, case_id, STOLEN)
    assert hits(story, STOLEN, Identifier("adeli", "751000002"), AUTHOR) == [False, True, True]


def test_a_victim_is_not_imported_into_the_case_it_is_a_victim_in(story):
    def the_list(person: Person) -> bytes:
        cells = {
            "kind": "person",
            "role": "health_professional",
            "family_name": person.family_name,
            "given_names": person.given_names,
            "birth_date": "1960-05-05" if person is VICTIM else "1970-01-31",
            "rpps": person.identifiers[0].value,
            "case_reference": "D-1",
            "grounds": "overbilling",
            "inscribed_on": "2020-03-15",
            "term_months": "60",
        }
        return "\n".join([",".join(COLUMNS), ",".join(cells.get(name, "") for name in COLUMNS)]).encode()

    taken = submit_import(story.desk, ask(), the_list(AUTHOR), "liste.csv")
    assert taken.import_id is not None
    approve_import(story.desk, ask(BRUNO), taken.import_id)
    case_id = story.rows("SELECT case_id FROM cases")[0]["case_id"]
    steal(story, story.subject(VICTIM), case_id, STOLEN)
    report = submit_import(story.desk, ask(), the_list(VICTIM), "liste-2.csv")
    assert [one.code for one in report.refused] == ["victim_not_listed"]
    assert hits(story, *everything_of(VICTIM)) == [False, False, False]


# Author in one case, victim in another --------------------------------------------------------


@pytest.mark.parametrize("listed_first", [False, True])
def test_whoever_is_listed_by_one_case_and_a_victim_in_another_hits_by_the_first(story, listed_first):
    # given case A, in which their number was stolen, and case B, which lists them
    both = story.subject(VICTIM)
    case_b = story.case(both)
    author = story.subject(AUTHOR)
    case_a = story.case(author)
    entry_a = story.inscribe(case_a, author)
    if not listed_first:
        steal(story, both, case_a, STOLEN)
    entry_b = story.inscribe(case_b, both)
    if listed_first:
        steal(story, both, case_a, STOLEN)
    # then B's entry answers under all that is their own, the number stolen in A included
    assert hits(story, *everything_of(VICTIM)) == [True, True, True]
    assert story.answers(STOLEN) == {entry_b}
    # and A's entry answers under the author's own
    assert story.answers(AUTHORS) == {entry_a}


def test_a_number_stolen_in_one_case_is_no_key_to_it_and_still_a_key_to_the_others(story):
    # given an author whom two cases list, under a number that was stolen in the first
    author = story.subject(Person("Auteur", "Jean", date(1970, 1, 31), identifiers=(STOLEN,)))
    entries = {name: story.inscribe(story.case(author), author) for name in ("A", "B")}
    case_a = story.desk.registry.case_of(entries["A"])
    assert case_a is not None
    steal(story, story.subject(Person("Victime", "Paule", date(1960, 5, 5))), case_a, STOLEN)
    assert story.answers(STOLEN) == {entries["B"]}
    assert story.answers(person=("Auteur", "Jean", date(1970, 1, 31))) == set(entries.values())


def test_when_the_other_case_delists_nothing_of_the_victim_hits_any_more(story):
    both = story.subject(VICTIM)
    entry_b = story.inscribe(story.case(both), both)
    author = story.subject(AUTHOR)
    case_a = story.case(author)
    story.inscribe(case_a, author)
    steal(story, both, case_a, STOLEN)
    assert story.answers(STOLEN) == {entry_b}
    receive_request(story.desk, ask(), Received(Right.OBJECTION, both, date(2021, 3, 15)))
    assert hits(story, *everything_of(VICTIM), AUTHORS) == [False, False, False, True]


def test_a_victim_in_one_case_can_be_added_to_it_and_is_not_listed_by_it(story):
    victim, case_a, _ = a_theft(story)
    add_subject(story.desk, ask(), case_a, victim)
    with pytest.raises(refusals.VictimNotListed):
        story.propose(case_a, victim)
    entry_b = story.inscribe(story.case(victim), victim)
    assert story.answers(STOLEN) == {entry_b}


def test_what_is_learnt_of_the_victim_later_is_no_key_to_the_cases_entry_either(story):
    victim, _, entry = a_theft(story)
    version = story.desk.subject(victim, ORGANISATION).version
    more = Person("Victime", "Paule", date(1960, 5, 5), "Dupont", identifiers=(STOLEN, OWN))
    rectify_subject(story.desk, ask(), victim, more, "nom d'usage", version)
    assert hits(story, *everything_of(more), Person("Dupont", "Paule", date(1960, 5, 5))) == [False] * 4
    assert story.answers(AUTHORS) == {entry}


# Merged (C8) ----------------------------------------------------------------------------------


def test_a_victim_who_is_no_subject_of_the_case_is_not_merged_with_whom_it_lists(story):
    # given that the same person seems to be both: merged, their entry would answer for the victim
    victim = story.subject(Person("Auteur", "Jean", date(1970, 1, 31)))
    author = story.subject(Person("Auteur", "Jean", date(1970, 1, 31), identifiers=(AUTHORS,)))
    case_id = story.case(author)
    story.inscribe(case_id, author)
    steal(story, victim, case_id, STOLEN)
    for survivor, duplicate in ((author, victim), (victim, author)):
        with pytest.raises(refusals.VictimNotListed):
            merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")


def test_whoever_a_victim_was_merged_into_is_not_listed_by_that_case_until_they_are_split(story):
    victim = story.subject(Person("Auteur", "Jean", date(1970, 1, 31)))
    author = story.subject(Person("Auteur", "Jean", date(1970, 1, 31), identifiers=(AUTHORS,)))
    case_id = story.case(author)
    steal(story, victim, case_id, STOLEN)
    merge_subjects(story.desk, ask(), author, victim, "doublon")
    with pytest.raises(refusals.VictimNotListed):
        story.propose(case_id, author)
    split_subjects(story.desk, ask(), author, victim, "deux personnes")
    assert story.answers(AUTHORS) == set()
    entry = story.inscribe(case_id, author)
    assert story.answers(AUTHORS) == {entry}


def test_a_merged_victim_hits_by_the_entry_that_another_case_made_of_them(story):
    victim, _, entry_a = a_theft(story)
    same = story.subject(Person("Victime", "Paule", date(1960, 5, 5), identifiers=(OWN,)))
    with pytest.raises(refusals.IdentifierOfAnother):  # two RPPS are two persons
        merge_subjects(story.desk, ask(), same, victim, "doublon")
    same = story.subject(Person("Victime", "Paule", date(1960, 5, 5)))
    entry_b = story.inscribe(story.case(same), same)
    merge_subjects(story.desk, ask(), same, victim, "doublon")
    assert story.answers(STOLEN) == {entry_b}
    assert story.answers(AUTHORS) == {entry_a}


def test_somebody_who_was_merged_away_is_not_recorded_as_a_victim(story):
    survivor = story.subject(Person("Victime", "Paule", date(1960, 5, 5)))
    duplicate = story.subject(Person("Victime", "Paule", date(1960, 5, 5)))
    case_id = story.case(survivor)
    story.inscribe(case_id, survivor)
    merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    with pytest.raises(refusals.SubjectMerged):
        steal(story, duplicate, case_id, STOLEN)


def test_a_case_raised_while_two_are_merged_is_not_forgotten(story):
    survivor = story.subject(Person("Petit", "Paul", date(1960, 5, 5)))
    duplicate = story.subject(Person("Petit", "Paul", date(1960, 5, 5)))
    cases, record = [lambda: story.case(duplicate)], story.desk.log.record

    def record_after(aggregates, work):
        if cases:
            cases.pop()()
        return record(aggregates, work)

    story.desk.log.record = record_after
    try:
        merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
    finally:
        del story.desk.log.record
    assert [row["subject_ids"] for row in story.rows("SELECT subject_ids FROM cases")] == [[survivor]]


# The picture of it ----------------------------------------------------------------------------


def test_victims_recorded_by_an_earlier_version_are_found_after_the_migration(story, database_url):
    victim, case_id, _ = a_theft(story)
    merged = story.subject(Person("Victime", "Paule", date(1960, 5, 5)))
    merge_subjects(story.desk, ask(), merged, victim, "doublon")
    sql = next(one.sql for one in migrations() if one.name == "0004_rights.sql")
    backfill = sql[sql.index("WITH recorded") : sql.index("-- a decision on all")]
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE watchlist.cases SET victim_ids = '{}'")
        conn.execute(backfill.encode())
    rows = story.rows("SELECT victim_ids FROM cases WHERE case_id = %b", case_id)
    assert rows == [{"victim_ids": sorted([victim, merged])}]
