"""A register as somebody reads it, page after page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.acceptance.service import Somebody


def pages(somebody: Somebody, path: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = somebody.get(f"{path}{'&' if '?' in path else '?'}limit=1000{more}")
        yield from page["items"]
        cursor = page["next"]
