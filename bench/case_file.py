"""Opening a case file of sealed notes, against the same read where the same notes were never sealed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool

from bench import population
from bench.commands import ANNE, NOTE, ORGANISATION, a_case
from bench.figure import Figure, Measure, in_turns, rate
from bench.premises import Premises
from watchlist.adapters.postgres.connections import Connection
from watchlist.application.case_file import read_case, sealed_in
from watchlist.application.desk import Desk
from watchlist.application.work import Ask
from watchlist.application.work_on_case import add_note
from watchlist.bootstrap import House
from watchlist.cli.terminal import bar
from watchlist.domain.aggregate import Aggregate
from watchlist.domain.commitment import Sealed
from watchlist.ports.keys import KeysFound
from watchlist.ports.vault import SealedRow

NOTES = 200
READS = 20
"""In one turn."""
TURNS = 5
"""In each round."""
NUMBER = population.NEWCOMERS + 90_000_000
PLAIN = "CREATE TABLE plain (ref uuid PRIMARY KEY, owner uuid NOT NULL, field text NOT NULL, value bytea NOT NULL)"


def measure(premises: Premises) -> Iterator[Figure]:
    house = premises.house
    case_id = _of_many_notes(house.desk)
    with psycopg.connect(premises.cluster.conninfo(), autocommit=True) as owner:
        owner.execute("CREATE SCHEMA unsealed")
        owner.execute("SET search_path TO unsealed")
        owner.execute(PLAIN)
        _copy_plain(house.desk, case_id, owner)
        owner.execute("GRANT USAGE ON SCHEMA unsealed TO watchlist_service")
        owner.execute("GRANT SELECT ON unsealed.plain TO watchlist_service")
    bare = unsealed(house)
    if read_case(bare, case_id, ORGANISATION) != read_case(house.desk, case_id, ORGANISATION):
        raise RuntimeError("the two reads do not give the same file")
    rounds = TURNS * premises.sizes.rounds
    with bar("case_file", rounds) as moved:
        pairs = in_turns(rounds, _reads(house.desk, case_id), _reads(bare, case_id), moved)
    told = f"{pairs.told('files', 'unsealed')}; {NOTES} notes"
    yield Figure("case_file", pairs.ratios, "of the same read unsealed", 0.5, told)


def _reads(desk: Desk, case_id: UUID) -> Measure:
    def work() -> None:
        for _ in range(READS):
            read_case(desk, case_id, ORGANISATION)

    return lambda: rate(READS, work)


def _of_many_notes(desk: Desk) -> UUID:
    case_id = a_case(desk, NUMBER)
    for number in range(NOTES):
        add_note(desk, Ask(ANNE, ORGANISATION), case_id, f"{number}. {NOTE}")
    return case_id


# Unsealed -------------------------------------------------------------------------------------


def unsealed(house: House) -> Desk:
    """The same desk, had nothing been sealed: no key to fetch, nothing to open, the same rows to read."""
    return replace(
        house.desk,
        log=_NoKeysAlong(house.desk),
        keyring=_NoKeys(),
        vault=_PlainVault(house.pool),
        cipher=_NoCipher(),
    )


def _copy_plain(desk: Desk, case_id: UUID, owner: psycopg.Connection[Any]) -> None:
    case = desk.case(case_id, ORGANISATION)
    opened = desk.open_sealed(case.id, sealed_in(case))
    with owner.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO plain VALUES (%s, %s, 'note', %s)", [(ref, case.id, v) for ref, v in opened.items()]
        )
    owner.execute("ANALYZE plain")


@dataclass
class _NoKeysAlong:
    desk: Desk

    def load(self, ids: Iterable[UUID], wrapped: Any = None) -> dict[UUID, Aggregate]:
        return self.desk.log.load(ids)


class _NoKeys:
    def keys(self, owners: Iterable[UUID]) -> dict[UUID, bytes]:
        return dict.fromkeys(owners, b"")

    def found(self, owners: Iterable[UUID]) -> KeysFound:
        return KeysFound(self.keys(owners), frozenset(), frozenset())


@dataclass
class _PlainVault:
    pool: ConnectionPool[Connection]

    def rows(self, refs: Sequence[UUID]) -> dict[UUID, SealedRow]:
        with self.pool.connection() as conn:
            found = conn.execute(
                "SELECT ref, owner, field, value AS ciphertext FROM unsealed.plain WHERE ref = ANY(%b)",
                (list(refs),),
                prepare=True,
            ).fetchall()
        return {row["ref"]: SealedRow(**row) for row in found}


class _NoCipher:
    def open_sealed(self, key: bytes, owner: UUID, field: str, sealed: Sealed, ciphertext: bytes) -> bytes:
        return ciphertext
