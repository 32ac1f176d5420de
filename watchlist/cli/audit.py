"""`watchlist dossier` and `report`: how somebody stood on a day, with its proofs; and what should not be."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from watchlist.application.compile_dossier import compile_dossier
from watchlist.application.reports import Page, read_report
from watchlist.bootstrap import House, open_house
from watchlist.cli.terminal import Stop, bar, tell
from watchlist.domain import periods
from watchlist.domain.dossier_paper import dossier_paper
from watchlist.domain.report import REPORTS, Report
from watchlist.ports.registry import FIRST
from watchlist.settings import Settings

PAGE = 1000


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
    parser = commands.add_parser("report", help="what should not be, or should be looked at, by its rule")
    parser.add_argument(
        "name", choices=[report.value for report in Report], metavar="NAME", help=", ".join(Report)
    )
    parser.add_argument("--organisation", metavar="CODE")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_report)


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


def run_report(settings: Settings, args: argparse.Namespace) -> int:
    """Exits 0 whatever it shows: to look is not to judge."""
    report = Report(args.name)
    with open_house(settings) as house, bar("rows") as moved:
        items = []
        for page in _pages(house, report, args.organisation):
            items += page
            moved(len(items))
    facts = {"report": report.value, "rule": REPORTS[report].rule, "items": msgspec.to_builtins(items)}
    lines = [f"{one['id']}  {one['organisation']}  {_why(one)}" for one in items]
    tell(facts, args.json, "\n".join([f"{REPORTS[report].en} {len(items)} found", *lines]))
    return 0


def _pages(house: House, report: Report, organisation: str | None) -> Iterator[list[dict[str, Any]]]:
    after, at = FIRST, house.clock.now()
    while found := read_report(house.register, house.reports, report, Page(organisation, at, after, PAGE)):
        yield found
        after = found[-1]["id"]


def _why(item: dict[str, Any]) -> str:
    """The reasons that the item gives, or what holds it, or by how much it is late."""
    if "why" in item:
        return ", ".join(item["why"])
    if "held_by" in item:
        return f"held by {', '.join(str(one['procedure_id']) for one in item['held_by'])}"
    return f"{item.get('late_by_days', item.get('days'))} days"


def _printed(house: House, view: dict[str, Any]) -> bytes:
    paper = dossier_paper(view, house.writing.contacts, periods.civil_date(house.clock.now()))
    return house.writing.press.print_dossier(paper)


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror}") from None
