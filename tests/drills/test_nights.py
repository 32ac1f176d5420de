"""The nights when the clocks of Paris change, the 29th of February, the year's end: each second around them the list is
right, and the sweep records one delisting (L1, L2, L4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.stories import Story, a_house, a_person, rpps
from watchlist.application.sweep import sweep

AROUND = 30
"""Seconds, on both sides."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Night:
    """An approval, the instant at which its entry ends, and instants near it at which nothing may happen."""

    approved: datetime
    ends: datetime
    nothing_at: tuple[datetime, ...] = ()


SPRING, AUTUMN = at("2026-03-29T01:00"), at("2026-10-25T01:00")
"""When the clocks of Paris change in 2026."""
NIGHTS = {
    "the eve of summer time": Night(at("2021-03-28T10:00"), at("2026-03-28T23:00"), (SPRING,)),
    "the day of 23 hours": Night(at("2021-03-29T10:00"), at("2026-03-29T22:00"), (SPRING,)),
    "the eve of winter time": Night(at("2021-10-24T10:00"), at("2026-10-24T22:00"), (AUTUMN,)),
    "the day of 25 hours": Night(at("2021-10-25T10:00"), at("2026-10-25T23:00"), (AUTUMN,)),
    "the 29th of February": Night(at("2024-02-29T10:00"), at("2029-02-28T23:00")),
    "the eve of a 29th of February": Night(at("2023-02-28T10:00"), at("2028-02-28T23:00")),
    "the year's last day": Night(at("2021-12-31T10:00"), at("2026-12-31T23:00")),
    "the year's first day": Night(at("2021-12-31T23:30"), at("2027-01-01T23:00")),
}


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_house(database_url) as house:
        yield Story(house)


@pytest.mark.parametrize("name", NIGHTS)
def test_each_second_of_a_night_the_list_is_right_and_the_sweep_delists_once(
    story: Story, name: str, drill_report: Callable[..., None]
) -> None:
    night, number = NIGHTS[name], rpps(1)
    story.clock.move_to(night.approved)
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", number))
    seconds = swept = wrong = 0
    for now in _instants(night):
        story.clock.move_to(now)
        right = {entry} if now < night.ends else set()
        wrong += (story.answers(number) != right) + (story.on_the_list() != right)
        delisted = sweep(story.desk).delisted
        wrong += delisted != (now >= night.ends and not swept)
        wrong += (story.answers(number) != right) + (story.on_the_list() != right)
        swept += delisted
        seconds += 1
    events = story.rows("SELECT recorded_at FROM events WHERE topic = 'inscription.delisted'")
    drill_report(f"each second around {name}", instants=seconds, delisted=len(events), wrong_answers=wrong)
    assert wrong == 0
    assert [event["recorded_at"] for event in events] == [night.ends]


def _instants(night: Night) -> list[datetime]:
    """Each second around its end and around what must not matter; the last and the first microsecond too."""
    around = [night.ends, *night.nothing_at]
    seconds = {
        instant + timedelta(seconds=second) for instant in around for second in range(-AROUND, AROUND + 1)
    }
    return sorted(seconds | {instant - timedelta(microseconds=1) for instant in around})
