"""Screenings answered by a read replica: a real pair, made as docs/operations.md says (L3, L9, S9)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from tests.servers import Server, Servers, servers
from tests.stories import BRUNO, PAYER, Story, a_house, a_person, ask, rpps
from watchlist.adapters.postgres import replica_index
from watchlist.adapters.postgres.migrate import migrate
from watchlist.adapters.postgres.replica_index import ReplicaListIndex
from watchlist.adapters.postgres.standby import Standing, judged, standing_of
from watchlist.application.delist import delist, lift_restriction, restrict
from watchlist.domain.inscription import DelistingGround

ROUNDS = 20


@dataclass
class Pair:
    """A primary and its replica, which is served from the start."""

    all: Servers
    primary: Server
    replica: Server
    story: Story

    @property
    def index(self) -> ReplicaListIndex:
        assert isinstance(self.story.house.index, ReplicaListIndex)
        return self.story.house.index

    def standing(self) -> Standing:
        return standing_of(self.primary.conninfo(), self.replica.conninfo())

    async def answers(self, number: int) -> bool:
        digests = self.story.desk.lookups.now.asked.question((rpps(number),)).digests
        found = await self.index.find(digests, PAYER)
        return any(digest in found.tokens for digest in digests)  # others' come along when they ask at once


@pytest.fixture
def pair() -> Iterator[Pair]:
    with servers() as all_of_them:
        primary = all_of_them.primary()
        migrate(primary.conninfo())
        primary.ask("GRANT pg_read_all_stats TO watchlist_service")
        replica = all_of_them.standby(primary, "south")
        primary.synchronous(replica)
        with a_house(primary.conninfo(), replica_conninfo=replica.conninfo()) as house:
            yield Pair(all_of_them, primary, replica, Story(house))


@asynccontextmanager
async def opened(pair: Pair) -> AsyncIterator[ReplicaListIndex]:
    await pair.index.open()
    try:
        assert pair.index.standing is Standing.SERVED
        yield pair.index
    finally:
        await pair.index.close()


async def stands(pair: Pair, standing: Standing) -> None:
    async with asyncio.timeout(20):
        while pair.index.standing is not standing:
            await asyncio.sleep(0.05)


def delisted(story: Story, entry: UUID) -> None:
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "remboursé")


def test_what_a_command_returned_is_seen_by_the_next_screening_under_load(pair: Pair) -> None:
    """L9: an inscription, a restriction, its lifting, a delisting, while others ask."""
    _, _, kept = pair.story.listed(a_person("Durand", "Luc", rpps(999)))
    before = pair.replica.ask("SELECT xact_commit FROM pg_stat_database WHERE datname = 'watchlist'")

    async def others(stop: asyncio.Event) -> int:
        asked = 0
        while not stop.is_set():
            assert await pair.answers(999)
            asked += 1
        return asked

    async def told() -> int:
        stop = asyncio.Event()
        async with opened(pair):
            load = [asyncio.create_task(others(stop)) for _ in range(4)]
            for number in range(ROUNDS):
                _, _, entry = await asyncio.to_thread(
                    pair.story.listed, a_person("Lefèvre", "Anne", rpps(number))
                )
                assert await pair.answers(number)
                await asyncio.to_thread(restrict, pair.story.desk, ask(BRUNO), entry, "conteste")
                assert not await pair.answers(number)
                await asyncio.to_thread(lift_restriction, pair.story.desk, ask(BRUNO), entry, "informée")
                assert await pair.answers(number)
                await asyncio.to_thread(delisted, pair.story, entry)
                assert not await pair.answers(number)
            stop.set()
            asked = sum(await asyncio.gather(*load))
            assert pair.index.standing is Standing.SERVED
            return asked

    assert asyncio.run(told()) > ROUNDS
    after = pair.replica.ask("SELECT xact_commit FROM pg_stat_database WHERE datname = 'watchlist'")
    assert after - before > ROUNDS, "the replica answered"
    assert kept


def test_a_replica_that_fell_behind_between_two_looks_is_no_wrong_no_hit(pair: Pair) -> None:
    """It was served a moment ago; then nobody waits for it any more, and it applies nothing."""

    async def told() -> None:
        async with opened(pair) as index:
            pair.primary.set("synchronous_standby_names", "")
            pair.replica.ask("SELECT pg_wal_replay_pause()")
            await asyncio.to_thread(pair.story.listed, a_person("Lefèvre", "Anne", rpps(1)))
            assert index.standing is Standing.SERVED, "nobody looked since"
            assert await pair.answers(1)
            assert index.standing is Standing.BEHIND
            assert await pair.answers(1)

    asyncio.run(told())


def test_a_replica_that_is_lost_leaves_the_screenings_to_the_primary_and_is_served_when_it_is_back(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica_index, "LOOK_SECONDS", 0.3)
    pair.story.listed(a_person("Lefèvre", "Anne", rpps(1)))

    async def told() -> None:
        async with opened(pair):
            assert await pair.answers(1)
            pair.replica.kill()
            for _ in range(20):
                assert await pair.answers(1)
                assert not await pair.answers(2)
            await stands(pair, Standing.UNREACHABLE)
            pair.replica.start()
            await stands(pair, Standing.SERVED)
            assert await pair.answers(1)

    asyncio.run(told())


def test_a_promoted_replica_is_believed_no_more_though_nobody_looked(pair: Pair) -> None:
    _, _, entry = pair.story.listed(a_person("Lefèvre", "Anne", rpps(1)))

    async def told() -> None:
        async with opened(pair) as index:
            pair.primary.set("synchronous_standby_names", "")
            pair.replica.promote()
            with a_house(pair.replica.conninfo()) as gone_its_own_way:
                delisted(Story(gone_its_own_way), entry)
            assert index.standing is Standing.SERVED, "nobody looked since"
            assert await pair.answers(1)
            assert index.standing is Standing.UNREACHABLE

    asyncio.run(told())
    assert pair.standing() is Standing.NOT_IN_RECOVERY


def test_a_replica_is_served_only_while_every_commit_waits_for_it(pair: Pair) -> None:
    primary, replica = pair.primary, pair.replica
    assert pair.standing() is Standing.SERVED
    primary.set("synchronous_commit", "on")
    assert pair.standing() is Standing.NOT_REMOTE_APPLY
    primary.set("synchronous_commit", "remote_apply")
    primary.set("synchronous_standby_names", "ANY 1 (south, another)")
    primary.follows(replica, "quorum")
    assert pair.standing() is Standing.NOT_SYNCHRONOUS
    primary.set("synchronous_standby_names", "")
    primary.follows(replica, "async")
    assert pair.standing() is Standing.NOT_SYNCHRONOUS
    primary.ask("REVOKE pg_read_all_stats FROM watchlist_service")
    assert pair.standing() is Standing.NOT_SHOWN
    assert standing_of(primary.conninfo(), primary.conninfo()) is Standing.NOT_IN_RECOVERY
    replica.kill()
    assert pair.standing() is Standing.UNREACHABLE
    assert standing_of(replica.conninfo(), primary.conninfo()) is Standing.PRIMARY_UNREACHABLE


ITS = {"cluster": 1, "recovering": True, "name": "south"}
OURS = {"cluster": 1, "waits_for": "remote_apply", "followers": 1, "state": "streaming", "sync_state": "sync"}


@pytest.mark.parametrize(
    ("its", "ours", "standing"),
    [
        ({}, {}, Standing.SERVED),
        ({"cluster": 2}, {}, Standing.ANOTHER_CLUSTER),
        ({"recovering": False}, {}, Standing.NOT_IN_RECOVERY),
        ({}, {"waits_for": "on"}, Standing.NOT_REMOTE_APPLY),
        ({}, {"followers": 0, "state": None, "sync_state": None}, Standing.NOT_CONNECTED),
        ({}, {"followers": 2}, Standing.NAME_NOT_ITS_OWN),
        ({}, {"state": None, "sync_state": None}, Standing.NOT_SHOWN),
        ({}, {"state": "catchup"}, Standing.NOT_SYNCHRONOUS),
        ({}, {"sync_state": "potential"}, Standing.NOT_SYNCHRONOUS),
        ({}, {"sync_state": "quorum"}, Standing.NOT_SYNCHRONOUS),
    ],
)
def test_how_a_replica_stands_is_told_of_what_both_say(
    its: dict[str, Any], ours: dict[str, Any], standing: Standing
) -> None:
    assert judged(ITS | its, OURS | ours) is standing
