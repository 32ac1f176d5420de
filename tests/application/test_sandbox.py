"""The sandbox: its identifiers answer as documented, and the list is never asked (S5, S9)."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.stories import MONDAY, an_asking
from watchlist.adapters.clock import ManualClock
from watchlist.application.sandbox import sandbox_screening
from watchlist.domain import sandbox
from watchlist.domain.identifiers import Identifier, parse
from watchlist.domain.refusals import Busy
from watchlist.domain.tokens import Tokenizer
from watchlist.ports.keys import LookupKeys

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "integration.md").read_text("utf-8")
TOKENIZER = Tokenizer(b"k" * 32, 3)


class Lookups:
    now = LookupKeys(TOKENIZER, (TOKENIZER,), (TOKENIZER,), TOKENIZER)

    def refresh(self) -> None: ...


def screened(**subjects: Any) -> dict[str, Any]:
    screening = sandbox_screening(Lookups(), ManualClock(MONDAY))
    asked = {"purpose": "claim_control", "file_reference": "LOT-1", "subjects": subjects}
    answer = asyncio.run(screening.answer(json.dumps(asked).encode(), an_asking()))
    results: dict[str, Any] = json.loads(answer)["results"]
    return results


def by(identifier: Identifier) -> dict[str, Any]:
    return {"identifiers": [{"scheme": identifier.scheme, "value": identifier.value}]}


def named(person: sandbox.Person) -> dict[str, Any]:
    return {"family_name": person[0].upper(), "given_names": person[1], "birth_date": person[2].isoformat()}


def test_each_answers_as_documented() -> None:
    hits = {f"hit-{one.scheme}": by(one) for one in sandbox.HITS}
    never = {f"never-{one.scheme}": by(one) for one in (*sandbox.NEVER, parse("rpps", "10000001916"))}
    persons = {"hit-person": named(sandbox.PERSON_HITS), "never-person": named(sandbox.PERSON_NEVER)}
    for key, result in screened(**hits, **never, **persons).items():
        assert result == {"hit": key.startswith("hit")}, key


def test_one_is_malformed_and_the_others_are_answered() -> None:
    scheme, value = sandbox.MALFORMED
    found = screened(a={"identifiers": [{"scheme": scheme, "value": value}]}, b=by(sandbox.HITS[0]))
    assert found["a"]["error"]["code"] == "check_failed"
    assert found["b"] == {"hit": True}


@pytest.mark.parametrize("asked", [*map(by, sandbox.FAILS), named(sandbox.PERSON_FAILS)])
def test_some_fail_as_when_the_list_cannot_be_asked(asked: dict[str, Any]) -> None:
    with pytest.raises(Busy):
        screened(a=by(sandbox.HITS[0]), b=asked)


@pytest.mark.parametrize("identifier", [*sandbox.HITS, *sandbox.NEVER, *sandbox.FAILS])
def test_all_are_valid_and_documented(identifier: Identifier) -> None:
    assert parse(identifier.scheme, identifier.value) == identifier
    assert identifier.value in re.findall(r"\d+", DOCUMENTED)
