"""The API, the scheduler and PostgreSQL are killed at random moments under load (L9, S8, S9, T1, T4)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.acceptance.service import PATIENCE, Office, Service, service, soon
from tests.acceptance.story import LISTED, UNLISTED, hits, listed
from tests.drills.load import MOVED, Clients, traces

KILLED = 20
VICTIMS = ("API", "scheduler", "PostgreSQL", "API and PostgreSQL")


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
        with ThreadPoolExecutor(len(clients.all)) as threads:
            going_on = [threads.submit(client) for client in clients.all]
            try:
                victims, longest = _killed(machinery, clients, chance)
            finally:
                clients.stop.set()
            for client in going_on:
                client.result()
        assert hits(office.integrator, LISTED, UNLISTED) == [True, False]
        recorded = [event["position"] for event in office.auditor.events()][before:]
        lost = set(clients.acknowledged) - set(recorded)
        told, untold = traces(office, clients)
        drill_report(
            "whatever is killed under load nothing acknowledged is lost and nothing done twice",
            **{f"{victim} killed": victims.count(victim) for victim in VICTIMS},
            commands=clients.given,
            acknowledged=len(clients.acknowledged),
            lost=len(lost),
            duplicated=len(recorded) - clients.given,
            screened=told,
            without_trace=untold,
            told_unknown=clients.unknown,
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
