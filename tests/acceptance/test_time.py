"""Five years pass: the same programs, under a clock that libfaketime moves for the whole tree of processes.

The service runs its own PostgreSQL, which it starts with a clean environment: what reaches it is `PG_BIN`,
here a folder whose `postgres` is the real one under the same moved clock. Were only one of them moved, the
service would refuse to write (it compares its clock with the database's).

The tests are told in the order of time: a clock never goes back.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.conftest import LIBFAKETIME
from tests.acceptance.service import PATIENCE, ROOT, Service, Somebody, service, soon
from tests.acceptance.story import PARIS, Entry, hits, listed, procedure, question, today

PLAIN, HELD = 1, 2
"""Two persons who are inscribed today; a procedure is ongoing for the second."""
ROLES = ("investigator", "supervisor", "integrator", "auditor")
SCHEDULERS = 3
NOTHING = ("sweep: nothing to do", "sweep: another process is doing it")


@dataclass(frozen=True, slots=True)
class Past:
    """What was recorded under a clock that nobody moved; its service is stopped."""

    service: Service
    investigator: Somebody
    integrator: Somebody
    auditor: Somebody
    plain: Entry
    held: Entry
    procedure: str
    """The path of the ongoing one."""
    programs: Path
    """PostgreSQL's, where its user can execute them."""
    starting: timedelta
    """How long the service took to start, the first time."""

    @property
    def midnight(self) -> datetime:
        """The end of the last listed day in Paris."""
        return self.plain.listed_until

    def move_to(self, instant: datetime) -> None:
        """What is started from now on believes that it is that instant."""
        seconds = (instant - datetime.now(UTC)).total_seconds()
        fake = {
            "LD_PRELOAD": str(LIBFAKETIME[0]),
            "FAKETIME": f"{seconds:+.3f}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        given = " ".join(f"{name}={value}" for name, value in fake.items())
        moved = self.service.folder / "programs"
        moved.mkdir(mode=0o755, exist_ok=True)
        for name in ("postgres", "initdb"):
            (moved / name).write_text(f'#!/bin/sh\nexec env {given} "{self.programs / name}" "$@"\n')
            (moved / name).chmod(0o755)
        python = f"{Path(__file__).parent / 'moved_clock'}{os.pathsep}{ROOT}"
        self.service.more.update(fake, PG_BIN=str(moved), PYTHONPATH=python, WATCHLIST_LOG_LEVEL="DEBUG")

    @contextmanager
    def at(self, instant: datetime, *, database_too: bool = True) -> Iterator[None]:
        """The service at that instant and after; alone, so that nothing sweeps."""
        self.move_to(instant)
        if not database_too:
            self.service.more["PG_BIN"] = str(self.programs)
        self.service.start("--no-scheduler")
        try:
            yield
        finally:
            self.service.end(signal.SIGTERM)

    def hits(self) -> list[bool]:
        return hits(self.integrator, PLAIN, HELD)

    def delistings(self) -> Counter[str]:
        """The inscriptions whose delisting was recorded, and how often."""
        events = self.auditor.events()
        return Counter(e["state"]["inscription_id"] for e in events if e["topic"] == "inscription.delisted")


@pytest.fixture(scope="module")
def past() -> Iterator[Past]:
    with service() as made:
        began = time.monotonic()
        made.start()
        starting = timedelta(seconds=time.monotonic() - began)
        with ThreadPoolExecutor(len(ROLES)) as commands:
            investigator, supervisor, integrator, auditor = commands.map(made.hire, ROLES)
        plain, held = (listed(investigator, supervisor, number) for number in (PLAIN, HELD))
        opened = investigator.made(f"/cases/{held.case}/procedures", procedure(held.subject, today()))
        path = f"/cases/{held.case}/procedures/{opened['procedure_id']}"
        postgres = Path(f"/proc/{made.postmaster()}/cmdline").read_bytes().split(b"\0")[0]
        made.end()
        programs = Path(os.fsdecode(postgres)).parent
        yield Past(made, investigator, integrator, auditor, plain, held, path, programs, starting)


def test_a_service_whose_clock_is_off_the_databases_writes_nothing_and_its_doctor_says_so(past: Past) -> None:
    with past.at(datetime.now(UTC) + timedelta(seconds=10), database_too=False):
        before = past.auditor.events()
        refused = past.investigator.post(f"/cases/{past.plain.case}/notes", {"text": "t"})
        assert (refused.status_code, refused.json()["code"]) == (503, "clock_skewed")
        assert past.auditor.events() == before
        said = past.service.run("doctor")
        assert (said.status, "FAIL clock" in said.out) == (1, True)


def test_five_years_later_the_answer_changes_at_midnight_in_paris_with_no_scheduler(past: Past) -> None:
    """L1, L2, L3: nothing runs but the API, and the answer is right on both sides of midnight."""
    five_years = past.plain.inscribed_on.year + 5
    leap_day = (past.plain.inscribed_on.month, past.plain.inscribed_on.day) == (2, 29)
    last = past.plain.inscribed_on.replace(
        year=five_years, day=28 if leap_day else past.plain.inscribed_on.day
    )
    assert past.plain.last_listed_day == last
    assert past.midnight.astimezone(PARIS).replace(tzinfo=None) == datetime.combine(
        last + timedelta(days=1), datetime.min.time()
    )
    with past.at(past.midnight - timedelta(minutes=20)):
        assert past.hits() == [True, True]
        assert len(past.auditor.get("/list")["items"]) == 2
    with past.at(past.midnight - past.starting - timedelta(seconds=2)):
        answered = datetime.min.replace(tzinfo=UTC)
        while answered < past.midnight + timedelta(seconds=1):
            answer = past.integrator.made("/screenings", question(PLAIN, HELD), 200)
            answered = datetime.fromisoformat(answer["answered_at"])
            plain, held = (answer["results"][f"q{number}"]["hit"] for number in (PLAIN, HELD))
            assert (plain, held) == (answered < past.midnight, True)
            time.sleep(0.05)
        (item,) = past.auditor.get("/list")["items"]
        assert item["inscription_id"] == past.held.inscription
        assert past.investigator.get(f"/inscriptions/{past.plain.inscription}")["state"] == "ended"
        assert not past.delistings()


def test_many_schedulers_at_once_delist_once_after_a_downtime_and_the_doctor_knows(past: Past) -> None:
    """L4: the entry that a procedure holds is left alone."""
    past.move_to(past.midnight + timedelta(hours=1))
    late = past.service.run("doctor")
    assert late.status == 1
    assert "FAIL delisting: 1 late" in late.out
    with past.at(past.midnight + timedelta(hours=1)):
        assert past.hits() == [False, True]
        assert _schedulers_sweep(past) == ["sweep: delisted 1"]
        assert past.delistings() == {past.plain.inscription: 1}
        assert past.hits() == [False, True]
        assert past.service.run("sweep", "--json").told["delisted"] == 0
        swept = past.service.run("doctor")
        assert (swept.status, "ok   delisting: 0 late" in swept.out) == (1, True)
        assert "FAIL letter: 1 late" in swept.out
        assert "FAIL delisting" not in swept.out


def test_the_day_its_procedure_ends_a_held_entry_ends_and_is_delisted_once(past: Past) -> None:
    """L1: held past its term, until the last procedure has ended for that subject."""
    later = past.midnight + timedelta(days=3, hours=12)
    with past.at(later):
        assert past.hits() == [False, True]
        (item,) = past.auditor.get("/list")["items"]
        assert item["held_by"] == [past.procedure.rpartition("/")[2]]
        ended_on = today(later).isoformat()
        limitation = {"basis": "CPP 8", "ends_on": ended_on}
        ended = {"outcome": "convicted", "ended_on": ended_on, "limitation": limitation}
        past.investigator.made(f"{past.procedure}/end", ended, 200)
        assert past.hits() == [False, False]
        assert past.auditor.get("/list")["items"] == []
        _schedulers_sweep(past)
        assert past.delistings()[past.held.inscription] == 1
        assert past.hits() == [False, False]
        assert past.service.run("replay", "--check").status == 0


def _schedulers_sweep(past: Past) -> list[str]:
    """Several at once, until each has swept; what they did, by their logs."""
    logs = [past.service.folder / f"scheduler-{number}.log" for number in range(SCHEDULERS)]
    for log in logs:
        log.unlink(missing_ok=True)
    running = [past.service.spawn(module="scheduler", output=log) for log in logs]
    try:
        swept = soon(lambda: all(b'"sweep: ' in log.read_bytes() for log in logs), PATIENCE)
    finally:
        statuses = [_ended(scheduler) for scheduler in running]
    lines = [line for log in logs for line in log.read_text().splitlines() if '"sweep: ' in line]
    said = [json.loads(line)["event"] for line in lines]
    assert swept, said
    assert statuses == [0] * SCHEDULERS
    return [told for told in said if told not in NOTHING]


def _ended(scheduler: subprocess.Popen[bytes]) -> int:
    scheduler.send_signal(signal.SIGTERM)
    return scheduler.wait(PATIENCE)
