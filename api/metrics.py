"""Metrics for Prometheus: counts, durations and lateness; no organisation, no person, and labels that are bounded."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from watchlist.application.screen import HIT, NO_HIT
from watchlist.bootstrap import House

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
    Gauge("watchlist_connections", "Connections to the database that verbs use.", ("state",), _connections),
)
"""One line each; what may be slow is fine here, it is asked once in KEPT_SECONDS at most."""


class Metrics:
    """What one process counts, and what it asks when it is scraped."""

    def __init__(self, house: House) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "watchlist_http_requests",
            "Requests answered.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._durations = Histogram(
            "watchlist_http_request_duration_seconds",
            "From the head of a request to the end of its answer.",
            ("route", "method"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        questions = Counter(
            "watchlist_screening_questions",
            "Subjects asked for in screenings, by what was answered.",
            ("result",),
            registry=self.registry,
        )
        self._hits, self._no_hits, self._errors = map(questions.labels, ("hit", "no_hit", "error"))
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.registry.register(Asked(house))

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        known = self._known.get((route, method, status))
        if known is None:
            told = method if method in METHODS else "other"
            known = self._requests.labels(route, told, str(status)), self._durations.labels(route, told)
            if method in METHODS:
                self._known[route, method, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def screened(self, answer: bytes) -> None:
        """Counted in the answer itself: no key or error in it can hold these texts."""
        hits, no_hits = answer.count(bytes(HIT)), answer.count(bytes(NO_HIT))
        errors = answer.count(b'{"error":')
        for counter, count in ((self._hits, hits), (self._no_hits, no_hits), (self._errors, errors)):
            if count:
                counter.inc(count)


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
