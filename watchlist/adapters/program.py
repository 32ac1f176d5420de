"""This program, as it is installed: whether something was made by the same one."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

SOURCES = (".py", ".sql")


@cache
def digest_of_code() -> str:
    return digest_of(resources.files("watchlist"))


def digest_of(folder: Traversable) -> str:
    """Of every source in it, by name: which of them decides of a row is not asked."""
    digest = hashlib.sha256()
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            digest.update(f"{one.name}/{digest_of(one)}".encode())
        elif one.name.endswith(SOURCES):
            digest.update(f"{one.name} {hashlib.sha256(one.read_bytes()).hexdigest()}".encode())
    return digest.hexdigest()
