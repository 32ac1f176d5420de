"""The service on a real database, and a client for each role of two organisations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from watchlist.adapters.clock import ManualClock
from watchlist.application.operators import issue_key
from watchlist.bootstrap import House, build
from watchlist.domain.operator import Role

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PROPORTIONALITY = {
    "gravity": "repeated",
    "evidence": "documents",
    "harm": "money",
    "alternatives": "warned before",
    "term_reason": "repetition",
}
PERSON = {
    "kind": "person",
    "role": "health_professional",
    "family_name": "Delatour",
    "given_names": "Marie Claude",
    "birth_date": "1970-02-28",
    "identifiers": [{"scheme": "rpps", "value": "10000001916"}],
}
CASE = {"raised_on": "2026-02-20", "source": "control", "summary": "acts that were not done"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def house(database_url: str, clock: ManualClock) -> Iterator[House]:
    with build(database_url, b"k" * 32, clock) as house:
        yield house


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with TestClient(create_app(house)) as client:
        yield client


@dataclass
class Somebody:
    """One operator's key, and the client it is used by."""

    client: TestClient
    key: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.key}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.client.request(method, f"/v1{path}", json=body, headers=sent)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.ask("POST", path, body, **headers)

    def made(self, path: str, body: Any = None, status: int = 201) -> dict[str, Any]:
        answer = self.post(path, body)
        assert answer.status_code == status, answer.text
        made: dict[str, Any] = answer.json()
        return made


Hire = Callable[..., Somebody]


@pytest.fixture
def hire(client: TestClient) -> Hire:
    """hire(role, name, organisation): somebody with a new key."""
    app: Any = client.app

    def hire(role: str, name: str | None = None, organisation: str = "GRPM") -> Somebody:
        issued = issue_key(app.state.operators, app.state.house.clock, name or role, Role(role), organisation)
        return Somebody(client, issued.presented)

    return hire


@dataclass
class Office:
    """One organisation's people."""

    hire: Hire
    organisation: str
    people: dict[str, Somebody] = field(default_factory=dict)

    def __getattr__(self, role: str) -> Somebody:
        if role not in self.people:
            self.people[role] = self.hire(role, f"{role} of {self.organisation}", self.organisation)
        return self.people[role]

    def subject(self, **changes: Any) -> str:
        answer = self.investigator.post("/subjects", {**PERSON, **changes})
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])

    def case(self, *subjects: str, qualified: bool = True) -> str:
        body = {**CASE, "subject_ids": subjects or [self.subject()]}
        case = str(self.investigator.made("/cases", body)["id"])
        if qualified:
            self.investigator.made(f"/cases/{case}/qualification", {"relevant": True, "reason": "r"}, 200)
        return case

    def proposal(self, case: str, subject: str) -> str:
        body = {"subject_id": subject, "grounds": ["overbilling"], "proportionality": PROPORTIONALITY}
        return str(self.investigator.made(f"/cases/{case}/inscriptions", body)["inscription_id"])

    def entry(self) -> tuple[str, str, str]:
        """A listed subject: subject, case, inscription."""
        subject = self.subject()
        case = self.case(subject)
        inscription = self.proposal(case, subject)
        self.supervisor.made(f"/inscriptions/{inscription}/approval", {}, 200)
        return subject, case, inscription


@pytest.fixture
def office(hire: Hire) -> Office:
    return Office(hire, "GRPM")


@pytest.fixture
def other_office(hire: Hire) -> Office:
    return Office(hire, "PROBTP")
