"""Cases whose data come to their end, and subjects erased (C2, C3, C5, P6)."""

from datetime import date, timedelta

import pytest

from tests.domain.builders import Matter, a_subject, act, moment, replayed, sealed
from watchlist.domain import refusals
from watchlist.domain.case_events import ClosingOutcome, PurgeBasis
from watchlist.domain.case_memory import CaseState
from watchlist.domain.erasure import complete_on
from watchlist.domain.inscription import DelistingGround, State
from watchlist.domain.retention import NEVER, subject_data_end_at
from watchlist.domain.subject import ErasureBasis, Subject

# Cases whose data come to their end -----------------------------------------------------------


def closed(on="2020-06-01"):
    matter = Matter()
    matter.case.close(act(on), ClosingOutcome.SETTLED)
    return matter


def test_a_closed_case_expires_five_years_later_and_not_before():
    case = closed("2020-06-01").case
    assert not case.expire(act("2025-06-01 23:59"))
    assert case.expire(act("2025-06-02 00:00"))
    assert (case.state, case.purge_due) == (CaseState.EXPIRED, PurgeBasis.RETENTION)


def test_an_expired_case_takes_no_command_and_waits_for_its_purge():
    case = closed().case
    case.expire(act("2025-06-02"))
    with pytest.raises(refusals.CasePurged):
        case.add_note(act("2025-06-02"), sealed())
    with pytest.raises(refusals.CasePurged):
        case.redact(act("2025-06-02"), sealed().ref, sealed(), sealed())
    assert not case.expire(act("2025-06-03"))
    assert case.purge(act("2025-06-03"))
    assert not case.purge(act("2025-06-03"))
    assert (case.purge_basis, case.purged_at) == (PurgeBasis.RETENTION, moment("2025-06-03"))


def test_a_case_does_not_expire_while_one_of_its_entries_is_active():
    matter = Matter()
    matter.inscribe("2020-06-01")
    matter.case.close(act("2020-06-01"), ClosingOutcome.SETTLED)
    assert not matter.case.expire(act("2025-06-03"))
    matter.case.delist_elapsed(act("2025-06-03"))
    assert matter.case.expire(act("2025-06-03"))


def test_a_case_given_up_ends_whatever_was_open_in_it():
    matter = Matter(subjects=2)
    listed, proposed = matter.inscribe("2020-06-01"), matter.propose(person=matter.people[1])
    matter.case.give_up(act("2020-07-01"), PurgeBasis.RESTORED)
    assert (listed.state, proposed.state) == (State.DELISTED, State.WITHDRAWN)
    assert matter.case.purge_due is PurgeBasis.RESTORED
    matter.case.give_up(act("2020-07-02"), PurgeBasis.ERASURE_UPHELD)
    assert matter.case.purge_due is PurgeBasis.RESTORED


# Until when a subject is retained -------------------------------------------------------------

REGISTERED = date(2020, 8, 31)
FIRST, SECOND = moment("2021-01-01"), moment("2022-01-01")


@pytest.mark.parametrize(
    ("purged", "open_requests", "ends"),
    [
        pytest.param([], False, moment("2021-03-01 00:00"), id="never named: six months from registration"),
        pytest.param([None], False, NEVER, id="a case names it"),
        pytest.param([FIRST, None], False, NEVER, id="one of two cases still does"),
        pytest.param([FIRST], False, FIRST, id="the only case was purged: at once"),
        pytest.param([SECOND, FIRST], False, SECOND, id="when the last was purged"),
        pytest.param([FIRST], True, NEVER, id="a request is not answered yet"),
        pytest.param([], True, NEVER, id="a request of one never named"),
    ],
)
def test_a_subject_is_retained_while_something_retains_it(purged, open_requests, ends):
    assert subject_data_end_at(REGISTERED, purged, open_requests) == ends


def test_an_erasure_is_complete_when_the_last_backup_of_its_key_has_expired():
    assert complete_on(moment("2021-12-31 23:30"), timedelta(days=30)) == date(2022, 1, 30)
    assert complete_on(moment("2020-02-01"), timedelta(days=0)) == date(2020, 2, 1)


# Subjects -------------------------------------------------------------------------------------


def erasing():
    subject = a_subject()
    subject.decide_erasure(act("2020-06-01"), ErasureBasis.RETENTION)
    return subject


def test_one_whose_erasure_was_decided_takes_no_command():
    subject, other, on = erasing(), a_subject(), act("2020-06-02")
    for attempt in (
        lambda: subject.rectify(on, sealed(), True, (), sealed()),
        lambda: subject.record_death(on, sealed()),
        lambda: subject.merge(on, other, sealed()),
        lambda: other.merge(on, subject, sealed()),
        lambda: subject.split(on, other, sealed()),
        lambda: subject.require_kept(),
    ):
        with pytest.raises(refusals.SubjectIsErased) as refused:
            attempt()
        assert refused.value.state == "erasing"


def test_an_erasure_is_decided_and_recorded_once():
    subject = erasing()
    assert not subject.decide_erasure(act("2020-06-02"), ErasureBasis.REQUEST)
    assert subject.erase(act("2020-06-02"))
    assert not subject.erase(act("2020-06-03"))
    again = replayed(subject)
    assert isinstance(again, Subject)
    assert (again.is_erased, again.erasure_basis, again.erased_at) == (
        True,
        ErasureBasis.RETENTION,
        moment("2020-06-02"),
    )


def test_nothing_is_erased_that_was_not_decided():
    assert not a_subject().erase(act("2020-06-01"))


def test_one_that_is_erased_cannot_be_listed():
    matter = Matter()
    matter.person.decide_erasure(act("2020-05-01"), ErasureBasis.REQUEST)
    with pytest.raises(refusals.SubjectIsErased):
        matter.propose("2020-06-01")


# What its cases hold of it --------------------------------------------------------------------


def test_a_case_goes_on_without_the_one_it_was_detached_from():
    matter = Matter(subjects=2)
    gone, stays = matter.people
    entry, other = matter.inscribe("2020-06-01"), matter.inscribe("2020-06-01", person=stays)
    proposed = Matter().case  # another matter is not touched
    matter.case.detach(act("2020-07-01"), gone.id)
    assert matter.case.subjects_now() == [stays.id]
    assert (entry.state, entry.delisting_ground) == (State.DELISTED, DelistingGround.ERASURE_UPHELD)
    assert other.state is State.ACTIVE
    assert matter.case.purge_due is None
    assert proposed.purge_due is None


def test_a_case_left_with_nobody_is_over():
    matter = Matter()
    proposed = matter.propose()
    matter.case.detach(act("2020-07-01"), matter.person.id)
    assert proposed.state is State.WITHDRAWN
    assert (matter.case.state, matter.case.purge_due) == (CaseState.EXPIRED, PurgeBasis.ERASURE_UPHELD)


def test_merged_subjects_are_detached_together():
    matter = Matter(subjects=2)
    duplicate, survivor = matter.people
    matter.case.follow(act("2020-06-01"), duplicate.id, survivor.id)
    matter.case.detach(act("2020-07-01"), survivor.id)
    assert matter.case.subject_ids == []


def test_an_entry_that_ended_by_itself_keeps_that_ground():
    matter = Matter(subjects=2)
    entry = matter.inscribe("2020-06-01", months=1)
    matter.case.detach(act("2020-08-01"), matter.person.id)
    assert entry.delisting_ground is DelistingGround.TERM_ELAPSED


def test_an_ongoing_procedure_forbids_the_erasure_of_whom_it_names():
    matter = Matter(subjects=2)
    procedure = matter.open("2020-06-01", matter.person)
    with pytest.raises(refusals.ProcedureForbidsErasure) as refused:
        matter.case.require_erasable(act("2020-07-01"), matter.person.id)
    assert refused.value.state == "procedure_ongoing"
    matter.case.require_erasable(act("2020-07-01"), matter.people[1].id)
    matter.end(procedure, "2020-07-01", limitation_ends_on="2026-07-01")
    with pytest.raises(refusals.ProcedureForbidsErasure) as refused:
        matter.case.require_erasable(act("2026-07-01 23:59"), matter.person.id)
    assert refused.value.state == "limitation_running"
    matter.case.require_erasable(act("2026-07-02 00:00"), matter.person.id)


def test_what_was_stolen_from_a_detached_victim_is_taken_back():
    matter = Matter(subjects=3)
    stolen, others = sealed(), sealed()
    matter.case.record_victim(act("2020-06-01"), matter.people[1].id, stolen, sealed())
    matter.case.record_victim(act("2020-06-01"), matter.people[2].id, others, sealed())
    matter.case.detach(act("2020-07-01"), matter.people[1].id)
    assert (matter.case.stolen, matter.case.victims) == ([others], {matter.people[2].id})


# Redacted -------------------------------------------------------------------------------------


def test_a_text_is_redacted_once_and_what_remains_of_it_again():
    case = Matter().case
    before, once, twice = sealed(), sealed(), sealed()
    case.add_note(act("2020-06-01"), before)
    case.redact(act("2020-06-02"), before.ref, once, sealed())
    assert case.text_now(case.notes[0].text) == once
    with pytest.raises(refusals.AlreadyRedacted):
        case.redact(act("2020-06-02"), before.ref, twice, sealed())
    case.redact(act("2020-06-02"), once.ref, twice, sealed())
    assert case.text_now(case.notes[0].text) == twice
    case.redact(act("2020-06-02"), twice.ref, None, None)
    assert case.text_now(case.notes[0].text) is None


def test_a_closed_case_can_still_be_redacted():
    case = closed().case
    case.redact(act("2020-06-02"), sealed().ref, sealed(), sealed())
    assert case.state is CaseState.CLOSED
