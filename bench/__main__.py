"""`python -m bench`: every figure beside its floor, in one run; exits 1 when one is under it."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench import batch, bulk, case_file, commands, erasure, replay, report, screening, seal, startup, sweep
from bench.figure import Figure
from bench.premises import Premises, premises
from bench.sizes import FULL, QUICK, Sizes
from watchlist.cli.terminal import say

MEASURES: Mapping[str, Callable[[Premises], Iterator[Figure]]] = {
    "commands": commands.measure,
    "case_file": case_file.measure,
    "screening": screening.measure,
    "batch": batch.measure,
    "bulk": bulk.measure,
    "replay": replay.measure,
    "seal": seal.measure,
    "erasure": erasure.measure,
    "sweep": sweep.measure,
    "startup": startup.measure,
}
"""In this order: the sweep empties the list, and the start comes after everything has been stopped."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, under a minute")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME", help=", ".join(MEASURES))
    args = parser.parse_args(argv)
    names = [name for name in MEASURES if name in (args.only or MEASURES)]
    figures, failed = measured(QUICK if args.quick else FULL, names)
    if args.json:
        print(json.dumps(report.document(figures, failed, report.machine())))
    else:
        print(f"{report.machine()}; medians of rounds, what is compared takes turns\n")
        print(report.table(figures))
    for name in failed:
        say(f"{name} could not be measured, see above")
    return 0 if report.met(figures) and not failed else 1


def measured(sizes: Sizes, names: Sequence[str]) -> tuple[list[Figure], list[str]]:
    """The figures, and the names of what could not be measured: the others still are."""
    found: list[Figure] = []
    failed: list[str] = []
    with premises(sizes) as place:
        for name in names:
            say(f"measuring {name}")
            try:
                found += MEASURES[name](place)
            except Exception:
                traceback.print_exc()
                failed.append(name)
    return found, failed


if __name__ == "__main__":
    sys.exit(main())
