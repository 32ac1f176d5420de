"""Unusual use of the screening (S6): what its numbers look like when somebody sweeps identifiers instead of paying.

Numbers alone, by client and hour; nothing here knows who was asked about. What an ordinary payment operator does, a
million lines every night in one file, none of these takes for unusual; and none stops anybody: a person looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from watchlist.domain import periods
from watchlist.domain.identifiers import Identifier

NIGHT_ENDS = 6
"""From midnight to six in Paris nobody pays by hand."""
HABIT = timedelta(days=28)
"""How far back a client's own habit is looked for."""
HABIT_DAYS = 7
"""Days of use that make a habit: before that there is none to be unlike."""
HABITUAL_AT_NIGHT = 100
"""A client has a habit of the night when one in so many of its questions came then."""


class Unusual(StrEnum):
    """What was found; each once a day for each client."""

    MANY_DISTINCT = "many_distinct"
    """More persons than anybody pays for in a day."""
    UNLIKE_ITSELF = "unlike_itself"
    """Many more persons than this client ever asked for in a day."""
    SEQUENCE = "sequence"
    """Numbers asked one after the other, as they were given out."""
    GUESSED = "guessed"
    """Numbers that fail their check, as made-up ones do."""
    AT_NIGHT = "at_night"
    """Asked at night by a client that never did."""


class Thresholds(Struct, frozen=True):
    """From when on use is unusual; each may be set."""

    distinct: int = 2_000_000
    """Persons asked for in a day: twice the largest nightly file that is expected."""
    times_itself: int = 10
    """As many times the most persons of any day of its habit, from `least` persons on."""
    least: int = 10_000
    """Questions, or persons, under which only numbers in sequence and made-up ones are looked at."""
    few: int = 500
    """Numbers in sequence, or made up, within an hour, under which nothing is unusual."""
    share: int = 50
    """Percent of an hour's numbers that are in sequence, or made up. A sorted file of all professionals of a region
    is in sequence for less than half."""


class Usage(Struct, frozen=True):
    """What one client asked in one hour: numbers only."""

    operator_id: UUID
    organisation: str
    hour: datetime
    asked: int = 0
    hits: int = 0
    refused: int = 0
    """Lines whose number is none."""
    fresh: int = 0
    """Persons the client had not asked for before on that day; about, from some thousands on."""
    looked: int = 0
    """Numbers that were compared with those before them."""
    sequential: int = 0
    """Of these, how many follow on one of the last ones."""

    def plus(self, other: Usage) -> Usage:
        """The two hours' numbers together, as of the first."""
        return Usage(
            self.operator_id,
            self.organisation,
            self.hour,
            self.asked + other.asked,
            self.hits + other.hits,
            self.refused + other.refused,
            self.fresh + other.fresh,
            self.looked + other.looked,
            self.sequential + other.sequential,
        )


class Observed(Struct, frozen=True):
    """What is unusual, and the number that made it so."""

    kind: Unusual
    number: int
    hour: datetime


def unusual(hours: Sequence[Usage], at: datetime, thresholds: Thresholds) -> Iterator[Observed]:
    """S6: what is unusual on the day of `at`, of the hours of one client; each kind once."""
    day = periods.civil_date(at)
    today = sorted((one for one in hours if periods.civil_date(one.hour) == day), key=lambda one: one.hour)
    if not today:
        return
    habit = [one for one in hours if day > periods.civil_date(one.hour) >= periods.civil_date(at - HABIT)]
    yield from _of_persons(today, habit, thresholds)
    yield from _of_numbers(today, thresholds)
    yield from _of_the_night(today, habit, thresholds)


def _of_persons(today: Sequence[Usage], habit: Sequence[Usage], thresholds: Thresholds) -> Iterator[Observed]:
    fresh, last = sum(one.fresh for one in today), today[-1].hour
    if fresh > thresholds.distinct:
        yield Observed(Unusual.MANY_DISTINCT, fresh, last)
    days = _by_day(habit)
    if len(days) >= HABIT_DAYS and fresh > max(thresholds.least, thresholds.times_itself * max(days)):
        yield Observed(Unusual.UNLIKE_ITSELF, fresh, last)


def _of_numbers(today: Sequence[Usage], thresholds: Thresholds) -> Iterator[Observed]:
    for kind, parts in (
        (Unusual.SEQUENCE, [(one.sequential, one.looked, one.hour) for one in today]),
        (Unusual.GUESSED, [(one.refused, one.asked, one.hour) for one in today]),
    ):
        for part, whole, hour in parts:
            if part >= thresholds.few and 100 * part >= thresholds.share * whole:
                yield Observed(kind, part, hour)
                break


def _of_the_night(
    today: Sequence[Usage], habit: Sequence[Usage], thresholds: Thresholds
) -> Iterator[Observed]:
    tonight = [one for one in today if is_night(one.hour)]
    asked = sum(one.asked for one in tonight)
    ever, before = sum(one.asked for one in habit), sum(one.asked for one in habit if is_night(one.hour))
    has_habit = len(_by_day(habit)) >= HABIT_DAYS
    if has_habit and asked >= thresholds.least and before * HABITUAL_AT_NIGHT < ever:
        yield Observed(Unusual.AT_NIGHT, asked, tonight[-1].hour)


def is_night(hour: datetime) -> bool:
    return hour.astimezone(periods.PARIS).hour < NIGHT_ENDS


def _by_day(hours: Sequence[Usage]) -> list[int]:
    """The persons of each day of use."""
    days: dict[object, int] = {}
    for one in hours:
        day = periods.civil_date(one.hour)
        days[day] = days.get(day, 0) + one.fresh
    return list(days.values())


_CHECKED = frozenset({"rpps", "finess", "siren", "siret"})


def in_sequence(identifier: Identifier) -> tuple[str, str] | None:
    """Its number without the check digit, and the one that was given out next; None where there is no next one."""
    scheme, value = identifier.scheme, identifier.value
    body = value[:-1] if scheme in _CHECKED else value
    if not body.isdecimal() or scheme == "amc_member":
        return None
    return f"{scheme} {int(body)}", f"{scheme} {int(body) + 1}"
