"""The primary dies under load and its standby takes over: nothing acknowledged is lost, or the loss is found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import httpx
import pytest

from tests.acceptance.service import Office, Service, Somebody, service, soon
from tests.acceptance.story import Entry, listed, question
from tests.servers import Server, Servers, either, servers
from watchlist.adapters.postgres.migrate import migrate
from watchlist.audit.verifier import Broken, Checkpoint, Note, require_consistent

LISTED, UNLISTED = 1, 2
SECONDS = 3.0
"""Of load before the primary dies, and after."""
NOTERS, SCREENERS = 4, 2


@dataclass
class Load:
    """Clients of their own connections, who repeat what was not acknowledged under the same key."""

    running: Service
    office: Office
    entry: Entry
    stop: threading.Event = field(default_factory=threading.Event)
    acknowledged: dict[str, int] = field(default_factory=dict)
    """The position that each key was answered, the last time."""
    screened: list[bool] = field(default_factory=list)
    wrong: list[object] = field(default_factory=list)
    unknown: int = 0
    refused: list[str] = field(default_factory=list)
    answered_at: float = 0.0
    longest_pause: float = 0.0

    def note(self) -> None:
        with self._somebody(self.office.investigator) as somebody:
            while not self.stop.is_set():
                key = str(uuid4())
                assert soon(partial(self._noted, somebody, key), 60), "never answered"

    def _noted(self, somebody: Somebody, key: str) -> bool:
        try:
            answer = somebody.post(f"/cases/{self.entry.case}/notes", {"text": "t"}, Idempotency_Key=key)
        except httpx.TransportError:
            return False
        if answer.is_success:
            self.acknowledged[key] = answer.json()["position"]
            now = time.monotonic()
            self.longest_pause = max(self.longest_pause, now - (self.answered_at or now))
            self.answered_at = now
        elif answer.status_code != 503:
            self.refused.append(answer.text)
        return answer.status_code != 503

    def screen(self) -> None:
        with self._somebody(self.office.integrator) as somebody:
            while not self.stop.is_set():
                answer = somebody.post("/screenings", question(LISTED, UNLISTED))
                if answer.status_code == 503:
                    self.unknown += 1
                    continue
                told = answer.json().get("results")
                right = told == {"q1": {"hit": True}, "q2": {"hit": False}}
                (self.screened if right else self.wrong).append(right or answer.text)

    @contextmanager
    def _somebody(self, one: Somebody) -> Iterator[Somebody]:
        with httpx.Client(base_url=self.running.url, timeout=30) as http:
            yield Somebody(http, one.key)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        with ThreadPoolExecutor(NOTERS + SCREENERS) as threads:
            clients = [threads.submit(self.note) for _ in range(NOTERS)]
            clients += [threads.submit(self.screen) for _ in range(SCREENERS)]
            try:
                yield
            finally:
                self.stop.set()
        for client in clients:
            client.result()

    def goes_on(self, notes: int) -> bool:
        """Whether so many more are acknowledged, soon."""
        before = len(self.acknowledged)
        return soon(lambda: len(self.acknowledged) >= before + notes, 60)


@pytest.fixture
def pair() -> Iterator[tuple[Servers, Server, Server]]:
    with servers() as all_of_them:
        north = all_of_them.primary("north")
        migrate(north.conninfo())
        north.ask("GRANT pg_read_all_stats TO watchlist_service")
        yield all_of_them, north, all_of_them.standby(north, "south")


@contextmanager
def loaded(north: Server, south: Server, **more: str) -> Iterator[Load]:
    with service(DATABASE_URL=either(north, south), **more) as running:
        running.start()
        office = Office.hired(running)
        yield Load(running, office, listed(office.investigator, office.supervisor, LISTED))


def notes(load: Load) -> list[int]:
    return [
        event["position"] for event in load.office.auditor.events() if event["topic"] == "case.note_added"
    ]


def test_a_synchronous_standby_takes_over_and_nothing_acknowledged_is_lost(
    pair: tuple[Servers, Server, Server], drill_report: Callable[..., None]
) -> None:
    """The service names both and is not restarted; the standby was its replica of screenings until then."""
    _, north, south = pair
    north.synchronous(south)
    with loaded(north, south, WATCHLIST_REPLICA_URL=south.conninfo()) as load:
        assert "replica" not in load.running.http.get("/readyz").json()["late"]
        with load.going_on():
            time.sleep(SECONDS)
            north.kill()
            south.promote()
            assert load.goes_on(50), load.running.said()
            time.sleep(SECONDS)
        recorded = notes(load)
        lost = set(load.acknowledged.values()) - set(recorded)
        duplicated = len(recorded) - len(load.acknowledged)
        assert soon(lambda: "replica" in load.running.http.get("/readyz").json()["late"])
        drill_report(
            "failover, synchronous standby",
            acknowledged=len(load.acknowledged),
            lost=len(lost),
            duplicated=duplicated,
            screened=len(load.screened),
            unknown=load.unknown,
            wrong=len(load.wrong),
            longest_pause_seconds=load.longest_pause,
        )
        assert load.refused == []
        assert load.wrong == []
        assert lost == set()
        assert duplicated == 0
        assert len(set(load.acknowledged.values())) == len(load.acknowledged)
        assert load.running.run("replay", "--check").status == 0


def test_what_an_asynchronous_standby_lost_is_found_by_what_was_published_before(
    pair: tuple[Servers, Server, Server], drill_report: Callable[..., None]
) -> None:
    """Positions are given again: neither the size of the log nor its last position tells; its checkpoints do (T4)."""
    _, north, south = pair
    north.follows(south, "async")
    with loaded(north, south) as load:
        with load.going_on():
            time.sleep(SECONDS / 3)
            kept = checkpoint(load)
            north_position = north.ask("SELECT pg_current_wal_lsn()")
            assert soon(lambda: south.ask("SELECT pg_last_wal_replay_lsn() >= %s", north_position))
            south.cut_off()
            assert load.goes_on(50)
            published = checkpoint(load)
            before = dict(load.acknowledged)
            north.kill()
            south.promote()
            assert load.goes_on(100), load.running.said()
        refused = load.office.auditor.post("/audit/checkpoint")
        assert load.running.run("seal", "--begin-after-restore").status == 0
        assert checkpoint(load).size >= published.size
        lost = set(before) - lasting(load, before)
        found = not is_continued(load, published)
        drill_report(
            "failover, asynchronous standby",
            acknowledged=len(load.acknowledged),
            lost=len(lost),
            detected=int(found),
        )
        assert load.wrong == []
        assert lost, "acknowledged, and gone"
        assert refused.json()["code"] == "past_changed", "nothing is signed over it before somebody asks"
        assert found, "what was published is not the beginning of the log which took over"
        assert is_continued(load, kept), "what had reached the standby is as it was published"


def lasting(load: Load, acknowledged: dict[str, int]) -> set[str]:
    """Of commands that were acknowledged, those that the log which took over knows by their key."""
    answered: set[str] = set()
    path = f"/cases/{load.entry.case}/notes"
    top = max(notes(load))
    for key, position in acknowledged.items():
        again = load.office.investigator.post(path, {"text": "t"}, Idempotency_Key=key).json()["position"]
        if again == position and again <= top:
            answered.add(key)
    return answered


# What is published ----------------------------------------------------------------------------


def checkpoint(load: Load) -> Checkpoint:
    """Sealed and published now, as whoever keeps published ones has it."""
    note = load.office.auditor.made("/audit/checkpoint", status=200)["note"]
    return Checkpoint.parse(Note.parse(note.encode()).text)


def is_continued(load: Load, old: Checkpoint) -> bool:
    """Whether the log of now proves that it began as that checkpoint says."""
    now = checkpoint(load)
    proof = load.office.auditor.get(f"/audit/proofs/consistency?from={old.size}&to={now.size}")
    try:
        path = [bytes.fromhex(step) for step in proof["path"]]
        require_consistent(old.size, old.root, now.size, now.root, path)
    except Broken:
        return False
    return True
