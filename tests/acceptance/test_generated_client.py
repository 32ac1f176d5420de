"""The committed OpenAPI is enough to work with: a client generated from it tells a whole story to a real service."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.acceptance.service import ROOT, Office, Service, service
from tests.acceptance.story import PROPORTIONALITY, person, question, today

NAME = "generated_watchlist_client"
OPAQUE = ("text/csv", "application/pdf", "application/x-ndjson", "text/event-stream")
"""What is not JSON: the generator hands it over as bytes."""
Model = Callable[[str, dict[str, Any]], Any]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The client's package, importable; without a warning, so that no operation is missing."""
    folder = tmp_path_factory.mktemp("client")
    overrides = dict.fromkeys(OPAQUE, "application/octet-stream")
    (folder / "config.json").write_text(json.dumps({"post_hooks": [], "content_type_overrides": overrides}))
    given = {
        "--path": ROOT / "docs" / "openapi.json",
        "--config": folder / "config.json",
        "--output-path": folder / NAME,
        "--meta": "none",
    }
    options = [str(part) for option in given.items() for part in option]
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", *options, "--fail-on-warning"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout
    sys.path.insert(0, str(folder))
    yield folder / NAME
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with service() as made:
        yield made.start()


def model(name: str, body: dict[str, Any]) -> Any:
    return getattr(importlib.import_module(f"{NAME}.models"), name).from_dict(body)


class Somebody:
    """Who works with the generated client, by one key."""

    def __init__(self, url: str, key: str) -> None:
        client = importlib.import_module(f"{NAME}.client")
        self._client = client.AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True)

    def __call__(self, operation: str, **given: Any) -> Any:
        module, _, name = operation.partition(".")
        asked = importlib.import_module(f"{NAME}.api.{module}.{name}")
        return asked.sync(client=self._client, **given)


def test_a_client_generated_from_the_openapi_registers_inscribes_and_screens(
    generated: Path, running: Service
) -> None:
    office = Office.hired(running)
    investigator, supervisor, integrator = (
        Somebody(running.url, one.key) for one in (office.investigator, office.supervisor, office.integrator)
    )
    subject = investigator("subjects.register_a_subject", body=model("NewPerson", person(1)))
    raised = {"subject_ids": [str(subject.id)], "raised_on": today().isoformat(), "source": "control"}
    case = investigator("cases.raise_an_alert", body=model("NewCase", {**raised, "summary": "s"}))
    found = model("Qualification", {"relevant": True, "reason": "documents"})
    assert investigator("cases.qualify_an_alert", case_id=case.id, body=found).state == "under_investigation"
    entry = {
        "subject_id": str(subject.id),
        "grounds": ["overbilling"],
        "proportionality": PROPORTIONALITY,
    }
    proposal = investigator(
        "cases.propose_an_inscription", case_id=case.id, body=model("NewInscription", entry)
    )
    assert _hits(integrator, 1) == [False]
    entry_id = {"inscription_id": proposal.inscription_id}
    approved = supervisor("inscriptions.approve_a_proposal", **entry_id, body=model("Approval", {}))
    assert approved.state == "active"
    assert _hits(integrator, 1, 2) == [True, False]
    read = supervisor("inscriptions.read_an_inscription", **entry_id)
    assert (read.subject_id, read.ends_at) == (subject.id, approved.listed_until)


def test_its_problems_are_told_as_the_openapi_says(generated: Path, running: Service) -> None:
    integrator = Somebody(running.url, running.hire("integrator", "another").key)
    refused = integrator("screenings.screen", body=model("ScreeningRequest", question()))
    assert (refused.status, refused.code) == (422, "batch_size")
    forbidden = integrator("cases.read_a_case", case_id=UUID(int=1))
    assert (forbidden.status, forbidden.code) == (403, "role_not_allowed")


def _hits(integrator: Somebody, *numbers: int) -> list[bool]:
    answer = integrator("screenings.screen", body=model("ScreeningRequest", question(*numbers)))
    assert answer.review_required is True
    return [answer.results[f"q{number}"].hit for number in numbers]
