"""A key of the sandbox: test identifiers answer, the list is never reached, and nothing is traced as told."""

import json
from dataclasses import replace
from typing import Any

import pytest

from api.operator import Asker, Doorkeeper
from tests.api.conftest import Office, Somebody
from watchlist.domain import sandbox

LISTED = "10000001916"


@pytest.fixture
def tester(office: Office, monkeypatch: pytest.MonkeyPatch) -> Somebody:
    """An integrator whose key is the sandbox's."""
    asker = Doorkeeper.asker

    async def of_the_sandbox(self: Doorkeeper, presented: bytes) -> Asker | None:
        found = await asker(self, presented)
        return found and replace(found, sandbox=found.role == "integrator")

    office.entry()
    monkeypatch.setattr(Doorkeeper, "asker", of_the_sandbox)
    return office.integrator


def body(*values: str) -> dict[str, Any]:
    subjects = {value: {"identifiers": [{"scheme": "rpps", "value": value}]} for value in values}
    return {"purpose": "third_party_payment", "file_reference": "LOT-1", "subjects": subjects}


def counted(tester: Somebody, table: str) -> int:
    app: Any = tester.client.app
    with app.state.house.pool.connection() as conn:
        return int(conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()["n"])


def test_it_asks_test_identifiers_and_never_the_list(tester: Somebody) -> None:
    hit = sandbox.HITS[0].value
    answer = tester.post("/screenings", body(LISTED, hit))
    assert answer.json()["results"] == {LISTED: {"hit": False}, hit: {"hit": True}}
    assert counted(tester, "disclosures") == counted(tester, "hits") == 0


def test_in_bulk_too(tester: Somebody) -> None:
    values = [LISTED, sandbox.HITS[0].value, sandbox.FAILS[0].value]
    lines = [json.dumps({"key": v, "identifiers": [{"scheme": "rpps", "value": v}]}) for v in values]
    headers = {
        "Authorization": f"Bearer {tester.key}",
        "Content-Type": "application/x-ndjson",
        "Screening-Purpose": "claim_control",
        "Screening-File-Reference": "LOT-1",
    }
    answer = tester.client.post("/v1/screenings/bulk", content="\n".join(lines[:2]), headers=headers)
    assert [json.loads(line)["hit"] for line in answer.text.splitlines()] == [False, True]
    assert tester.client.post("/v1/screenings/bulk", content=lines[2], headers=headers).status_code == 503


def test_it_fails_when_it_is_asked_to(tester: Somebody) -> None:
    assert tester.post("/screenings", body(sandbox.FAILS[0].value)).status_code == 503


def test_it_reaches_nothing_else(tester: Somebody) -> None:
    app: Any = tester.client.app
    assert tester.get("/me").status_code == 200
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            if (
                "integrator" in operation.get("x-roles", ())
                and "/screenings" not in path
                and path != "/v1/me"
            ):
                refused = tester.ask(method.upper(), path.removeprefix("/v1"))
                assert (refused.status_code, refused.json()["code"]) == (403, "key_of_the_sandbox"), path
