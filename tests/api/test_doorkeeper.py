"""The door stays open to those it knows, however many others knock (T2)."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from api import doorkeeper
from api.doorkeeper import MOST_STRANGERS, Doorkeeper
from api.operator import Asker
from tests.api.conftest import Office
from watchlist.application import operators as verbs
from watchlist.bootstrap import House
from watchlist.domain.passport import NotAdmitted
from watchlist.domain.refusals import Busy


class Slow:
    """The operators of the register, each unknown key of which takes a while, as on a busy database."""

    def __init__(self, house: House, known: str) -> None:
        self._operators, self._known = house.operators, known.partition(".")[0]
        self.open = threading.Event()

    def key(self, key_id: str) -> Any:
        if key_id != self._known:
            self.open.wait(20)
        return self._operators.key(key_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operators, name)


def unknown() -> bytes:
    return f"{secrets.token_hex(8)}.{secrets.token_urlsafe(32)}".encode()


@contextmanager
def a_crowd(door: Doorkeeper, slow: Slow, size: int = 5_000) -> Iterator[list[asyncio.Task[Asker]]]:
    tasks = [asyncio.create_task(door.asker(unknown())) for _ in range(size)]
    try:
        yield tasks
    finally:
        slow.open.set()


def at_the_door(house: House, key: str, story: Callable[[Doorkeeper, Slow], Any]) -> None:
    async def told() -> None:
        slow: Any = Slow(house, key)
        door = Doorkeeper(slow, house.clock)
        try:
            await story(door, slow)
        finally:
            await door.close()

    asyncio.run(told())


def test_whoever_was_let_in_lately_waits_for_no_crowd(house: House, office: Office) -> None:
    key = office.investigator.key

    async def story(door: Doorkeeper, slow: Slow) -> None:
        known = await door.asker(key.encode())
        door._kept.clear()
        with a_crowd(door, slow) as crowd:
            await asyncio.sleep(0.1)
            began = time.monotonic()
            assert await door.asker(key.encode()) == known
            assert time.monotonic() - began < 5
            with pytest.raises(Busy):
                await door.asker(unknown())
            with pytest.raises(Busy):  # another secret of a known key is a stranger
                await door.asker(key.partition(".")[0].encode() + b"." + secrets.token_urlsafe(32).encode())
        answers = [type(one) for one in await asyncio.gather(*crowd, return_exceptions=True)]
        assert (answers.count(NotAdmitted), answers.count(Busy)) == (MOST_STRANGERS, 5_000 - MOST_STRANGERS)
        with pytest.raises(NotAdmitted):
            await door.asker(unknown())

    at_the_door(house, key, story)


def test_who_left_is_no_longer_known(house: House, office: Office) -> None:
    key = office.investigator.key

    async def story(door: Doorkeeper, slow: Slow) -> None:
        asker = await door.asker(key.encode())
        verbs.leave(house.operators, house.clock, asker.operator_id)
        door._kept.clear()
        with pytest.raises(NotAdmitted):
            await door.asker(key.encode())
        with a_crowd(door, slow):
            await asyncio.sleep(0.1)
            door._kept.clear()
            with pytest.raises(Busy):
                await door.asker(key.encode())

    at_the_door(house, key, story)


def test_refusals_are_forgotten_before_those_who_were_let_in(
    house: House, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = office.investigator.key
    monkeypatch.setattr(doorkeeper, "MOST_KEPT", 10)
    monkeypatch.setattr(doorkeeper, "KEPT_SECONDS", 60.0)

    async def story(door: Doorkeeper, slow: Slow) -> None:
        slow.open.set()
        known = await door.asker(key.encode())
        for _ in range(40):
            with pytest.raises(NotAdmitted):
                await door.asker(unknown())
        assert len(door._kept) <= 10
        assert known in [one.admission for one in door._kept.values()]

    at_the_door(house, key, story)
