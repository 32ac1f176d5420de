"""A rebuild beside a running service: no wrong answer, no refusal, no long pause; killed, it goes on where it was."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Lock, Thread

import psycopg
import pytest

from tests.acceptance.service import Office, Service, service
from tests.acceptance.story import hits, listed, person
from watchlist.adapters.embedded_postgres import EmbeddedPostgres
from watchlist.adapters.postgres.locks import place_alone
from watchlist.settings import Settings

LISTED = range(1, 9)
UNLISTED = range(100, 104)
NEWCOMERS = count(1_000)


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with service(WATCHLIST_RATE_SCREENINGS="100000", WATCHLIST_RATE_REQUESTS="100000") as made:
        yield made.start()


@pytest.fixture(scope="module")
def office(running: Service) -> Office:
    hired = Office.hired(running)
    for number in LISTED:
        listed(hired.investigator, hired.supervisor, number)
    return hired


@dataclass
class Traffic:
    """What clients ask all the time, each answer known beforehand; and how long the longest took."""

    office: Office
    wrong: list[str] = field(default_factory=list)
    answers: int = 0
    commands: int = 0
    longest: float = 0.0
    _stop: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    def __enter__(self) -> Traffic:
        asked = (self._by_number, self._by_name, self._list, self._in_and_out)
        self._threads = [Thread(target=self._always, args=(one,)) for one in asked]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _always(self, asked: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                asked()
            except Exception as error:
                self.wrong.append(f"{asked.__name__}: {error!r}")

    def _timed(self, ask: Callable[[], object]) -> None:
        began = time.monotonic()
        ask()
        with self._lock:
            self.answers += 1
            self.longest = max(self.longest, time.monotonic() - began)

    def _by_number(self) -> None:
        """Hits and no hits: that a hit was told is on disk before the answer."""

        def ask() -> None:
            numbers = [random.choice(LISTED), random.choice(UNLISTED)]
            assert hits(self.office.integrator, *numbers) == [True, False], numbers

        self._timed(ask)

    def _by_name(self) -> None:
        def ask() -> None:
            named = {str(n): _named(n) for n in (random.choice(LISTED), random.choice(UNLISTED))}
            asked = {"purpose": "third_party_payment", "file_reference": "L", "subjects": named}
            results = self.office.integrator.made("/screenings", asked, 200)["results"]
            assert [one["hit"] for one in results.values()] == [int(n) in LISTED for n in named], named

        self._timed(ask)

    def _list(self) -> None:
        def ask() -> None:
            entries = self.office.supervisor.get("/list?limit=200")["items"]
            assert len(entries) >= len(LISTED)

        self._timed(ask)

    def _in_and_out(self) -> None:
        """An inscription that returned is seen by the next screening, a delisting too."""
        newest = next(NEWCOMERS)
        entry = listed(self.office.investigator, self.office.supervisor, newest)
        assert hits(self.office.integrator, newest) == [True], f"{newest} listed"
        body = {"ground": "repaid", "reason": "repaid"}
        self.office.supervisor.made(f"/inscriptions/{entry.inscription}/delisting", body, 200)
        assert hits(self.office.integrator, newest) == [False], f"{newest} delisted"
        self.commands += 6


def _named(number: int) -> dict[str, str]:
    """As a question names them; nobody of those who come and go bears the name of the unlisted."""
    known = person(number)
    family_name = known["family_name"] if number in LISTED else "Personne"
    return {"family_name": family_name} | {name: known[name] for name in ("given_names", "birth_date")}


def test_nobody_notices_it(running: Service, office: Office) -> None:
    with Traffic(office) as traffic:
        reports = [running.run("rebuild", "--json").told for _ in range(2)]
    assert traffic.wrong == []
    assert traffic.answers > 50
    assert traffic.commands >= 6
    for report in reports:
        assert report["swapped"]
        assert report["rows_different"] == 0
    print(f"\nlongest answer {traffic.longest * 1000:.0f} ms of {traffic.answers}; recording waited", end=" ")
    print([round(report["held_seconds"] * 1000) for report in reports], "ms")
    assert running.run("replay", "--check").status == 0


def test_killed_at_any_moment_it_goes_on_and_nobody_notices(running: Service, office: Office) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with Traffic(office) as traffic:
        for _ in range(5):
            killed = running.spawn("rebuild", "--json")
            time.sleep(chance.uniform(0.8, 5.0))
            killed.kill()
            killed.wait()
        report = running.run("rebuild", "--json").told
    assert traffic.wrong == []
    assert report["swapped"]
    assert report["rows_different"] == 0
    assert running.run("replay", "--check").status == 0
    assert not _beside(running)


def _beside(running: Service) -> list[str]:
    settings = Settings(data=running.data)
    with (
        EmbeddedPostgres(settings.data / "postgres", settings.pg_bin) as cluster,
        psycopg.connect(cluster.conninfo()) as conn,
    ):
        told = conn.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^watchlist_(next|old)$'")
        return [name for (name,) in told.fetchall()]


def test_what_differs_is_told_and_is_a_status(running: Service, office: Office) -> None:
    settings = Settings(data=running.data)
    with EmbeddedPostgres(settings.data / "postgres", settings.pg_bin) as cluster:
        with psycopg.connect(cluster.conninfo()) as conn:
            conn.execute("UPDATE watchlist.cases SET state = 'nowhere'")
        looked = running.run("rebuild", "--check-only")
        assert looked.status == 1
        assert "cases: 0 rows missing, 0 unexpected" in looked.out
        mended = running.run("rebuild", "--json").told
        assert [one["table"] for one in mended["differences"]] == ["cases"]
        assert running.run("rebuild", "--check-only").status == 0


def test_a_login_that_owns_nothing_is_told_what_to_do(running: Service, office: Office) -> None:
    settings = Settings(data=running.data)
    with EmbeddedPostgres(settings.data / "postgres", settings.pg_bin) as cluster:
        url = f"{cluster.conninfo()} options='-c role=watchlist_service'"
        said = running.run("rebuild", DATABASE_URL=url)
    assert "watchlist migrate" in said.line


def test_no_erasure_is_said_complete_beside_look_ups_that_a_rebuild_may_need(
    running: Service, office: Office
) -> None:
    settings = Settings(data=running.data)
    with (
        EmbeddedPostgres(settings.data / "postgres", settings.pg_bin) as cluster,
        psycopg.connect(cluster.conninfo(), autocommit=True) as rebuilding,
    ):
        rebuilding.execute("CREATE SCHEMA watchlist_next")
        rebuilding.execute("CREATE TABLE watchlist_next.subject_tokens (digest bytea)")
        rebuilding.execute("SELECT pg_advisory_lock(%s::int, %s::int)", place_alone("rebuild"))
        waits = running.run("erase", "--complete")
        assert waits.status == 1
        assert "the end of a rebuild" in waits.out
        rebuilding.execute("SELECT pg_advisory_unlock_all()")
        cleared = running.run("erase", "--complete", "--json")
        assert (cleared.status, cleared.told["copied"]) == (0, False)
