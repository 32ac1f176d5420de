"""Three schedulers at once, the one that sweeps killed: exactly one delisting an entry, and none of another (L4)."""

from __future__ import annotations

import random
import signal
import subprocess
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg

from bench.seed import seed
from tests.acceptance.marked import owner
from tests.acceptance.service import PATIENCE, Service, service, soon
from watchlist.adapters.postgres.locks import ALONE_LOCKS
from watchlist.bootstrap import open_house
from watchlist.settings import Settings

ENTRIES = 20_000
SCHEDULERS = 3
KILLED = 4
ACTIVE = "SELECT count(*) FROM watchlist.inscriptions WHERE state = 'active'"
SPAN = timedelta(days=7 * 365)
"""The terms of five years of those who were inscribed in the first two have elapsed."""


def test_three_schedulers_delist_each_entry_once_though_whoever_sweeps_is_killed(
    chance: random.Random, drill_report: Callable[..., None]
) -> None:
    with service() as running:
        running.start("--no-scheduler")
        with open_house(Settings.from_environment(running.environment)) as house:
            seed(house, ENTRIES, lambda done: None, SPAN)
        with owner(running) as conn:
            elapsed = _due(conn)
            assert elapsed > ENTRIES / 5
            killed = _swept(running, conn, chance)
            delisted = _delistings(conn)
            listed = _one(conn, ACTIVE)
        assert running.run("replay", "--check").status == 0
        assert running.run("sweep", "--json").told["delisted"] == 0
    drill_report(
        "three schedulers delist each entry once though whoever sweeps is killed",
        schedulers=SCHEDULERS,
        killed=killed,
        elapsed=elapsed,
        delisted=len(delisted),
        lost=elapsed - len(delisted),
        duplicated=sum(count - 1 for count in delisted.values()),
        still_listed=listed,
    )
    assert killed == KILLED
    assert (len(delisted), set(delisted.values())) == (elapsed, {1})
    assert listed == ENTRIES - elapsed


def _swept(running: Service, conn: psycopg.Connection[Any], chance: random.Random) -> int:
    """Until nothing is due; whoever is at it is killed some times, and another started in its place."""
    killed, deadline = 0, time.monotonic() + PATIENCE + 60
    with _schedulers(running) as processes:
        due = _due(conn)
        while left := _due(conn):
            assert time.monotonic() < deadline, "the sweep came to no end"
            if killed < KILLED and left < due and (name := _sweeping(conn)) in processes:
                time.sleep(chance.uniform(0, 0.1))
                processes[name].kill()
                processes.pop(name).wait()
                killed, due = killed + 1, _due(conn)
                processes |= [_started(running, SCHEDULERS + killed)]
    return killed


def _sweeping(conn: psycopg.Connection[Any]) -> str | None:
    """Who holds the lock of the sweep."""
    query = """
        SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND granted
    """
    name = zlib.crc32(b"sweep") - 2**31
    return conn.execute(query.encode(), (ALONE_LOCKS, name % 2**32)).fetchone()


@contextmanager
def _schedulers(running: Service) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """By the name under which each is known to PostgreSQL."""
    processes = dict(_started(running, number) for number in range(SCHEDULERS))
    try:
        assert soon(lambda: all(process.poll() is None for process in processes.values()))
        yield processes
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0


def _started(running: Service, number: int) -> tuple[str, subprocess.Popen[bytes]]:
    name = f"scheduler-{number}"
    running.more["PGAPPNAME"] = name
    try:
        return name, running.spawn(module="scheduler", output=running.folder / f"{name}.log")
    finally:
        del running.more["PGAPPNAME"]


def _due(conn: psycopg.Connection[Any]) -> int:
    return _one(conn, f"{ACTIVE} AND ends_at <= now()")


def _delistings(conn: psycopg.Connection[Any]) -> Counter[str]:
    query = (
        "SELECT convert_from(state, 'UTF8')::json->>'inscription_id' FROM watchlist.events"
        " WHERE topic = 'inscription.delisted'"
    )
    return Counter(conn.execute(query.encode()).fetchall())


def _one(conn: psycopg.Connection[Any], query: str) -> int:
    return int(conn.execute(query.encode()).fetchone())
