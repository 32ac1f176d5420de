"""How long the service takes to answer, from nothing but its data; and how much memory it then holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from time import perf_counter

from bench import question
from bench.figure import Figure
from bench.premises import Premises
from bench.screening import CONNECTIONS
from bench.service import free_port, load_on, resident_megabytes, running, wait_until_alive
from watchlist.cli.terminal import bar
from watchlist.domain.operator import Role


def measure(premises: Premises) -> Iterator[Figure]:
    """`watchlist serve`, PostgreSQL started by it; the scheduler rests, so that it measures no sweep."""
    headers = {"authorization": f"Bearer {premises.key(Role.INTEGRATOR)}"}
    premises.vacate()
    starts = premises.sizes.starts
    with bar("starts", starts) as moved:
        rounds = []
        for number in range(starts):
            rounds.append(_start(premises, headers))
            moved(number + 1)
    seconds, fresh, loaded = zip(*rounds, strict=True)
    yield Figure("start-up", seconds, "seconds", detail="from the process to /livez, PostgreSQL included")
    yield Figure("memory", fresh, "MB", detail="of the service, once started")
    yield Figure("memory", loaded, "MB", detail="after single screenings and batches")


def _start(premises: Premises, headers: dict[str, str]) -> tuple[float, float, float]:
    port = free_port()
    environment = premises.environment | {"WATCHLIST_PORT": str(port)}
    with ExitStack() as running_together:
        log = running_together.enter_context(TemporaryFile("w+"))
        began = perf_counter()
        serve = running(environment, "-m", "watchlist", "serve", "--no-scheduler", log=log)
        service = running_together.enter_context(serve)
        try:
            wait_until_alive(port, service)
        except RuntimeError as error:
            log.seek(0)
            raise RuntimeError(f"{error}: {log.read()[-2000:]}") from None
        seconds = perf_counter() - began
        fresh = resident_megabytes(service)
        with load_on(port, environment) as load:
            for subjects, requests in ((1, question.REQUESTS), (1_000, 10)):
                bodies = question.by_identifier(premises.sizes.entries, requests, subjects)
                load.keep("load", question.PATH, headers, bodies)
                load.run("load", premises.sizes.seconds, CONNECTIONS if subjects == 1 else 4)
        return seconds, fresh, resident_megabytes(service)
