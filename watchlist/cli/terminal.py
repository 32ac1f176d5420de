"""What the command line says to people, and to programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Stop(Exception):
    """The command cannot go on; one line says why and what to do."""


def instant(text: str) -> datetime:
    """An argument that is an instant: RFC 3339, its offset named."""
    given = datetime.fromisoformat(text)
    if given.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant names its offset, such as Z or +01:00")
    return given.astimezone(UTC)


def say(text: str) -> None:
    """To a person: on standard error, so that standard output stays what programs read."""
    errors.print(f"watchlist: {text}", markup=False)


def tell(value: Any, as_json: bool, text: str) -> None:
    """The answer of a command, on standard output."""
    print(json.dumps(value, default=str, ensure_ascii=False) if as_json else text)
    sys.stdout.flush()


class Bar:
    """A progress bar that is moved to how much is done, of a total that may be unknown."""

    def __init__(self, progress: Progress, title: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total)

    def __call__(self, done: int, total: int | None = None) -> None:
        self._progress.update(self._task, completed=done, total=total)

    def retitle(self, title: str) -> None:
        self._progress.update(self._task, description=title)


@contextmanager
def bar(title: str, total: int | None = None) -> Iterator[Bar]:
    """Shown on standard error while something long runs, when that is a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        yield Bar(progress, title, total)
