"""`watchlist erase --complete`: every erasure carried to its end, and when no backup can undo it."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import psycopg
from psycopg.rows import scalar_row

from watchlist.application.erasures import finish_erasures, standing_of_erasures
from watchlist.bootstrap import database, open_house
from watchlist.cli.terminal import bar, tell
from watchlist.settings import Settings

KEYS = "watchlist_keys.data_keys"
LOCK_TIMEOUT_MS = 5000


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("erase", help="carry erasures to their end; say which are complete")
    parser.add_argument(
        "--complete",
        action="store_true",
        required=True,
        help="finish what was interrupted or restored, and clear the key store of destroyed keys",
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    """Exits 1 when one is unfinished."""
    with bar("erasure journal") as moved, open_house(settings, progress=moved) as house:
        finished = finish_erasures(house.desk)
        unfinished = house.pictures.unfinished_erasures(house.clock.now())
        standing = standing_of_erasures(house.desk, house.key_horizon)
    cleared = clear_key_store(settings)
    facts = {"finished": finished, "unfinished": unfinished, "key_store_cleared": cleared, **asdict(standing)}
    until = f" until {standing.complete_on}" if standing.complete_on else ""
    lines = [
        f"{finished} carried out, {unfinished} unfinished",
        f"{standing.complete} complete, {standing.awaiting} await the expiry of key backups{until}",
        "the key store holds no destroyed key"
        if cleared
        else f"not this login's, or busy: as its owner, VACUUM (FULL) {KEYS} clears old rows of the key store",
    ]
    tell(facts, args.json, "\n".join(lines))
    return 1 if unfinished else 0


def clear_key_store(settings: Settings) -> bool:
    """Rewrite the table, so that no dead row holds a wrapped key; whether this login may, and could."""
    with (
        database(settings) as register,
        psycopg.connect(settings.keys_database_url or register, autocommit=True) as conn,
    ):
        owned = conn.cursor(row_factory=scalar_row).execute(
            "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(%s)", (KEYS,)
        )
        if not owned.fetchone():
            return False
        conn.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        try:
            conn.execute(f"VACUUM (FULL) {KEYS}")
        except psycopg.errors.LockNotAvailable:
            return False
    return True
