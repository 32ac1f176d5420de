"""`watchlist import FILE.csv`: an existing list, brought in as proposals that a second person approves."""

from __future__ import annotations

import argparse
from pathlib import Path

from watchlist.application.import_list import submit_import
from watchlist.application.operators import add_operator
from watchlist.application.work import Ask
from watchlist.bootstrap import open_house
from watchlist.cli.terminal import Stop, bar, tell
from watchlist.settings import Settings


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("import", help="bring in an existing list from a CSV file")
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    parser.add_argument("--organisation", required=True, metavar="CODE")
    parser.add_argument(
        "--operator", required=True, metavar="NAME", help="who brings it in; cannot approve it"
    )
    parser.add_argument("--dry-run", action="store_true", help="report every line, record nothing")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    """Exits 1 when a line was refused; the others are proposed all the same."""
    try:
        text = args.file.read_bytes()
    except OSError as error:
        raise Stop(f"the file cannot be read: {error.strerror}") from None
    with open_house(settings) as house, bar("lines") as moved:
        operator, _ = add_operator(house.operators, args.organisation, args.operator)
        ask = Ask(operator.operator_id, args.organisation)
        report = submit_import(house.desk, ask, text, args.file.name, args.dry_run, moved)
    body = report.body()
    refused = [f"line {r['line']}: {r['field']}: {r['detail']} ({r['code']})" for r in body["refused"]]
    verdict = "would be proposed" if args.dry_run else "proposed; a second person approves them"
    tell(
        body,
        args.json,
        "\n".join([*refused, f"{report.accepted} entries {verdict}, import {report.import_id}"]),
    )
    return 1 if report.refused else 0
