"""The disk is full: commands and screenings are refused as unknown, nothing is half done, and all goes on by itself
when there is space again (S9)."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.service import PATIENCE, Office, Service, crossable, soon
from tests.acceptance.story import LISTED, UNLISTED, hits, listed
from tests.drills.load import MOVED, Clients, traces

SIZE = "400m"
REFUSED = 30
NEEDS = (
    "this drill fills a small disk of its own, and could not mount one: run it as root, in a container with"
    " CAP_SYS_ADMIN (docker run --cap-add SYS_ADMIN), or not at all with PYTEST_ARGS='--deselect "
    "tests/drills/test_disk_full.py'"
)


def test_on_a_full_disk_nothing_is_half_done_and_all_goes_on_when_there_is_space(
    drill_report: Callable[..., None],
) -> None:
    with _a_service_on_a_small_disk() as running:
        office = Office.hired(running)
        entries = [listed(office.investigator, office.supervisor, number) for number in (LISTED, MOVED)]
        before = len(office.auditor.events())
        clients = Clients(running, office, *entries, text="t" * 9_000)
        with ThreadPoolExecutor(len(clients.all)) as threads:
            going_on = [threads.submit(client) for client in clients.all]
            try:
                refused, seconds = _filled_and_emptied(running, clients)
            finally:
                clients.stop.set()
            for client in going_on:
                client.result()
        assert hits(office.integrator, LISTED, UNLISTED) == [True, False]
        recorded = [event["position"] for event in office.auditor.events()][before:]
        told, untold = traces(office, clients)
        drill_report(
            "on a full disk nothing is half done and all goes on when there is space",
            commands=clients.given,
            acknowledged=len(clients.acknowledged),
            told_unknown=refused,
            lost=len(set(clients.acknowledged) - set(recorded)),
            duplicated=len(recorded) - clients.given,
            screened=told,
            without_trace=untold,
            wrong_answers=len(clients.wrong),
            until_it_went_on_s=seconds,
        )
        assert clients.wrong == []
        assert sorted(clients.acknowledged) == recorded
        assert (len(recorded), untold) == (clients.given, 0)
        assert running.run("replay", "--check").status == 0


def _filled_and_emptied(running: Service, clients: Clients) -> tuple[int, float]:
    """How many commands and screenings were told unknown, and how long it took to go on with space."""
    assert soon(lambda: len(clients.acknowledged) > 20 and len(clients.hit) > 20, PATIENCE)
    filler = running.data / "filler"
    before = clients.unknown
    _fill(filler)
    assert soon(lambda: clients.unknown > before + REFUSED, PATIENCE), running.said()[-3000:]
    time.sleep(2)
    refused = clients.unknown - before
    done, screened = len(clients.acknowledged), len(clients.hit)
    filler.unlink()
    began = time.monotonic()
    answered = soon(
        lambda: len(clients.acknowledged) > done + 20 and len(clients.hit) > screened + 20, PATIENCE
    )
    assert answered, running.said()[-3000:]
    return refused, time.monotonic() - began


def _fill(filler: Path) -> None:
    """To the last byte, and whatever else is freed meanwhile."""
    with filler.open("wb", buffering=0) as file:
        for _ in range(20):
            try:
                while file.write(b"\0" * 65_536):
                    pass
            except OSError:
                time.sleep(0.1)


@contextmanager
def _a_service_on_a_small_disk() -> Iterator[Service]:
    with crossable() as folder, _mounted(folder / "data"):
        made = Service(folder)
        try:
            yield made.start("--no-scheduler")
        finally:
            made.leave()


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=711", "watchlist-drill", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.fail(NEEDS)
    if done.returncode:
        pytest.fail(f"{NEEDS} ({done.stderr.strip()}; user {os.geteuid()})")
    try:
        yield
    finally:
        assert soon(
            lambda: subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0
        )
