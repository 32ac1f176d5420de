"""Each rule of retention at its own numbers: what a small change of retention.py would not survive."""

from datetime import UTC, date, datetime, timedelta

import pytest

from watchlist.domain import retention
from watchlist.domain.retention import Hold, Term, entry_ends_at

LATER = timedelta(days=40)
INSTANT = timedelta(microseconds=1)


def midnight(year: int, month: int, day: int, hours_before: int = 1) -> datetime:
    """The beginning of a day in Paris, in UTC: an hour before, or two in summer."""
    return datetime(year, month, day, tzinfo=UTC) - timedelta(hours=hours_before)


TERM = Term(date(2021, 1, 15), 12)
ELAPSES = midnight(2022, 1, 16)


def test_a_term_ends_with_its_last_day():
    assert TERM.last_listed_day == date(2022, 1, 15)
    assert TERM.elapses_at == ELAPSES


@pytest.mark.parametrize(
    ("holds", "ends_at"),
    [
        ([], ELAPSES),
        ([Hold(ELAPSES - INSTANT, None)], retention.NEVER),
        ([Hold(ELAPSES, None)], ELAPSES),
        ([Hold(ELAPSES - LATER, ELAPSES)], ELAPSES),
        ([Hold(ELAPSES - LATER, ELAPSES + INSTANT)], ELAPSES + INSTANT),
        ([Hold(ELAPSES - LATER, ELAPSES - INSTANT)], ELAPSES),
        ([Hold(ELAPSES + INSTANT, ELAPSES + LATER)], ELAPSES),
        ([Hold(ELAPSES - LATER, ELAPSES + LATER), Hold(ELAPSES - LATER, ELAPSES + INSTANT)], ELAPSES + LATER),
    ],
)
def test_only_what_was_then_ongoing_holds(holds, ends_at):
    assert entry_ends_at(TERM, holds) == ends_at


def test_every_period_has_its_length():
    assert retention.LONGEST_TERM == 60
    assert (retention.SHORTEST_ACCESS_LOG, retention.ACCESS_LOG_MONTHS, retention.LONGEST_ACCESS_LOG) == (
        6,
        12,
        36,
    )
    assert retention.DEFERRAL_MONTHS == 6
    on = date(2021, 1, 15)
    assert retention.alert_ends_at(on) == midnight(2021, 7, 16, 2)
    assert retention.inactive_at(on) == midnight(2022, 1, 16)
    assert retention.unnamed_ends_at(on) == midnight(2021, 7, 16, 2)
    assert retention.death_review_due_at(on) == midnight(2021, 2, 16)
    assert retention.letter_due_at(on, None) == midnight(2021, 2, 16)
    assert retention.letter_due_at(on, date(2021, 3, 1)) == midnight(2021, 3, 2)


def test_case_data_end_with_the_latest_of_closing_and_limitations():
    closed = date(2021, 1, 15)
    assert retention.case_data_end_at(closed, []) == midnight(2026, 1, 16)
    assert retention.case_data_end_at(closed, [date(2026, 1, 15)]) == midnight(2026, 1, 16)
    assert retention.case_data_end_at(closed, [date(2026, 1, 16), date(2022, 1, 1)]) == midnight(2026, 1, 17)
    assert retention.case_data_end_at(closed, [date(2022, 1, 1), None]) == retention.NEVER


def test_a_subject_goes_with_the_last_case_that_named_it():
    on, gone = date(2021, 1, 15), midnight(2024, 1, 1)
    assert retention.subject_data_end_at(on, []) == retention.unnamed_ends_at(on)
    assert retention.subject_data_end_at(on, [gone, gone - LATER]) == gone
    assert retention.subject_data_end_at(on, [gone, None]) == retention.NEVER
    assert retention.subject_data_end_at(on, [gone], open_requests=True) == retention.NEVER


@pytest.mark.parametrize(
    ("now", "months", "since"),
    [
        (datetime(2026, 3, 31, 23, 59, tzinfo=UTC), 12, (2025, 3)),
        (datetime(2026, 1, 1, tzinfo=UTC), 12, (2025, 1)),
        (datetime(2026, 12, 15, tzinfo=UTC), 6, (2026, 6)),
        (datetime(2026, 12, 15, tzinfo=UTC), 12, (2025, 12)),
        (datetime(2026, 1, 15, tzinfo=UTC), 36, (2023, 1)),
        (datetime(2026, 6, 15, tzinfo=UTC), 6, (2025, 12)),
    ],
)
def test_the_access_log_is_kept_by_whole_months_of_utc(now, months, since):
    assert retention.accesses_kept_since(now, months) == datetime(*since, 1, tzinfo=UTC)


def test_a_hold_is_reviewed_every_year_from_the_later_day():
    last = date(2026, 1, 15)
    assert retention.hold_review_due_at(last, None) == midnight(2027, 1, 16)
    assert retention.hold_review_due_at(last, date(2025, 6, 1)) == midnight(2027, 1, 16)
    assert retention.hold_review_due_at(last, date(2026, 6, 1)) == midnight(2027, 6, 2, 2)


def test_what_is_still_there_more_than_a_day_after_it_was_due_was_purged_late():
    due, a_day_later = midnight(2026, 3, 1), midnight(2026, 3, 2)
    assert not retention.purged_late(due, a_day_later, a_day_later + LATER)
    assert retention.purged_late(due, a_day_later + INSTANT, a_day_later + LATER)
    assert not retention.purged_late(due, None, a_day_later)
    assert retention.purged_late(due, None, a_day_later + INSTANT)
