"""A person's request: due when the law says, extended in time, decided, and only then answered (P1-P5, L9)."""

from datetime import date
from uuid import uuid4

import pytest

from tests.domain.builders import CHLOE, Matter, a_subject, act, replayed, sealed
from watchlist.domain import refusals
from watchlist.domain import rights_request as rules
from watchlist.domain.inscription import DelistingGround, State
from watchlist.domain.reply import ReplyKind, ReplyState
from watchlist.domain.rights_request import Decision, Deferral, RequestState, Right, RightsRequest

day = date.fromisoformat


def a_request(kind=Right.ACCESS, received_on="2026-03-02", recorded="2026-03-03", subject_id=None):
    return RightsRequest.receive(act(recorded, CHLOE), uuid4(), kind, subject_id or uuid4(), day(received_on))


def decided(kind=Right.ACCESS, granted=False, deferral=None):
    request = a_request(kind)
    request.decide(act("2026-03-10", CHLOE), Decision(granted, sealed(), deferral))
    return request


# When it is due (P1) --------------------------------------------------------------------------

# Each computed by hand from a wall calendar; the comment is the computation. In 2024 Easter Sunday is 31 March,
# in 2025 20 April, in 2026 5 April, in 2027 28 March: Ascension is the Thursday 39 days after, Whit Monday 50.
WITHIN_A_MONTH = [
    # The rule's own three (the third is an extension, below): 28 February 2026 is a Saturday, then Sunday 1 March
    ("2026-01-31", "2026-03-02"),
    # 6 April 2026 is Easter Monday
    ("2026-03-06", "2026-04-07"),
    # Good Friday, 3 April 2026, is a working day outside Alsace and Moselle
    ("2026-03-03", "2026-04-03"),
    # Saturday 4 April 2026, Easter Sunday, Easter Monday: three days
    ("2026-03-04", "2026-04-07"),
    # Friday 1 May 2026 is Labour Day, then a week-end
    ("2026-04-01", "2026-05-04"),
    # Friday 8 May 2026 is Victory Day, then a week-end
    ("2026-04-08", "2026-05-11"),
    # Thursday 14 May 2026 is Ascension; the Friday after it is worked
    ("2026-04-14", "2026-05-15"),
    # 25 May 2026 is Whit Monday
    ("2026-04-25", "2026-05-26"),
    # Saturday 23 May 2026, Whit Sunday, Whit Monday: three days
    ("2026-04-23", "2026-05-26"),
    # 31 May has no counterpart in June: Tuesday 30 June 2026
    ("2026-05-31", "2026-06-30"),
    # Tuesday 14 July 2026
    ("2026-06-14", "2026-07-15"),
    # 15 August 2026 is a Saturday: its Monday, 17 August, is no holiday
    ("2026-07-15", "2026-08-17"),
    # 31 August has no counterpart in September: Wednesday 30 September 2026
    ("2026-08-31", "2026-09-30"),
    # All Saints, 1 November 2026, is a Sunday: Monday 2 November is worked
    ("2026-10-01", "2026-11-02"),
    # Wednesday 11 November 2026
    ("2026-10-11", "2026-11-12"),
    # Christmas 2026 is a Friday, then a week-end
    ("2026-11-25", "2026-12-28"),
    # Wednesday 30 December 2026 is a working day between the two feasts
    ("2026-11-30", "2026-12-30"),
    # New Year 2027 is a Friday, then a week-end
    ("2026-12-01", "2027-01-04"),
    # Sunday 31 January 2027: from a year to the next
    ("2026-12-31", "2027-02-01"),
    # Easter Sunday is 28 March 2027, then Easter Monday
    ("2027-02-28", "2027-03-30"),
    # 31 March has no counterpart in April: Friday 30 April 2027
    ("2027-03-31", "2027-04-30"),
    # Thursday 6 May 2027 is Ascension
    ("2027-04-06", "2027-05-07"),
    # Victory Day 2027 is a Saturday: Monday 10 May
    ("2027-04-08", "2027-05-10"),
    # 17 May 2027 is Whit Monday
    ("2027-04-17", "2027-05-18"),
    # 15 August 2027 is a Sunday: Monday 16 August
    ("2027-07-15", "2027-08-16"),
    # Saturday 30 October 2027, Sunday 31, All Saints on Monday 1 November: three days
    ("2027-09-30", "2027-11-02"),
    # Thursday 11 November 2027
    ("2027-10-11", "2027-11-12"),
    # Christmas 2027 is a Saturday: Monday 27 December
    ("2027-11-25", "2027-12-27"),
    # 2028 is a leap year: 31 January gives Tuesday 29 February
    ("2028-01-31", "2028-02-29"),
    # and 29 February gives Wednesday 29 March
    ("2028-02-29", "2028-03-29"),
    # 29 January 2024 gives Thursday 29 February
    ("2024-01-29", "2024-02-29"),
    # 1 April 2024 is Easter Monday
    ("2024-03-01", "2024-04-02"),
    # Wednesday 8 May 2024 is Victory Day, Thursday 9 is Ascension: two holidays, then Friday
    ("2024-04-08", "2024-05-10"),
    # 21 April 2025 is Easter Monday
    ("2025-03-21", "2025-04-22"),
    # Thursday 8 May 2025
    ("2025-04-08", "2025-05-09"),
    # 9 June 2025 is Whit Monday
    ("2025-05-09", "2025-06-10"),
    # Christmas 2025 is a Thursday; the 26th is a holiday in Alsace and Moselle only
    ("2025-11-25", "2025-12-26"),
    # New Year 2026 is a Thursday
    ("2025-12-01", "2026-01-02"),
]
WITHIN_THREE_MONTHS = [
    # The rule's third: Thursday 30 April 2026
    ("2026-01-31", "2026-04-30"),
    # 30 November 2025 has no counterpart in February: Saturday 28 February 2026, then Sunday
    ("2025-11-30", "2026-03-02"),
    # 6 April 2026 is Easter Monday
    ("2026-01-06", "2026-04-07"),
    # Friday 1 May 2026, then a week-end
    ("2026-02-01", "2026-05-04"),
    # Thursday 14 May 2026 is Ascension
    ("2026-02-14", "2026-05-15"),
    # 25 May 2026 is Whit Monday
    ("2026-02-25", "2026-05-26"),
    # Counted from the receipt: Saturday 6 June 2026; not two months from the first due day, Tuesday 7 April
    ("2026-03-06", "2026-06-08"),
    # Tuesday 14 July 2026
    ("2026-04-14", "2026-07-15"),
    # Saturday 15 August 2026
    ("2026-05-15", "2026-08-17"),
    # Friday 25 December 2026, then a week-end
    ("2026-09-25", "2026-12-28"),
    # Friday 1 January 2027, then a week-end
    ("2026-10-01", "2027-01-04"),
    # Saturday 8 May 2027
    ("2027-02-08", "2027-05-10"),
    # 30 November gives the last day of February in a leap year, Tuesday 29
    ("2027-11-30", "2028-02-29"),
]


@pytest.mark.parametrize(("received_on", "due_on"), WITHIN_A_MONTH)
def test_a_request_is_due_within_a_month_of_its_receipt(received_on, due_on):
    request = a_request(received_on=received_on, recorded=received_on)
    assert request.due_on == day(due_on)


@pytest.mark.parametrize(("received_on", "due_on"), WITHIN_THREE_MONTHS)
def test_an_extended_request_is_due_within_three_months_of_its_receipt(received_on, due_on):
    request = a_request(received_on=received_on, recorded=received_on)
    request.extend(act(received_on), sealed(), day(received_on))
    assert request.due_on == day(due_on)


def test_there_are_the_rules_own_dates_and_many_more():
    assert len(WITHIN_A_MONTH + WITHIN_THREE_MONTHS) > 3 + 25


def test_a_request_recorded_late_is_due_from_its_receipt():
    assert a_request(received_on="2026-01-05", recorded="2026-03-02").due_on == day("2026-02-05")


def test_a_request_is_not_received_tomorrow_in_paris():
    # given that it is still 2 March in UTC, and 3 March in Paris
    RightsRequest.receive(act("2026-03-02T23:30Z"), uuid4(), Right.ACCESS, uuid4(), day("2026-03-03"))
    with pytest.raises(refusals.DateInTheFuture) as refusal:
        RightsRequest.receive(act("2026-03-02T22:30Z"), uuid4(), Right.ACCESS, uuid4(), day("2026-03-03"))
    assert refusal.value.field == "received_on"


# Extended (P1) --------------------------------------------------------------------------------


def test_an_extension_is_told_by_the_first_due_day():
    # given a request whose month ends on Easter Monday, so that Tuesday 7 April 2026 is its first due day
    for told_on in ("2026-04-06", "2026-04-07"):
        request = a_request(received_on="2026-03-06", recorded="2026-03-06")
        # when it is recorded later, but was told in time, then it holds
        request.extend(act("2026-04-20"), sealed(), day(told_on))
        assert request.due_on == day("2026-06-08")
    with pytest.raises(rules.ExtensionTooLate):
        a_request(received_on="2026-03-06", recorded="2026-03-06").extend(
            act("2026-04-20"), sealed(), day("2026-04-08")
        )


def test_an_extension_is_told_neither_in_the_future_nor_before_the_request_came():
    request = a_request(received_on="2026-03-02")
    with pytest.raises(refusals.DateInTheFuture):
        request.extend(act("2026-03-10"), sealed(), day("2026-03-11"))
    with pytest.raises(rules.ToldBeforeReceipt):
        request.extend(act("2026-03-10"), sealed(), day("2026-03-01"))


def test_a_request_is_extended_once():
    request = a_request()
    request.extend(act("2026-03-10"), sealed(), day("2026-03-10"))
    with pytest.raises(rules.AlreadyExtended):
        request.extend(act("2026-03-11"), sealed(), day("2026-03-11"))


def test_what_was_decided_is_not_extended():
    with pytest.raises(rules.AlreadyDecided):
        decided().extend(act("2026-03-11"), sealed(), day("2026-03-11"))


@pytest.mark.parametrize("nothing", [None, "", "  \n"])
def test_an_extension_a_decision_and_a_lifting_have_a_reason(nothing):
    with pytest.raises(rules.ReasonMissing):
        rules.require_reason(nothing)
    assert rules.require_reason("complexe") == "complexe"


# Decided, then answered -----------------------------------------------------------------------


def test_a_request_is_received_then_decided_then_answered():
    request = a_request()
    states = [request.state]
    request.decide(act("2026-03-10"), Decision(True, sealed()))
    states.append(request.state)
    request.answer_to(act("2026-03-12"), day("2026-03-11"))
    assert [*states, request.state] == list(RequestState)
    assert not request.is_open


def test_nothing_is_decided_or_answered_twice_nor_answered_before_it_is_decided():
    with pytest.raises(rules.NotDecided):
        a_request().answer_to(act("2026-03-12"), day("2026-03-11"))
    request = decided()
    with pytest.raises(rules.AlreadyDecided):
        request.decide(act("2026-03-11"), Decision(True, sealed()))
    request.answer_to(act("2026-03-12"), day("2026-03-11"))
    with pytest.raises(rules.AlreadyAnswered):
        request.answer_to(act("2026-03-13"), day("2026-03-13"))


@pytest.mark.parametrize(
    ("told_on", "refused"),
    [("2026-03-13", refusals.DateInTheFuture), ("2026-03-01", rules.ToldBeforeReceipt)],
)
def test_an_answer_is_told_neither_in_the_future_nor_before_the_request_came(told_on, refused):
    with pytest.raises(refused):
        decided().answer_to(act("2026-03-12"), day(told_on))


def test_portability_is_always_refused_and_needs_no_other_reason():
    request = a_request(Right.PORTABILITY)
    with pytest.raises(rules.PortabilityNotGranted):
        request.decide(act("2026-03-10"), Decision(True, sealed()))
    request.decide(act("2026-03-10"), Decision(False, None))
    assert not request.is_granted


# What restricts (P2) --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Right)
def test_an_objection_and_a_contested_accuracy_restrict_until_the_person_was_answered(kind):
    contesting = kind in (Right.OBJECTION, Right.RECTIFICATION)
    request = a_request(kind)
    assert request.contests is contesting
    request.decide(act("2026-03-10"), Decision(False, sealed()))
    assert request.contests is contesting, "a decision alone lifts nothing"
    request.answer_to(act("2026-03-12"), day("2026-03-11"))
    assert not request.contests


def test_a_granted_restriction_restricts_until_it_is_lifted_and_stays_open_so_long():
    request = decided(Right.RESTRICTION, granted=True)
    request.answer_to(act("2026-03-12"), day("2026-03-11"))
    assert (request.contests, request.is_open) == (True, True)
    request.lift(act("2026-05-04"), sealed(), day("2026-05-04"))
    assert (request.contests, request.is_open) == (False, False)


def a_granted_restriction_that_was_told():
    request = decided(Right.RESTRICTION, granted=True)
    request.answer_to(act("2026-03-12"), day("2026-03-11"))
    return request


def test_a_person_learns_of_a_restriction_before_they_learn_of_its_end():
    request = decided(Right.RESTRICTION, granted=True)
    assert request.reply_state(ReplyKind.LIFTING) is None
    with pytest.raises(rules.GrantNotTold):
        request.lift(act("2026-03-11"), sealed(), day("2026-03-11"))
    request.answer_to(act("2026-03-12"), day("2026-03-11"))
    assert request.reply_state(ReplyKind.LIFTING) is ReplyState.OPEN


def test_a_lifting_is_told_to_the_person_first():
    request = a_granted_restriction_that_was_told()
    with pytest.raises(refusals.DateInTheFuture):
        request.lift(act("2026-05-04"), sealed(), day("2026-05-05"))


def test_only_a_granted_restriction_is_lifted_and_once():
    lifted = a_granted_restriction_that_was_told()
    lifted.lift(act("2026-05-04"), sealed(), day("2026-05-04"))
    for request in (
        a_request(Right.RESTRICTION),
        decided(Right.RESTRICTION, granted=False),
        a_request(Right.OBJECTION),
        lifted,
    ):
        with pytest.raises(rules.NothingToLift):
            request.lift(act("2026-05-05"), sealed(), day("2026-05-05"))


# Deferred (P3) --------------------------------------------------------------------------------

WAITS = Deferral(sealed(), date(2026, 6, 1))


def test_a_deferred_part_keeps_an_access_open_until_it_is_given():
    request = decided(granted=True, deferral=WAITS)
    request.answer_to(act("2026-03-12"), day("2026-03-11"))
    assert (request.is_open, request.review_on) == (True, WAITS.review_on)
    request.review_deferral(act("2026-06-01"), day("2026-06-01"), Deferral(sealed(), date(2026, 9, 1)))
    assert request.review_on == date(2026, 9, 1)
    request.review_deferral(act("2026-09-01"), day("2026-09-01"), None)
    assert (request.is_open, request.deferred) == (False, None)
    with pytest.raises(rules.NothingDeferred):
        request.review_deferral(act("2026-09-02"), day("2026-09-02"), None)


@pytest.mark.parametrize(("kind", "granted"), [(Right.ACCESS, False), (Right.ERASURE, True)])
def test_only_parts_of_a_granted_access_are_deferred(kind, granted):
    with pytest.raises(rules.NothingToDefer):
        a_request(kind).decide(act("2026-03-10"), Decision(granted, sealed(), WAITS))


def test_a_deferred_part_is_reviewed_after_today_and_within_six_months():
    at = act("2026-03-10").at
    assert rules.require_reviews([], at) is None
    two = [("cases.notes", day("2026-09-10")), ("cases.evidence", day("2026-03-11"))]
    assert rules.require_reviews(two, at) == day("2026-03-11")
    for wrong in ("2026-03-10", "2026-09-11"):
        with pytest.raises(rules.DeferredPartOutOfRange) as refusal:
            rules.require_reviews([two[0], ("cases.evidence", day(wrong))], at)
        assert refusal.value.field == "deferred[1].review_on"
    with pytest.raises(rules.DeferredPartOutOfRange):
        rules.require_reviews([two[0], two[0]], at)


# After death (P5), rectified (P1) -------------------------------------------------------------


def test_directives_are_a_text_that_applies_after_a_recorded_death():
    rules.require_directives(Right.DIRECTIVES, given=True, is_deceased=True)
    rules.require_directives(Right.ACCESS, given=False, is_deceased=True)
    with pytest.raises(rules.DeathNotRecorded):
        rules.require_directives(Right.DIRECTIVES, given=True, is_deceased=False)
    for kind, given in ((Right.DIRECTIVES, False), (Right.ACCESS, True)):
        with pytest.raises(rules.DirectivesMisplaced):
            rules.require_directives(kind, given, is_deceased=True)


def test_an_identity_was_rectified_since_the_day_the_request_came():
    received_on = day("2026-03-02")
    assert not rules.was_rectified_since(None, received_on)
    assert not rules.was_rectified_since(act("2026-03-01 23:59").at, received_on)
    assert rules.was_rectified_since(act("2026-03-02 00:01").at, received_on)


def test_a_subject_knows_when_it_was_last_rectified():
    subject = a_subject()
    assert subject.rectified_at is None
    subject.rectify(act("2026-03-04"), sealed(), True, (), sealed())
    assert subject.rectified_at == act("2026-03-04").at


# What a case does of it (P2, L9) --------------------------------------------------------------


def test_a_request_restricts_every_listed_entry_of_the_subject_and_its_term_runs_on():
    matter = Matter(subjects=2)
    mine, others = (matter.inscribe("2020-06-01", person=person) for person in matter.people)
    ends_at = matter.case.ends_at(mine)
    request_id = uuid4()
    matter.case.contest(act("2021-01-04", CHLOE), matter.person.id, {request_id})
    assert (mine.restricted, others.restricted) == (True, False)
    assert mine.contested_by == {request_id}
    assert matter.case.ends_at(mine) == ends_at
    assert matter.listed(mine, "2021-01-05")


def test_an_entry_is_free_when_the_last_of_its_requests_is_settled_and_nothing_was_done_by_hand():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    one, two = uuid4(), uuid4()
    on = act("2021-01-04", CHLOE)
    seen = []
    matter.case.restrict(on, entry.id, sealed())
    for standing in ({one}, {one, two}, {two}, set()):
        matter.case.contest(on, matter.person.id, standing)
        seen.append((entry.contested_by == standing, entry.restricted))
    assert seen == [(True, True)] * 4
    matter.case.lift_restriction(on, entry.id, sealed())
    assert not entry.restricted


def test_contesting_twice_records_once():
    matter = Matter()
    matter.inscribe("2020-06-01")
    request_id = uuid4()
    for _ in range(2):
        matter.case.contest(act("2021-01-04"), matter.person.id, {request_id})
    assert [type(event).__name__ for event in matter.case.pending].count("InscriptionContested") == 1


def test_by_hand_nobody_lifts_what_a_request_contests():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    matter.case.contest(act("2021-01-04"), matter.person.id, {uuid4()})
    with pytest.raises(refusals.ContestedByRequest) as refusal:
        matter.case.lift_restriction(act("2021-01-05"), entry.id, sealed())
    assert refusal.value.state == "contested"
    # when it is restricted by hand too, that is lifted, and the entry stays restricted
    matter.case.restrict(act("2021-01-06"), entry.id, sealed())
    matter.case.lift_restriction(act("2021-01-07"), entry.id, sealed())
    assert entry.restricted


def test_a_settled_contest_revives_nothing():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", months=12)
    matter.case.contest(act("2021-01-04"), matter.person.id, {uuid4()})
    matter.case.contest(act("2021-06-02"), matter.person.id, set())
    assert not matter.listed(entry, "2021-06-02")


def test_a_held_entry_is_restricted_like_any_other():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", months=12)
    matter.open("2020-07-01")
    matter.case.contest(act("2021-08-02"), matter.person.id, {uuid4()})
    assert (matter.listed(entry, "2021-08-03"), entry.restricted) == (True, True)


def test_what_is_approved_while_a_request_stands_begins_restricted():
    matter = Matter()
    request_id = uuid4()
    entry = matter.propose("2020-06-01")
    matter.person.contest(act("2020-06-02", CHLOE), request_id)
    matter.approve(entry, "2020-06-03")
    assert entry.contested_by == {request_id}
    assert entry.restricted


def test_what_is_imported_while_a_request_stands_begins_restricted():
    matter = Matter()
    matter.person.contest(act("2020-06-02", CHLOE), uuid4())
    assert matter.bring_in("2020-06-03", "2019-06-03").restricted


def test_what_is_upheld_ends_the_entries_and_withdraws_the_proposals():
    matter = Matter(subjects=2)
    entry, others = (matter.inscribe("2020-06-01", person=person) for person in matter.people)
    ended = matter.case.uphold(act("2021-01-04"), matter.person.id, DelistingGround.OBJECTION_UPHELD)
    assert ended == ([entry.id], [])
    assert (entry.state, entry.delisting_ground) == (State.DELISTED, DelistingGround.OBJECTION_UPHELD)
    assert others.state is State.ACTIVE
    pending = Matter()
    proposal = pending.propose("2020-06-01")
    assert pending.case.uphold(act("2021-01-04"), pending.person.id, DelistingGround.ERASURE_UPHELD) == (
        [],
        [proposal.id],
    )
    assert proposal.state is State.WITHDRAWN


def test_the_requests_of_a_merged_duplicate_count_for_the_survivor_until_they_are_split():
    survivor, duplicate = a_subject(), a_subject()
    theirs, mine, later = uuid4(), uuid4(), uuid4()
    duplicate.contest(act("2020-01-06"), theirs)
    survivor.contest(act("2020-01-06"), mine)
    survivor.merge(act("2020-01-07"), duplicate, sealed())
    assert survivor.contested_by == {theirs, mine}
    survivor.contest(act("2020-01-08"), later)
    survivor.split(act("2020-01-09"), duplicate, sealed())
    assert (survivor.contested_by, duplicate.contested_by) == ({mine, later}, {theirs})


def test_a_request_is_contested_and_settled_once():
    subject, request_id = a_subject(), uuid4()
    for _ in range(2):
        subject.contest(act("2020-01-06"), request_id)
    for _ in range(2):
        subject.settle(act("2020-01-07"), request_id)
    assert [len(subject.pending), subject.contested_by] == [3, set()]


def test_a_request_is_what_its_events_say():
    request = a_request(Right.RESTRICTION)
    request.extend(act("2026-03-05"), sealed(), day("2026-03-04"))
    request.decide(act("2026-03-10"), Decision(True, sealed()))
    request.answer_to(act("2026-03-12"), day("2026-03-11"), sealed())
    request.lift(act("2026-05-04"), sealed(), day("2026-05-04"))
    again = replayed(request)
    assert {k: v for k, v in vars(again).items() if k != "pending"} == {
        k: v for k, v in vars(request).items() if k != "pending"
    }
