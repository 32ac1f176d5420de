"""`watchlist erase`: every erasure carried to its end; a lost journal, again; the texts that name a subject (P6)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import scalar_row

from watchlist.adapters.postgres.certificates import PostgresCertificates
from watchlist.application.erasures import finish_erasures, standing_of_erasures
from watchlist.application.follow_journal import follow_journal
from watchlist.application.rebuild_journal import rebuild_journal
from watchlist.application.search_texts import search_texts, subject_to_search_for
from watchlist.bootstrap import House, database, open_house, unfollowed_house
from watchlist.cli.terminal import bar, tell
from watchlist.ports import FIRST
from watchlist.settings import Settings

KEYS = "watchlist_keys.data_keys"
OF_THE_REGISTER = (
    "watchlist.answerable",
    "watchlist.subject_tokens",
    "watchlist.stolen_tokens",
    "watchlist.imported_lines",
    "watchlist.case_references",
    "watchlist.vault",
)
"""The tables with look-ups, and with ciphertexts: of a redacted text the key lives."""
LOCK_TIMEOUT_MS = 5000
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
        help="before an erasure is granted: the texts of all cases of its organisation that name the subject, by id, "
        "to be redacted; reads every case, about two hundred a second",
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    if args.find_texts:
        return find_texts(settings, args)
    return rebuild(settings, args) if args.rebuild_journal else complete(settings, args)


def find_texts(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house, bar("cases") as moved:
        subject = subject_to_search_for(house.desk, args.find_texts)
        found = list(search_texts(house.desk, subject, _cases_of(house, subject.organisation), moved))
    facts = {
        "subject_id": subject.id,
        "items": [{"case_id": case_id, "text_id": text_id} for case_id, text_id in found],
    }
    lines = [f"{len(found)} texts name the subject", *(f"case {case}  text {text}" for case, text in found)]
    tell(facts, args.json, "\n".join(lines))
    return 0


def _cases_of(house: House, organisation: str) -> Iterator[UUID]:
    after = FIRST
    page = {"organisation": organisation, "state": None, "limit": PAGE}
    while rows := house.pictures.rows("cases", page | {"after": after}):
        yield from (row["case_id"] for row in rows)
        after = rows[-1]["case_id"]


def rebuild(settings: Settings, args: argparse.Namespace) -> int:
    with unfollowed_house(settings) as house, bar("erasure journal") as moved:
        lines = rebuild_journal(house.desk, PostgresCertificates(house.pool))
        again = follow_journal(house.desk, moved)
    facts = {"journal": str(settings.journal), "lines": lines, "erased_again": again}
    tell(facts, args.json, f"{settings.journal}: {lines} erasures, {again} of them carried out again")
    return 0


def complete(settings: Settings, args: argparse.Namespace) -> int:
    """Exits 1 when one is unfinished."""
    with bar("erasure journal") as moved, open_house(settings, progress=moved) as house:
        finished = finish_erasures(house.desk)
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
        f"{standing.complete} complete, {standing.awaiting} await the expiry of key backups{until}",
        "no table holds a row that was deleted"
        if not left
        else f"not this login's, or busy: as its owner, VACUUM (FULL) clears the deleted rows of {', '.join(left)}",
    ]
    tell(facts, args.json, "\n".join(lines))
    return 1 if unfinished else 0


def clear_stores(settings: Settings) -> list[str]:
    """Rewrite the tables that an erasure deletes from, so that no dead row stays in their files; those that are not.

    A plain VACUUM frees the place of a row and leaves its bytes there until another row takes it.
    """
    with database(settings) as register:
        store = settings.keys_database_url or register
        return [*_left_after(store, [KEYS]), *_left_after(register, OF_THE_REGISTER)]


def _left_after(conninfo: str, tables: Sequence[str]) -> list[str]:
    with psycopg.connect(conninfo, autocommit=True, row_factory=scalar_row) as conn:
        conn.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        return [table for table in tables if not _rewrite(conn, table)]


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
