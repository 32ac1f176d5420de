"""Who may ask what: every operation refuses every role it does not name, and everybody without a key."""

from __future__ import annotations

import time
from typing import Any

from fastapi.testclient import TestClient

from api.matrix import table
from tests.api.conftest import CASE, PERSON, PROPORTIONALITY, Hire, Office, Somebody
from tests.api.walk import Belongings, steps
from watchlist.adapters.clock import ManualClock
from watchlist.application.operators import Grant, grant_key
from watchlist.bootstrap import House
from watchlist.domain.operator import Role
from watchlist.domain.scope import Scope

READERS = {"investigator", "supervisor", "auditor", "dpo"}
PERSONAL = ["Delatour", "Marie Claude", "1970-02-28", "10000001916", "Efface", CASE["summary"], "prosecution"]
assert {"Delatour", "Marie Claude", "1970-02-28"} <= set(map(str, PERSON.values()))
CONTRACT = {
    ("post", "/v1/subjects"): {"investigator"},
    ("post", "/v1/subjects/search"): {"investigator", "supervisor", "dpo"},
    ("post", "/v1/match/{dataset}"): {"investigator"},
    ("patch", "/v1/subjects/{subject_id}"): {"investigator"},
    ("get", "/v1/subjects/{subject_id}"): READERS,
    ("post", "/v1/cases"): {"investigator"},
    ("get", "/v1/cases"): READERS,
    ("get", "/v1/cases/{case_id}"): READERS,
    ("get", "/v1/cases/{case_id}/history"): READERS,
    ("get", "/v1/inscriptions"): READERS,
    ("get", "/v1/inscriptions/{inscription_id}"): READERS,
    ("patch", "/v1/inscriptions/{inscription_id}"): {"investigator"},
    ("post", "/v1/inscriptions/{inscription_id}/withdrawal"): {"investigator"},
    ("post", "/v1/inscriptions/{inscription_id}/approval"): {"supervisor"},
    ("post", "/v1/inscriptions/{inscription_id}/rejection"): {"supervisor"},
    ("post", "/v1/inscriptions/{inscription_id}/delisting"): {"supervisor"},
    ("post", "/v1/inscriptions/{inscription_id}/restriction"): {"supervisor"},
    ("post", "/v1/inscriptions/{inscription_id}/restriction/lifting"): {"supervisor"},
    ("post", "/v1/imports"): {"investigator"},
    ("post", "/v1/imports/{import_id}/approval"): {"supervisor"},
    ("get", "/v1/list"): READERS,
    ("get", "/v1/list/difference"): {"auditor", "dpo"},
    ("get", "/v1/subjects/{subject_id}/standing"): {"auditor", "dpo"},
    ("post", "/v1/screenings"): {"integrator"},
    ("get", "/v1/changes"): {"integrator"},
    ("post", "/v1/changes/{change_id}/acknowledgement"): {"integrator"},
    ("get", "/v1/webhooks"): {"integrator"},
    ("post", "/v1/webhooks"): {"integrator"},
    ("get", "/v1/webhooks/{webhook_id}"): {"integrator"},
    ("get", "/v1/webhooks/{webhook_id}/deliveries"): {"integrator"},
    ("post", "/v1/webhooks/{webhook_id}/removal"): {"integrator"},
    ("post", "/v1/webhooks/{webhook_id}/replay"): {"integrator"},
    ("post", "/v1/webhooks/{webhook_id}/secrets"): {"integrator"},
    ("post", "/v1/webhooks/{webhook_id}/secrets/{number}/retirement"): {"integrator"},
    ("post", "/v1/screenings/{screening_id}/reviews"): {"integrator"},
    ("get", "/v1/screenings/{screening_id}/reviews"): {"integrator", "auditor", "dpo"},
    ("post", "/v1/screenings/{screening_id}/detail-requests"): {"integrator"},
    ("get", "/v1/screenings/{screening_id}/detail-requests"): {"integrator", "auditor", "dpo"},
    ("get", "/v1/detail-requests"): READERS,
    ("get", "/v1/detail-requests/{detail_id}"): READERS,
    ("post", "/v1/detail-requests/{detail_id}/answer"): {"investigator"},
    ("get", "/v1/audit/events"): {"auditor"},
    ("get", "/v1/audit/dossiers/{subject_id}"): {"auditor", "dpo"},
    ("get", "/v1/audit/dossiers/{subject_id}/pdf"): {"auditor", "dpo"},
    ("get", "/v1/audit/reports/{report}"): {"auditor", "dpo"},
    ("get", "/v1/audit/samples/{of}"): {"auditor", "dpo"},
    ("get", "/v1/deadlines"): {"auditor", "dpo"},
    ("get", "/v1/rights-requests"): {"dpo"},
    ("post", "/v1/rights-requests"): {"dpo"},
    ("get", "/v1/rights-requests/{request_id}"): {"dpo"},
    ("post", "/v1/rights-requests/{request_id}/extension"): {"dpo"},
    ("post", "/v1/rights-requests/{request_id}/decision"): {"dpo"},
    ("post", "/v1/rights-requests/{request_id}/answer"): {"dpo"},
    ("post", "/v1/rights-requests/{request_id}/deferral-review"): {"dpo"},
    ("post", "/v1/rights-requests/{request_id}/lifting"): {"dpo"},
    ("post", "/v1/rights-requests/{request_id}/redactions"): {"dpo"},
    ("post", "/v1/subjects/{subject_id}/redactions"): {"investigator"},
    ("get", "/v1/rights-requests/{request_id}/export"): {"dpo"},
    ("get", "/v1/rights-requests/{request_id}/letters"): {"dpo"},
    ("get", "/v1/rights-requests/{request_id}/letters/{kind}"): {"dpo"},
    ("get", "/v1/rights-requests/{request_id}/letters/{kind}/pdf"): {"dpo"},
    ("post", "/v1/rights-requests/{request_id}/letters/{kind}/draft"): {"dpo"},
    ("post", "/v1/rights-requests/{request_id}/letters/{kind}/draft/pdf"): {"dpo"},
    ("get", "/v1/letters"): {"dpo"},
    ("post", "/v1/letters/{letter_id}/sent"): {"dpo"},
    ("post", "/v1/letters/{letter_id}/deferral"): {"dpo"},
    ("post", "/v1/inscriptions/{inscription_id}/hold-review"): {"supervisor"},
    ("get", "/v1/operators"): {"admin"},
    ("post", "/v1/operators/{operator_id}/review"): {"admin"},
    ("post", "/v1/keys/{key_id}/rotation"): {"admin"},
    ("post", "/v1/keys"): {"admin"},
    ("get", "/v1/me"): {role.value for role in Role},
}


def operations(client: TestClient) -> list[tuple[str, str, dict[str, Any]]]:
    paths = client.get("/openapi.json").json()["paths"]
    return [
        (method, path, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if path.startswith("/v1")
    ]


def test_the_roles_are_those_of_the_contract(client: TestClient) -> None:
    declared = {(method, path): set(found["x-roles"]) for method, path, found in operations(client)}
    assert {place: declared.get(place) for place in CONTRACT} == CONTRACT


def test_every_operation_refuses_every_role_it_does_not_name(client: TestClient, hire: Hire) -> None:
    """And lets in those that it names; with `-s`, the matrix is printed."""
    somebody = {role.value: hire(role.value) for role in Role}
    for step in steps(client):
        for role, asker in somebody.items():
            status = step.ask(asker).status_code
            assert status != 401, (role, step.method, step.path)
            assert (status == 403) == (role not in step.roles), (role, step.method, step.path, status)
    print(table(client.get("/openapi.json").json()))


def test_every_operation_opens_to_its_scopes_and_to_no_others(client: TestClient, house: House) -> None:
    for step in steps(client):
        assert step.scopes, f"{step.path} opens to no narrowed key: say its area in api/scopes.py"
        for role in step.roles:
            for scope in step.scopes:
                assert step.ask(_narrowed(client, house, role, {scope})).status_code != 403, (
                    step.path,
                    scope,
                )
            others = {scope.value for scope in Scope} - step.scopes
            if others:
                answer = step.ask(_narrowed(client, house, role, others))
                assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_allowed"), step.path


def _narrowed(client: TestClient, house: House, role: str, scopes: set[str]) -> Somebody:
    grant = Grant(Role(role), scopes=frozenset(map(Scope, scopes)))
    return Somebody(client, grant_key(house.operators, house.clock, role, "GRPM", grant).presented)


def test_every_operation_refuses_whoever_has_no_key(client: TestClient) -> None:
    for method, path, _ in operations(client):
        for key in ("", "Bearer ", "Basic x", "Bearer 0123456789abcdef." + "A" * 43):
            answer = client.request(method, path, headers={"Authorization": key})
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["code"] == "unauthenticated"


def test_what_is_another_organisations_is_not_there(office: Office, other_office: Office) -> None:
    subject, case, inscription = office.entry()
    stranger = other_office.investigator
    for path in (
        f"/subjects/{subject}",
        f"/cases/{case}",
        f"/cases/{case}/history",
        f"/inscriptions/{inscription}",
    ):
        assert stranger.get(path).status_code == 404
        assert other_office.auditor.get(path).status_code == 200
    assert stranger.get("/cases").json()["items"] == []
    assert stranger.get("/list").json()["items"] == []
    own = other_office.subject()
    commands = {
        f"/cases/{case}/notes": {"text": "x"},
        f"/cases/{case}/closing": {"outcome": "settled"},
        f"/cases/{case}/subjects": {"subject_id": own},
        f"/subjects/{own}/merge": {"duplicate_id": subject, "reason": "x"},
        f"/subjects/{subject}/death": {"died_on": "2026-01-01"},
        f"/subjects/{own}/victim": {"case_id": case, "reason": "x"},
        "/cases": {**CASE, "subject_ids": [subject]},
        f"/cases/{case}/inscriptions": {
            "subject_id": own,
            "grounds": ["collusion"],
            "proportionality": PROPORTIONALITY,
        },
    }
    for path, body in commands.items():
        assert stranger.post(path, body).status_code == 404, path
    delisting = {"ground": "repaid", "reason": "x"}
    assert (
        other_office.supervisor.post(f"/inscriptions/{inscription}/delisting", delisting).status_code == 404
    )


def test_what_is_another_organisations_is_not_there_at_any_address(
    client: TestClient, office: Office, other_office: Office
) -> None:
    """Asked with ids that are there, and with bodies that are right: another organisation's are 404, or none."""
    known = Belongings.of(office).ids
    other_office.entry()
    walked = 0
    for step in steps(client):
        assert set(step.ids) <= set(known), f"{step.path}: make its ids in tests/api/walk.py"
        for role in (set(step.roles) - {"auditor"}) if step.ids else ():
            answer = step.ask(getattr(other_office, role), known)
            nothing = answer.status_code == 200 and answer.json() == {"items": [], "next": None}
            assert answer.status_code == 404 or nothing, (role, step.method, step.path, answer.text)
            walked += 1
    for step in sorted(steps(client), key=lambda step: step.path.endswith("/removal")):
        if step.ids:
            own = step.ask(getattr(office, step.roles[0]), known)
            no_draft = own.status_code == 404 and step.path.endswith(("/draft", "/draft/pdf", "/redactions"))
            assert no_draft or own.status_code not in (401, 403, 404), (step.method, step.path, own.text)
    assert walked > 40


def test_an_admin_is_shown_nothing_of_a_person(client: TestClient, office: Office) -> None:
    """T3: whatever an admin may ask, no value of a subject and no text of a case is in the answer."""
    known = Belongings.of(office).ids
    values = [*PERSONAL, known["subject_id"], known["case_id"], known["inscription_id"]]
    asked = [step for step in steps(client) if "admin" in step.roles]
    for step in asked:
        answer = step.ask(office.admin, known)
        assert [value for value in values if value in answer.text] == [], (step.method, step.path)
    assert {step.path for step in asked} >= {"/v1/operators", "/v1/keys", "/v1/me"}


def test_registering_does_not_tell_whether_another_organisation_knows_the_person(
    office: Office, other_office: Office
) -> None:
    assert office.subject() != other_office.subject()


def test_whoever_proposed_cannot_approve_with_any_key(office: Office, hire: Hire) -> None:
    subject = office.subject()
    inscription = office.proposal(office.case(subject), subject)
    same_person = hire("supervisor", "investigator of GRPM")
    answer = same_person.post(f"/inscriptions/{inscription}/approval", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")


def test_a_revoked_key_stops_within_a_second(office: Office) -> None:
    investigator = office.investigator
    key_id = investigator.get("/me").json()["key_id"]
    revoked = office.admin.made(f"/keys/{key_id}/revocation", None, 200)
    assert revoked["version"] == 2
    time.sleep(1)
    assert investigator.get("/me").status_code == 401


def test_a_leavers_keys_stop(office: Office) -> None:
    operator = office.investigator.get("/me").json()["operator_id"]
    office.admin.made(f"/operators/{operator}/leaving", None, 200)
    time.sleep(1)
    assert office.investigator.get("/me").status_code == 401
    left = office.admin.post("/keys", {"operator": "investigator of GRPM", "role": "supervisor"})
    assert (left.status_code, left.json()["code"]) == (409, "operator_left")


def test_a_key_expires_at_its_instant(office: Office, client: TestClient, clock: ManualClock) -> None:
    body = {"operator": "Camille", "role": "dpo", "expires_at": "2026-03-02T13:00:00+01:00"}
    assert office.admin.post("/keys", body).status_code == 422
    made = office.admin.made("/keys", {**body, "expires_at": "2026-03-02T13:30:00+01:00"})
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert client.get("/v1/me", headers=headers).json()["role"] == "dpo"
    clock.advance(minutes=31)
    time.sleep(1)
    assert client.get("/v1/me", headers=headers).status_code == 401


def test_an_admin_manages_the_keys_of_one_organisation(office: Office, other_office: Office) -> None:
    key_id = office.investigator.get("/me").json()["key_id"]
    assert other_office.admin.post(f"/keys/{key_id}/revocation").status_code == 404
    assert key_id in {item["key_id"] for item in office.admin.get("/keys").json()["items"]}
    assert key_id not in {item["key_id"] for item in other_office.admin.get("/keys").json()["items"]}
    elsewhere = {"operator": "x", "role": "dpo", "organisation": "PROBTP"}
    assert office.admin.post("/keys", elsewhere).status_code == 403
    assert office.admin.post("/keys", {"operator": "x", "role": "auditor"}).status_code == 403
    created = office.admin.made("/operators", {"name": "Sacha"})
    assert office.admin.made("/operators", {"name": "Sacha"}, 200)["id"] == created["id"]
    first = office.admin.get("/operators?limit=1").json()
    assert len(first["items"]) == 1
    assert first["next"]
    assert "secret" not in office.admin.get("/keys").text


def test_a_key_works_only_in_the_one_header(office: Office, client: TestClient) -> None:
    key = office.investigator.key
    twice = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
    assert client.get("/v1/me", headers=twice).status_code == 401
    prefix, _, secret = key.partition(".")
    wrong = f"{prefix}.{'A' * len(secret)}"
    assert client.get("/v1/me", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
    assert client.get("/v1/me", headers={"Authorization": f"bearer {key}"}).status_code == 200
