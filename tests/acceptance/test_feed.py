"""Everything is killed while the list changes: no change is lost, or told out of order (S8)."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import pytest

from tests.acceptance.service import Office, Service, Somebody, service, soon
from tests.acceptance.story import Entry, hits, listed
from tests.receiver import Message, Receiver, a_receiver

NUMBERS = (1, 2, 3)
KILLED = 3


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with service(WATCHLIST_WEBHOOK_PRIVATE_ADDRESSES="1", WATCHLIST_DEMO="0") as made:
        yield made.start()


@pytest.fixture(scope="module")
def office(running: Service) -> Office:
    return Office.hired(running)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


@dataclass
class Reluctant:
    """Does not take every seventh the first time; more often, and a delay would outlast the test."""

    refused: set[str] = field(default_factory=set)

    def __call__(self, message: Message) -> int:
        if int(message.id) % 7 or message.id in self.refused:
            return 204
        self.refused.add(message.id)
        return 503


@dataclass
class Moving:
    """Entries that are restricted and freed, again and again, whatever is killed meanwhile."""

    supervisor: Somebody
    stop: threading.Event = field(default_factory=threading.Event)
    turns: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """How often each entry was restricted or freed, as its command answered."""

    def move(self, entry: Entry) -> None:
        on = f"/inscriptions/{entry.inscription}/restriction"
        while not self.stop.is_set():
            for path in (on, f"{on}/lifting"):
                self._until_done(path)
                self.turns[entry.number] += 1

    def _until_done(self, path: str) -> None:
        """One command, repeated under its key until it is answered."""
        key = f"{path}-{random.getrandbits(64)}"
        while True:
            with suppress(httpx.TransportError):
                if self.supervisor.post(path, {"reason": "r"}, Idempotency_Key=key).status_code == 200:
                    return
            time.sleep(0.1)


def test_no_change_is_lost_or_out_of_order_whatever_is_killed(
    running: Service, office: Office, receiver: Receiver
) -> None:
    receiver.answer = Reluctant()
    office.integrator.made("/webhooks", {"url": receiver.url})
    entries = [listed(office.investigator, office.supervisor, number) for number in NUMBERS]
    assert hits(office.integrator, *NUMBERS) == [True] * len(NUMBERS)
    moving = Moving(office.supervisor)
    threads = [threading.Thread(target=moving.move, args=(entry,)) for entry in entries]
    for thread in threads:
        thread.start()
    for round in range(KILLED):
        before = len(receiver.taken)
        assert soon(lambda before=before: len(receiver.taken) > before + 10, 60), running.said()
        _kill(running, server_too=round % 2 == 0)
    moving.stop.set()
    for thread in threads:
        thread.join(60)
    told = _told(office.integrator)
    receiver.answer = lambda message: 204
    assert soon(lambda: set(receiver.taken) >= {item["id"] for item in told}, 90), running.said()[-2000:]
    assert [item["id"] for item in told] == [str(n) for n in range(1, len(told) + 1)]
    for number in NUMBERS:
        kinds = [item["kind"] for item in told if item["key"] == f"q{number}"]
        assert kinds == ["stopped", "resumed"] * (len(kinds) // 2)
        assert len(kinds) == moving.turns[number]
    _in_order(receiver)
    assert running.run("replay", "--check").status == 0
    found = {one["what"]: one for one in json.loads(running.run("doctor", "--json").out)["findings"]}
    assert found["webhooks"]["ok"]
    assert found["change unacknowledged"]["detail"].startswith("0 late")


def _kill(running: Service, *, server_too: bool) -> None:
    assert running.process is not None
    if server_too:
        server = running.postmaster()
        assert server is not None
        os.kill(server, signal.SIGKILL)
    running.process.kill()
    running.process.wait()
    running.start()


def _told(integrator: Somebody) -> list[dict[str, str]]:
    items: list[dict[str, str]] = []
    while page := integrator.get(f"/changes?limit=1000&after={items[-1]['id'] if items else 0}")["items"]:
        items += page
    return items


def _in_order(receiver: Receiver) -> None:
    """Of each entry, what was taken first came in the order of its changes; what was repeated came before the next."""
    taken = defaultdict(list)
    by_id = {message.id: message.event["data"]["key"] for message in receiver.messages}
    for id in receiver.taken:
        taken[by_id[id]].append(int(id))
    for ids in taken.values():
        assert ids == sorted(ids)


def test_a_service_with_streams_open_stops_in_order(running: Service, office: Office) -> None:
    headers = {"Authorization": f"Bearer {office.integrator.key}", "Accept": "text/event-stream"}
    with httpx.stream("GET", f"{running.url}/v1/changes", headers=headers, timeout=30) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry:")
        began = time.monotonic()
        assert running.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 8
        with suppress(httpx.RemoteProtocolError):
            list(lines)
    running.start()
