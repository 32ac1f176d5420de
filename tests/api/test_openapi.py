"""The OpenAPI keeps its word: whatever is sent, no 500, no status and no shape that it does not declare."""

from __future__ import annotations

import contextlib
import random
import re
import threading
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import httpx
import hypothesis
import pytest
import requests
import schemathesis
import uvicorn
from fastapi.testclient import TestClient
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.main import create_app
from api.openapi import described, text
from tests.api.conftest import CASE, PERSON, PROPORTIONALITY
from watchlist.adapters.postgres.operators import PostgresOperators
from watchlist.application.operators import issue_key
from watchlist.bootstrap import House
from watchlist.domain.operator import Role

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ROOT = Path(__file__).parents[2]
EXAMPLES = 8
"""Right ones, and as many wrong ones, for each operation and each role that may ask it."""
DATES = ("raised_on", "opened_on", "ended_on", "died_on", "birth_date", "received_on", "told_on", "sent_on")
TEXTS = (
    "reason",
    "text",
    "summary",
    "description",
    "court",
    "reference",
    "name",
    "family_name",
    "given_names",
)
PLAUSIBLE = {
    **dict.fromkeys(DATES, "2026-02-26"),
    **dict.fromkeys(TEXTS, "Texte"),
    "term_months": 12,
    "proportionality": PROPORTIONALITY,
    "limitation": {"basis": "CPP 8", "ends_on": "2032-02-26"},
    "notice_deferral": {"reason": "x", "review_on": "2026-06-01"},
    "amount_at_stake": {"amount": "12.50", "currency": "EUR"},
    "identifiers": PERSON["identifiers"],
    "deferred": [{"part": "cases.evidence", "reason": "x", "review_on": "2026-06-01"}],
    "Idempotency-Key": "one",
    "review_on": "2026-06-01",
    "url": "https://payer.example/hooks",
    "change_id": "1",
    "number": 1,
    "after": "0",
}
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.fixture
def address(house: House) -> Iterator[str]:
    """The service behind a real port: what schemathesis sends goes through HTTP."""
    server = uvicorn.Server(uvicorn.Config(create_app(house), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@dataclass
class Stage:
    """A service with something in it, a key for each role, and the ids of what there is."""

    schema: Any
    keys: dict[str, str]
    known: dict[str, Any]


@pytest.fixture
def stage(address: str, house: House) -> Stage:
    operators = PostgresOperators(house.pool)
    keys = {
        role.value: issue_key(operators, house.clock, role.value, role, "GRPM").presented for role in Role
    }
    with httpx.Client(base_url=f"{address}/v1") as client:
        known = _something_in_it(client, keys)
    return Stage(schemathesis.openapi.from_url(f"{address}/openapi.json"), keys, known)


def _something_in_it(client: httpx.Client, keys: dict[str, str]) -> dict[str, Any]:
    def made(role: str, path: str, body: Any = None) -> Any:
        answer = client.post(path, json=body, headers={"Authorization": f"Bearer {keys[role]}"})
        assert answer.is_success, answer.text
        return answer.json()

    subject = made("investigator", "/subjects", PERSON)["id"]
    case = made("investigator", "/cases", {**CASE, "subject_ids": [subject]})["id"]
    made("investigator", f"/cases/{case}/qualification", {"relevant": True, "reason": "x"})
    proposal = {"subject_id": subject, "grounds": ["collusion"], "proportionality": PROPORTIONALITY}
    inscription = made("investigator", f"/cases/{case}/inscriptions", proposal)["id"]
    made("supervisor", f"/inscriptions/{inscription}/approval", {})
    procedure = {"kind": "prosecution", "court": "TJ", "reference": "1", "opened_on": "2026-02-25"}
    opened = made("investigator", f"/cases/{case}/procedures", {**procedure, "subject_ids": [subject]})
    request = {"kind": "access", "subject_id": subject, "received_on": "2026-02-26"}
    return {
        "subject_id": subject,
        "subject_ids": [subject],
        "duplicate_id": made("investigator", "/subjects", {**PERSON, "identifiers": []})["id"],
        "case_id": case,
        "inscription_id": inscription,
        "letter_id": str(uuid5(UUID(inscription), "inscription")),
        "procedure_id": opened["procedure_id"],
        "continues": opened["procedure_id"],
        "request_id": made("dpo", "/rights-requests", request)["id"],
        **PLAUSIBLE,
    }


@pytest.mark.slow
@pytest.mark.parametrize("role", Role)
def test_the_service_does_what_its_openapi_says(stage: Stage, role: Role) -> None:
    chance = random.Random(1)
    for result in stage.schema.get_all_operations():
        operation = result.ok()
        if role in operation.definition.raw.get("x-roles", [Role.AUDITOR]):
            for mode in schemathesis.GenerationMode:
                _keeps_its_word(operation, mode, stage, role, chance)


def _keeps_its_word(operation: Any, mode: Any, stage: Stage, role: Role, chance: random.Random) -> None:
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    @SETTINGS
    def ask(case: Any) -> None:
        for part in (case.path_parameters, case.headers or {}, case.body):
            _make_known(part, stage.known, chance)
        headers = {"Authorization": f"Bearer {stage.keys[role.value]}"}
        if case.method == "PATCH" and chance.random() < 0.8:
            headers["If-Match"] = chance.choice(('"1"', '"5"', "x"))
        try:
            answer = case.call(headers=headers)
        except requests.exceptions.InvalidHeader:
            hypothesis.reject()  # what the client library does not even send
        case.validate_response(answer, checks=CHECKS)

    # Nothing wrong can be sent to an operation without parameters.
    with contextlib.suppress(hypothesis.errors.Unsatisfiable):
        ask()


def _make_known(part: Any, known: dict[str, Any], chance: random.Random) -> None:
    """What exists or is plausible, in the place of half of what was made up."""
    if isinstance(part, MutableMapping):
        for name in sorted(set(part) & set(known)):
            if chance.random() < 0.5:
                part[name] = known[name]


def test_the_committed_openapi_is_that_of_the_code() -> None:
    """After a change of the API: `make openapi`."""
    assert (ROOT / "docs" / "openapi.json").read_text("utf-8") == text()


def test_every_schema_has_a_name_that_a_program_can_have() -> None:
    schemas = described()["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch(r"[A-Z][A-Za-z]+", name)] == []
    assert [name for name, shape in schemas.items() if shape["title"] != name] == []


def test_every_operation_reads_like_a_verb_and_says_who_may(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    names = []
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            names.append(operation["operationId"])
            assert operation["tags"], path
            if path.startswith("/v1"):
                assert operation["security"] == [{"bearer": []}], path
                assert operation["x-roles"], path
                assert {"401", "403", "422", "503"} <= operation["responses"].keys(), path
    assert len(set(names)) == len(names)
    assert "HTTPValidationError" not in schema["components"]["schemas"]


def test_every_body_has_an_example(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    schemas = schema["components"]["schemas"]
    bodies = {
        name
        for methods in schema["paths"].values()
        for operation in methods.values()
        for name in re.findall(r"schemas/(\w+)", str(operation.get("requestBody")))
    }
    assert len(bodies) > 20
    bare = [
        name
        for name, shape in schemas.items()
        if name in bodies and "example" not in str(shape) and "$ref" not in str(shape)
    ]
    assert bare == []
