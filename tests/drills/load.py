"""Clients that go on whatever happens to the service, and what each was told: acknowledged, unknown, or wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from tests.acceptance.pages import pages
from tests.acceptance.service import Office, Service, Somebody
from tests.acceptance.story import LISTED, UNLISTED, Entry, question

MOVED = 3


@dataclass
class Clients:
    """They ask whatever is killed; who gave a command repeats it under its key until it is answered."""

    running: Service
    office: Office
    noted: Entry
    moved: Entry
    text: str = "t"
    """Of each note."""
    stop: threading.Event = field(default_factory=threading.Event)
    acknowledged: list[int] = field(default_factory=list)
    """The position each command was answered."""
    given: int = 0
    hit: list[str] = field(default_factory=list)
    """The screenings that were answered a hit; so the next."""
    no_hit: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Answers that are neither right nor unknown."""
    unknown: int = 0
    """How often nothing was answered, or 503."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def all(self) -> tuple[Callable[[], None], ...]:
        return (self.note, self.note, self.note, self.move, self.screen, self.screen)

    def note(self) -> None:
        with self._somebody(self.office.investigator) as anne:
            while not self.stop.is_set():
                self._until_done(anne, f"/cases/{self.noted.case}/notes", {"text": self.text})

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
        while (answer := self._answered(somebody, path, body, key)) is None:
            time.sleep(0.05)
        if answer.is_success:
            self.acknowledged.append(answer.json()["position"])
        else:
            self.wrong.append(answer.text)

    def _screened(self, payer: Somebody, number: int, listed: bool) -> None:
        """Once; an answer that is unknown says nothing, and is told to nobody."""
        answer = self._answered(payer, "/screenings", question(number))
        if answer is None:
            time.sleep(0.05)
            return
        told = answer.json()
        if answer.status_code != 200 or told["results"] != {f"q{number}": {"hit": listed}}:
            self.wrong.append(answer.text)
            return
        (self.hit if listed else self.no_hit).append(told["screening_id"])

    def _answered(
        self, somebody: Somebody, path: str, body: object, key: str | None = None
    ) -> httpx.Response | None:
        """None: it is unknown whether it was done, or what is listed."""
        with suppress(httpx.TransportError):
            answer = somebody.post(path, body, **({"Idempotency_Key": key} if key else {}))
            if answer.status_code != 503:
                return answer
        with self._lock:
            self.unknown += 1
        return None

    @contextmanager
    def _somebody(self, whose: Somebody) -> Iterator[Somebody]:
        with httpx.Client(base_url=self.running.url, timeout=15) as client:
            yield Somebody(client, whose.key)


def traces(office: Office, clients: Clients) -> tuple[int, int]:
    """How many screenings were answered, and how many of them are not where they must be (T1, S8)."""
    accesses = {
        one["screening_id"] for one in pages(office.auditor, "/audit/accesses") if one["screening_id"]
    }
    disclosed = {one["screening_id"] for one in pages(office.auditor, "/audit/disclosures?kind=hit")}
    hit, no_hit = set(clients.hit), set(clients.no_hit)
    return len(hit | no_hit), len((hit | no_hit) - accesses) + len(hit - disclosed)
