"""A replica of screenings that cannot answer: the primary does, and whoever watches is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from tests.api.test_metrics import told
from tests.stories import PAYER, Story, a_house, a_person, rpps
from watchlist.adapters.postgres.standby import Standing
from watchlist.bootstrap import House
from watchlist.cli.database import _replica

NOWHERE = "host=/nowhere user=watchlist_owner"


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    with a_house(database_url, replica_conninfo=NOWHERE) as made:
        yield made


def test_a_replica_that_is_not_there_is_told_and_the_primary_answers(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), TestClient(create_app(house)) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["late"]) == (200, ["sweep", "replica"])
        assert told(client)[("watchlist_replica_serving",)] == 0
    assert "the replica of screenings: unreachable" in caplog.text
    (finding,) = _replica(house)
    assert not finding.ok
    assert "WATCHLIST_REPLICA_URL" in finding.detail


def test_without_a_replica_nothing_is_said_of_one(database_url: str) -> None:
    with a_house(database_url) as house, TestClient(create_app(house)) as client:
        assert client.get("/readyz").json()["late"] == ["sweep"]
        assert ("watchlist_replica_serving",) not in told(client)
        assert _replica(house) == []


def test_screenings_are_answered_by_the_primary_meanwhile(house: House) -> None:
    story = Story(house)
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    digests = story.desk.lookups.now.asked.question((rpps(1),)).digests

    async def found() -> int:
        await house.index.open()
        try:
            assert house.replica_seen() is Standing.UNREACHABLE
            return len((await house.index.find(digests, PAYER)).tokens)
        finally:
            await house.index.close()

    assert asyncio.run(found()) > 0
