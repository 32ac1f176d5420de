"""Named SQL: each file beside a module holds its statements, under lines `-- name: what_it_does`."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def queries(file: str) -> dict[str, bytes]:
    """The statements of one .sql file of this folder, by name."""
    text = (resources.files("watchlist.adapters.postgres") / file).read_text("utf-8")
    parts = _NAME.split(text)
    return dict(zip(parts[1::2], (body.strip().encode() for body in parts[2::2]), strict=True))
