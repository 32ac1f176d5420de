"""How long things are kept: the rules L1, C1, C2, C7, L12, L13, P5, P6 and T1, each one function.

Every instant here is exclusive and in UTC: something lasts while `now` is before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from msgspec import Struct

from watchlist.domain import periods

LONGEST_TERM = 60
ALERT_MONTHS = 6
CASE_MONTHS = 60
INACTIVITY_MONTHS = 12
LETTER_MONTHS = 1
UNNAMED_MONTHS = 6
"""Ours (P6), like an alert's (C1): how long a subject is kept that no case ever named."""
HOLD_REVIEW_MONTHS = 12
DEATH_REVIEW_MONTHS = 1
"""Ours (P5), like a letter's (L12): by when the entries of a person who died are reviewed."""
ACCESS_LOG_MONTHS = 12
SHORTEST_ACCESS_LOG, LONGEST_ACCESS_LOG = 6, 36
"""T1: what may be set instead."""
DEFERRAL_MONTHS = 6
"""Ours (L12): how long a reasoned deferral of the letter may last before it is reviewed."""

PURGED_WITHIN = timedelta(days=1)
"""Ours (C1, C2): what is due is swept many times within a day; what is there a day later was purged late."""

NEVER = datetime.max.replace(tzinfo=UTC)
"""Later than any instant: what a procedure still ongoing holds has no end yet."""


class Term(Struct, frozen=True):
    """From when, and for how many months, a subject is inscribed (L2)."""

    inscribed_on: date
    months: int

    @property
    def last_listed_day(self) -> date:
        return periods.last_day(self.inscribed_on, self.months)

    @property
    def elapses_at(self) -> datetime:
        return _elapses_at(self.inscribed_on, self.months)


@lru_cache(maxsize=4096)
def _elapses_at(inscribed_on: date, months: int) -> datetime:
    return periods.end_of(inscribed_on, months)


class Hold(Struct, frozen=True):
    """The time in which a procedure was ongoing for the subject of an entry, as the register knew it."""

    since: datetime
    until: datetime | None


def entry_ends_at(term: Term, holds: Iterable[Hold]) -> datetime:
    """L1: when its term has elapsed, unless a procedure was then ongoing; then when the last such has ended.

    A hold counts only if it began before the term elapsed: what has ended is not revived.
    """
    elapses_at = term.elapses_at
    then_ongoing = [
        hold for hold in holds if hold.since < elapses_at and (hold.until is None or hold.until > elapses_at)
    ]
    return max((hold.until or NEVER for hold in then_ongoing), default=elapses_at)


def alert_ends_at(raised_on: date) -> datetime:
    """C1: an alert not qualified within six months of being raised is purged."""
    return periods.end_of(raised_on, ALERT_MONTHS)


def case_data_end_at(closed_on: date, limitations: Iterable[date | None]) -> datetime:
    """C2: five years from closing; with a procedure, not before it and its limitation have ended.

    `limitations` has one item per procedure: the last day of its limitation, None while it is ongoing.
    """
    ends = [periods.end_of(closed_on, CASE_MONTHS)]
    ends += [NEVER if last is None else periods.end_of(last, 0) for last in limitations]
    return max(ends)


def purged_late(due_at: datetime, purged_at: datetime | None, now: datetime) -> bool:
    """C1, C2: whether data were still there a day after they were due to go, or are."""
    return (purged_at or now) > due_at + PURGED_WITHIN


def inactive_at(last_active_on: date) -> datetime:
    """C7: an open case in which nothing happened for twelve months becomes a deadline of its owner."""
    return periods.end_of(last_active_on, INACTIVITY_MONTHS)


def letter_due_at(taken_effect_on: date, deferred_to: date | None) -> datetime:
    """L12: the letter is due within one month of the inscription, or when its reasoned deferral is reviewed."""
    if deferred_to is not None:
        return periods.end_of(deferred_to, 0)
    return periods.end_of(taken_effect_on, LETTER_MONTHS)


def unnamed_ends_at(registered_on: date) -> datetime:
    """P6: a subject that no case ever named is erased six months after its registration."""
    return periods.end_of(registered_on, UNNAMED_MONTHS)


def subject_data_end_at(
    registered_on: date, purged: Iterable[datetime | None], open_requests: bool = False
) -> datetime:
    """P6: a subject is retained while a case that names it is; then it goes at once.

    `registered_on` is the latest registration of the subject and of those merged into it; `purged` has one item
    for each case that ever named one of them: when its data went, None while they are kept. A request of the
    person that is not answered yet retains it too (P1).
    """
    ends = list(purged)
    if open_requests or None in ends:
        return NEVER
    return max((end for end in ends if end is not None), default=unnamed_ends_at(registered_on))


def accesses_kept_since(now: datetime, months: int) -> datetime:
    """T1: the access log is kept for so many months, by whole months of UTC, the one that runs left out."""
    ended = now.astimezone(UTC).year * 12 + now.astimezone(UTC).month - 1 - months
    return datetime(ended // 12, ended % 12 + 1, 1, tzinfo=UTC)


def hold_review_due_at(last_listed_day: date, reviewed_on: date | None) -> datetime:
    """L13: an entry held past its term is reviewed every year, from that day or from its last review on."""
    since = last_listed_day if reviewed_on is None else max(last_listed_day, reviewed_on)
    return periods.end_of(since, HOLD_REVIEW_MONTHS)


def death_review_due_at(recorded_on: date) -> datetime:
    """P5: the entries of a person who died are reviewed within one month of the day the death was recorded."""
    return periods.end_of(recorded_on, DEATH_REVIEW_MONTHS)
