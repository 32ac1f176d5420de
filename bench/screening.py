"""Single screenings over HTTP, against a bare route of the same app in the same process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import median

from bench import question
from bench.figure import Figure, in_turns
from bench.premises import Premises
from bench.server import BARE
from bench.service import Asked, Load, free_port, load_on, running, wait_until_alive
from watchlist.cli.terminal import bar
from watchlist.domain.operator import Role

CONNECTIONS = 48


def measure(premises: Premises) -> Iterator[Figure]:
    entries = premises.sizes.entries
    with service_under_load(premises) as (load, key):
        load.keep("by identifier", question.PATH, key, question.by_identifier(entries))
        load.keep("by name", question.PATH, key, question.by_name(entries))
        halves = question.by_identifier(entries, listed_in=question.HALF)
        load.keep("half of them hits", question.PATH, key, halves)
        load.keep("bare", BARE, {}, question.by_identifier(entries))
        yield _compared(premises, load, "by identifier", 0.5)
        yield _compared(premises, load, "by name", None)
        yield _compared(premises, load, "half of them hits", None, question.HALF)


def _compared(
    premises: Premises, load: Load, name: str, floor: float | None, listed_in: int = question.LISTED_IN
) -> Figure:
    ours, theirs = _Run(load, name, premises.sizes.seconds), _Run(load, "bare", premises.sizes.seconds)
    with bar(f"screening {name}", premises.sizes.rounds) as moved:
        pairs = in_turns(premises.sizes.rounds, ours, theirs, moved)
    ours.require_hits(listed_in)
    told = f"{pairs.told('requests', 'bare route')}; {ours.latencies}, bare {theirs.latencies}"
    return Figure(f"screening {name}", pairs.ratios, "of bare route", floor, told)


class _Run:
    """One round of load; remembers what it was answered."""

    def __init__(self, load: Load, name: str, seconds: float) -> None:
        self._load, self._name, self._seconds = load, name, seconds
        self._asked: list[Asked] = []

    def __call__(self) -> float:
        self._asked.append(self._load.run(self._name, self._seconds, CONNECTIONS))
        return self._asked[-1].rate

    def require_hits(self, listed_in: int) -> None:
        """A fast answer that is wrong is no answer; a run may stop in the middle of the prepared requests."""
        hits, requests = sum(run.hits for run in self._asked), sum(run.requests for run in self._asked)
        if abs(hits - requests / listed_in) > len(self._asked):
            raise RuntimeError(
                f"{hits} hits in {requests} screenings {self._name}, one in {listed_in} listed"
            )

    @property
    def latencies(self) -> str:
        p50, p99 = median(run.p50 for run in self._asked), median(run.p99 for run in self._asked)
        return f"p50 {1000 * p50:.1f} ms, p99 {1000 * p99:.1f} ms"


@contextmanager
def service_under_load(premises: Premises) -> Iterator[tuple[Load, Mapping[str, str]]]:
    """The service in one process, the load in another, and the headers of who may ask."""
    port, environment = free_port(), premises.environment
    headers = {"authorization": f"Bearer {premises.key(Role.INTEGRATOR)}"}
    with (
        running(environment, "-m", "bench.server", str(port)) as server,
        load_on(port, environment) as load,
    ):
        wait_until_alive(port, server)
        yield load, headers
