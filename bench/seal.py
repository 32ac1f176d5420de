"""Sealing the log, from its events in PostgreSQL to the signed checkpoint, and proving one of them (T4).

On a database of its own, filled with events that no verb recorded: what is measured is how many they are.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench.figure import Figure
from bench.premises import Premises
from watchlist.adapters.embedded_postgres import SUPERUSER
from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.migrate import migrate
from watchlist.bootstrap import House, build
from watchlist.cli.terminal import bar

PROOFS = 2_000
AT_ONCE = 50_000
NAME = "sealed"
EVENTS = """
    INSERT INTO events (originator_id, originator_version, topic, state, recorded_at)
    SELECT gen_random_uuid(), 1 + n %% 7, 'case.note_added', convert_to(%s, 'UTF8'),
           '2026-03-02T12:00:00Z'::timestamptz + n * interval '1037 microseconds'
    FROM generate_series(%s::int, %s::int) n
"""
STATE = (
    '{"at":"2026-03-02T12:00:00Z","by":"00000000-0000-0000-0000-00000000000a","organisation":"GRPM","text":'
    '{"ref":"0191b1e0-0000-7000-8000-000000000000","commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}'
)


def measure(premises: Premises) -> Iterator[Figure]:
    """Leaves a second of one run that seals all, and inclusion proofs a second, the slowest of a hundred taken."""
    leaves = premises.sizes.sealed
    with _unsealed(premises, leaves) as house:
        began = perf_counter()
        published = house.sealer.seal()
        seconds = perf_counter() - began
        assert published is not None
        assert published.size == leaves
        told = f"{leaves:,} leaves in {seconds:.2f} s"
        yield Figure("sealing", (leaves / seconds,), "leaves/s", 200_000, told)
        yield _proofs(house, leaves)


def _proofs(house: House, leaves: int) -> Figure:
    chance = random.Random(1)
    taken = []
    with bar("proofs", PROOFS) as moved:
        for number in range(PROOFS):
            position = chance.randint(1, leaves)
            began = perf_counter()
            assert house.sealed_log.inclusion(position) is not None
            taken.append(perf_counter() - began)
            moved(number)
    taken.sort()
    middle, slow = taken[PROOFS // 2], taken[PROOFS * 95 // 100]
    told = f"p50 {middle * 1000:.2f} ms, p95 {slow * 1000:.2f} ms, {leaves:,} leaves"
    return Figure("inclusion proof", (1 / slow,), "proofs/s at p95", 1_000, told)


@contextmanager
def _unsealed(premises: Premises, leaves: int) -> Iterator[House]:
    """A house of its own beside the others', its log full and its tree empty."""
    superuser = premises.cluster.conninfo("postgres", SUPERUSER)
    conninfo = make_conninfo(premises.cluster.conninfo(), dbname=NAME)
    _execute(superuser, f"CREATE DATABASE {NAME} OWNER {conninfo_to_dict(conninfo)['user']}")
    try:
        migrate(conninfo)
        with build(conninfo, b"k" * 32) as house:
            _fill(conninfo, leaves)
            _execute(premises.cluster.conninfo(NAME, SUPERUSER), "VACUUM ANALYZE")
            _execute(superuser, "CHECKPOINT")
            yield house
    finally:
        _execute(superuser, f"DROP DATABASE {NAME} WITH (FORCE)")


def _fill(conninfo: str, leaves: int) -> None:
    with psycopg.connect(service_conninfo(conninfo), autocommit=True) as conn, bar("events", leaves) as moved:
        for begin in range(0, leaves, AT_ONCE):
            conn.execute(EVENTS, (STATE, begin + 1, min(begin + AT_ONCE, leaves)))
            moved(begin)


def _execute(conninfo: str, statement: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(statement.encode())
