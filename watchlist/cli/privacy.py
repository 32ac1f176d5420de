"""`watchlist privacy`: the record of processing, from the code's own table (GDPR, art. 30)."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from watchlist.cli.terminal import tell
from watchlist.domain.processing import RECORD, table
from watchlist.settings import Settings


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("privacy", help="the record of processing: what is held, why, how long")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    """Needs no database: it is the same for every installation."""
    tell([asdict(held) for held in RECORD], args.json, table())
    return 0
