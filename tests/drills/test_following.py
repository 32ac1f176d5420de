"""Sixteen writers and whoever follows the log: 0 of a million events missed, in the order of their commits."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from tests.following import WRITERS, Following, Writers, by_lines, by_query, followed
from tests.stories import Story, a_house
from watchlist.adapters.clock import SystemClock
from watchlist.application.operators import issue_key
from watchlist.domain.operator import Role

EVENTS = int(os.environ.get("WATCHLIST_DRILL_EVENTS") or 1_000_000)


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_house(database_url, SystemClock(), pool_size=WRITERS + 4) as house:
        yield Story(house)


def test_of_a_million_events_whoever_follows_by_position_misses_none(
    story: Story, chance: random.Random, drill_report: Callable[..., None]
) -> None:
    house = story.house
    auditor = issue_key(house.operators, house.clock, "the auditor", Role.AUDITOR, "GRPM").presented
    with TestClient(create_app(house), headers={"Authorization": f"Bearer {auditor}"}) as client:

        def get(after: int) -> bytes:
            answer = client.get(f"/v1/audit/events?after={after}&limit=5000")
            assert answer.status_code == 200
            return answer.content

        writers = Writers(story, story.subject(), EVENTS, chance)
        readers = {"query": Following(by_query(story)), "lines": Following(by_lines(get))}
        began = time.monotonic()
        recorded = followed(story, writers, list(readers.values()))
        seconds = time.monotonic() - began
    missed = {name: len(set(recorded) - set(reader.seen)) for name, reader in readers.items()}
    drill_report(
        "of a million events whoever follows by position misses none",
        writers=WRITERS,
        saves=len(writers.saved),
        events=len(recorded),
        missed_by_query=missed["query"],
        missed_by_audit_events=missed["lines"],
        seconds=seconds,
    )
    assert len(recorded) >= EVENTS
    assert missed == {"query": 0, "lines": 0}
    for reader in readers.values():
        assert list(reader.seen) == recorded
    _in_order_of_their_commits(story, writers)


def _in_order_of_their_commits(story: Story, writers: Writers) -> None:
    """Whoever has the lock writes and commits before the next begins: transactions, instants and positions agree."""
    backwards = story.rows(
        "SELECT count(*) AS n FROM (SELECT xmin::text::bigint AS by, recorded_at,"
        " lag(xmin::text::bigint) OVER log AS by_before, lag(recorded_at) OVER log AS before"
        " FROM events WINDOW log AS (ORDER BY notification_id)) AS events"
        " WHERE by < by_before OR by = by_before AND recorded_at <> before"
        " OR by > by_before AND recorded_at <= before"
    )
    assert backwards == [{"n": 0}]
    assert len(set(writers.saved)) == len(writers.saved)
