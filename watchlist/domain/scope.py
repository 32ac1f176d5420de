"""Scopes: how a key is narrowed below its role. A closed list of areas; some areas can be read only."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Scope(StrEnum):
    """What a narrowed key opens, of what its role may; a key without scopes opens all of it."""

    SCREENINGS = "screenings"
    CHANGES = "changes"
    WEBHOOKS = "webhooks"
    MATCH = "match"
    CASES = "cases"
    CASES_READ = "cases:read"
    RIGHTS = "rights"
    RIGHTS_READ = "rights:read"
    AUDIT = "audit"
    OPERATORS = "operators"
    OPERATORS_READ = "operators:read"


READING: Mapping[Scope, Scope] = {
    Scope.CASES: Scope.CASES_READ,
    Scope.RIGHTS: Scope.RIGHTS_READ,
    Scope.OPERATORS: Scope.OPERATORS_READ,
}
"""An area, and the scope that only reads it."""


def opening(area: Scope, *, reads: bool) -> frozenset[Scope]:
    """The scopes that let a request to an area through: the area's own, and its reader's for a reading."""
    readers = {READING[area]} if reads and area in READING else set()
    return frozenset({area} | readers)
