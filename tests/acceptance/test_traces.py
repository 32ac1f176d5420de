"""The API and PostgreSQL are killed under load: whoever was answered is in the access log, whoever was told is in the
register of disclosures (T1, S8)."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from tests.acceptance.pages import pages
from tests.acceptance.service import Office, Service, Somebody, soon
from tests.acceptance.story import LISTED, UNLISTED, Entry, hits, question

CLIENTS = 6
KILLED = 2


@dataclass
class Askers:
    """Clients that go on screening and reading, whatever happens to the service, and what they were told."""

    running: Service
    office: Office
    entry: Entry
    stop: threading.Event = field(default_factory=threading.Event)
    hit: list[str] = field(default_factory=list)
    """The screenings that were answered a hit."""
    no_hit: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    """The ids of requests that were answered with a file."""

    def __enter__(self) -> Askers:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()

    @property
    def told(self) -> int:
        return len(self.hit) + len(self.no_hit) + len(self.read)

    def go_on(self, number: int) -> None:
        with httpx.Client(base_url=self.running.url, timeout=10) as client:
            screening = Somebody(client, self.office.integrator.key)
            reading = Somebody(client, self.office.investigator.key)
            turn = 0
            while not self.stop.is_set():
                turn += 1
                try:
                    if number == 0:
                        self._look(reading, f"read-{turn}")
                    else:
                        self._screen(screening, LISTED if turn % 2 else UNLISTED)
                except httpx.TransportError:
                    self.stop.wait(0.05)

    def _screen(self, somebody: Somebody, whom: int) -> None:
        answer = somebody.post("/screenings", question(whom))
        if answer.status_code == 200:
            told = self.hit if answer.json()["results"][f"q{whom}"]["hit"] else self.no_hit
            told.append(answer.json()["screening_id"])

    def _look(self, somebody: Somebody, request_id: str) -> None:
        answer = somebody.ask("GET", f"/cases/{self.entry.case}", X_Request_Id=request_id)
        if answer.status_code == 200:
            self.read.append(request_id)


def test_whoever_was_answered_before_everything_was_killed_is_in_the_registers(
    running: Service, office: Office, entry: Entry
) -> None:
    with ThreadPoolExecutor(CLIENTS) as threads, Askers(running, office, entry) as askers:
        asking = [threads.submit(askers.go_on, number) for number in range(CLIENTS)]
        for _ in range(KILLED):
            told = askers.told
            assert soon(lambda before=told: askers.told > before + 300, 60), running.said()
            _kill(running)
            running.start()
        told = askers.told
        assert soon(lambda: askers.told > told + 100, 60), running.said()
    for client in asking:
        client.result()
    assert hits(office.integrator, LISTED, UNLISTED) == [True, False]
    accesses = list(pages(office.auditor, "/audit/accesses"))
    screened = {one["screening_id"]: one for one in accesses if one["operation"] == "screen"}
    assert {*askers.hit, *askers.no_hit} <= screened.keys()
    assert {screened[id]["hits"] for id in askers.hit} == {1}
    assert {tuple(screened[id]["subject_ids"]) for id in askers.hit} == {(entry.subject,)}
    assert {screened[id]["hits"] for id in askers.no_hit} == {0}
    disclosed = {one["screening_id"] for one in pages(office.auditor, "/audit/disclosures?kind=hit")}
    assert set(askers.hit) <= disclosed
    assert disclosed == {id for id, one in screened.items() if one["hits"]}
    assert set(askers.read) <= {one["request_id"] for one in accesses}
    assert running.run("replay", "--check").status == 0


def _kill(running: Service) -> None:
    """Both at once, by their own numbers."""
    server = running.postmaster()
    assert server is not None
    assert running.process is not None
    running.process.kill()
    os.kill(server, signal.SIGKILL)
    running.process.wait()
    running.process = None
