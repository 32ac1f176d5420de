"""Judicial procedures: whom they name, and what they hold (C4, L1)."""

from datetime import date
from uuid import uuid4

import pytest

from tests.domain.builders import Matter, a_subject, act, moment, sealed
from watchlist.domain import refusals, retention
from watchlist.domain.case import NewProcedure
from watchlist.domain.procedure import Kind, Outcome

# Opened (C4) ----------------------------------------------------------------------------------


def test_an_alert_alone_has_no_procedure():
    with pytest.raises(refusals.CaseNotQualified):
        Matter(qualified=False).open("2020-01-08")


def test_a_procedure_is_not_opened_tomorrow():
    with pytest.raises(refusals.DateInTheFuture):
        Matter().open("2020-06-01", opened_on="2020-06-02")


def test_a_procedure_names_at_least_one_subject_each_once():
    matter = Matter()
    for named in ((), (matter.person.id, matter.person.id)):
        new = NewProcedure(Kind.PROSECUTION, sealed(), sealed(), date(2020, 6, 1), named)
        with pytest.raises(refusals.ProcedureNamesNobody):
            matter.case.open_procedure(act("2020-06-01"), uuid4(), new)


def test_a_procedure_names_only_subjects_of_the_case():
    with pytest.raises(refusals.SubjectNotInCase):
        Matter().open("2020-06-01", a_subject())


# Ended (C4) -----------------------------------------------------------------------------------


def test_a_procedure_ends_for_one_subject_and_goes_on_for_the_other():
    matter = Matter(subjects=2)
    first, second = matter.people
    id = matter.open("2020-06-01", first, second)
    matter.end(id, "2021-01-01", first)
    procedure = matter.case.procedures[id]
    assert not procedure.is_ongoing_for(first.id)
    assert procedure.is_ongoing_for(second.id)
    assert procedure.is_ongoing


def test_what_has_ended_for_a_subject_does_not_end_for_it_again():
    matter = Matter(subjects=2)
    id = matter.open("2020-06-01", *matter.people)
    matter.end(id, "2021-01-01", matter.people[0])
    with pytest.raises(refusals.ProcedureNotOngoing):
        matter.end(id, "2021-01-02", *matter.people)
    matter.end(id, "2021-01-02")
    with pytest.raises(refusals.ProcedureNotOngoing):
        matter.end(id, "2021-01-03")


def test_a_procedure_does_not_end_for_somebody_it_does_not_name():
    matter = Matter(subjects=2)
    id = matter.open("2020-06-01", matter.person)
    with pytest.raises(refusals.ProcedureNotOngoing):
        matter.end(id, "2021-01-01", matter.people[1])
    with pytest.raises(refusals.SubjectNotInCase):
        matter.end(id, "2021-01-01", a_subject())


def test_a_procedure_ends_neither_tomorrow_nor_before_it_began():
    matter = Matter()
    id = matter.open("2020-06-01", opened_on="2020-05-01")
    with pytest.raises(refusals.DateInTheFuture):
        matter.end(id, "2020-06-02", ended_on="2020-06-03")
    with pytest.raises(refusals.EndsBeforeItBegan):
        matter.end(id, "2020-06-02", ended_on="2020-04-30")
    matter.end(id, "2020-06-02", ended_on="2020-05-01")
    naming = matter.case.procedures[id].names[matter.person.id]
    assert (naming.until, naming.outcome) == (moment("2020-06-02"), Outcome.ACQUITTED)


def test_an_unknown_procedure_is_neither_ended_nor_continued():
    matter = Matter()
    with pytest.raises(refusals.NoSuchProcedure):
        matter.end(uuid4(), "2020-06-01")
    with pytest.raises(refusals.NoSuchProcedure):
        matter.open("2020-06-01", continues=uuid4())


# What it holds (L1) ---------------------------------------------------------------------------


def test_an_ongoing_procedure_holds_an_entry_past_its_term_until_it_ends():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    procedure = matter.open("2021-06-01 23:59:59")
    assert matter.case.held_by(entry) == [procedure]
    assert matter.case.ends_at(entry) == retention.NEVER
    assert matter.listed(entry, "2024-01-01")

    matter.end(procedure, "2024-01-01 10:00")
    assert matter.case.held_by(entry) == []
    assert not matter.listed(entry, "2024-01-01 10:00")


def test_a_procedure_that_ended_within_the_term_holds_nothing():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    matter.end(matter.open("2020-07-01"), "2021-06-01")
    assert matter.listed(entry, "2021-06-01 23:59:59")
    assert not matter.listed(entry, "2021-06-02 00:00")


def test_a_procedure_recorded_after_the_term_elapsed_revives_nothing():
    # swept or not, and whatever the day it was opened on
    for swept in (False, True):
        matter = Matter()
        entry = matter.inscribe("2020-06-01", 12)
        if swept:
            matter.case.delist_elapsed(act("2021-06-02 00:00"))
        matter.open("2021-06-02 00:00", opened_on="2021-01-01")
        assert not matter.listed(entry, "2021-06-02 00:00")
        assert matter.case.held_by(entry) == []


def test_a_procedure_holds_only_the_subjects_it_names():
    matter = Matter(subjects=2)
    named, unnamed = (matter.inscribe("2020-06-01", 12, person) for person in matter.people)
    matter.open("2020-07-01", matter.people[0])
    assert matter.listed(named, "2022-01-01")
    assert not matter.listed(unnamed, "2021-06-02 00:00")


def test_an_end_for_some_releases_only_their_entries():
    matter = Matter(subjects=2)
    first, second = (matter.inscribe("2020-06-01", 12, person) for person in matter.people)
    procedure = matter.open("2020-07-01", *matter.people)
    matter.end(procedure, "2022-01-01", matter.people[0])
    assert not matter.listed(first, "2022-01-01")
    assert matter.listed(second, "2022-01-01")


def test_of_two_procedures_the_last_to_end_counts():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    first, second = matter.open("2020-07-01"), matter.open("2020-08-01")
    matter.end(second, "2022-01-01")
    assert matter.listed(entry, "2022-01-01")
    matter.end(first, "2022-02-01")
    assert not matter.listed(entry, "2022-02-01")


def test_a_procedure_recorded_while_another_holds_the_entry_does_not_take_over():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    first = matter.open("2020-07-01")
    matter.open("2021-07-01")
    assert matter.case.held_by(entry) == [first]
    matter.end(first, "2022-01-01")
    assert not matter.listed(entry, "2022-01-01")


def test_a_procedure_recorded_before_the_inscription_holds_it_too():
    matter = Matter()
    procedure = matter.open("2020-05-01")
    entry = matter.inscribe("2020-06-01", 12)
    assert matter.case.held_by(entry) == [procedure]


# Continued by another, with no gap (C4) -------------------------------------------------------


def test_a_prosecution_continues_a_complaint_with_no_gap():
    # given a complaint, continued after the term elapsed
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    complaint = matter.open("2020-07-01")
    prosecution = matter.open("2021-09-01", continues=complaint)
    # then one took over from the other
    assert not matter.case.procedures[complaint].is_ongoing
    assert matter.case.held_by(entry) == [prosecution]
    assert matter.listed(entry, "2021-09-01")
    # until the last has ended
    matter.end(prosecution, "2023-01-01")
    assert not matter.listed(entry, "2023-01-01")


def test_a_chain_of_three_holds_throughout():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    last = None
    for on in ("2020-07-01", "2021-07-01", "2022-07-01"):
        last = matter.open(on, continues=last)
        assert matter.case.held_by(entry) == [last]
    assert matter.case.ends_at(entry) == retention.NEVER


def test_what_continues_only_some_leaves_the_others_to_the_first():
    matter = Matter(subjects=2)
    first, second = (matter.inscribe("2020-06-01", 12, person) for person in matter.people)
    complaint = matter.open("2020-07-01", *matter.people)
    prosecution = matter.open("2020-08-01", matter.people[0], continues=complaint)
    assert matter.case.held_by(first) == [prosecution]
    assert matter.case.held_by(second) == [complaint]


def test_only_an_ongoing_procedure_is_continued():
    matter = Matter(subjects=2)
    complaint = matter.open("2020-07-01", matter.person)
    with pytest.raises(refusals.ProcedureNotOngoing):
        matter.open("2020-08-01", matter.people[1], continues=complaint)
    matter.end(complaint, "2020-09-01")
    with pytest.raises(refusals.ProcedureNotOngoing):
        matter.open("2020-10-01", matter.person, continues=complaint)


def test_a_continued_procedure_does_not_end_a_second_time():
    matter = Matter()
    complaint = matter.open("2020-07-01")
    matter.open("2020-08-01", continues=complaint)
    with pytest.raises(refusals.ProcedureNotOngoing):
        matter.end(complaint, "2020-09-01")


# Imported entries (L7) ------------------------------------------------------------------------


def test_a_procedure_that_came_with_the_import_counts_from_the_day_it_was_opened():
    # given a line of 2015 imported in 2020, with a procedure of 2017
    matter = Matter()
    procedure = matter.open("2020-06-01", opened_on="2017-01-01")
    entry = matter.bring_in("2020-06-01", inscribed_on="2015-01-15", months=36)
    assert matter.case.held_by(entry) == [procedure]
    matter.end(procedure, "2021-01-01")
    assert not matter.listed(entry, "2021-01-01")


def test_a_procedure_recorded_after_the_import_counts_from_then():
    # given an imported line whose term elapses on 15 January 2021
    matter = Matter()
    entry = matter.bring_in("2020-06-01", inscribed_on="2018-01-15", months=36)
    matter.open("2021-02-01", opened_on="2019-01-01")
    assert matter.case.held_by(entry) == []
    assert not matter.listed(entry, "2021-02-01")


def test_what_continues_an_imported_procedure_leaves_no_gap_either():
    # given a line whose term elapsed before the import, held by a complaint that came with it
    matter = Matter()
    complaint = matter.open("2020-06-01", opened_on="2017-01-01")
    entry = matter.bring_in("2020-06-01", inscribed_on="2015-01-15", months=36)
    # when a prosecution continues the complaint
    prosecution = matter.open("2021-01-01", continues=complaint)
    # then it holds the entry in its turn
    assert matter.case.held_by(entry) == [prosecution]
    assert matter.listed(entry, "2022-01-01")


# Under either id of a merged subject (C8) -----------------------------------------------------


@pytest.mark.parametrize("asked", [0, 1])
def test_a_procedure_that_names_a_merged_subject_ends_or_goes_on_under_either_id(asked):
    matter = Matter(subjects=1)
    survivor = a_subject()
    entry = matter.inscribe("2020-06-01", 12)
    complaint = matter.open("2020-07-01")
    matter.case.follow(act("2020-08-01"), matter.person.id, survivor.id)
    who = (matter.person, survivor)[asked]

    prosecution = matter.open("2020-09-01", who, continues=complaint)
    assert matter.case.held_by(entry) == [prosecution]
    matter.end(prosecution, "2022-01-01", who)
    assert not matter.listed(entry, "2022-01-01")


def test_a_procedure_that_named_both_ends_for_whom_it_is_ongoing():
    matter = Matter(subjects=2)
    jean, other_jean = matter.people
    procedure = matter.open("2020-06-01", jean, other_jean)
    matter.end(procedure, "2020-07-01", jean)
    matter.case.follow(act("2020-08-01"), jean.id, other_jean.id)
    matter.end(procedure, "2020-09-01", other_jean)
    assert not matter.case.procedures[procedure].is_ongoing


def test_a_procedure_that_names_the_other_one_holds_once_they_are_merged():
    matter = Matter(subjects=2)
    jean, other_jean = matter.people
    entry = matter.inscribe("2020-06-01", 12, person=jean)
    procedure = matter.open("2020-07-01", other_jean)
    assert matter.case.held_by(entry) == []
    matter.case.follow(act("2020-08-01"), jean.id, other_jean.id)
    assert matter.case.held_by(entry) == [procedure]
    matter.case.follow(act("2020-09-01"), jean.id, None)
    assert matter.case.held_by(entry) == []
