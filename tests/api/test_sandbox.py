"""A key of the sandbox: test identifiers answer, the list is never reached, and nothing is traced as told."""

import json
from typing import Any

import pytest

from tests.api.conftest import Office, Somebody
from watchlist.application.operators import Grant, grant_key
from watchlist.domain import sandbox
from watchlist.domain.operator import Role

LISTED = "10000001916"


@pytest.fixture
def tester(office: Office) -> Somebody:
    """An integrator whose key is the sandbox's."""
    office.entry()
    app: Any = office.integrator.client.app
    issued = grant_key(
        app.state.operators,
        app.state.house.clock,
        "tester",
        office.organisation,
        Grant(Role.INTEGRATOR, sandbox=True),
    )
    return Somebody(office.integrator.client, issued.presented)


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
