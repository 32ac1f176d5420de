"""A client asks so much a second, whichever of its keys and whichever process it asks (S6)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api.limits import Limits, asked_in
from api.main import create_app
from api.problems import TooManyRequests
from tests.api.conftest import Hire
from tests.stories import ANNE
from watchlist.adapters.postgres.buckets import PostgresBuckets
from watchlist.bootstrap import House
from watchlist.domain.quota import Quota, Quotas
from watchlist.domain.refusals import Busy
from watchlist.ports.quotas import Leased
from watchlist.settings import Settings, SettingsError

SLOW = Quota("requests", per_second=1, burst=5)
FEW = Quotas(screenings=Quota("screenings", 1, 10), requests=SLOW)


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """A service whose quotas are soon used up."""
    house.quotas = FEW
    with TestClient(create_app(house)) as client:
        yield client


def batch(size: int) -> dict[str, Any]:
    subject = {"identifiers": [{"scheme": "rpps", "value": "10000001916"}]}
    subjects = {f"q{number}": subject for number in range(size)}
    return {"purpose": "third_party_payment", "file_reference": "LOT-1", "subjects": subjects}


def test_a_client_over_its_quota_is_told_when_to_come_back(hire: Hire) -> None:
    reader = hire("investigator")
    answers = [reader.get("/me") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    refused = answers[-1]
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    french = reader.get("/me", Accept_Language="fr")
    assert "quota" in french.json()["title"]
    assert french.json()["title"] != refused.json()["title"]


def test_every_answer_says_what_is_left(hire: Hire) -> None:
    reader = hire("investigator")
    first, second = reader.get("/me"), reader.get("/me")
    assert first.headers["ratelimit-policy"] == '"requests";q=5;w=5'
    left = [re.fullmatch(r'"requests";r=(\d);t=\d', one.headers["ratelimit"]) for one in (first, second)]
    assert [found and found[1] for found in left] == ["4", "3"]


def test_a_batch_counts_as_many_as_it_asks(hire: Hire) -> None:
    integrator = hire("integrator")
    assert integrator.post("/screenings", batch(8)).status_code == 200
    refused = integrator.post("/screenings", batch(8))
    assert refused.status_code == 429
    assert refused.headers["ratelimit-policy"] == '"screenings";q=10;w=10'
    assert integrator.post("/screenings", batch(2)).status_code == 200


def test_a_line_of_several_identifiers_counts_as_many(hire: Hire) -> None:
    integrator = hire("integrator")
    several = batch(1)
    several["subjects"]["q0"]["identifiers"] *= 8
    assert integrator.post("/screenings", several).status_code == 200
    assert integrator.post("/screenings", several).status_code == 429
    assert integrator.post("/screenings", batch(2)).status_code == 200


def test_a_line_in_bulk_counts_as_many_too(hire: Hire, house: House) -> None:
    integrator = hire("integrator")
    line = {"key": "q1", "identifiers": [{"scheme": "rpps", "value": "10000001916"}] * 8}
    headers = {
        "Authorization": f"Bearer {integrator.key}",
        "Content-Type": "application/x-ndjson",
        "Screening-Purpose": "third_party_payment",
        "Screening-File-Reference": "LOT-1",
    }
    answer = integrator.client.post("/v1/screenings/bulk", content=json.dumps(line), headers=headers)
    assert answer.status_code == 200
    assert integrator.post("/screenings", batch(8)).status_code == 429


def test_more_than_can_be_asked_at_once_takes_all_of_it(hire: Hire) -> None:
    integrator = hire("integrator")
    several = batch(1)
    several["subjects"]["q0"]["identifiers"] *= 20
    assert integrator.post("/screenings", several).status_code == 200
    assert integrator.post("/screenings", batch(5)).status_code == 429


def test_what_is_asked_of_the_list_and_of_the_rest_is_counted_apart(hire: Hire) -> None:
    integrator = hire("integrator")
    assert integrator.post("/screenings", batch(10)).status_code == 200
    assert integrator.get("/me").status_code == 200


def test_two_keys_of_one_operator_share_a_quota_and_another_operator_has_its_own(hire: Hire) -> None:
    one, the_same, another = hire("investigator", "A"), hire("investigator", "A"), hire("investigator", "B")
    assert {one.get("/me").status_code for _ in range(5)} == {200}
    assert the_same.get("/me").status_code == 429
    assert another.get("/me").status_code == 200


def test_who_may_not_ask_uses_up_nobodys_quota(hire: Hire, client: TestClient) -> None:
    reader = hire("investigator")
    for _ in range(9):
        assert client.get("/v1/me").status_code == 401
        assert client.get("/readyz").status_code == 200
    assert reader.get("/me").status_code == 200


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b'{"subjects":{"a":{},"b":{}},"purpose":"x"}', 2),
        (
            b'{"subjects":{"a":{"identifiers":[{"scheme":"rpps"},{"scheme":"rpps"}]},"b":{"family_name":"x"}}}',
            3,
        ),
        (b'{"subjects":{"a":{"identifiers":[' + b",".join([b"{}"] * 99) + b"]}}}", 20),
        (b'{"subjects":{"a":{"identifiers":7},"b":[]}}', 2),
        (b'{"subjects":{}}', 1),
        (b'{"subjects":[]}', 1),
        (b"\xff", 1),
        (b"[" * 100_000, 1),
        (b"", 1),
    ],
)
def test_each_identifier_counts_and_what_cannot_be_read_is_one(body: bytes, count: int) -> None:
    assert asked_in(body) == count


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WATCHLIST_RATE_SCREENINGS", "0"),
        ("WATCHLIST_RATE_SCREENINGS", "many"),
        ("WATCHLIST_RATE_SCREENINGS_BURST", "9999"),
        ("WATCHLIST_RATE_REQUESTS", "-1"),
        ("WATCHLIST_RATE_REQUESTS_BURST", "0"),
    ],
)
def test_a_quota_that_would_let_nothing_through_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable} is a number"):
        Settings.from_environment({variable: value})


def test_quotas_are_settings() -> None:
    given = {"WATCHLIST_RATE_SCREENINGS": "7", "WATCHLIST_RATE_REQUESTS_BURST": "9"}
    quotas = Settings.from_environment(given).quotas
    assert (quotas.screenings.per_second, quotas.screenings.burst) == (7, Quotas().screenings.burst)
    assert (quotas.requests.per_second, quotas.requests.burst) == (Quotas().requests.per_second, 9)


# Leases ---------------------------------------------------------------------------------------


@dataclass
class Counted:
    """Real buckets, and how often they were asked."""

    buckets: PostgresBuckets
    asked: int = 0

    async def lease(self, client: UUID, quota: Quota, needed: int, wanted: int, returned: int) -> Leased:
        self.asked += 1
        return await self.buckets.lease(client, quota, needed, wanted, returned)


async def opened(house: House) -> Counted:
    await house.buckets.open()
    return Counted(house.buckets)


async def _let_through(limits: Limits, quota: Quota, attempts: int) -> int:
    passed = 0
    for _ in range(attempts):
        with suppress(TooManyRequests):
            await limits.take(ANNE, quota)
            passed += 1
        await asyncio.sleep(0)
    return passed


def test_an_ordinary_request_costs_no_statement(house: House) -> None:
    async def story() -> int:
        counted = await opened(house)
        limits = Limits(counted, Quotas())
        for _ in range(100):
            await limits.take(ANNE, Quotas().requests)
        await house.buckets.close()
        return counted.asked

    assert asyncio.run(story()) == 1


def test_a_flood_that_is_refused_asks_nothing_of_the_database(house: House) -> None:
    async def story() -> tuple[int, int]:
        counted = await opened(house)
        limits = Limits(counted, FEW)
        passed = await _let_through(limits, SLOW, 1000)
        await house.buckets.close()
        return passed, counted.asked

    passed, asked = asyncio.run(story())
    assert passed == 5
    assert asked < 10


def test_two_processes_together_let_no_more_through_than_one_quota(house: House) -> None:
    quota = Quota("requests", per_second=40, burst=200)

    async def story() -> list[int]:
        counted = await opened(house)
        both = [Limits(counted, Quotas()), Limits(counted, Quotas())]
        passed = await asyncio.gather(*(_let_through(limits, quota, 2000) for limits in both))
        await house.buckets.close()
        return list(passed)

    passed, seconds = asyncio.run(_timed(story()))
    assert min(passed) > 0
    assert 180 <= sum(passed) <= 200 + 40 * (seconds + 1)


async def _timed(story: Any) -> tuple[list[int], float]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    return await story, loop.time() - began


def test_a_stream_waits_for_what_it_may_ask(house: House) -> None:
    quota = Quota("screenings", per_second=100, burst=50)

    async def story() -> float:
        limits = Limits(await opened(house), Quotas())
        began = asyncio.get_running_loop().time()
        for _ in range(4):
            await limits.wait(ANNE, quota, 25)
        await house.buckets.close()
        return asyncio.get_running_loop().time() - began

    assert 0.3 < asyncio.run(story()) < 5


def test_when_it_cannot_be_counted_nothing_is_let_through(house: House) -> None:
    async def story() -> None:
        await Limits(house.buckets, FEW).take(ANNE, SLOW)

    with pytest.raises(Busy):
        asyncio.run(story())


def test_a_service_that_cannot_count_says_503(hire: Hire, client: TestClient, house: House) -> None:
    reader = hire("investigator")
    assert client.portal is not None
    client.portal.call(house.buckets.close)
    answer = reader.get("/me")
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
