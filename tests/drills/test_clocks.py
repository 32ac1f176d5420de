"""Clocks jump while the service serves: of the machine, forwards and back, and of the service or the database alone.

libfaketime moves them by what two files say, which may change at any time. Two clocks more than two seconds apart
record nothing; whatever is recorded has its instant in the order of the log.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.conftest import LIBFAKETIME
from tests.acceptance.service import PATIENCE, ROOT, Office, Service, service, soon
from tests.acceptance.story import LISTED, UNLISTED, hits, listed
from tests.drills.load import MOVED, Clients

JUMPS = (
    ("both an hour forwards", 3600, 3600),
    ("the service 10 s ahead", 3610, 3600),
    ("both as before", 3600, 3600),
    ("both two hours back", -3600, -3600),
    ("the database 30 s ahead", -3600, -3570),
    ("both back to now", 0, 0),
    ("the service 10 s behind", -10, 0),
    ("both a day forwards", 86_400, 86_400),
    ("both back to now again", 0, 0),
)
NEEDS = "this drill moves clocks by libfaketime: apt-get install libfaketime"


@dataclass
class Clocks:
    """Of the service, and of its database, in seconds off the machine's."""

    folder: Path

    def move(self, service: float, database: float) -> None:
        for name, seconds in (("service", service), ("database", database)):
            new = self.folder / f"{name}.new"
            new.write_text(f"{seconds:+.3f}\n")
            new.chmod(0o644)
            new.rename(self.folder / f"{name}.clock")

    def environment(self, name: str) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBFAKETIME[0].with_name("libfaketimeMT.so.1")),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / f"{name}.clock"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def govern(self, made: Service, programs: Path) -> None:
        """What is started from now on has these clocks; PostgreSQL gets its own from a program before each of its."""
        given = " ".join(f"{name}={value}" for name, value in self.environment("database").items())
        moved = self.folder / "programs"
        moved.mkdir(mode=0o755)
        for name in ("postgres", "initdb"):
            (moved / name).write_text(f'#!/bin/sh\nexec env {given} "{programs / name}" "$@"\n')
            (moved / name).chmod(0o755)
        python = f"{ROOT / 'tests' / 'acceptance' / 'moved_clock'}{os.pathsep}{ROOT}"
        made.more.update(self.environment("service"), PG_BIN=str(moved), PYTHONPATH=python)


def test_while_clocks_jump_nothing_is_recorded_apart_or_backwards(drill_report: Callable[..., None]) -> None:
    if not LIBFAKETIME:
        pytest.fail(NEEDS)
    with service() as running:
        running.start("--no-scheduler")
        office = Office.hired(running)
        entries = [listed(office.investigator, office.supervisor, number) for number in (LISTED, MOVED)]
        before = len(office.auditor.events())
        clocks = _under_moved_clocks(running)
        clients = Clients(running, office, *entries)
        with ThreadPoolExecutor(len(clients.all)) as threads:
            going_on = [threads.submit(client) for client in clients.all]
            try:
                refused = sum(_jumped(clocks, clients, running, *jump) for jump in JUMPS)
            finally:
                clocks.move(0, 0)
                clients.stop.set()
            for client in going_on:
                client.result()
        assert hits(office.integrator, LISTED, UNLISTED) == [True, False]
        events = office.auditor.events()
        instants = [datetime.fromisoformat(event["recorded_at"]) for event in events]
        backwards = sum(later <= earlier for earlier, later in itertools.pairwise(instants[before:]))
        recorded = [event["position"] for event in events][before:]
        drill_report(
            "while clocks jump nothing is recorded apart or backwards",
            jumps=len(JUMPS),
            commands=clients.given,
            acknowledged=len(clients.acknowledged),
            refused_apart=refused,
            lost=len(set(clients.acknowledged) - set(recorded)),
            duplicated=len(recorded) - clients.given,
            recorded_backwards=backwards,
            wrong_answers=len(clients.wrong),
        )
        assert clients.wrong == []
        assert backwards == 0
        assert instants[-1] > datetime.now(UTC) + timedelta(hours=23), "no clock was ever moved"
        assert sorted(clients.acknowledged) == recorded
        assert len(recorded) == clients.given
        assert running.run("replay", "--check").status == 0


def _under_moved_clocks(running: Service) -> Clocks:
    postgres = Path(f"/proc/{running.postmaster()}/cmdline").read_bytes().split(b"\0")[0]
    running.end()
    clocks = Clocks(running.folder)
    clocks.move(0, 0)
    clocks.govern(running, Path(os.fsdecode(postgres)).parent)
    running.start("--no-scheduler")
    return clocks


def _jumped(
    clocks: Clocks, clients: Clients, running: Service, what: str, service: float, database: float
) -> int:
    """How many commands were refused while both were apart; together, everything goes on."""
    clocks.move(service, database)
    if abs(service - database) > 2:
        time.sleep(0.5)
        done, unknown = len(clients.acknowledged), clients.unknown
        assert soon(lambda: clients.unknown > unknown + 20, PATIENCE), (what, running.said()[-2000:])
        assert len(clients.acknowledged) == done, what
        return clients.unknown - unknown
    done, screened = len(clients.acknowledged), len(clients.hit)
    assert soon(
        lambda: len(clients.acknowledged) > done + 20 and len(clients.hit) > screened + 20, PATIENCE
    ), (what, running.said()[-2000:])
    return 0
