"""What every Clock keeps, the machine's and the one that a test moves."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from watchlist.adapters.clock import ManualClock, SystemClock
from watchlist.ports.clock import Clock

NOON = datetime(2021, 3, 15, 12, tzinfo=UTC)


@pytest.fixture(params=[SystemClock, lambda: ManualClock(NOON)], ids=["the machine's", "a test's"])
def clock(request) -> Clock:
    return request.param()


def test_an_instant_is_aware_and_in_utc(clock):
    assert clock.now().tzinfo is UTC


def test_time_does_not_go_back_by_itself(clock):
    instants = [clock.now() for _ in range(100)]
    assert instants == sorted(instants)


def test_a_clock_says_whether_it_must_agree_with_the_databases(clock):
    assert clock.is_the_machines is isinstance(clock, SystemClock)


def test_the_machines_clock_is_now():
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_a_tests_clock_stands_still_until_it_is_moved():
    clock = ManualClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(days=1, hours=2)
    assert clock.now() == datetime(2021, 3, 16, 14, tzinfo=UTC)
    clock.move_to(datetime(2026, 3, 15, 14, tzinfo=timezone(timedelta(hours=2))))
    assert (clock.now(), clock.now().tzinfo) == (datetime(2026, 3, 15, 12, tzinfo=UTC), UTC)


def test_a_tests_clock_is_not_set_without_a_time_zone():
    with pytest.raises(ValueError, match="time zone"):
        ManualClock(datetime(2021, 3, 15))
