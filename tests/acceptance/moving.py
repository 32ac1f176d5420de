"""Entries move on and off the list while everything is killed, and a webhook is told of it (S8)."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from tests.acceptance.service import Office, Service, Somebody, soon
from tests.acceptance.story import Entry, hits, listed
from tests.receiver import Message, Receiver

NUMBERS = (1, 2, 3)


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


def moved_whatever_is_killed(
    running: Service, office: Office, receiver: Receiver, killed: int
) -> list[dict[str, str]]:
    """All changes that were told, after so many kills: each once, and in order."""
    receiver.answer = Reluctant()
    office.integrator.made("/webhooks", {"url": receiver.url})
    entries = [listed(office.investigator, office.supervisor, number) for number in NUMBERS]
    assert hits(office.integrator, *NUMBERS) == [True] * len(NUMBERS)
    moving = Moving(office.supervisor)
    threads = [threading.Thread(target=moving.move, args=(entry,)) for entry in entries]
    for thread in threads:
        thread.start()
    for round in range(killed):
        before = len(receiver.taken)
        assert soon(lambda before=before: len(receiver.taken) > before + 10, 60), running.said()
        _kill(running, server_too=round % 2 == 0)
    moving.stop.set()
    for thread in threads:
        thread.join(60)
    told = _told(office.integrator)
    assert [item["id"] for item in told] == [str(n) for n in range(1, len(told) + 1)]
    for number in NUMBERS:
        kinds = [item["kind"] for item in told if item["key"] == f"q{number}"]
        assert kinds == ["stopped", "resumed"] * (len(kinds) // 2)
        assert len(kinds) == moving.turns[number]
    _in_order(receiver)
    assert running.run("replay", "--check").status == 0
    return told


def taken_in_the_end(running: Service, receiver: Receiver, told: list[dict[str, str]]) -> None:
    """What was claimed by a process that was killed is sent again after half a minute."""
    receiver.answer = lambda message: 204
    assert soon(lambda: set(receiver.taken) >= {item["id"] for item in told}, 90), running.said()[-2000:]
    _in_order(receiver)
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
