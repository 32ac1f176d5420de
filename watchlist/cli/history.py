"""`watchlist sweep` and `replay`: what is due, what was, and whether the pictures say so."""

from __future__ import annotations

import argparse
from collections import Counter
from datetime import date

import msgspec

from watchlist.application.replay import check, replay
from watchlist.application.sweep import due, sweep
from watchlist.bootstrap import House, open_house
from watchlist.cli.terminal import Stop, bar, instant, tell
from watchlist.domain.periods import end_of
from watchlist.settings import Settings


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("sweep", help="record what ended by itself, purge what is over")
    parser.add_argument("--dry-run", action="store_true", help="only count")
    parser.add_argument(
        "--until", type=date.fromisoformat, metavar="DATE", help="with --dry-run: by the end of DATE"
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_sweep)
    parser = commands.add_parser("replay", help="tell the log again; the list as of an instant")
    parser.add_argument("--as-of", type=instant, metavar="INSTANT", help="such as 2026-03-15T22:59:59Z")
    parser.add_argument(
        "--known-at",
        type=instant,
        metavar="INSTANT",
        help="with --as-of: by what was recorded up to this later instant; else as it was known at the instant itself",
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with the live pictures; exits 1 if they differ"
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_replay)


def run_sweep(settings: Settings, args: argparse.Namespace) -> int:
    if args.until and not args.dry_run:
        raise Stop("--until goes with --dry-run: a sweep records only what has already ended")
    with open_house(settings) as house:
        if args.dry_run:
            report = due(house.desk, end_of(args.until, 0) if args.until else house.clock.now())
        else:
            with bar("sweep") as moved:
                report = sweep(house.desk, progress=moved)
            if report.alone:
                house.job_runs.succeeded("sweep", house.clock.now())
    facts = {
        "dry_run": args.dry_run,
        "delisted": report.delisted,
        "alerts_purged": report.alerts_purged,
        "cases_purged": report.cases_purged,
        "subjects_erased": report.subjects_erased,
        "imports_purged": report.imports_purged,
        "failed": report.failed,
        "another_sweep_ran": not report.alone,
    }
    would = "would be " if args.dry_run else ""
    text = (
        f"{report.delisted} entries {would}delisted; {report.alerts_purged} alerts, {report.cases_purged} cases, "
        f"{report.imports_purged} imports {would}purged; {report.subjects_erased} subjects {would}erased"
    )
    if not report.alone:
        text = "another sweep is running: nothing done by this one"
    tell(facts, args.json, text)
    return 1 if report.failed else 0


def run_replay(settings: Settings, args: argparse.Namespace) -> int:
    if args.check and args.as_of:
        raise Stop("--check compares with the pictures of now: leave --as-of out")
    if args.known_at and not (args.as_of and args.as_of <= args.known_at):
        raise Stop("--known-at goes with an --as-of that is not after it")
    with open_house(settings) as house:
        return _check(house, args) if args.check else _list(house, args)


def _list(house: House, args: argparse.Namespace) -> int:
    at = args.as_of or house.clock.now()
    known_at = args.known_at or at
    with bar("events", house.register.position()) as moved:
        told = replay(house.snapshots, known_at, moved)
    listed = told.listed(at, known_at=known_at)
    facts = {
        "as_of": at.isoformat(),
        "known_at": known_at.isoformat(),
        "position": told.position,
        "items": msgspec.to_builtins(listed),
    }
    lines = [
        f"{s.inscription_id}  {s.organisation}  {s.inscribed_on}  until {s.last_listed_day}" for s in listed
    ]
    tell(facts, args.json, "\n".join([f"{len(listed)} listed as of {at.isoformat()}", *lines]))
    return 0


def _check(house: House, args: argparse.Namespace) -> int:
    with bar("events", house.register.position()) as moved:
        told, differences = check(house.desk, house.snapshots, moved)
    facts = {
        "position": told.position,
        "same": not differences,
        "differences": msgspec.to_builtins(differences),
    }
    counted = Counter((d.table, d.kind) for d in differences)
    lines = [f"{count} rows {kind} in {table}" for (table, kind), count in sorted(counted.items())]
    verdict = "the live pictures are what the log says" if not differences else "\n".join(lines)
    tell(facts, args.json, f"{told.position} positions replayed: {verdict}")
    return 1 if differences else 0
