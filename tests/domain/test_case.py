"""A case from its alert to its purge (C1-C3, C5, C7), and what follows a merge (C8, L8, L10)."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.domain.builders import (
    ANNE,
    BRUNO,
    Matter,
    a_subject,
    act,
    an_alert,
    moment,
    replayed,
    sealed,
)
from watchlist.domain import refusals, retention
from watchlist.domain.case import Case
from watchlist.domain.case_events import ClosingOutcome, PurgeBasis
from watchlist.domain.case_memory import CaseState
from watchlist.domain.inscription import DelistingGround, State

# Alerts (C1) ----------------------------------------------------------------------------------


def raise_alert(raised_on: str, at: str) -> Case:
    return Case.raise_alert(act(at), uuid4(), an_alert(raised_on), [uuid4()])


def test_an_alert_is_not_raised_tomorrow_in_paris():
    # given half past eleven in the evening in UTC, half past midnight in Paris
    assert raise_alert("2021-01-02", "2021-01-01T23:30:00Z").state is CaseState.ALERT
    with pytest.raises(refusals.DateInTheFuture):
        raise_alert("2021-01-03", "2021-01-01T23:30:00Z")


def test_an_alert_older_than_six_months_may_not_be_recorded():
    assert raise_alert("2020-08-31", "2021-02-28 23:59:59").state is CaseState.ALERT
    with pytest.raises(refusals.AlertTooOld):
        raise_alert("2020-08-31", "2021-03-01 00:00:00")


def test_an_alert_not_qualified_in_six_months_lapses_and_is_purged():
    matter = Matter(qualified=False, raised_on="2020-01-06")
    assert matter.case.alert_ends_at == moment("2020-07-07 00:00")
    assert not matter.case.lapse(act("2020-07-06 23:59:59"))
    assert not matter.case.purge(act("2020-07-06 23:59:59"))

    assert matter.case.lapse(act("2020-07-07 00:00"))
    assert matter.case.purge(act("2020-07-07 00:00"))

    assert matter.case.state is CaseState.PURGED
    assert matter.case.purge_basis is PurgeBasis.ALERT_EXPIRED
    assert matter.case.alert_ends_at is None


def test_an_alert_lapses_once_and_is_purged_once():
    matter = Matter(qualified=False)
    assert [matter.case.lapse(act("2020-09-01")) for _ in range(2)] == [True, False]
    assert [matter.case.purge(act("2020-09-01")) for _ in range(2)] == [True, False]


def test_an_alert_past_its_six_months_is_not_qualified_any_more_swept_or_not():
    matter = Matter(qualified=False)
    with pytest.raises(refusals.AlertExpired):
        matter.case.qualify(act("2020-07-07 00:00"), sealed())
    matter.case.lapse(act("2020-07-07 00:00"))
    with pytest.raises(refusals.CasePurged):
        matter.case.qualify(act("2020-07-07 00:00"), sealed())


def test_an_alert_found_not_relevant_is_purged_at_once():
    matter = Matter(qualified=False)
    matter.case.dismiss(act("2020-02-01"))
    assert matter.case.purge(act("2020-02-01"))
    assert (matter.case.state, matter.case.purge_basis) == (CaseState.PURGED, PurgeBasis.NOT_RELEVANT)


def test_a_dismissed_or_purged_case_takes_nothing_more():
    matter = Matter(qualified=False)
    matter.case.dismiss(act("2020-02-01"))
    for _ in range(2):
        for attempt in (
            lambda: matter.case.qualify(act("2020-02-02"), sealed()),
            lambda: matter.case.add_note(act("2020-02-02"), sealed()),
            lambda: matter.propose("2020-02-02"),
            lambda: matter.open("2020-02-02"),
            lambda: matter.case.close(act("2020-02-02"), ClosingOutcome.ABANDONED),
        ):
            with pytest.raises(refusals.CasePurged):
                attempt()
        matter.case.purge(act("2020-02-01"))


def test_an_alert_is_qualified_once():
    matter = Matter()
    with pytest.raises(refusals.AlreadyQualified):
        matter.case.qualify(act("2020-01-08"), sealed())
    with pytest.raises(refusals.AlreadyQualified):
        matter.case.dismiss(act("2020-01-08"))


def test_a_qualified_case_no_longer_lapses():
    matter = Matter()
    assert not matter.case.lapse(act("2030-01-01"))
    assert not matter.case.purge(act("2030-01-01"))


# Closing (C2, C3) -----------------------------------------------------------------------------


def closed(matter: Matter, on: str = "2021-03-15") -> Case:
    matter.case.close(act(on), ClosingOutcome.ESTABLISHED)
    return matter.case


def test_an_alert_cannot_be_closed():
    with pytest.raises(refusals.CaseNotQualified):
        closed(Matter(qualified=False), "2020-01-08")


def test_a_case_is_closed_once():
    matter = Matter()
    closed(matter)
    with pytest.raises(refusals.CaseIsClosed):
        closed(matter, "2021-03-16")


def test_closing_refuses_while_a_proposal_is_pending():
    matter = Matter()
    entry = matter.propose("2020-06-01")
    with pytest.raises(refusals.ProposalPending):
        closed(matter)
    matter.case.withdraw(act("2020-06-02"), entry.id)
    assert closed(matter).state is CaseState.CLOSED


def test_closing_ends_no_entry():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    closed(matter)
    assert matter.listed(entry, "2025-06-01 23:59:59")


def test_a_closed_case_is_added_to_no_more():
    matter = Matter()
    closed(matter)
    for attempt in (
        lambda: matter.case.add_note(act("2021-03-16"), sealed()),
        lambda: matter.add_evidence("2021-03-16"),
        lambda: matter.case.add_subject(act("2021-03-16"), uuid4()),
        lambda: matter.case.record_victim(act("2021-03-16"), uuid4(), sealed(), sealed()),
        lambda: matter.propose("2021-03-16"),
    ):
        with pytest.raises(refusals.CaseIsClosed):
            attempt()


def test_data_are_kept_five_years_from_closing_in_paris():
    # closed on 31 March in UTC, on 1 April in Paris
    assert closed(Matter(), "2021-03-31T22:30:00Z").data_end_at == datetime(2026, 4, 1, 22, tzinfo=UTC)
    assert Matter().case.data_end_at is None


def test_data_are_kept_while_an_entry_is_active():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    closed(matter)
    assert matter.case.data_end_at == retention.NEVER
    matter.case.delist(act("2021-06-01"), entry.id, DelistingGround.REPAID, sealed())
    assert matter.case.data_end_at == moment("2026-03-16 00:00")


def test_data_are_kept_until_the_procedure_and_its_limitation_have_ended():
    matter = Matter()
    procedure = matter.open("2020-06-01")
    closed(matter)
    assert matter.case.data_end_at == retention.NEVER
    matter.end(procedure, "2022-01-01", limitation_ends_on="2028-01-01")
    assert matter.case.data_end_at == moment("2028-01-02 00:00")


def test_a_limitation_that_ends_sooner_does_not_shorten_the_five_years():
    matter = Matter()
    procedure = matter.open("2020-06-01")
    closed(matter)
    matter.end(procedure, "2022-01-01", limitation_ends_on="2023-01-01")
    assert matter.case.data_end_at == moment("2026-03-16 00:00")


def test_of_several_limitations_the_last_counts():
    matter = Matter(subjects=2)
    procedure = matter.open("2020-06-01", *matter.people)
    closed(matter)
    matter.end(procedure, "2022-01-01", matter.people[0], limitation_ends_on="2031-01-01")
    assert matter.case.data_end_at == retention.NEVER
    matter.end(procedure, "2022-02-01", matter.people[1], limitation_ends_on="2028-01-01")
    assert matter.case.data_end_at == moment("2031-01-02 00:00")


def test_a_procedure_that_was_continued_does_not_keep_the_data_for_ever():
    matter = Matter()
    complaint = matter.open("2020-06-01")
    prosecution = matter.open("2021-01-01", continues=complaint)
    closed(matter)
    matter.end(prosecution, "2022-01-01", limitation_ends_on="2028-01-01")
    assert matter.case.data_end_at == moment("2028-01-02 00:00")


def test_a_procedure_may_be_opened_continued_and_ended_after_closing():
    matter = Matter()
    closed(matter)
    complaint = matter.open("2021-04-01")
    prosecution = matter.open("2021-05-01", continues=complaint)
    matter.end(prosecution, "2021-06-01")
    assert not matter.case.procedures[prosecution].is_ongoing


# Inactivity (C7) ------------------------------------------------------------------------------


def test_an_open_case_in_which_nothing_happened_for_twelve_months_is_a_deadline():
    matter = Matter()
    assert matter.case.inactive_at == moment("2021-01-08 00:00")
    matter.case.add_note(act("2020-02-29"), sealed())
    assert matter.case.inactive_at == moment("2021-03-01 00:00")


def test_neither_an_alert_nor_a_closed_case_is_inactive():
    assert Matter(qualified=False).case.inactive_at is None
    assert closed(Matter()).inactive_at is None


# Subjects, merged and split (C8) --------------------------------------------------------------


def test_a_subject_is_added_once():
    matter = Matter()
    newcomer = uuid4()
    for _ in range(2):
        matter.case.add_subject(act("2020-02-01"), newcomer)
    assert matter.case.subject_ids == [matter.person.id, newcomer]


def test_entries_follow_a_merge_and_a_split():
    matter = Matter(subjects=2)
    jean, other_jean = matter.people
    entry = matter.inscribe("2020-06-01", person=jean)

    matter.case.follow(act("2021-01-01"), jean.id, other_jean.id)
    assert matter.case.subject_now(entry.subject_id) == other_jean.id
    assert matter.case.subjects_now() == [other_jean.id]

    matter.case.follow(act("2021-02-01"), jean.id, None)
    assert matter.case.subject_now(entry.subject_id) == jean.id
    assert matter.case.subjects_now() == [jean.id, other_jean.id]


def test_a_merged_subject_already_listed_is_not_listed_twice():
    matter = Matter(subjects=2)
    jean, other_jean = matter.people
    matter.inscribe("2020-06-01", person=jean)
    matter.case.follow(act("2021-01-01"), jean.id, other_jean.id)
    with pytest.raises(refusals.AlreadyProposed):
        matter.propose("2021-02-01", person=other_jean)


def test_two_listed_subjects_are_not_merged():
    matter = Matter(subjects=2)
    jean, other_jean = matter.people
    matter.inscribe("2020-06-01", person=jean)
    matter.propose("2020-06-01", person=other_jean)
    with pytest.raises(refusals.AlreadyProposed):
        matter.case.follow(act("2021-01-01"), jean.id, other_jean.id)


def test_after_a_split_each_keeps_the_entry_it_was_given():
    matter = Matter(subjects=2)
    jean, other_jean = matter.people
    matter.case.follow(act("2020-02-01"), jean.id, other_jean.id)
    entry = matter.inscribe("2020-06-01", person=other_jean)
    matter.case.follow(act("2021-02-01"), jean.id, None)
    assert matter.case.subject_now(entry.subject_id) == other_jean.id
    assert matter.propose("2021-03-01", person=jean).state is State.PROPOSED


def test_a_merge_does_not_revive_what_has_ended():
    # given an entry of Jean that ended, not swept, and a procedure that names only the other Jean
    matter = Matter(subjects=2)
    jean, other_jean = matter.people
    entry = matter.inscribe("2020-06-01", 12, person=jean)
    matter.open("2020-07-01", other_jean)
    assert not matter.listed(entry, "2021-06-02 00:00")
    # when they are merged
    matter.case.follow(act("2021-07-01"), jean.id, other_jean.id)
    # then
    assert not matter.listed(entry, "2021-07-01")
    assert entry.delisting_ground is DelistingGround.TERM_ELAPSED


def test_an_entry_that_has_ended_prevents_no_merge():
    matter = Matter(subjects=2)
    jean, other_jean = matter.people
    matter.inscribe("2020-06-01", 12, person=jean)
    matter.propose("2020-06-01", person=other_jean)
    matter.case.follow(act("2021-07-01"), jean.id, other_jean.id)
    assert matter.case.subjects_now() == [other_jean.id]


# Victims of identity theft (L10) --------------------------------------------------------------


def test_a_victim_is_not_listed_by_the_case_it_is_a_victim_in():
    matter = Matter()
    matter.case.record_victim(act("2020-02-01"), matter.person.id, sealed(), sealed())
    with pytest.raises(refusals.VictimNotListed):
        matter.propose("2020-06-01")


def test_a_victim_recorded_after_the_proposal_is_not_approved():
    # the record itself is refused while the proposal is open: nobody is both at once
    matter = Matter()
    matter.propose("2020-06-01")
    with pytest.raises(refusals.EntryActive):
        matter.case.record_victim(act("2020-06-02"), matter.person.id, sealed(), sealed())


def test_a_listed_subject_becomes_a_victim_only_once_it_is_delisted_or_has_ended():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", 12)
    with pytest.raises(refusals.EntryActive):
        matter.case.record_victim(act("2021-06-01 23:59"), matter.person.id, sealed(), sealed())
    matter.case.record_victim(act("2021-06-02 00:00"), matter.person.id, sealed(), sealed())
    assert not matter.listed(entry, "2021-06-02 00:00")


def test_a_merge_makes_no_listed_victim():
    for listed, victim in ((0, 1), (1, 0)):
        matter = Matter(subjects=2)
        matter.inscribe("2020-06-01", person=matter.people[listed])
        matter.case.record_victim(act("2020-07-01"), matter.people[victim].id, sealed(), sealed())
        with pytest.raises(refusals.VictimNotListed):
            matter.case.follow(act("2021-01-01"), matter.people[0].id, matter.people[1].id)


def test_whoever_is_merged_with_a_victim_is_not_listed():
    matter = Matter(subjects=2)
    jean, other_jean = matter.people
    matter.case.record_victim(act("2020-02-01"), jean.id, sealed(), sealed())
    matter.case.follow(act("2020-03-01"), jean.id, other_jean.id)
    with pytest.raises(refusals.VictimNotListed):
        matter.propose("2020-06-01", person=other_jean)


# One history ----------------------------------------------------------------------------------


def test_a_case_is_what_its_events_say():
    matter = Matter(subjects=2)
    entry = matter.inscribe("2020-06-01")
    complaint = matter.open("2020-07-01", *matter.people, opened_on="2020-06-20")
    prosecution = matter.open("2020-08-01", matter.person, continues=complaint)
    matter.end(prosecution, "2026-01-01")
    matter.case.restrict(act("2020-09-01"), entry.id, sealed())
    matter.case.lift_restriction(act("2020-10-01"), entry.id, sealed())
    matter.case.follow(act("2020-11-01"), matter.people[1].id, matter.person.id)
    matter.case.record_victim(act("2020-11-02"), a_subject().id, sealed(), sealed())
    closed(matter)

    again = replayed(matter.case)
    for name, known in vars(matter.case).items():
        if name != "pending":
            assert getattr(again, name) == known, name


def test_a_case_knows_who_opened_it_for_whom_and_when():
    matter = Matter()
    assert (matter.case.opened_by, matter.case.opened_at) == (ANNE, moment("2020-01-06"))
    assert matter.case.organisation == "GROUPAMA"


def test_a_case_that_comes_with_an_imported_list_is_already_qualified():
    person = a_subject()
    case = Case.take_over(act("2020-01-06", BRUNO), uuid4(), uuid4(), sealed(), [person.id])
    assert case.state is CaseState.UNDER_INVESTIGATION
    assert case.alert_ends_at is None
    assert case.subjects_now() == [person.id]


def test_the_last_act_is_the_latest_of_any_kind():
    matter = Matter()
    matter.open("2020-02-01", opened_on="2019-01-01")
    assert matter.case.last_active_at == moment("2020-02-01")
