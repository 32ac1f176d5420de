"""`watchlist dossier`: how somebody stood on a day, with what proves it."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from watchlist.application.compile_dossier import compile_dossier
from watchlist.bootstrap import House, open_house
from watchlist.cli.terminal import Stop, tell
from watchlist.domain import periods
from watchlist.domain.dossier_paper import dossier_paper
from watchlist.settings import Settings


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "dossier",
        help="how a subject stood on a day, with its proofs; names nobody: the API does, to who may know",
    )
    parser.add_argument("subject", type=UUID, metavar="SUBJECT")
    parser.add_argument(
        "--day", type=date.fromisoformat, required=True, metavar="DAY", help="such as 2026-03-15"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="must not exist yet")
    parser.add_argument("--pdf", action="store_true", help="on paper (PDF/A), in French, instead of JSON")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_dossier)


def run_dossier(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        view = compile_dossier(house.desk, house.proving, args.subject, args.day, None, identified=False)
        _write(args.out, _printed(house, view) if args.pdf else msgspec.json.encode(view))
    facts = {
        "subject_id": str(args.subject),
        "day": args.day.isoformat(),
        "listed": view["listed"].value,
        "proofs": len(view["proofs"]),
        "not_sealed": view["not_sealed"],
        "file": str(args.out),
    }
    tell(facts, args.json, f"{view['in_words'].en} {len(view['proofs'])} proofs, in {args.out}")
    return 0


def _printed(house: House, view: dict[str, Any]) -> bytes:
    paper = dossier_paper(view, house.writing.contacts, periods.civil_date(house.clock.now()))
    return house.writing.press.print_dossier(paper)


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror}") from None
