"""Screening in bulk: lines a second of one stream over HTTP, the memory of the service, and who waits meanwhile."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from msgspec import Struct

from bench import population, question
from bench.figure import Figure
from bench.premises import Premises
from bench.service import Load, free_port, load_on, resident_megabytes, running, wait_until_alive
from watchlist.cli.terminal import bar
from watchlist.domain.operator import Role

FEW = 10_000
LISTED_IN = 1_000
"""One line of so many is about somebody listed."""
FLOOR = 50_000
HEADERS = {
    "content-type": "application/x-ndjson",
    "screening-purpose": "third_party_payment",
    "screening-file-reference": "LOT-2026-000123",
}


class Answered(Struct, frozen=True):
    lines: int
    hits: int
    seconds: float


def measure(premises: Premises) -> Iterator[Figure]:
    port, environment, sizes = free_port(), premises.environment, premises.sizes
    headers = {"authorization": f"Bearer {premises.key(Role.INTEGRATOR)}"}
    with (
        tempfile.TemporaryDirectory(prefix="watchlist-bench-") as name,
        running(environment, "-m", "bench.server", str(port)) as server,
        running(environment, "-m", "bench.bulk_load", str(port)) as process,
        load_on(port, environment) as load,
        load_on(port, environment) as beside,
    ):
        wait_until_alive(port, server)
        stream = _Stream(process, headers)
        few, many = Path(name, "few"), Path(name, "many")
        for asked, ask in (("identifiers", _identifiers), ("names", _names)):
            _write(few, ask, sizes.entries, FEW)
            _write(many, ask, sizes.entries, sizes.lines)
            stream.ask(few, FEW)
            fresh = resident_megabytes(server)
            rounds = []
            with bar(f"bulk by {asked}", sizes.rounds) as moved:
                for number in range(sizes.rounds):
                    rounds.append(stream.ask(many, sizes.lines))
                    moved(number + 1)
            loaded = resident_megabytes(server)
            yield Figure(f"bulk {asked}", tuple(rounds), "lines/s", FLOOR, f"{sizes.lines:,} lines a stream")
            told = f"{fresh:.0f} MB after {FEW:,} lines, {loaded:.0f} after {sizes.rounds} streams of {sizes.lines:,}"
            yield Figure("bulk memory", (fresh / loaded,), "of it", 0.8, f"{asked}: {told}")
        yield from _waiting(premises, load, beside, headers)


class _Stream:
    def __init__(self, process: Any, headers: Mapping[str, str]) -> None:
        self._process, self._headers = process, {**HEADERS, **headers}

    def ask(self, file: Path, lines: int) -> float:
        """Lines a second."""
        self._process.stdin.write(json.dumps({"file": str(file), "headers": self._headers}) + "\n")
        self._process.stdin.flush()
        answered = Answered(**json.loads(self._process.stdout.readline()))
        if (answered.lines, answered.hits) != (lines, lines // LISTED_IN):
            raise RuntimeError(f"{answered.lines} of {lines} lines answered, {answered.hits} hits")
        return lines / answered.seconds


def _waiting(premises: Premises, load: Load, beside: Load, headers: Mapping[str, str]) -> Iterator[Figure]:
    """How long single questions wait while batches of 10,000 persons are asked by name, one after the other."""
    entries, seconds = premises.sizes.entries, premises.sizes.seconds
    load.keep("single", question.PATH, headers, question.by_identifier(entries, 100))
    beside.keep("batch", question.PATH, headers, [_batch(entries, n * FEW) for n in range(4)])
    load.run("single", seconds, 1)
    alone, waited = [], []
    with ThreadPoolExecutor(1) as thread, bar("single beside batches", premises.sizes.rounds) as moved:
        for number in range(premises.sizes.rounds):
            alone.append(1000 * load.run("single", seconds, 1).p99)
            batches = thread.submit(beside.run, "batch", seconds, 2)
            waited.append(1000 * load.run("single", seconds, 1).p99)
            batches.result()
            moved(number + 1)
    told = f"two batches of {FEW:,} names at once; alone {median(alone):.1f} ms"
    yield Figure("single beside batches", tuple(waited), "ms, p99", None, told)


# Questions ------------------------------------------------------------------------------------


def _number(place: int, entries: int) -> int:
    return place * 7919 % entries if place % LISTED_IN == 0 else population.UNKNOWN + place


def _identifiers(place: int, entries: int) -> dict[str, Any]:
    return {"identifiers": [{"scheme": "rpps", "value": population.rpps(_number(place, entries))}]}


def _names(place: int, entries: int) -> dict[str, Any]:
    return question.person(_number(place, entries))


def _batch(entries: int, since: int) -> str:
    subjects = {f"q{place}": _names(place, entries) for place in range(since + 1, since + FEW)}
    return json.dumps({"purpose": "third_party_payment", "file_reference": "LOT", "subjects": subjects})


def _write(file: Path, ask: Callable[[int, int], dict[str, Any]], entries: int, lines: int) -> None:
    with file.open("w") as written:
        for place in range(lines):
            line = {"key": f"q{place}", **ask(place, entries)}
            written.write(json.dumps(line, separators=(",", ":")) + "\n")
