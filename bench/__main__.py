"""`python -m bench`: every figure beside its floor, in one run; exits 1 when one is under it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench import batch, commands, replay, report, screening, startup, sweep
from bench.figure import Figure
from bench.premises import Premises, premises
from bench.sizes import FULL, QUICK, Sizes
from watchlist.cli.terminal import say

MEASURES: Mapping[str, Callable[[Premises], Iterator[Figure]]] = {
    "commands": commands.measure,
    "screening": screening.measure,
    "batch": batch.measure,
    "replay": replay.measure,
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
    figures = measured(QUICK if args.quick else FULL, names)
    if args.json:
        print(json.dumps(report.document(figures, report.machine())))
    else:
        print(
            f"{report.machine()}; medians of rounds, what is compared takes turns\n\n{report.table(figures)}"
        )
    return 0 if report.met(figures) else 1


def measured(sizes: Sizes, names: Sequence[str]) -> list[Figure]:
    found: list[Figure] = []
    with premises(sizes) as place:
        for name in names:
            say(f"bench: {name}")
            found += MEASURES[name](place)
    return found


if __name__ == "__main__":
    sys.exit(main())
