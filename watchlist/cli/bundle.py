"""`watchlist export-events` and `verify`: what an auditor carries away, and whether it is what was sealed."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from watchlist.adapters.postgres.sealed_leaves import PostgresSealedLeaves
from watchlist.application.export_events import export_events
from watchlist.audit import verifier
from watchlist.audit.signer import Signer
from watchlist.bootstrap import House, open_house
from watchlist.cli.terminal import Stop, bar, tell
from watchlist.settings import Settings


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("export-events", help="write what is sealed into a bundle")
    parser.add_argument("path", type=Path, metavar="PATH", help="a folder, or one file that ends in .tar")
    parser.add_argument(
        "--until", type=_size, metavar="SIZE", help="the last checkpoint of at most SIZE leaves"
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_export)
    parser = commands.add_parser("verify", help="verify a bundle or a dossier, offline")
    verifier.add_arguments(parser)
    parser.set_defaults(alone=run_verify)


def run_export(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        if args.until is None:
            house.sealer.seal()
        with bar("leaves") as moved:
            exported = export_events(
                house.sealed_log,
                PostgresSealedLeaves(house.pool),
                _signer(house),
                args.path,
                until=args.until,
                witnesses=[one.key for one in house.witnesses],
                progress=moved,
            )
    facts = asdict(exported) | {"path": str(args.path), "root": exported.root.hex()}
    tell(
        facts,
        args.json,
        f"{exported.size} leaves of {exported.origin} in {args.path}: `watchlist verify` checks them",
    )
    return 0


def _signer(house: House) -> Signer:
    keys = house.sealed_log.keys()
    if not keys:
        raise Stop("nothing is sealed so far: there is nothing to export")
    return house.sealer.signer(keys)


def run_verify(args: argparse.Namespace) -> int:
    with bar("bytes") as moved:
        return verifier.run(args, moved)


def _size(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("a number of leaves")
    return int(text)
