"""The bodies of screenings: one in a hundred about somebody listed, the others about nobody.

A hit is written down as told, and costs more than an answer without one; half of them are hits where that is measured.
"""

from __future__ import annotations

import json
import random
from typing import Any

from bench import population

PATH = "/v1/screenings"
REQUESTS = 2_000
"""Prepared, and sent in turns."""
LISTED_IN = 100
"""One subject of so many is listed: more than any payment operator meets."""
HALF = 2


def by_identifier(
    entries: int, requests: int = REQUESTS, subjects: int = 1, listed_in: int = LISTED_IN
) -> list[str]:
    numbers = _numbers(entries, requests * subjects, listed_in)
    asked = [{"identifiers": [{"scheme": "rpps", "value": population.rpps(number)}]} for number in numbers]
    return [_body(asked[at : at + subjects]) for at in range(0, len(asked), subjects)]


def by_name(entries: int, requests: int = REQUESTS) -> list[str]:
    return [_body([person(number)]) for number in _numbers(entries, requests, LISTED_IN)]


def _numbers(entries: int, count: int, listed_in: int) -> list[int]:
    """The last of so many is listed."""
    chance = random.Random(1)
    last = listed_in - 1
    return [
        chance.randrange(entries) + (0 if place % listed_in == last else population.UNKNOWN)
        for place in range(count)
    ]


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
