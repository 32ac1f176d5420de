"""Civil dates in Paris; months and years counted as the law counts them; working days.

The one place where an instant becomes a date and a date an instant (L2). A period is never a number
of seconds and its days are never UTC dates: the days of the register are the days of Paris.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")

_SATURDAY = 5
_OUT_OF_CALENDAR = "this date is out of the calendar (years 1 to 9999): check the year"


def civil_date(instant: datetime) -> date:
    """The date that a clock on a wall in Paris shows at this instant (L2).

    ValueError if the instant does not say its offset, or lies beyond the calendar.
    """
    if instant.utcoffset() is None:
        raise ValueError("an instant without an offset has no date in Paris: pass an aware datetime")
    try:
        return instant.astimezone(PARIS).date()
    except OverflowError:
        raise ValueError(_OUT_OF_CALENDAR) from None


def start_of_day(day: date) -> datetime:
    """00:00 in Paris of this day, in UTC: 22:00Z or 23:00Z of the day before (L2)."""
    _refuse_instant(day)
    try:
        return datetime.combine(day, time(), PARIS).astimezone(UTC)
    except OverflowError:
        raise ValueError(_OUT_OF_CALENDAR) from None


@lru_cache(maxsize=8192)
def months_after(day: date, months: int) -> date:
    """The day of the same number so many months later; none there: the last day of that month (L2).

    Negative months count back. ValueError beyond the calendar.
    """
    _refuse_instant(day)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise ValueError(_OUT_OF_CALENDAR)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def years_after(day: date, years: int) -> date:
    """The same day so many years later, counted as months (C2): 29 February gives the 28th."""
    return months_after(day, 12 * years)


def last_day(first: date, months: int) -> date:
    """The last day of a period of so many months that begins on `first` (L2, C1, C2, C7)."""
    return months_after(first, months)


def end_of(first: date, months: int) -> datetime:
    """The instant, in UTC, from which such a period is over: the start of the day after its last (L2).

    The period still runs while `now < end_of(first, months)`.
    """
    return start_of_day(_day_after(last_day(first, months)))


def is_working_day(day: date) -> bool:
    """Neither a Saturday, nor a Sunday, nor a public holiday of metropolitan France (P1).

    ValueError for a year whose public holidays are not known.
    """
    return day.weekday() < _SATURDAY and day not in _public_holidays(day.year)


def next_working_day(day: date) -> date:
    """This day if it is a working one, else the first working day after it (P1)."""
    while not is_working_day(day):
        day = _day_after(day)
    return day


def reply_due(received_on: date, extended: bool = False) -> date:
    """The last day to answer a request received on this day: one month, three once extended (P1).

    Counted from the receipt in one go, and only then moved to a working day.
    """
    return next_working_day(months_after(received_on, 3 if extended else 1))


def _day_after(day: date) -> date:
    try:
        return day + timedelta(days=1)
    except OverflowError:
        raise ValueError(_OUT_OF_CALENDAR) from None


def _refuse_instant(day: date) -> None:
    # A datetime is a date to Python; taken for one, it would silently give its UTC date (L2).
    if isinstance(day, datetime):
        raise ValueError("this is an instant, not a day: pass it through civil_date first")


@lru_cache(maxsize=64)
def _public_holidays(year: int) -> frozenset[date]:
    # Imported on first use: the package loads every country, half a second that start-up need not pay.
    from holidays import country_holidays

    known = country_holidays("FR", years=year)
    if not known.start_year <= year <= known.end_year:
        raise ValueError(f"the public holidays of {year} are not known: check the year")
    return frozenset(known)
