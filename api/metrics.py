"""Metrics for Prometheus: counts, durations and lateness; no organisation, no person, and labels that are bounded."""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from watchlist.application.screen import HIT, NO_HIT
from watchlist.bootstrap import House
from watchlist.domain.unusual_use import Unusual

log = logging.getLogger("watchlist.api")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
KEPT_SECONDS = 10.0
"""How long what was asked of the database for a scrape is believed."""
Values = Iterable[tuple[tuple[str, ...], float]]
"""Values of labels, and what is measured under them."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """Something that is asked for when somebody scrapes, not counted as it happens."""

    name: str
    help: str
    labels: tuple[str, ...]
    ask: Callable[[House], Values]


def _position(house: House) -> Values:
    yield (), house.register.position()


def _late(house: House) -> Values:
    for row in house.pictures.deadlines_counted(house.clock.now()):
        yield (str(row["kind"]),), row["late"]


def _succeeded(house: House) -> Values:
    for run in house.job_runs.all():
        if run.succeeded_at is not None:
            yield (run.job,), run.succeeded_at.timestamp()


def _swept(house: House) -> Values:
    return [((), at) for (job,), at in _succeeded(house) if job == "sweep"]


def _alarms(house: House) -> Values:
    waiting = house.usage.open_alarms()
    return [((kind.value,), waiting.get(kind.value, 0)) for kind in Unusual]


def _unsealed(house: House) -> Values:
    yield (), house.sealed_log.unsealed()[0]


def _checkpoint(house: House) -> Values:
    last = house.sealed_log.latest()
    if last is not None:
        yield (), last.at.timestamp()


def _connections(house: House) -> Values:
    stats = house.pool.get_stats()
    yield ("open",), stats.get("pool_size", 0)
    yield ("free",), stats.get("pool_available", 0)
    yield ("most",), stats.get("pool_max", 0)
    yield ("awaited",), stats.get("requests_waiting", 0)


GAUGES = (
    Gauge("watchlist_log_position", "Position of the last event of the log.", (), _position),
    Gauge("watchlist_deadlines_late", "What is past its day, by kind.", ("kind",), _late),
    Gauge(
        "watchlist_sweep_last_success_timestamp_seconds",
        "When a sweep last succeeded, in whichever process.",
        (),
        _swept,
    ),
    Gauge(
        "watchlist_job_last_success_timestamp_seconds",
        "When each job of the scheduler last succeeded, in whichever process.",
        ("job",),
        _succeeded,
    ),
    Gauge(
        "watchlist_alarms_open", "Unusual use that nobody looked at yet, by kind (S6).", ("kind",), _alarms
    ),
    Gauge("watchlist_unsealed_events", "Events that no checkpoint covers yet (T4).", (), _unsealed),
    Gauge(
        "watchlist_last_checkpoint_timestamp_seconds",
        "When the last checkpoint of the log was published (T4).",
        (),
        _checkpoint,
    ),
    Gauge("watchlist_connections", "Connections to the database that verbs use.", ("state",), _connections),
)
"""One line each; what may be slow is fine here, it is asked once in KEPT_SECONDS at most."""


class Metrics:
    """What one process counts, and what it asks when it is scraped."""

    def __init__(self, house: House) -> None:
        self.registry = CollectorRegistry()
        self.counted = Counted()
        ProcessCollector(registry=self.registry)
        self.registry.register(self.counted)
        self.registry.register(Asked(house))

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        self.counted.request(route, method if method in METHODS else "other", status, seconds)

    def screened(self, answer: bytes) -> None:
        """Counted in the answer itself: no key or error in it can hold these texts."""
        questions = self.counted.questions
        questions["hit"] += answer.count(_HIT)
        questions["no_hit"] += answer.count(_NO_HIT)
        questions["error"] += answer.count(_ERROR)


_HIT, _NO_HIT, _ERROR = bytes(HIT), bytes(NO_HIT), b'{"error":'


@dataclass(slots=True)
class Times:
    """How long the requests of one route took: how many up to each bound, and all together."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus has them."""
        bounds = [*map(float, BUCKETS), inf]
        return [
            ("+Inf" if bound == inf else str(bound), total)
            for bound, total in zip(bounds, accumulate(self.counts), strict=True)
        ]


class Counted(Collector):
    """Plain numbers, written by the event loop alone: the library's own counters cost more than all else here."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.times: defaultdict[tuple[str, str], Times] = defaultdict(Times)
        self.questions = dict.fromkeys(("hit", "no_hit", "error"), 0)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        self.requests[route, method, status] += 1
        times = self.times[route, method]
        times.counts[bisect_left(BUCKETS, seconds)] += 1
        times.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "watchlist_http_requests", "Requests answered.", labels=("route", "method", "status")
        )
        for (route, method, status), count in self.requests.copy().items():
            requests.add_metric((route, method, str(status)), count)
        times = HistogramMetricFamily(
            "watchlist_http_request_duration_seconds",
            "From the head of a request to the end of its answer.",
            labels=("route", "method"),
        )
        for labels, taken in self.times.copy().items():
            times.add_metric(labels, taken.buckets(), taken.seconds)
        questions = CounterMetricFamily(
            "watchlist_screening_questions",
            "Subjects asked for in screenings, by what was answered.",
            labels=("result",),
        )
        for result, count in self.questions.items():
            questions.add_metric((result,), count)
        yield from (requests, times, questions)


class Asked(Collector):
    """The gauges, asked again only when the last answers are some seconds old."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._kept: list[Metric] = []
        self._until = 0.0
        self._asking = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels) for gauge in GAUGES]

    def collect(self) -> Iterator[Metric]:
        """One at a time asks; who comes meanwhile is told what is kept, and holds up no thread of the service."""
        if time.monotonic() >= self._until and self._asking.acquire(blocking=False):
            try:
                self._kept = self._ask()
                self._until = time.monotonic() + KEPT_SECONDS
            finally:
                self._asking.release()
        yield from self._kept

    def _ask(self) -> list[Metric]:
        """Each alone: what cannot be asked is missing, and the others are told; `up` says whether all could."""
        found, all_told = [], True
        for gauge in GAUGES:
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
            try:
                for labels, value in gauge.ask(self._house):
                    family.add_metric(labels, value)
            except Exception as error:
                log.warning("%s could not be asked: %s", gauge.name, type(error).__name__)
                all_told = False
                continue
            found.append(family)
        up = GaugeMetricFamily("watchlist_up", "Whether everything here could be asked.", value=int(all_told))
        return [*found, up]
