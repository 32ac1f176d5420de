"""`watchlist keyring`: the keys that open what is sealed, and those under which subjects are looked up.

To rotate the master key: `rotate-master`, `rewrap`, and when `status` counts nothing under the old one any more, it is
dropped. Once it is destroyed everywhere, every older copy of the keys (backups, dead rows) is unreadable.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from watchlist.adapters import master_key as files
from watchlist.adapters.postgres.rewrap import Counted, counted, rewrap
from watchlist.application.rotate_lookups import GRACE_SECONDS, RotationReport, rotate_lookups
from watchlist.application.tidy_keys import MOST, lost_keys, orphans, tidy_keys
from watchlist.bootstrap import House, key_of, master_key_in, migrated, open_house
from watchlist.cli.terminal import Stop, bar, say, tell
from watchlist.settings import Settings

SETTLED_SECONDS = 60.0
"""So long after a new master key came first, no command is under way that wrapped a key under the one before."""
EVERY = 1_000_000_000


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("keyring", help="the keys of what is sealed and of what is looked up")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("status", status, "how many keys are held, destroyed, lost, and under which master key"),
        ("rotate-master", rotate_master, "put a new master key first, where it is kept in the data folder"),
        ("rewrap", run_rewrap, "wrap every key under the first master key; sealed values are not touched"),
        (
            "rotate-lookup",
            rotate_lookup,
            "a new look-up key, while the service runs; resumes what was interrupted",
        ),
        ("tidy", tidy, "destroy the keys that a crash left and nothing needs"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--json", action="store_true")
        action.set_defaults(run=run)
        if name == "rotate-lookup":
            action.add_argument(
                "--grace", type=float, default=GRACE_SECONDS, metavar="SECONDS",
                help="between the new key's first answers and the end of the old one",
            )  # fmt: skip
        if name == "tidy":
            action.add_argument(
                "--all", action="store_true", help="even if there are more than a crash leaves"
            )


# What there is --------------------------------------------------------------------------------


def status(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        found = counted(house.keys_conninfo or house.conninfo)
        facts = {
            "store": "own" if house.keys_conninfo else "register",
            "held": found.held,
            "destroyed": found.destroyed,
            "lost": lost_keys(house.desk, house.register) + house.keyring.unopenable(),
            "orphans": sum(1 for _ in orphans(house.keyring, house.register)),
            "masters": _masters(found, key_of(settings, house.conninfo).headers),
            "lookups": house.rotation.counted(),
        }
    tell(facts, args.json, "\n".join(_told(facts)))
    return 1 if facts["lost"] else 0


def _masters(found: Counted, headers: list[bytes]) -> list[dict[str, Any]]:
    """By generation of the master key: the one that wraps, those that only open, and what none here opens."""
    known = [
        {"id": header[1:].hex(), "is": "older" if place else "first", "keys": found.by_header.get(header, 0)}
        for place, header in enumerate(headers)
    ]
    others = [
        {
            "id": header[1:].hex() if header else None,
            "is": "not here" if header else "unmarked",
            "keys": count,
        }
        for header, count in found.by_header.items()
        if header not in headers
    ]
    return known + others


def _told(facts: dict[str, Any]) -> list[str]:
    return [
        f"{facts['held']} keys held, {facts['destroyed']} destroyed,"
        f" {facts['lost']} lost, {facts['orphans']} of nobody",
        *(
            f"master key {one['id'] or '(unmarked)'} ({one['is']}): {one['keys']} keys"
            for one in facts["masters"]
        ),
        *(
            f"look-up key {one['generation']} ({one['state']}): {one['subject_tokens']} look-ups,"
            f" {one['imported_lines']} imported lines"
            for one in facts["lookups"]
        ),
    ]


# The master key -------------------------------------------------------------------------------


def _in_folder(settings: Settings) -> bool:
    return not settings.master_key and settings.master_key_command is None


def rotate_master(settings: Settings, args: argparse.Namespace) -> int:
    if not _in_folder(settings):
        where = "WATCHLIST_MASTER_KEY_COMMAND" if settings.master_key_command else "WATCHLIST_MASTER_KEY"
        raise Stop(
            f"the master key comes from {where}: put a new key on its first line, restart every process, then"
            " `watchlist keyring rewrap`"
        )
    with open_house(settings):  # what it opens is there, and opens
        files.put_first(settings.data)
    keys = master_key_in(settings.data)
    facts = {"first": keys.headers[0][1:].hex(), "older": len(keys.headers) - 1}
    text = f"{settings.data / files.FILE} begins with a new key: back it up, then `watchlist keyring rewrap`"
    tell(facts, args.json, text)
    return 0


def run_rewrap(settings: Settings, args: argparse.Namespace) -> int:
    with migrated(settings) as conninfo:
        store = settings.keys_database_url or conninfo
        master = key_of(settings, conninfo)
        waiting = counted(store).not_under(master.headers[0])
        with bar("wrapping keys", waiting) as moved:
            done = rewrap(store, master, moved)
        left = counted(store).not_under(master.headers[0])
        dropped = _drop_old(settings) if _in_folder(settings) and not left else 0
    older = len(master.headers) - 1 - dropped
    facts = {
        "rewrapped": done.keys + done.lookup_keys,
        "left": left,
        "lost": done.lost,
        "dropped": dropped,
        "older": older,
    }
    tell(
        facts,
        args.json,
        f"{facts['rewrapped']} keys wrapped again, {left} left, {dropped} old master keys dropped",
    )
    if older and not left:
        say(_what_of_the_old(settings))
    return 1 if left else 0


def _drop_old(settings: Settings) -> int:
    """Not while a command may be under way that wrapped its new key under an old one."""
    if files.changed_seconds_ago(settings.data, time.time()) < SETTLED_SECONDS:
        return 0
    return files.keep_first(settings.data)


def _what_of_the_old(settings: Settings) -> str:
    if _in_folder(settings):
        return "the old master keys stay in the file until a minute after the new one came: then rewrap once more"
    return (
        "no key needs the old master keys: take them away once every process was restarted with the new one"
    )


# The look-up key ------------------------------------------------------------------------------


def rotate_lookup(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house, bar("look-ups", _subjects(house)) as moved:
        report = rotate_lookups(house.desk, house.rotation, moved, args.grace)
    facts = {
        "another_rotation_ran": not report.alone,
        "resumed": report.resumed,
        "generation": report.generation,
        "subjects": report.subjects,
        "cases": report.cases,
        "forgotten": report.forgotten,
        "destroyed": report.destroyed,
        "kept_for_imports": report.kept_for_imports,
    }
    tell(facts, args.json, _rotated(report))
    return 0


def _rotated(report: RotationReport) -> str:
    if not report.alone:
        return "another rotation is running: nothing done by this one"
    begun = "the interrupted rotation is over" if report.resumed else "rotated"
    text = (
        f"{begun}: look-up key {report.generation} is asked; {report.forgotten} rows of older ones are gone"
    )
    if report.kept_for_imports:
        kept = ", ".join(map(str, report.kept_for_imports))
        text += (
            f"; key {kept} stays for the look-ups of lines that were imported under it, and for nothing else"
        )
    return text


def _subjects(house: House) -> int:
    with house.pool.connection() as conn:
        row = conn.execute("SELECT count(*) AS n FROM subjects").fetchone()
    return row["n"] if row else 0


# Tidy -----------------------------------------------------------------------------------------


def tidy(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        most = EVERY if args.all else MOST
        destroyed = tidy_keys(house.desk, house.keyring, house.register, most)
        lookups = house.rotation.destroy_keys()
    facts = {"destroyed": destroyed, "lookup_keys_destroyed": lookups}
    tell(facts, args.json, f"{destroyed} keys that nothing needs destroyed, {len(lookups)} look-up keys")
    return 0
