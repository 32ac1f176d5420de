"""Civil dates in Paris, months as the law counts them, working days (L2, P1, C1, C2, C7)."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.domain.periods import (
    civil_date,
    end_of,
    is_working_day,
    last_day,
    months_after,
    next_working_day,
    reply_due,
    start_of_day,
    years_after,
)

# The public holidays of a movable year are known until 2100; Paris has kept its present time since 1976.
days = st.dates(date(1976, 1, 1), date(2090, 12, 31))
terms = st.integers(1, 60)

L2 = [
    pytest.param(
        datetime(2021, 3, 15, 9, tzinfo=UTC),
        date(2026, 3, 15),
        datetime(2026, 3, 15, 23, tzinfo=UTC),
        id="a last day on a Sunday does not move to Monday",
    ),
    pytest.param(
        datetime(2024, 2, 29, 9, tzinfo=UTC),
        date(2029, 2, 28),
        datetime(2029, 2, 28, 23, tzinfo=UTC),
        id="29 February gives 28 February",
    ),
    pytest.param(
        datetime(2023, 2, 28, 9, tzinfo=UTC),
        date(2028, 2, 28),
        datetime(2028, 2, 28, 23, tzinfo=UTC),
        id="28 February gives the 28th even in a leap year",
    ),
    pytest.param(
        datetime(2021, 3, 31, 22, 30, tzinfo=UTC),
        date(2026, 4, 1),
        datetime(2026, 4, 1, 22, tzinfo=UTC),
        id="approved late on 31 March in UTC is 1 April in Paris",
    ),
    pytest.param(
        datetime(2021, 12, 31, 23, 30, tzinfo=UTC),
        date(2027, 1, 1),
        datetime(2027, 1, 1, 23, tzinfo=UTC),
        id="approved late on 31 December in UTC is next year in Paris",
    ),
    pytest.param(
        datetime(2021, 10, 30, 9, tzinfo=UTC),
        date(2026, 10, 30),
        datetime(2026, 10, 30, 23, tzinfo=UTC),
        id="inscribed in summer time and ended in winter time",
    ),
]


@pytest.mark.parametrize(("approved", "last", "end"), L2)
def test_five_years_are_listed_until_midnight_in_paris_after_the_last_day(approved, last, end):
    inscribed = civil_date(approved)
    assert last_day(inscribed, 60) == last
    assert end_of(inscribed, 60) == end
    assert end_of(inscribed, 60).utcoffset() == timedelta(0)


@pytest.mark.parametrize(("approved", "last", "end"), L2)
def test_the_last_second_before_midnight_is_listed_and_midnight_is_not(approved, last, end):
    second = timedelta(seconds=1)
    assert civil_date(end - second) == last
    assert civil_date(end) == last + timedelta(days=1)
    assert end - second < end_of(civil_date(approved), 60) <= end


def test_the_date_of_an_instant_does_not_depend_on_the_offset_it_is_written_with():
    written_in_new_york = datetime(2021, 3, 31, 18, 30, tzinfo=timezone(timedelta(hours=-4)))
    assert civil_date(written_in_new_york) == date(2021, 4, 1)


def test_an_instant_without_an_offset_has_no_date():
    with pytest.raises(ValueError, match="aware"):
        civil_date(datetime(2021, 3, 31, 22, 30))


def test_an_instant_is_not_taken_for_a_day():
    with pytest.raises(ValueError, match="civil_date"):
        months_after(datetime(2021, 3, 31, 22, 30, tzinfo=UTC), 60)
    with pytest.raises(ValueError, match="civil_date"):
        start_of_day(datetime(2021, 3, 31, 22, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 3, date(2026, 4, 30)),
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2025, 12, 15), 1, date(2026, 1, 15)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -12, date(2025, 1, 15)),
    ],
)
def test_months_end_on_the_same_number_or_on_the_last_day_of_the_month(day, months, after):
    assert months_after(day, months) == after


def test_five_years_are_sixty_months():
    assert years_after(date(2024, 2, 29), 5) == date(2029, 2, 28)
    assert years_after(date(2021, 3, 15), 5) == date(2026, 3, 15)


def test_an_alert_raised_on_31_august_may_wait_until_the_end_of_28_february():
    assert end_of(date(2025, 8, 31), 6) == datetime(2026, 2, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "beyond",
    [
        lambda: months_after(date.max, 1),
        lambda: months_after(date.min, -1),
        lambda: years_after(date(2021, 1, 1), 10**9),
        lambda: end_of(date.max, 0),
        lambda: end_of(date(9994, 12, 31), 60),
        lambda: start_of_day(date.min),
        lambda: civil_date(datetime.max.replace(tzinfo=UTC)),
        lambda: civil_date(datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))),
        lambda: reply_due(date.max),
        lambda: next_working_day(date.max),
        lambda: is_working_day(date(2500, 1, 1)),
    ],
)
def test_beyond_the_calendar_is_a_value_error_that_says_to_check_the_year(beyond):
    with pytest.raises(ValueError, match="check the year"):
        beyond()


@given(days)
def test_a_day_starts_when_its_date_does(day):
    start = start_of_day(day)
    assert civil_date(start) == day
    assert civil_date(start - timedelta(microseconds=1)) == day - timedelta(days=1)


@given(days, days, terms)
def test_who_is_inscribed_later_for_the_same_term_never_ends_sooner(one, other, term):
    first, second = sorted((one, other))
    assert end_of(first, term) <= end_of(second, term)


@given(days, terms)
def test_a_longer_term_always_ends_later(day, term):
    assert months_after(day, term) < months_after(day, term + 1)


@given(days, terms)
def test_the_last_day_is_in_the_last_month_and_its_number_never_grows(day, term):
    last = last_day(day, term)
    assert (last.year * 12 + last.month) - (day.year * 12 + day.month) == term
    assert last.day <= day.day


@pytest.mark.parametrize(
    ("received", "extended", "due"),
    [
        pytest.param(date(2026, 1, 31), False, date(2026, 3, 2), id="28 February is a Saturday"),
        pytest.param(date(2026, 3, 6), False, date(2026, 4, 7), id="6 April is Easter Monday"),
        pytest.param(date(2026, 1, 31), True, date(2026, 4, 30), id="the extension counts from receipt"),
        pytest.param(date(2026, 4, 1), False, date(2026, 5, 4), id="1 May is a Friday and a holiday"),
        pytest.param(date(2026, 6, 15), False, date(2026, 7, 15), id="the day after 14 July"),
        pytest.param(date(2026, 11, 25), False, date(2026, 12, 28), id="Christmas on a Friday"),
    ],
)
def test_a_reply_is_due_on_the_first_working_day_from_the_last_day_on(received, extended, due):
    assert reply_due(received, extended) == due


def test_holidays_of_one_region_only_are_working_days():
    good_friday, saint_stephen = date(2026, 4, 3), date(2025, 12, 26)
    assert is_working_day(good_friday)
    assert is_working_day(saint_stephen)


@given(days, st.booleans())
def test_a_reply_is_never_due_before_its_months_have_run_nor_much_later(received, extended):
    months_run = months_after(received, 3 if extended else 1)
    assert timedelta(0) <= reply_due(received, extended) - months_run <= timedelta(days=4)
    assert is_working_day(reply_due(received, extended))


def test_the_calendar_of_holidays_is_not_loaded_at_start_up():
    check = "import sys, watchlist.domain.periods; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
