"""The API, the scheduler and PostgreSQL are killed at random moments under load (L9, S8, S9, T1, T4)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from tests.acceptance.pages import pages
from tests.acceptance.service import PATIENCE, Office, Service, Somebody, service, soon
from tests.acceptance.story import Entry, hits, listed, question

LISTED, UNLISTED, MOVED = 1, 2, 3
KILLED = 20
VICTIMS = ("API", "scheduler", "PostgreSQL", "API and PostgreSQL")


@dataclass
class Clients:
    """They ask whatever is killed; who gave a command repeats it under its key until it is answered."""

    running: Service
    office: Office
    noted: Entry
    moved: Entry
    stop: threading.Event = field(default_factory=threading.Event)
    acknowledged: list[int] = field(default_factory=list)
    """The position each command was answered."""
    given: int = 0
    hit: list[str] = field(default_factory=list)
    """The screenings that were answered a hit; so the next."""
    no_hit: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Answers that are neither right nor unknown."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self) -> None:
        with self._somebody(self.office.investigator) as anne:
            while not self.stop.is_set():
                self._until_done(anne, f"/cases/{self.noted.case}/notes", {"text": "t"})

    def move(self) -> None:
        """Nobody screens it meanwhile: what it answers is known when the command has returned (L9)."""
        on = f"/inscriptions/{self.moved.inscription}/restriction"
        with self._somebody(self.office.supervisor) as bruno, self._somebody(self.office.integrator) as payer:
            while not self.stop.is_set():
                for path, listed in ((on, False), (f"{on}/lifting", True)):
                    self._until_done(bruno, path, {"reason": "r"})
                    self._screened(payer, MOVED, listed)

    def screen(self) -> None:
        with self._somebody(self.office.integrator) as payer:
            while not self.stop.is_set():
                self._screened(payer, LISTED, True)
                self._screened(payer, UNLISTED, False)

    def _until_done(self, somebody: Somebody, path: str, body: dict[str, str]) -> None:
        key = str(uuid4())
        with self._lock:
            self.given += 1
        while (answer := _asked(somebody, path, body, key)) is None or answer.status_code == 503:
            time.sleep(0.05)
        if answer.is_success:
            self.acknowledged.append(answer.json()["position"])
        else:
            self.wrong.append(answer.text)

    def _screened(self, payer: Somebody, number: int, listed: bool) -> None:
        """Once; an answer that is unknown says nothing, and is told to nobody."""
        answer = _asked(payer, "/screenings", question(number))
        if answer is None or answer.status_code == 503:
            time.sleep(0.05)
            return
        told = answer.json()
        if answer.status_code != 200 or told["results"] != {f"q{number}": {"hit": listed}}:
            self.wrong.append(answer.text)
            return
        (self.hit if listed else self.no_hit).append(told["screening_id"])

    @contextmanager
    def _somebody(self, whose: Somebody) -> Iterator[Somebody]:
        with httpx.Client(base_url=self.running.url, timeout=15) as client:
            yield Somebody(client, whose.key)


def _asked(somebody: Somebody, path: str, body: object, key: str | None = None) -> httpx.Response | None:
    """None: the service was killed before it answered."""
    try:
        return somebody.post(path, body, **({"Idempotency_Key": key} if key else {}))
    except httpx.TransportError:
        return None


@dataclass
class Machinery:
    """API and scheduler, each a process of its own; the first runs PostgreSQL."""

    running: Service
    scheduler: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Machinery:
        self.running.start("--no-scheduler")
        self._start_scheduler()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.scheduler is not None
        self.scheduler.send_signal(signal.SIGTERM)
        assert self.scheduler.wait(PATIENCE) == 0

    def kill(self, victim: str) -> None:
        """And whatever is no service of its own (PostgreSQL is run by the API) is started again, as systemd would."""
        if "PostgreSQL" in victim and (server := self.running.postmaster()) is not None:
            os.kill(server, signal.SIGKILL)
        if "API" in victim:
            assert self.running.process is not None
            self.running.process.kill()
            self.running.process.wait()
            self.running.start("--no-scheduler")
        if victim == "scheduler":
            assert self.scheduler is not None
            self.scheduler.kill()
            self.scheduler.wait()
        if self.scheduler is not None and self.scheduler.poll() is not None:
            self._start_scheduler()

    def _start_scheduler(self) -> None:
        log = self.running.folder / "scheduler.log"
        self.scheduler = self.running.spawn(module="scheduler", output=log)


def test_whatever_is_killed_under_load_nothing_acknowledged_is_lost_and_nothing_done_twice(
    chance: random.Random, drill_report: Callable[..., None]
) -> None:
    with service() as running, Machinery(running) as machinery:
        office = Office.hired(running)
        entries = [listed(office.investigator, office.supervisor, number) for number in (LISTED, MOVED)]
        before = len(office.auditor.events())
        clients = Clients(running, office, *entries)
        asking = (clients.note, clients.note, clients.note, clients.move, clients.screen, clients.screen)
        with ThreadPoolExecutor(len(asking)) as threads:
            going_on = [threads.submit(client) for client in asking]
            try:
                victims, longest = _killed(machinery, clients, chance)
            finally:
                clients.stop.set()
            for client in going_on:
                client.result()
        assert hits(office.integrator, LISTED, UNLISTED) == [True, False]
        recorded = [event["position"] for event in office.auditor.events()][before:]
        lost = set(clients.acknowledged) - set(recorded)
        told, untold = _traces(office, clients)
        drill_report(
            "whatever is killed under load nothing acknowledged is lost and nothing done twice",
            **{f"{victim} killed": victims.count(victim) for victim in VICTIMS},
            commands=clients.given,
            acknowledged=len(clients.acknowledged),
            lost=len(lost),
            duplicated=len(recorded) - clients.given,
            screened=told,
            without_trace=untold,
            wrong_answers=len(clients.wrong),
            longest_until_answered_again_s=longest,
        )
        assert clients.wrong == []
        assert sorted(clients.acknowledged) == recorded
        assert clients.given == len(recorded)
        assert (lost, untold) == (set(), 0)
        assert running.run("replay", "--check").status == 0


def _killed(machinery: Machinery, clients: Clients, chance: random.Random) -> tuple[list[str], float]:
    """Who was, and how long it took until all was answered again, at the longest."""
    victims = [*VICTIMS, *chance.choices(VICTIMS, k=KILLED - len(VICTIMS))]
    chance.shuffle(victims)
    longest = 0.0
    for victim in victims:
        time.sleep(chance.uniform(0.2, 1.5))
        began, done, screened = time.monotonic(), len(clients.acknowledged), len(clients.hit)
        machinery.kill(victim)
        answered = soon(
            lambda done=done, screened=screened: (
                len(clients.acknowledged) > done + 5 and len(clients.hit) > screened + 5
            ),
            PATIENCE,
        )
        assert answered, machinery.running.said()[-3000:]
        longest = max(longest, time.monotonic() - began)
    return victims, longest


def _traces(office: Office, clients: Clients) -> tuple[int, int]:
    """How many screenings were answered, and how many of them are not where they must be (T1, S8)."""
    accesses = {
        one["screening_id"] for one in pages(office.auditor, "/audit/accesses") if one["screening_id"]
    }
    disclosed = {one["screening_id"] for one in pages(office.auditor, "/audit/disclosures?kind=hit")}
    hit, no_hit = set(clients.hit), set(clients.no_hit)
    return len(hit | no_hit), len((hit | no_hit) - accesses) + len(hit - disclosed)
