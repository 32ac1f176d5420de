"""Which letters are due, by when, sent once, deferred with a reason; held entries looked at every year (L12, L13)."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest

from tests.domain.builders import BRUNO, Matter, act, moment, replayed, sealed
from watchlist.domain import refusals, retention
from watchlist.domain.aggregate import Act
from watchlist.domain.correspondence import Channel, LetterKind, LetterState, Sent, Template, letter_id
from watchlist.domain.inscription import DelistingGround

INSCRIPTION, DELISTING = LetterKind.INSCRIPTION, LetterKind.DELISTING


def a_sending(on: str, matter: Matter) -> Sent:
    template = Template.INSCRIPTION_1
    return Sent(date.fromisoformat(on), Channel.POST, template, matter.person.id, sealed(), sealed())


def due(matter: Matter, entry, kind=INSCRIPTION):
    return matter.case.letter(entry.id, kind).due_at


def delist(matter: Matter, entry, on: str, ground=DelistingGround.REPAID) -> None:
    matter.case.delist(act(on, BRUNO), entry.id, ground, sealed())


# Due ------------------------------------------------------------------------------------------


def test_a_proposal_makes_no_letter_due():
    matter = Matter()
    entry = matter.propose("2020-06-01")
    assert matter.case.letters_of(entry) == []
    with pytest.raises(refusals.NoSuchLetter):
        matter.case.letter(entry.id, INSCRIPTION)


def test_an_inscription_makes_one_letter_due_within_a_month():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    assert due(matter, entry) == moment("2020-07-02 00:00")
    assert [letter.kind for letter in matter.case.letters_of(entry)] == [INSCRIPTION]


def test_an_imported_entry_is_told_within_a_month_of_its_import():
    matter = Matter()
    entry = matter.bring_in("2020-06-01", inscribed_on="2018-01-15")
    assert due(matter, entry) == moment("2020-07-02 00:00")


def test_a_delisting_makes_another_letter_due_within_a_month():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    matter.case.send_letter(act("2020-06-02"), entry.id, INSCRIPTION, a_sending("2020-06-02", matter))
    delist(matter, entry, "2020-12-31")
    assert due(matter, entry) is None
    assert due(matter, entry, DELISTING) == moment("2021-02-01 00:00")


def test_an_end_that_was_swept_is_told_within_a_month_of_its_record():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", months=12)
    matter.case.delist_elapsed(act("2021-06-10"))
    assert due(matter, entry, DELISTING) == moment("2021-07-11 00:00")


def test_who_is_delisted_before_being_informed_gets_one_letter():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    delist(matter, entry, "2020-06-10")
    first, second = matter.case.letters_of(entry)
    assert (first.due_at, first.state_at(moment("2030-01-01"))) == (None, LetterState.NOT_DUE)
    assert second.due_at == moment("2020-07-11 00:00")


def test_of_the_dead_nobody_is_told():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    delist(matter, entry, "2020-06-10", DelistingGround.DECEASED)
    assert [(letter.kind, letter.due_at) for letter in matter.case.letters_of(entry)] == [(INSCRIPTION, None)]


def test_the_id_of_a_letter_is_that_of_its_entry_and_kind():
    entry = uuid4()
    assert letter_id(entry, INSCRIPTION) == letter_id(entry, INSCRIPTION)
    assert len({letter_id(id, kind) for id in (entry, uuid4()) for kind in LetterKind}) == 4


# Sent -----------------------------------------------------------------------------------------


def test_a_letter_is_sent_once():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    matter.case.send_letter(act("2020-06-02"), entry.id, INSCRIPTION, a_sending("2020-06-02", matter))
    assert due(matter, entry) is None
    with pytest.raises(refusals.LetterAlreadySent):
        matter.case.send_letter(act("2020-06-03"), entry.id, INSCRIPTION, a_sending("2020-06-03", matter))
    with pytest.raises(refusals.LetterAlreadySent):
        matter.case.defer_letter(act("2020-06-03"), entry.id, INSCRIPTION, sealed(), date(2020, 7, 1))


@pytest.mark.parametrize(
    ("on", "refused"), [("2020-06-04", refusals.DateInTheFuture), ("2020-05-31", refusals.SentBeforeItsFacts)]
)
def test_a_letter_is_sent_neither_tomorrow_nor_before_what_it_tells(on, refused):
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    with pytest.raises(refused):
        matter.case.send_letter(act("2020-06-03"), entry.id, INSCRIPTION, a_sending(on, matter))


def test_the_day_is_that_of_paris():
    matter = Matter()
    entry = matter.inscribe("2020-06-01T22:30Z")  # 2 June in Paris
    with pytest.raises(refusals.SentBeforeItsFacts):
        matter.case.require_sendable(act("2020-06-03"), entry.id, INSCRIPTION, date(2020, 6, 1))
    matter.case.require_sendable(act("2020-06-02T22:30Z"), entry.id, INSCRIPTION, date(2020, 6, 3))


def test_a_letter_that_crossed_with_the_delisting_counts_and_one_after_it_does_not():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    delist(matter, entry, "2020-06-10")
    with pytest.raises(refusals.LetterReplaced):
        matter.case.require_sendable(act("2020-06-12"), entry.id, INSCRIPTION, date(2020, 6, 11))
    matter.case.send_letter(act("2020-06-12"), entry.id, INSCRIPTION, a_sending("2020-06-09", matter))
    assert matter.case.letter(entry.id, INSCRIPTION).state_at(moment("2020-06-12")) is LetterState.SENT


# Deferred -------------------------------------------------------------------------------------


def test_a_deferral_moves_the_letter_and_is_late_when_its_review_has_passed():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    matter.case.defer_letter(act("2020-06-15"), entry.id, INSCRIPTION, sealed(), date(2020, 9, 1))
    letter = matter.case.letter(entry.id, INSCRIPTION)
    assert letter.due_at == moment("2020-09-02 00:00")
    assert letter.state_at(moment("2020-09-01 23:59")) is LetterState.DEFERRED
    assert letter.state_at(moment("2020-09-02 00:00")) is LetterState.LATE
    matter.case.defer_letter(act("2020-09-01"), entry.id, INSCRIPTION, sealed(), date(2021, 3, 1))
    assert due(matter, entry) == moment("2021-03-02 00:00")


def test_a_letter_stands_as_due_until_its_month_is_over():
    matter = Matter()
    letter = matter.case.letter(matter.inscribe("2020-06-01").id, INSCRIPTION)
    assert letter.state_at(moment("2020-07-01 23:59")) is LetterState.DUE
    assert letter.state_at(moment("2020-07-02 00:00")) is LetterState.LATE


@pytest.mark.parametrize("review_on", ["2020-06-15", "2020-12-16"])
def test_a_deferral_is_reviewed_after_today_and_within_six_months(review_on):
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    with pytest.raises(refusals.DeferralOutOfRange) as refused:
        matter.case.defer_letter(
            act("2020-06-15"), entry.id, INSCRIPTION, sealed(), date.fromisoformat(review_on)
        )
    assert refused.value.field == "review_on"


def test_a_letter_that_another_replaces_is_not_deferred():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    delist(matter, entry, "2020-06-10")
    with pytest.raises(refusals.LetterReplaced):
        matter.case.defer_letter(act("2020-06-12"), entry.id, INSCRIPTION, sealed(), date(2020, 7, 1))
    matter.case.defer_letter(act("2020-06-12"), entry.id, DELISTING, sealed(), date(2020, 7, 1))
    assert due(matter, entry, DELISTING) == moment("2020-07-02 00:00")


# Held (L13) -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_listed_day", "reviewed_on", "due_at"),
    [
        (date(2026, 3, 15), None, "2027-03-16 00:00"),
        (date(2028, 2, 29), None, "2029-03-01 00:00"),
        (date(2026, 3, 15), date(2026, 12, 31), "2028-01-01 00:00"),
        (date(2026, 10, 30), None, "2027-10-31 00:00"),
    ],
)
def test_a_held_entry_is_reviewed_every_year_from_its_term_or_its_last_review(
    last_listed_day, reviewed_on, due_at
):
    assert retention.hold_review_due_at(last_listed_day, reviewed_on) == moment(due_at)


def test_a_review_of_the_hold_is_due_only_while_a_procedure_holds_the_entry():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", months=12)
    assert matter.case.hold_review_due_at(entry) is None
    procedure = matter.open("2021-01-04")
    assert matter.case.hold_review_due_at(entry) == moment("2022-06-02 00:00")
    matter.case.review_hold(act("2022-05-10"), entry.id, sealed())
    assert matter.case.hold_review_due_at(entry) == moment("2023-05-11 00:00")
    matter.end(procedure, "2022-09-01")
    assert matter.case.hold_review_due_at(entry) is None


def test_only_what_is_held_past_its_term_is_reviewed():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", months=12)
    procedure = matter.open("2021-01-04")
    with pytest.raises(refusals.NotHeld):
        matter.case.review_hold(act("2021-06-01 23:59"), entry.id, sealed())
    matter.case.review_hold(act("2021-06-02 00:00"), entry.id, sealed())
    matter.end(procedure, "2022-09-01")
    with pytest.raises(refusals.NotListed):
        matter.case.review_hold(act("2022-09-02"), entry.id, sealed())


def test_what_is_remembered_of_letters_and_reviews_is_what_a_replay_gives():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", months=12)
    matter.open("2021-01-04")
    matter.case.defer_letter(act("2020-06-15"), entry.id, INSCRIPTION, sealed(), date(2020, 9, 1))
    matter.case.send_letter(act("2020-06-20"), entry.id, INSCRIPTION, a_sending("2020-06-18", matter))
    matter.case.review_hold(Act(moment("2021-07-01"), BRUNO, "GROUPAMA"), entry.id, sealed())
    again = replayed(matter.case)
    assert again.letters == matter.case.letters
    assert again.inscriptions == matter.case.inscriptions


def test_a_hit_told_before_the_letter_makes_it_late_and_one_after_a_deferral_does_not():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    letter = matter.case.letter(entry.id, INSCRIPTION)
    told = moment("2020-06-10 09:00")
    assert letter.state_at(told, told) is LetterState.LATE
    assert letter.late_from(told) == told
    assert letter.late_from(moment("2020-08-01 00:00")) == letter.due_at
    matter.case.defer_letter(act("2020-06-11"), entry.id, INSCRIPTION, sealed(), date(2020, 9, 1))
    deferred = matter.case.letter(entry.id, INSCRIPTION)
    assert deferred.state_at(moment("2020-06-12 09:00"), told) is LetterState.DEFERRED
    matter.case.send_letter(act("2020-06-13"), entry.id, INSCRIPTION, a_sending("2020-06-13", matter))
    assert matter.case.letter(entry.id, INSCRIPTION).state_at(told, told) is LetterState.SENT
