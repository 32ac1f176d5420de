"""One bucket for all processes: whoever draws, together they never get more than the quota (S6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import psycopg
import pytest

from tests.stories import ANNE, BRUNO
from watchlist.adapters.postgres.buckets import PostgresBuckets
from watchlist.domain.quota import Quota
from watchlist.domain.refusals import Busy
from watchlist.ports.quotas import Leased

T = TypeVar("T")
QUOTA = Quota("screenings", per_second=10, burst=100)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Draw = Callable[..., Awaitable[Leased]]


def drawing(database_url: str, story: Callable[[Draw], Awaitable[T]]) -> T:
    async def told() -> T:
        buckets = PostgresBuckets(database_url)
        await buckets.open()

        async def draw(
            needed: int,
            wanted: int | None = None,
            returned: int = 0,
            client: UUID = ANNE,
            after: float = 0,
        ) -> Leased:
            at = NOON + timedelta(seconds=after)
            return await buckets.lease(client, QUOTA, needed, wanted or needed, returned, at)

        try:
            return await story(draw)
        finally:
            await buckets.close()

    return asyncio.run(told())


def test_a_full_bucket_is_a_burst_and_then_fills_at_the_rate(database_url: str) -> None:
    async def story(draw: Draw) -> list[int]:
        drawn = [await draw(60), await draw(60), await draw(40), await draw(1)]
        drawn += [await draw(30, after=2), await draw(20, after=2), await draw(100, after=60)]
        return [lease.granted for lease in drawn]

    assert drawing(database_url, story) == [60, 0, 40, 0, 0, 20, 100]


def test_a_lease_is_all_that_is_needed_or_nothing_and_at_most_what_is_wanted(database_url: str) -> None:
    async def story(draw: Draw) -> list[tuple[int, float]]:
        drawn = [await draw(1, 25), await draw(70, 90), await draw(6, 50), await draw(5, 50)]
        return [(lease.granted, lease.remaining) for lease in drawn]

    assert drawing(database_url, story) == [(25, 75), (75, 0), (0, 0), (0, 0)]


def test_what_was_not_used_is_given_back_and_never_more_than_a_burst(database_url: str) -> None:
    async def story(draw: Draw) -> list[float]:
        await draw(100)
        return [(await draw(10, returned=30)).remaining, (await draw(1, returned=1000)).remaining]

    assert drawing(database_url, story) == [20, 99]


def test_a_clock_that_goes_back_fills_nothing(database_url: str) -> None:
    async def story(draw: Draw) -> list[int]:
        await draw(100, after=10)
        drawn = [await draw(1, after=0), await draw(1, after=10), await draw(10, after=11)]
        return [lease.granted for lease in drawn]

    assert drawing(database_url, story) == [0, 0, 10]


def test_each_client_has_a_bucket_of_its_own(database_url: str) -> None:
    async def story(draw: Draw) -> list[int]:
        return [(await draw(100)).granted, (await draw(100, client=BRUNO)).granted, (await draw(1)).granted]

    assert drawing(database_url, story) == [100, 100, 0]


def test_many_who_draw_at_once_get_one_quota_together(database_url: str) -> None:
    async def story(draw: Draw) -> int:
        drawn = await asyncio.gather(*(draw(7) for _ in range(40)))
        return sum(lease.granted for lease in drawn)

    assert drawing(database_url, story) == 98


def test_connections_that_the_database_has_closed_refuse_nobody(database_url: str) -> None:
    async def story(draw: Draw) -> list[int]:
        first = await draw(1)
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        return [first.granted, (await draw(1)).granted]

    assert drawing(database_url, story) == [1, 1]


def test_a_bucket_that_cannot_be_asked_is_busy() -> None:
    async def asked() -> None:
        await PostgresBuckets("host=/nowhere").lease(ANNE, QUOTA, 1, 1, 0)

    with pytest.raises(Busy):
        asyncio.run(asked())
