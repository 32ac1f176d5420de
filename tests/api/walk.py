"""A walk over every operation of the OpenAPI: what it needs is made up from its own schema and examples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from fastapi.testclient import TestClient

from tests.api.conftest import PERSON, Office, Somebody
from tests.api.test_disclosures import BY_HAND
from tests.api.test_imports import GOOD, HEADER, submit
from watchlist.domain.unusual_use import Observed, Unusual

DAY = "2026-02-26"
UNNUMBERED = GOOD.replace(PERSON["identifiers"][0]["value"], "")
CODES = {"kind": "answer", "dataset": "watchlist", "number": "1", "report": "held", "of": "cases"}
"""Parameters of paths that are codes and no ids."""

BODIES = {"/v1/detail-requests/{detail_id}/answer": {"answer": "x"}}
"""Where a body has no field that must be there, and must have one of several."""


@dataclass
class Step:
    """One operation, as it can be asked."""

    method: str
    path: str
    operation: Mapping[str, Any]
    schemas: Mapping[str, Any]

    @property
    def roles(self) -> list[str]:
        return list(self.operation["x-roles"])

    @property
    def scopes(self) -> set[str]:
        return set(self.operation["x-scopes"])

    @property
    def ids(self) -> list[str]:
        return [name for name in re.findall(r"\{(\w+)\}", self.path) if name not in CODES]

    def ask(self, asker: Somebody, known: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        """With ids that are known, else with ids of nothing; with a body that its schema allows."""
        known = known or {}
        path = re.sub(
            r"\{(\w+)\}", lambda found: str(CODES.get(found[1]) or known.get(found[1], uuid4())), self.path
        )
        sent = {
            "Authorization": f"Bearer {asker.key}",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        if self.method == "PATCH":
            sent["If-Match"] = '"1"'
        body = self.body(known)
        if isinstance(body, bytes):
            sent["Content-Type"] = "text/csv"
            return asker.client.request(self.method, path, content=body, headers=sent)
        return asker.client.request(self.method, path, json=body, headers=sent)

    def body(self, known: Mapping[str, Any]) -> Any:
        if self.path in BODIES:
            return BODIES[self.path]
        content = self.operation.get("requestBody", {}).get("content", {})
        if "text/csv" in content and "application/json" not in content:
            return f"{HEADER}\n{GOOD}".encode()
        schema = content.get("application/json", {}).get("schema")
        return None if schema is None else self._made_up("body", schema, known)

    def _made_up(self, name: str, schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
        if name in known:
            return known[name]
        if "$ref" in schema:
            return self._made_up(name, self.schemas[schema["$ref"].rpartition("/")[2]], known)
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self._made_up(name, schema[several][0], known)
        if "properties" in schema:
            needed = schema["properties"] if self.method == "PATCH" else schema.get("required", ())
            return {part: self._made_up(part, schema["properties"][part], known) for part in needed}
        return _value(schema) or self._other(name, schema, known)

    def _other(self, name: str, schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
        if schema.get("type") == "array":
            return [self._made_up(f"{name}[]", schema["items"], known)]
        return {"object": {}, "integer": 1, "boolean": True}.get(schema.get("type", ""), "x")


def _value(schema: Mapping[str, Any]) -> Any:
    """What the schema itself gives; a day that is neither to come nor long ago."""
    if schema.get("format") == "date":
        return DAY
    return next((schema[key][0] for key in ("examples", "enum") if schema.get(key)), schema.get("const"))


def steps(client: TestClient) -> Iterator[Step]:
    openapi = client.get("/openapi.json").json()
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            if "x-roles" in operation:
                yield Step(method.upper(), path, operation, openapi["components"]["schemas"])


@dataclass
class Belongings:
    """One organisation's: an id of everything that an operation has in its path, and what bodies are to say."""

    ids: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, office: Office) -> Belongings:
        """When a new parameter of a path shows up, its id is made here."""
        subject, case, inscription = office.entry()
        procedure = {"kind": "prosecution", "court": "TJ", "reference": "1", "opened_on": DAY}
        opened = office.investigator.made(
            f"/cases/{case}/procedures", {**procedure, "subject_ids": [subject]}
        )
        request = {"kind": "access", "subject_id": subject, "received_on": DAY}
        spare = office.admin.made("/keys", {"operator": "spare", "role": "dpo"})
        letters = office.dpo.get("/letters").json()["items"]
        other = office.subject(family_name="Autre", given_names="Personne", identifiers=[])
        screening = _hit(office)
        webhook = office.integrator.made("/webhooks", {"url": "https://payer.example/hooks"})
        return cls(
            {
                "key": "q1",
                "screening_id": screening,
                "detail_id": _asked(office, screening),
                "webhook_id": webhook["id"],
                "change_id": _stopped(office, inscription),
                "alarm_id": _alarm(office),
                "subject_id": subject,
                "subject_ids": [subject],
                "duplicate_id": other,
                "case_id": case,
                "inscription_id": inscription,
                "procedure_id": opened["procedure_id"],
                "request_id": _answered(office, request),
                "text_id": office.investigator.get(f"/cases/{case}").json()["text_ids"]["summary"],
                "letter_id": letters[0]["letter_id"],
                "import_id": submit(office, f"{HEADER}\n{UNNUMBERED}").json()["import_id"],
                "erasure_id": _erased(office),
                "operator_id": spare["operator_id"],
                "key_id": spare["id"],
                "disclosure_id": office.dpo.made("/disclosures", {**BY_HAND, "subject_id": subject})["id"],
                "identifiers": PERSON["identifiers"],
            }
        )


def _answered(office: Office, request: dict[str, Any]) -> str:
    made = str(office.dpo.made("/rights-requests", request)["id"])
    office.dpo.made(f"/rights-requests/{made}/decision", {"granted": True, "reason": "x"}, 200)
    office.dpo.made(f"/rights-requests/{made}/answer", {"told_on": "2026-03-02"}, 200)
    return made


def _hit(office: Office) -> str:
    asked = {"q1": {"identifiers": PERSON["identifiers"]}}
    body = {"purpose": "claim_control", "file_reference": "1", "subjects": asked}
    answer = office.integrator.made("/screenings", body, 200)
    assert answer["results"]["q1"]["hit"]
    return str(answer["screening_id"])


def _asked(office: Office, screening: str) -> str:
    """A question, as its owner knows it."""
    question = {"key": "q1", "question": "x"}
    office.integrator.made(f"/screenings/{screening}/detail-requests", question)
    return str(office.investigator.get("/detail-requests").json()["items"][0]["detail_id"])


def _stopped(office: Office, inscription: str) -> str:
    """A change: the hit stopped, and resumed."""
    for done in ("restriction", "restriction/lifting"):
        office.supervisor.made(f"/inscriptions/{inscription}/{done}", {"reason": "x"}, 200)
    return str(office.integrator.get("/changes").json()["items"][0]["id"])


def _alarm(office: Office) -> str:
    """S6, of that organisation; what raises one takes a day of questions."""
    usage = office.auditor.client.app.state.house.usage
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    usage.raise_alarm(uuid4(), office.organisation, at.date(), Observed(Unusual.AT_NIGHT, 9, at), at)
    return str(office.auditor.get("/audit/alarms").json()["items"][0]["alarm_id"])


def _erased(office: Office) -> str:
    """A certificate: an alert found not relevant is purged at once (C1)."""
    subject = office.subject(family_name="Efface", given_names="Bientot", identifiers=[])
    case = office.case(subject, qualified=False)
    body = {"relevant": False, "reason": "x"}
    office.investigator.made(f"/cases/{case}/qualification", body, 200)
    return str(office.dpo.get("/erasures").json()["items"][0]["id"])
