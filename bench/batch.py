"""Batches of a thousand identifiers over HTTP, against the one SQL statement they need."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from time import perf_counter

import msgspec
import psycopg

from bench import question
from bench.figure import Figure, Measure, in_turns
from bench.premises import Premises
from bench.screening import service_under_load
from bench.service import Load
from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.list_index import SQL
from watchlist.application.screening_request import question as read_question
from watchlist.application.screening_request import read_envelope
from watchlist.cli.terminal import bar

SUBJECTS = 1_000
BATCHES = 20


def measure(premises: Premises) -> Iterator[Figure]:
    bodies = question.by_identifier(premises.sizes.entries, BATCHES, SUBJECTS)
    rounds, seconds = premises.sizes.rounds, premises.sizes.seconds
    with (
        service_under_load(premises) as (load, key),
        psycopg.connect(service_conninfo(premises.house.conninfo), autocommit=True) as conn,
    ):
        load.keep("batch", question.PATH, key, bodies)
        statement = _statement(conn, _digests(premises, bodies), seconds)
        with bar("batches", rounds) as moved:
            pairs = in_turns(rounds, _batches(load, seconds, 1), statement, moved)
        several = tuple(_batches(load, seconds, 4)() for _ in range(rounds))
    absolute = Figure("batch of 1,000", tuple(pairs.ours), "/s", 100_000)
    told = pairs.told("subjects", "the statement alone")
    yield Figure("batch of 1,000", pairs.ratios, "of bare SQL", 0.4, told, absolute)
    yield Figure("batch, 4 at once", several, "subjects/s")


def _batches(load: Load, seconds: float, connections: int) -> Measure:
    def measured() -> float:
        asked = load.run("batch", seconds, connections)
        if asked.hits != asked.requests * SUBJECTS // question.LISTED_IN:
            raise RuntimeError(
                f"{asked.hits} hits in {asked.requests} batches of {SUBJECTS}, one in {question.LISTED_IN} listed"
            )
        return asked.rate * SUBJECTS

    return measured


def _digests(premises: Premises, bodies: list[str]) -> list[list[bytes]]:
    tokenizer = premises.house.desk.tokenizer
    return [
        [
            digest
            for raw in read_envelope(body.encode()).subjects.values()
            for digest in read_question(tokenizer, msgspec.Raw(raw)).digests
        ]
        for body in bodies
    ]


def _statement(conn: psycopg.Connection, digests: list[list[bytes]], seconds: float) -> Measure:
    """Digests asked a second, on one connection that does nothing else."""
    batches = cycle(digests)

    def measured() -> float:
        asked, began, at = 0, perf_counter(), datetime.now(UTC)
        while perf_counter() - began < seconds:
            batch = next(batches)
            with conn.cursor(binary=True) as cursor:
                question = {"digests": batch, "organisations": ["BENCH"], "at": at}
                cursor.execute(SQL["find"], question, prepare=True).fetchall()
            asked += len(batch)
        return asked / (perf_counter() - began)

    return measured
