"""PostgreSQL is killed under load, and many clients ask for the same at once (S9, L8)."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from tests.acceptance.service import Office, Service, Somebody, lives, soon
from tests.acceptance.story import LISTED, UNLISTED, Entry, hits, proposal, qualified_case, question

CLIENTS = 20


@dataclass
class Load:
    """Clients that go on asking until they are told to stop, and what each was answered."""

    office: Office
    entry: Entry
    stop: threading.Event = field(default_factory=threading.Event)
    screened: list[tuple[float, httpx.Response]] = field(default_factory=list)
    read: list[httpx.Response] = field(default_factory=list)
    noted: list[tuple[str, httpx.Response]] = field(default_factory=list)
    """The command's key, and one answer to it: a client that was told 503 repeats it under the same key."""

    def __enter__(self) -> None:
        """Until the end of its `with`."""

    def __exit__(self, *_: object) -> None:
        self.stop.set()

    def screen(self) -> None:
        while not self.stop.is_set():
            answer = self.office.integrator.post("/screenings", question(LISTED, UNLISTED))
            self.screened.append((time.monotonic(), answer))

    def look(self) -> None:
        while not self.stop.is_set():
            self.read.append(self.office.auditor.ask("GET", "/list"))
            time.sleep(0.01)

    def note(self) -> None:
        while not self.stop.is_set():
            key = str(uuid4())
            while self._note(key).status_code == 503:
                time.sleep(0.05)

    def _note(self, key: str) -> httpx.Response:
        path = f"/cases/{self.entry.case}/notes"
        answer = self.office.investigator.post(path, {"text": "t"}, Idempotency_Key=key)
        self.noted.append((key, answer))
        return answer

    @property
    def acknowledged(self) -> list[int]:
        """The positions that were answered."""
        return [answer.json()["position"] for _, answer in self.noted if answer.is_success]


def test_postgresql_killed_under_load_is_unknown_never_no_hit_and_comes_back_by_itself(
    running: Service, office: Office, entry: Entry
) -> None:
    load = Load(office, entry)
    clients = (load.screen, load.screen, load.look, load.note, load.note)
    with ThreadPoolExecutor(len(clients)) as threads, load:
        asking = [threads.submit(client) for client in clients]
        assert soon(lambda: len(load.acknowledged) > 20 and len(load.screened) > 50, 30)
        first, killed_at = _killed(running), time.monotonic()
        assert soon(lambda: _answers_after(load, killed_at), 60), running.said()
        assert running.postmaster() not in (None, first)
        second, killed_at = _killed(running), time.monotonic()
        assert soon(lambda: _answers_after(load, killed_at), 60), running.said()
    for client in asking:
        client.result()
    assert not lives(first)
    assert not lives(second)
    assert running.is_ready()
    _all_right_or_unknown([answer for _, answer in load.screened])
    _all_right_or_unknown(load.read)
    assert hits(office.integrator, LISTED, UNLISTED) == [True, False]
    _each_once(load, office)
    assert running.run("replay", "--check").status == 0


def _killed(running: Service) -> int:
    """The embedded server, by its own pid file."""
    pid = running.postmaster()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def _answers_after(load: Load, killed_at: float) -> bool:
    """Whether some screening was unknown since then, and the last ones are answered again; notes too."""
    statuses = [answer.status_code for at, answer in load.screened if at > killed_at]
    return 503 in statuses and statuses[-5:] == [200] * 5 and load.noted[-1][1].is_success


def _all_right_or_unknown(answers: list[httpx.Response]) -> None:
    for answer in answers:
        if answer.status_code == 503:
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) >= 1
            assert "results" not in answer.json()
            continue
        assert answer.status_code == 200, answer.text
        told = answer.json()
        if "results" in told:
            assert told["results"] == {"q1": {"hit": True}, "q2": {"hit": False}}
        else:
            assert len(told["items"]) == 1


def _each_once(load: Load, office: Office) -> None:
    """Every command that a client went on repeating is in the log, once, where its answer says."""
    assert {answer.status_code for _, answer in load.noted} <= {200, 201, 503}
    notes = [e["position"] for e in office.auditor.events() if e["topic"] == "case.note_added"]
    assert sorted(load.acknowledged) == notes
    assert len(notes) == len({key for key, _ in load.noted})


def test_of_twenty_clients_who_propose_the_same_inscription_one_does(
    running: Service, office: Office
) -> None:
    subject, case = qualified_case(office.investigator, 3)
    at_once = threading.Barrier(CLIENTS)

    def propose(client: httpx.Client) -> httpx.Response:
        somebody = Somebody(client, office.investigator.key)
        assert somebody.ask("GET", "/me").status_code == 200
        at_once.wait()
        return somebody.post(f"/cases/{case}/inscriptions", proposal(subject))

    clients = [httpx.Client(base_url=running.url, timeout=30) for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as threads:
        answers = list(threads.map(propose, clients))
    for client in clients:
        client.close()
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (CLIENTS - 1)
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(problem["code"], problem["state"]) for problem in refused} == {("already_proposed", "proposed")}
    events = [event for event in office.auditor.events() if event["stream"] == case]
    assert [event["topic"] for event in events].count("inscription.proposed") == 1
    (entry,) = office.investigator.get(f"/cases/{case}")["inscriptions"]
    made = [answer.json()["inscription_id"] for answer in answers if answer.status_code == 201]
    assert made == [entry["inscription_id"]]
