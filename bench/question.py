"""The bodies of screenings: half of them about somebody listed, half about nobody."""

from __future__ import annotations

import json
import random
from typing import Any

from bench import population

PATH = "/v1/screenings"
REQUESTS = 2_000
"""Prepared, and sent in turns."""


def by_identifier(entries: int, requests: int = REQUESTS, subjects: int = 1) -> list[str]:
    numbers = _numbers(entries, requests * subjects)
    asked = [{"identifiers": [{"scheme": "rpps", "value": population.rpps(number)}]} for number in numbers]
    return [_body(asked[at : at + subjects]) for at in range(0, len(asked), subjects)]


def by_name(entries: int, requests: int = REQUESTS) -> list[str]:
    return [_body([person(number)]) for number in _numbers(entries, requests)]


def _numbers(entries: int, count: int) -> list[int]:
    """Every other one listed."""
    chance = random.Random(1)
    return [chance.randrange(entries) + (0 if place % 2 else population.UNKNOWN) for place in range(count)]


def person(number: int) -> dict[str, Any]:
    """Somebody unknown bears a listed name, and was born on another day."""
    unknown = number >= population.UNKNOWN
    found = population.namesake(number) if unknown else population.person(number)
    assert found.birth_date is not None
    return {
        "kind": "person",
        "family_name": found.family_name.upper(),
        "given_names": found.given_names,
        "birth_date": found.birth_date.isoformat(),
    }


def _body(subjects: list[dict[str, Any]]) -> str:
    keyed = {f"q{place}": subject for place, subject in enumerate(subjects)}
    return json.dumps(
        {"purpose": "third_party_payment", "file_reference": "LOT-2026-000123", "subjects": keyed}
    )
