"""What drills share: their mark, their chance, and one report of what they counted.

`WATCHLIST_DRILL_SEED` repeats a drill's chance, `WATCHLIST_DRILL_REPORT` names a file for the counts as JSON.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Report = dict[str, dict[str, Any]]
REPORT = pytest.StashKey[Report]()
HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.stash.setdefault(REPORT, {})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands in this folder is a drill, before anything is chosen by its mark."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.drill)


@pytest.fixture(scope="session")
def drill_report(request: pytest.FixtureRequest) -> Callable[..., None]:
    """drill_report(name, **counts): what a drill counted, for the table at the end; told again, it is added to."""
    report = request.config.stash.setdefault(REPORT, {})

    def told(name: str, **counts: Any) -> None:
        report.setdefault(name, {}).update(counts)

    return told


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report = config.stash.get(REPORT, {})
    if not report:
        return
    terminalreporter.section("drills")
    width = max(map(len, report))
    for name, counts in report.items():
        told = ", ".join(f"{what.replace('_', ' ')} {_shown(count)}" for what, count in counts.items())
        terminalreporter.write_line(f"{name:<{width}}  {told}")
    if named := os.environ.get("WATCHLIST_DRILL_REPORT"):
        Path(named).write_text(json.dumps(report, indent=2, default=str) + "\n")


def _shown(count: Any) -> str:
    match count:
        case float():
            return f"{count:,.1f}"
        case int():
            return f"{count:,}"
        case _:
            return str(count)


@pytest.fixture
def chance(request: pytest.FixtureRequest, drill_report: Callable[..., None]) -> random.Random:
    """Random moments; the seed is printed, and repeats them as far as a machine does anything twice."""
    seed = int(os.environ.get("WATCHLIST_DRILL_SEED") or random.SystemRandom().randrange(2**32))
    print(f"WATCHLIST_DRILL_SEED={seed}")
    drill_report(request.node.name.removeprefix("test_").replace("_", " "), seed=str(seed))
    return random.Random(seed)
