"""`watchlist demo`: a demonstration in an empty database, and a key for each role."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from watchlist.adapters.clock import ManualClock
from watchlist.application.demonstration import MUTUELLE, SEVEANE, Demonstration, load_demonstration
from watchlist.application.operators import add_operator, issue_key
from watchlist.bootstrap import House, build, key_of, open_house
from watchlist.cli.terminal import Stop, bar, say, tell
from watchlist.domain.operator import Role
from watchlist.settings import Settings

KEYS = "demo-keys.json"
SHOWN = "demo-examples.json"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("demo", help="load a demonstration into an empty database")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        if house.register.position():
            raise Stop("the database is not empty: a demonstration goes into a new one (DATA=another folder)")
        shown = load(settings, house)
    examples = asdict(shown)
    tell(examples, args.json, "\n".join(f"{name}: {value}" for name, value in examples.items()))
    return 0


def load_if_empty(settings: Settings, house: House) -> None:
    """For the one-command service: fictitious persons, until somebody works with the register for real."""
    if house.register.position() == 0:
        say("the database is empty: loading a demonstration (DEMO=0 leaves it empty)")
        load(settings, house)


def load(settings: Settings, house: House) -> Demonstration:
    """The keys first: killed while it loads, the service still opens on what was loaded."""
    operators = _issue_keys(settings, house)
    now = house.clock.now()
    clock = ManualClock(now)
    with (
        build(
            house.conninfo,
            key_of(settings, house.conninfo),
            clock,
            journal=house.desk.journal,
            keys_conninfo=house.keys_conninfo,
        ) as past,
        bar("demonstration") as moved,
    ):
        shown = load_demonstration(past.desk, past.writing, clock.move_to, operators, now, moved)
    _write(settings.data / SHOWN, asdict(shown))
    return shown


def _issue_keys(settings: Settings, house: House) -> dict[str, UUID]:
    issued = {role: issue_key(house.operators, house.clock, f"demo {role}", role, SEVEANE) for role in Role}
    _write(settings.data / KEYS, {role.value: one.presented for role, one in issued.items()})
    operators = {role.value: one.operator.operator_id for role, one in issued.items()}
    for role in (Role.INVESTIGATOR, Role.SUPERVISOR, Role.DPO):
        other, _ = add_operator(house.operators, MUTUELLE, f"demo {role}")
        operators[f"{MUTUELLE}/{role}"] = other.operator_id
    return operators


def _write(path: Path, content: object) -> None:
    """For the owner's eyes only, from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, default=str, ensure_ascii=False, indent=2)
        file.write("\n")
