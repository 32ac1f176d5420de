"""Unusual use of the screening (S6): what sweeping looks like in numbers, and what ordinary use does not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from watchlist.domain.identifiers import Identifier
from watchlist.domain.unusual_use import Thresholds, Unusual, Usage, in_sequence, is_night, unusual

TODAY = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)
AT_TWO = datetime(2026, 3, 2, 1, tzinfo=UTC)
"""Of Paris, in winter."""
DEFAULTS = Thresholds()


def used(hour: datetime = NOON, **numbers: int) -> Usage:
    return Usage(UUID(int=1), "TPG", hour, **numbers)


def habit(days: int, hour: datetime = NOON, **numbers: int) -> Iterator[Usage]:
    for day in range(1, days + 1):
        yield used(hour - timedelta(days=day), **numbers)


def found(*hours: Usage, thresholds: Thresholds = DEFAULTS) -> set[Unusual]:
    return {observed.kind for observed in unusual(hours, TODAY, thresholds)}


# Ordinary use ---------------------------------------------------------------------------------


def test_a_million_lines_every_night_are_ordinary() -> None:
    nights = {"asked": 1_000_000, "hits": 40, "fresh": 700_000, "looked": 80_000, "sequential": 2_000}
    assert found(used(AT_TWO, **nights), *habit(28, AT_TWO, **nights)) == set()


def test_so_are_the_first_of_them() -> None:
    assert found(used(AT_TWO, asked=1_000_000, fresh=1_000_000)) == set()
    assert found(used(AT_TWO, asked=1_000_000, fresh=1_000_000), *habit(6, asked=10, fresh=10)) == set()


def test_and_payments_by_the_day() -> None:
    day = {"asked": 3_000, "hits": 1, "refused": 30, "fresh": 900, "looked": 3_000, "sequential": 12}
    assert found(used(**day), used(NOON + timedelta(hours=1), **day), *habit(28, **day)) == set()


def test_a_sorted_file_of_professionals_is_in_sequence_for_less_than_half() -> None:
    assert found(used(asked=100_000, fresh=60_000, looked=10_000, sequential=4_000)) == set()


def test_some_mistyped_numbers_are_ordinary_and_a_small_file_of_them_too() -> None:
    assert found(used(asked=100_000, refused=30_000)) == set()
    assert found(used(asked=499, refused=499, looked=499, sequential=499)) == set()


# Unusual --------------------------------------------------------------------------------------


def test_more_persons_in_a_day_than_anybody_pays_for() -> None:
    hours = [used(NOON - timedelta(hours=n), asked=700_000, fresh=700_000) for n in range(3)]
    assert found(*hours) == {Unusual.MANY_DISTINCT}
    assert found(*hours, thresholds=Thresholds(distinct=3_000_000)) == set()


def test_many_more_persons_than_it_ever_asked_for() -> None:
    day = used(asked=20_000, fresh=15_000)
    assert found(day, *habit(7, asked=1_500, fresh=1_400)) == {Unusual.UNLIKE_ITSELF}
    assert found(day, *habit(7, asked=1_600, fresh=1_500)) == set()
    assert found(replace(day, fresh=9_999), *habit(7, asked=10, fresh=10)) == set()


def test_what_was_more_than_four_weeks_ago_is_no_habit() -> None:
    long_ago = [replace(one, hour=one.hour - timedelta(days=28)) for one in habit(10, asked=10, fresh=10)]
    assert found(used(asked=20_000, fresh=20_000), *long_ago) == set()


def test_numbers_as_they_were_given_out() -> None:
    assert found(used(asked=500, fresh=500, looked=500, sequential=500)) == {Unusual.SEQUENCE}


def test_numbers_that_were_made_up() -> None:
    assert found(used(asked=1_000, refused=900)) == {Unusual.GUESSED}


def test_at_night_by_whoever_never_did() -> None:
    tonight = used(AT_TWO, asked=10_000, fresh=900)
    assert found(tonight, *habit(10, asked=5_000, fresh=900)) == {Unusual.AT_NIGHT}
    assert found(tonight, *habit(10, asked=5_000, fresh=900), *habit(1, AT_TWO, asked=600)) == set()


@pytest.mark.parametrize(
    ("utc", "night"),
    [
        ("2026-01-31T23:00", True),
        ("2026-01-31T22:00", False),
        ("2026-01-31T05:00", False),
        ("2026-07-31T22:00", True),
        ("2026-07-31T04:00", False),
    ],
)
def test_night_is_in_paris(utc: str, night: bool) -> None:
    assert is_night(datetime.fromisoformat(utc).replace(tzinfo=UTC)) is night


def test_nothing_today_is_nothing_unusual() -> None:
    assert found(*habit(28, asked=10**9, fresh=10**9)) == set()


def test_what_made_it_so_is_told_with_its_hour() -> None:
    (observed,) = unusual([used(asked=900, looked=900, sequential=800)], TODAY, DEFAULTS)
    assert (observed.number, observed.hour) == (800, NOON)


# Numbers in sequence --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "first", "second"),
    [
        ("rpps", "10000001916", "10000001924"),
        ("siren", "732829320", "732829338"),
        ("adeli", "759999990", "759999991"),
    ],
)
def test_the_next_number_is_known_without_its_check_digit(scheme: str, first: str, second: str) -> None:
    one, other = in_sequence(Identifier(scheme, first)), in_sequence(Identifier(scheme, second))
    assert one is not None
    assert other is not None
    assert one[1] == other[0]


def test_what_is_no_number_has_no_next() -> None:
    assert in_sequence(Identifier("finess", "2A0000014")) is None
    assert in_sequence(Identifier("amc_member", "12345678/0042")) is None
