"""Names that others chose are looked up where nobody else waits (S8)."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.receiver import a_receiver
from watchlist.adapters.name_lookups import NameLookups
from watchlist.adapters.postman import HttpPostman
from watchlist.domain.webhook import Failure

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]


class Names:
    """The network's answers: those of one name server never come."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.over = threading.Event()

    def getaddrinfo(self, host: Any, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(host)
        if "tarpit" in host:
            self.over.wait(20)
            raise socket.gaierror(-3, "no answer")
        return FOUND


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    yield names
    names.over.set()


def test_a_name_server_that_hangs_delays_nobody_else(names: Names) -> None:
    async def story(port: int) -> None:
        postman = HttpPostman(private_allowed=True, seconds=8)
        hanging = [
            asyncio.create_task(postman.post(f"https://{one % 10}.tarpit.example/", {}, b""))
            for one in range(160)
        ]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await asyncio.to_thread(lambda: None)
        other = await postman.post(f"http://payer.example:{port}/hooks", {"webhook-id": "1"}, b"{}")
        assert other.failure is None
        assert time.monotonic() - began < 2
        assert len(names.asked) == 11
        assert {one.failure for one in await asyncio.gather(*hanging)} == {Failure.TIMEOUT}

    began = time.monotonic()
    with a_receiver() as receiver:
        asyncio.run(story(receiver.port))
    assert time.monotonic() - began < 8, "the end of the loop waits for no look-up"


def test_a_look_up_that_hung_is_waited_for_and_not_begun_again(names: Names) -> None:
    lookups = NameLookups(seconds=0.1)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            asyncio.run(lookups.addresses("tarpit.example"))
    assert names.asked == ["tarpit.example"]
    names.over.set()
    until = time.monotonic() + 5
    while lookups._under_way and time.monotonic() < until:
        time.sleep(0.01)
    with pytest.raises(socket.gaierror):
        asyncio.run(lookups.addresses("tarpit.example"))


def test_no_more_threads_than_there_is_room_for(names: Names) -> None:
    lookups = NameLookups(most=2, seconds=0.2)

    async def story() -> list[Any]:
        asked = (lookups.addresses(f"{one}.tarpit.example") for one in range(5))
        return await asyncio.gather(*asked, return_exceptions=True)

    assert all(isinstance(one, TimeoutError) for one in asyncio.run(story()))
    assert len(names.asked) == 2
