"""The OpenAPI keeps its word: whatever is sent, no 500, no status and no shape that it does not declare."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi.testclient import TestClient
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import Hire, Office, Somebody

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 12
"""Of each phase of each operation: some sixty seconds for all of them."""


@dataclass
class Stage:
    """A service with something in it, and a key for each role."""

    app: Any
    somebody: dict[str, Somebody]
    known: dict[str, str]


@pytest.fixture
def stage(client: TestClient, office: Office, hire: Hire) -> Stage:
    subject, case, inscription = office.entry()
    procedure = {
        "kind": "prosecution",
        "court": "TJ",
        "reference": "1",
        "opened_on": "2026-02-25",
        "subject_ids": [subject],
    }
    procedure_id = office.investigator.made(f"/cases/{case}/procedures", procedure)["procedure_id"]
    known = {
        "subject_id": subject,
        "duplicate_id": subject,
        "case_id": case,
        "inscription_id": inscription,
        "procedure_id": procedure_id,
        "continues": procedure_id,
        "subject_ids": [subject],
        "operator_id": office.investigator.get("/me").json()["operator_id"],
    }
    roles = ("investigator", "supervisor", "integrator", "auditor", "dpo", "admin")
    return Stage(client.app, {role: hire(role, f"fuzzing {role}") for role in roles}, known)


@pytest.fixture
def schema(stage: Stage) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", stage.app)


operations = schemathesis.pytest.from_fixture("schema")


def _keys(operation: Any, stage: Stage) -> Iterator[str]:
    for role in operation.definition.raw.get("x-roles", ["auditor"]):
        yield stage.somebody[role].key


def _made_known(part: Any, known: dict[str, Any]) -> None:
    """Ids that exist, in the place of half of those that were made up."""
    if isinstance(part, dict):
        for name in part.keys() & known.keys():
            if random.random() < 0.5:
                part[name] = known[name]


@pytest.mark.slow
@operations.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_the_service_does_what_its_openapi_says(case: schemathesis.Case, stage: Stage) -> None:
    _made_known(case.path_parameters, stage.known)
    _made_known(case.body, stage.known)
    key = random.choice(list(_keys(case.operation, stage)))
    answer = case.call(headers={"Authorization": f"Bearer {key}"})
    case.validate_response(answer, checks=CHECKS)


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
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    bare = [
        name
        for name, shape in schemas.items()
        if "properties" in shape and "example" not in str(shape) and "$ref" not in str(shape)
    ]
    assert bare == []
