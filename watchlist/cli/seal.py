"""`watchlist seal`: seal the log, compare what was sealed with what is recorded, publish and rotate its keys (T4)."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from watchlist.adapters.postgres.sealed_log_examined import examined
from watchlist.adapters.seal_key import FILE, FileSealKeys
from watchlist.application.check_seal import Difference, check_seal
from watchlist.audit.verifier import Note
from watchlist.bootstrap import House, open_house
from watchlist.cli.terminal import Stop, bar, tell
from watchlist.domain.retention import accesses_kept_since
from watchlist.settings import Settings

SHOWN = 100
"""Differences that a person is told one by one; programs are told all."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "seal", help="seal the log, and compare what was sealed with what is recorded"
    )
    does = parser.add_mutually_exclusive_group()
    for name, text in (
        ("--check", "recompute everything from the log and the registers; exits 1 naming what differs"),
        ("--keys", "the public keys as notes name them, to be published"),
        ("--rotate-key", "put a new key first; it and the older ones sign the next checkpoints"),
        (
            "--begin-after-restore",
            "seal on from what is published, though more or other was signed from here",
        ),
        ("--drop-old-keys", "keep the newest key alone, once it has signed"),
    ):
        does.add_argument(name, action="store_true", help=text)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        if args.check:
            return _check(house, args.json)
        if args.keys:
            return _tell_keys(_keys(house), args.json)
        if args.rotate_key:
            return _rotate(settings, house, args.json)
        if args.drop_old_keys:
            return _drop(settings, house, args.json)
        if args.begin_after_restore:
            return _begin_after_restore(house, args.json)
        return _seal(house, args.json)


def _seal(house: House, as_json: bool) -> int:
    with bar("seal"):
        made = house.sealer.seal()
    last = house.sealed_log.latest()
    facts: dict[str, Any] = {"new": made is not None, "checkpoint": None}
    if last is not None:
        told = {"tree_size": last.size, "root": last.root.hex(), "at": last.at.isoformat()}
        facts["checkpoint"] = {**told, "position": last.position, "note": last.note}
    tell(facts, as_json, last.note.rstrip("\n") if last else "nothing to seal")
    return 0


def _begin_after_restore(house: House, as_json: bool) -> int:
    """What was signed and is no more is told: it was published, and somebody may hold it."""
    before, now = house.sealer.begin_after_restore()
    lines = [f"signed from here before, keep it:\n\n{before.note}"] if before else []
    lines.append(f"sealing goes on from {now.size if now else 0} leaves")
    facts = {"before": before.note if before else None, "now": now.note if now else None}
    tell(facts, as_json, "\n".join(lines))
    return 0


# What differs ---------------------------------------------------------------------------------


def _check(house: House, as_json: bool) -> int:
    size = house.sealed_log.size()
    held = house.sealer.held(house.sealed_log.keys())
    with bar("leaves", size) as moved, examined(house.pool) as examination:
        found = check_seal(examination, held, _kept_since(house), moved)
    facts = {"tree_size": size, "same": not found, "differences": msgspec.to_builtins(found)}
    tell(
        facts, as_json, "\n".join([f"{size} leaves compared: {_verdict(found)}", *map(_said, found[:SHOWN])])
    )
    return 1 if found else 0


def _kept_since(house: House) -> date:
    return accesses_kept_since(house.clock.now(), house.access_log_months).date()


def _verdict(found: Sequence[Difference]) -> str:
    counted = Counter(one.what.replace("_", " ") for one in found)
    return ", ".join(f"{count} {what}" for what, count in sorted(counted.items())) or "all as it was sealed"


def _said(one: Difference) -> str:
    places = {"position": one.position, "leaf": one.leaf_index, "checkpoint of": one.tree_size}
    parts = [f"{name} {value}" for name, value in places.items() if value is not None]
    return ", ".join([one.what.replace("_", " "), *parts, *filter(None, [one.where])])


# Keys -----------------------------------------------------------------------------------------


def _keys(house: House) -> list[str]:
    """Those that signed, the oldest first, and those that will."""
    house.sealer.seal()
    return house.sealer.known(house.sealed_log.keys())


def _tell_keys(keys: Sequence[str], as_json: bool) -> int:
    tell({"keys": keys}, as_json, "\n".join(keys) or "nothing was sealed yet: the first event makes a key")
    return 0


def _file(settings: Settings) -> FileSealKeys:
    if settings.seal_key:
        raise Stop(
            "the seal keys come from WATCHLIST_SEAL_KEY: put a new one first there, or take the old one away"
        )
    return FileSealKeys(settings.data)


def _rotate(settings: Settings, house: House, as_json: bool) -> int:
    file = _file(settings)
    if not (settings.data / FILE).exists():
        raise Stop(f"there is no {settings.data / FILE} to rotate: `watchlist seal` makes the first")
    file.put_first()
    return _tell_keys(_keys(house), as_json)


def _drop(settings: Settings, house: House, as_json: bool) -> int:
    """Not before the newest has signed: nobody could follow, and nothing could be sealed any more."""
    file = _file(settings)
    last = house.sealed_log.latest()
    held = house.sealer.held(house.sealed_log.keys())
    if last is None or not held or Note.parse(last.note.encode()).signed_by(held[0]) is None:
        raise Stop("the newest key has signed no checkpoint yet: wait for one, then drop the old keys")
    dropped = file.keep_first()
    tell({"dropped": dropped}, as_json, f"{dropped} old keys dropped")
    return 0
