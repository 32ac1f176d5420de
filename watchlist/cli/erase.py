"""`watchlist erase`: every erasure carried to its end; a lost journal, again; the texts that name a subject (P6)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import scalar_row

from watchlist.adapters.postgres.certificates import PostgresCertificates
from watchlist.adapters.postgres.easel_schema import drop_what_rebuilds_left
from watchlist.application.erasures import finish_erasures, standing_of_erasures
from watchlist.application.follow_journal import follow_journal
from watchlist.application.rebuild_journal import rebuild_journal
from watchlist.application.search_texts import (
    search_person_texts,
    search_texts,
    subject_to_search_for,
)
from watchlist.bootstrap import House, database, open_house, unfollowed_house
from watchlist.cli.terminal import bar, tell
from watchlist.domain.subject import Subject
from watchlist.ports.registry import FIRST
from watchlist.settings import Settings

KEYS = "watchlist_keys.data_keys"
OF_THE_REGISTER = (
    "watchlist.answerable",
    "watchlist.subject_tokens",
    "watchlist.stolen_tokens",
    "watchlist.imported_lines",
    "watchlist.case_references",
    "watchlist.hits",
    "watchlist.homonyms",
    "watchlist.reviewed_hits",
    "watchlist.vault",
)
"""The tables with look-ups and keyed questions, and with ciphertexts: of a redacted text the key lives."""
LOCK_TIMEOUT_MS = 5000
READERS_TIMEOUT_S = 5.0
LOOK_AGAIN_S = 0.1
READ_BEFORE = """
    SELECT EXISTS (SELECT FROM (
        SELECT backend_xid AS held FROM pg_stat_activity WHERE pid <> pg_backend_pid()
        UNION ALL SELECT backend_xmin FROM pg_stat_activity
            WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)
        UNION ALL SELECT transaction FROM pg_prepared_xacts
        UNION ALL SELECT unnest(ARRAY[xmin, catalog_xmin]) FROM pg_replication_slots
    ) AS horizons WHERE age(held) > age(%s::text::xid))
"""
"""Whether a transaction, prepared or of a standby too, began before that one would have: it may still read what was
deleted since, and a rewrite then keeps those rows."""
PAGE = 500


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("erase", help="carry erasures to their end; say which are complete")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--complete",
        action="store_true",
        help="finish what was interrupted or restored, and rewrite the tables that were deleted from, so that their "
        "files hold no deleted row; each is locked meanwhile: at a quiet hour",
    )
    what.add_argument(
        "--rebuild-journal",
        action="store_true",
        help="write a lost erasure journal again, from the certificates of the register; refused while a journal is "
        "there. Only for a register that was not restored since the journal was lost: what was erased after the "
        "backup it was restored from is in no certificate, and would stay",
    )
    what.add_argument(
        "--find-texts",
        type=UUID,
        metavar="SUBJECT",
        help="before an erasure is granted: the texts of its organisation that name the subject, of all cases, of "
        "other persons and of their requests, by id, to be redacted; reads every case, about two hundred a second",
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    if args.find_texts:
        return find_texts(settings, args)
    return rebuild(settings, args) if args.rebuild_journal else complete(settings, args)


def find_texts(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        subject = subject_to_search_for(house.desk, args.find_texts)
        found = list(_found_in_each(house, subject))
    facts = {
        "subject_id": subject.id,
        "items": [{f"{kind}_id": id, "text_id": text_id} for kind, id, text_id in found],
    }
    lines = [
        f"{len(found)} texts name the subject",
        *(f"{kind} {id}  text {text}" for kind, id, text in found),
    ]
    tell(facts, args.json, "\n".join(lines))
    return 0


def _found_in_each(house: House, subject: Subject) -> Iterator[tuple[str, UUID, UUID]]:
    """Of cases, of requests, of subjects: which text of which."""
    page = partial(_ids_of, house, subject.organisation)
    with bar("cases") as moved:
        cases = (id for ids in page("cases", "case_id") for id in ids)
        for id, text in search_texts(house.desk, subject, cases, moved):
            yield "case", id, text
    for query, kind in (("rights_requests", "request"), ("subjects_of", "subject")):
        with bar(query.removesuffix("_of").replace("_", " ")) as moved:
            for id, text in search_person_texts(house.desk, subject, page(query, f"{kind}_id"), moved):
                yield kind, id, text


def _ids_of(house: House, organisation: str, query: str, name: str) -> Iterator[list[UUID]]:
    after = FIRST
    page = {"organisation": organisation, "state": None, "kind": None, "due_before": None, "limit": PAGE}
    while rows := house.pictures.rows(query, page | {"after": after}):
        yield [row[name] for row in rows]
        after = rows[-1][name]


def rebuild(settings: Settings, args: argparse.Namespace) -> int:
    with unfollowed_house(settings) as house, bar("erasure journal") as moved:
        lines = rebuild_journal(house.desk, PostgresCertificates(house.pool))
        again = follow_journal(house.desk, moved)
    facts = {"journal": str(settings.journal), "lines": lines, "erased_again": again}
    tell(facts, args.json, f"{settings.journal}: {lines} erasures, {again} of them carried out again")
    return 0


def complete(settings: Settings, args: argparse.Namespace) -> int:
    """Exits 1 when one is unfinished, or a rebuild holds look-ups beside the register."""
    with (
        bar("erasure journal") as moved,
        database(settings) as owner,
        open_house(settings, progress=moved) as house,
    ):
        finished = finish_erasures(house.desk)
        drop_what_rebuilds_left(owner)
        unfinished = house.pictures.unfinished_erasures(house.clock.now())
        standing = standing_of_erasures(house.desk, house.key_horizon)
    left = clear_stores(settings)
    facts = {
        "finished": finished,
        "unfinished": unfinished,
        "key_store_cleared": KEYS not in left,
        "not_cleared": left,
        **asdict(standing),
    }
    until = f" until {standing.complete_on}" if standing.complete_on else ""
    lines = [
        f"{finished} carried out, {unfinished} unfinished",
        f"{standing.complete} complete, {standing.awaiting} await the expiry of key backups{until}"
        f"{', and the end of a rebuild, whose look-ups stand beside the register' if standing.copied else ''}",
        "no table holds a row that was deleted"
        if not left
        else "not this login's, busy, or an older transaction may still read what was deleted: once there is none, as "
        f"its owner, VACUUM (FULL) clears the deleted rows of {', '.join(left)}",
    ]
    tell(facts, args.json, "\n".join(lines))
    return 1 if unfinished or standing.copied else 0


def clear_stores(settings: Settings) -> list[str]:
    """Rewrite the tables that an erasure deletes from, so that no dead row stays in their files; those that are not.

    A plain VACUUM frees the place of a row and leaves its bytes there until another row takes it; even a full one keeps
    what an older transaction could still read, so nothing counts as cleared while there is one.
    """
    with database(settings) as register:
        beside = drop_what_rebuilds_left(register)
        store = settings.keys_database_url or register
        began = [(store, [KEYS], _next_transaction(store))]
        began.append((register, list(OF_THE_REGISTER), _next_transaction(register)))
        return [*beside, *(table for one in began for table in _left_after(*one))]


def _next_transaction(conninfo: str) -> str:
    """Everything that is deleted by now was deleted before it."""
    with psycopg.connect(conninfo, row_factory=scalar_row) as conn:
        return str(conn.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::xid::text").fetchone())


def _left_after(conninfo: str, tables: Sequence[str], began: str) -> list[str]:
    with psycopg.connect(conninfo, autocommit=True, row_factory=scalar_row) as conn:
        conn.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        if not _read_by_none_before(conn, began):
            return list(tables)
        return [table for table in tables if not _rewrite(conn, table)]


def _read_by_none_before(conn: psycopg.Connection[Any], transaction: str) -> bool:
    """Whether all that was deleted before it is deleted for everybody; who reads for a moment is waited for.

    Whoever begins later sees that it was.
    """
    until = monotonic() + READERS_TIMEOUT_S
    while conn.execute(READ_BEFORE, (transaction,)).fetchone():
        if monotonic() > until:
            return False
        sleep(LOOK_AGAIN_S)
    return True


def _rewrite(conn: psycopg.Connection[Any], table: str) -> bool:
    """Whether this login may, and could."""
    owned = conn.execute(
        "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(%s)", (table,)
    )
    if not owned.fetchone():
        return False
    try:
        conn.execute(f"VACUUM (FULL) {table}".encode())
    except psycopg.errors.LockNotAvailable:
        return False
    return True
