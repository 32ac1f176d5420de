"""What it takes to be listed, and what ends it (L5-L9, P2)."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from tests.domain.builders import (
    ANNE,
    BRUNO,
    CHLOE,
    Matter,
    a_proposal,
    a_subject,
    act,
    moment,
    sealed,
)
from watchlist.domain import inscription as rules
from watchlist.domain import refusals
from watchlist.domain.aggregate import SCHEDULER
from watchlist.domain.case import Proposal
from watchlist.domain.case_events import ClosingOutcome, InscriptionDelisted
from watchlist.domain.inscription import DelistingGround, Ground, State

ASSESSMENT = dict.fromkeys(rules.PROPORTIONALITY, "considered")
GROUNDS_OF_A_PERSON = [ground for ground in DelistingGround if ground is not DelistingGround.TERM_ELAPSED]


# Four eyes (L5) -------------------------------------------------------------------------------


def test_whoever_proposed_an_inscription_cannot_approve_it():
    matter = Matter()
    entry = matter.propose(by=ANNE)
    with pytest.raises(refusals.FourEyes):
        matter.approve(entry, "2020-06-02", by=ANNE)
    assert matter.approve(entry, "2020-06-02", by=BRUNO).state is State.ACTIVE


def test_whoever_amended_it_last_cannot_approve_it():
    matter = Matter()
    entry = matter.propose(by=ANNE)
    matter.case.amend(act("2020-06-02", BRUNO), entry.id, a_proposal(24))
    for person in (ANNE, BRUNO):
        with pytest.raises(refusals.FourEyes):
            matter.approve(entry, "2020-06-03", by=person)
    assert matter.approve(entry, "2020-06-03", by=CHLOE).approved_by == CHLOE


def test_whoever_amended_it_before_the_last_may_approve_what_another_amended():
    matter = Matter()
    entry = matter.propose(by=ANNE)
    matter.case.amend(act("2020-06-02", BRUNO), entry.id, a_proposal(24))
    matter.case.amend(act("2020-06-03", CHLOE), entry.id, a_proposal(12))
    assert matter.approve(entry, "2020-06-04", by=BRUNO).term_months == 12


# What it needs, when proposed and when approved (L6) ------------------------------------------


def test_an_alert_alone_lists_nobody():
    with pytest.raises(refusals.CaseNotQualified):
        Matter(qualified=False).propose("2020-01-08")


def test_a_closed_case_lists_nobody():
    matter = Matter()
    matter.case.close(act("2020-05-01"), ClosingOutcome.ESTABLISHED)
    with pytest.raises(refusals.CaseIsClosed):
        matter.propose()


def test_only_a_subject_of_the_case_is_listed_by_it():
    stranger = a_subject()
    with pytest.raises(refusals.SubjectNotInCase):
        Matter().propose(person=stranger)


UNFIT = [
    pytest.param({"is_identified": False}, refusals.SubjectNotIdentified, id="not identified"),
    pytest.param({"is_deceased": True}, refusals.SubjectDeceased, id="deceased"),
    pytest.param({"merged_into": uuid4()}, refusals.SubjectMerged, id="merged into another"),
]


@pytest.mark.parametrize(("unfit", "refusal"), UNFIT)
def test_an_unfit_subject_is_not_proposed_and_what_was_proposed_is_not_approved(unfit, refusal):
    matter = Matter()
    candidate = SimpleNamespace(is_identified=True, is_deceased=False, merged_into=None, is_erasing=False)
    entry = matter.propose()
    vars(candidate).update(unfit)
    with pytest.raises(refusal):
        matter.approve(entry, "2020-06-02", person=candidate)
    other = Matter()
    with pytest.raises(refusal):
        other.case.propose(act("2020-06-01"), uuid4(), other.person.id, candidate, a_proposal())


def test_an_inscription_needs_an_assessment_unless_it_was_imported():
    matter = Matter()
    unassessed = Proposal((Ground.OVERBILLING,), 60, None)
    with pytest.raises(refusals.ProportionalityMissing):
        matter.case.propose(act("2020-06-01"), uuid4(), matter.person.id, matter.person, unassessed)
    entry = matter.propose()
    with pytest.raises(refusals.ProportionalityMissing):
        matter.case.amend(act("2020-06-02"), entry.id, unassessed)
    assert Matter().bring_in("2020-06-01", "2018-01-15").proportionality is None


def test_an_assessment_speaks_of_all_five_and_leaves_none_empty():
    rules.require_proportionality(ASSESSMENT)
    for wrong in (
        {},
        ASSESSMENT | {"harm": "  "},
        ASSESSMENT | {"mood": "bad"},
        dict.fromkeys(rules.PROPORTIONALITY[1:], "considered"),
    ):
        with pytest.raises(refusals.ProportionalityMissing):
            rules.require_proportionality(wrong)


def test_grounds_are_codes_of_the_closed_list_each_once():
    assert rules.require_grounds(["overbilling"]) == (Ground.OVERBILLING,)
    for wrong in ([], ["overbilling", "overbilling"]):
        with pytest.raises(refusals.GroundsMissing):
            rules.require_grounds(wrong)
    with pytest.raises(refusals.UnknownGround):
        rules.require_grounds(["rude on the telephone"])


@pytest.mark.parametrize("months", [0, -1, 61, True, 12.5, "60"])
def test_a_term_is_a_whole_number_of_months_from_1_to_60(months):
    with pytest.raises(refusals.TermOutOfRange):
        Matter().propose(months=months)


def test_the_shortest_and_the_longest_term():
    for months in (1, 60):
        assert Matter().propose(months=months).term_months == months


def test_an_amendment_obeys_the_same_limits():
    matter = Matter()
    entry = matter.propose()
    with pytest.raises(refusals.TermOutOfRange):
        matter.case.amend(act("2020-06-02"), entry.id, a_proposal(61))


def test_only_a_proposal_is_amended_withdrawn_rejected_or_approved():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    for attempt in (
        lambda: matter.case.amend(act("2020-06-02"), entry.id, a_proposal(12)),
        lambda: matter.case.withdraw(act("2020-06-02"), entry.id),
        lambda: matter.case.reject(act("2020-06-02"), entry.id, sealed()),
        lambda: matter.approve(entry, "2020-06-02", by=CHLOE),
    ):
        with pytest.raises(refusals.NotProposed):
            attempt()


def test_an_inscription_of_another_case_is_not_found():
    with pytest.raises(refusals.NoSuchInscription):
        Matter().case.withdraw(act("2020-06-02"), uuid4())


def test_a_withdrawn_or_rejected_proposal_can_be_followed_by_another():
    matter = Matter()
    matter.case.withdraw(act("2020-06-02"), matter.propose().id)
    matter.case.reject(act("2020-06-03", BRUNO), matter.propose().id, sealed())
    assert matter.propose().state is State.PROPOSED


def test_a_proposal_is_not_on_the_list():
    matter = Matter()
    entry = matter.propose("2020-06-01")
    assert not matter.listed(entry, "2020-06-01")
    with pytest.raises(refusals.NotListed):
        matter.case.restrict(act("2020-06-01"), entry.id, sealed())


# Neither back-dated nor future-dated; imports (L7) --------------------------------------------


def test_an_entry_is_inscribed_on_the_day_of_its_approval_in_paris():
    matter = Matter()
    entry = matter.propose("2021-03-30")
    matter.approve(entry, "2021-03-31T22:30:00Z")
    assert entry.inscribed_on.isoformat() == "2021-04-01"


def test_an_imported_entry_keeps_its_original_date():
    matter = Matter()
    entry = matter.bring_in("2020-06-01", inscribed_on="2018-01-15")
    assert entry.inscribed_on.isoformat() == "2018-01-15"
    assert entry.inscribed_at == moment("2020-06-01")
    assert matter.listed(entry, "2023-01-15 23:59:59")
    assert not matter.listed(entry, "2023-01-16 00:00")


def test_an_imported_entry_takes_effect_when_a_second_person_approves():
    matter = Matter()
    entry = matter.propose(imported_from="2018-01-15", by=ANNE)
    assert not matter.listed(entry, "2020-06-01")
    with pytest.raises(refusals.FourEyes):
        matter.approve(entry, "2020-06-02", by=ANNE)


def test_nothing_is_imported_from_the_future():
    with pytest.raises(refusals.DateInTheFuture):
        Matter().propose("2020-06-01", imported_from="2020-06-02")


def test_an_imported_entry_whose_term_has_elapsed_is_refused():
    matter = Matter()
    entry = matter.propose("2020-06-01", imported_from="2015-06-01")
    with pytest.raises(refusals.TermElapsed):
        matter.approve(entry, "2020-06-02 00:00")


def test_an_imported_entry_is_taken_on_its_last_day():
    matter = Matter()
    entry = matter.propose("2020-06-01", imported_from="2015-06-01")
    assert matter.approve(entry, "2020-06-01 23:59:59").state is State.ACTIVE


@pytest.mark.parametrize(("opened_on", "taken"), [("2019-01-31", True), ("2019-02-01", False)])
def test_past_its_term_it_needs_a_procedure_opened_by_its_last_listed_day(opened_on, taken):
    # given a line inscribed on 31 January 2014: its last listed day is 31 January 2019
    matter = Matter()
    entry = matter.propose("2020-06-01", imported_from="2014-01-31")
    matter.open("2020-06-01", opened_on=opened_on)
    if not taken:
        with pytest.raises(refusals.TermElapsed):
            matter.approve(entry, "2020-06-02")
        return
    matter.approve(entry, "2020-06-02")
    assert matter.listed(entry, "2030-01-01")


def test_past_its_term_an_ended_procedure_does_not_hold_it():
    matter = Matter()
    entry = matter.propose("2020-06-01", imported_from="2014-01-31")
    procedure = matter.open("2020-06-01", opened_on="2018-01-01")
    matter.end(procedure, "2020-06-02")
    with pytest.raises(refusals.TermElapsed):
        matter.approve(entry, "2020-06-03")


# One at a time; a second needs something new (L8) ---------------------------------------------


def test_a_case_lists_a_subject_once_at_a_time():
    matter = Matter()
    entry = matter.propose()
    for _ in range(2):
        with pytest.raises(refusals.AlreadyProposed) as refused:
            matter.propose("2020-06-03")
        assert refused.value.state == entry.state
        matter.add_evidence("2020-06-03")
        if entry.state is State.PROPOSED:
            matter.approve(entry, "2020-06-02")


def test_a_second_entry_needs_evidence_recorded_after_the_first_began():
    matter = Matter()
    matter.add_evidence("2020-05-01")
    entry = matter.inscribe("2020-06-01", 12)
    matter.case.delist(act("2020-07-01"), entry.id, DelistingGround.INACCURATE, sealed())
    with pytest.raises(refusals.NewEvidenceNeeded):
        matter.propose("2020-08-01")
    matter.add_evidence("2020-08-02")
    second = matter.approve(matter.propose("2020-08-02"), "2020-08-03")
    assert matter.listed(second, "2025-08-03 23:59:59")


def test_a_third_entry_needs_evidence_newer_than_the_second():
    matter = Matter()
    for year in (2021, 2022):
        entry = matter.inscribe(f"{year}-01-04", 12)
        matter.case.delist(act(f"{year}-02-01"), entry.id, DelistingGround.REPAID, sealed())
        if year == 2021:
            matter.add_evidence("2021-03-01")
    with pytest.raises(refusals.NewEvidenceNeeded):
        matter.propose("2023-01-04")


def test_an_entry_that_has_ended_does_not_stand_in_the_way_swept_or_not():
    matter = Matter()
    first = matter.inscribe("2020-06-01", 12)
    matter.add_evidence("2020-07-01")
    with pytest.raises(refusals.AlreadyProposed):
        matter.propose("2021-06-01 23:59:59")
    assert matter.propose("2021-06-02 00:00").state is State.PROPOSED
    assert first.delisting_ground is DelistingGround.TERM_ELAPSED


def test_new_facts_never_lengthen_an_entry():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    before = matter.case.ends_at(entry)
    matter.add_evidence("2020-07-01")
    matter.case.add_note(act("2020-07-01"), sealed())
    with pytest.raises(refusals.NotProposed):
        matter.case.amend(act("2020-07-01"), entry.id, a_proposal(60))
    assert matter.case.ends_at(entry) == before


# Delisting (L9) -------------------------------------------------------------------------------


@pytest.mark.parametrize("ground", GROUNDS_OF_A_PERSON)
def test_a_person_delists_on_a_stated_ground_at_once(ground):
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    matter.open("2020-07-01")
    matter.case.delist(act("2021-01-01"), entry.id, ground, sealed())
    assert not matter.listed(entry, "2021-01-01")
    assert (entry.state, entry.delisting_ground) == (State.DELISTED, ground)


def test_a_term_elapses_by_itself_and_is_nobodys_ground():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    with pytest.raises(refusals.GroundIsAutomatic):
        matter.case.delist(act("2021-01-01"), entry.id, DelistingGround.TERM_ELAPSED, sealed())


def test_what_is_delisted_or_has_ended_is_not_delisted_again():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    with pytest.raises(refusals.NotListed) as refused:
        matter.case.delist(act("2021-06-02 00:00"), entry.id, DelistingGround.REPAID, sealed())
    assert refused.value.state == "ended"
    matter.case.delist(act("2021-06-01 23:59"), entry.id, DelistingGround.REPAID, sealed())
    with pytest.raises(refusals.NotListed):
        matter.case.delist(act("2021-06-01 23:59"), entry.id, DelistingGround.REPAID, sealed())


def test_the_sweep_records_each_end_once():
    # given two entries that have ended and one that has not
    matter = Matter(subjects=3)
    first, second, third = (matter.inscribe("2020-06-01", n, matter.people[n % 3]) for n in (1, 2, 60))
    sweep = act("2020-09-01", SCHEDULER)
    # when it is swept, and swept again
    assert [matter.case.delist_elapsed(sweep), matter.case.delist_elapsed(sweep)] == [2, 0]
    # then
    recorded = [e for e in matter.case.pending if isinstance(e, InscriptionDelisted)]
    assert [(e.inscription_id, e.ground, e.reason) for e in recorded] == [
        (entry.id, DelistingGround.TERM_ELAPSED, None) for entry in (first, second)
    ]
    assert third.state is State.ACTIVE


# Restriction (P2) -----------------------------------------------------------------------------


def test_an_entry_is_restricted_once_and_lifted_once():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    with pytest.raises(refusals.NotRestricted):
        matter.case.lift_restriction(act("2020-07-01"), entry.id, sealed())
    matter.case.restrict(act("2020-07-01"), entry.id, sealed())
    assert entry.restricted
    with pytest.raises(refusals.AlreadyRestricted):
        matter.case.restrict(act("2020-07-02"), entry.id, sealed())
    matter.case.lift_restriction(act("2020-07-03"), entry.id, sealed())
    assert not entry.restricted


def test_a_restriction_does_not_stop_the_term():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    ends_at = matter.case.ends_at(entry)
    matter.case.restrict(act("2020-07-01"), entry.id, sealed())
    assert matter.case.ends_at(entry) == ends_at
    assert matter.case.delist_elapsed(act("2021-06-02 00:00")) == 1


def test_lifting_does_not_revive_what_has_ended():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    matter.case.restrict(act("2020-07-01"), entry.id, sealed())
    with pytest.raises(refusals.NotListed):
        matter.case.lift_restriction(act("2021-06-02 00:00"), entry.id, sealed())
    assert not matter.listed(entry, "2021-06-02 00:00")


def test_a_held_entry_can_be_restricted_and_stays_so():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    matter.open("2021-01-01")
    matter.case.restrict(act("2022-01-01"), entry.id, sealed())
    assert matter.listed(entry, "2022-01-02")
    assert entry.restricted
