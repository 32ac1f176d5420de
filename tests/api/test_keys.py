"""Keys by HTTP: narrowed, rotated, seen in use, of the sandbox; and the review of habilitations (T2, T3)."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import CASE, Office, Somebody
from watchlist.adapters.clock import ManualClock
from watchlist.application.operators import issue_key
from watchlist.bootstrap import House
from watchlist.domain.operator import Role

WEEK = timedelta(days=7)


def holder(office: Office, made: dict[str, Any]) -> Somebody:
    return Somebody(office.admin.client, made["key"])


def issued(office: Office, **body: Any) -> dict[str, Any]:
    return office.admin.made("/keys", {"operator": "Camille", "role": "investigator", **body})


def listed(office: Office, key_id: str) -> dict[str, Any]:
    items = office.admin.get("/keys").json()["items"]
    found: dict[str, Any] = next(item for item in items if item["key_id"] == key_id)
    return found


# Scopes ---------------------------------------------------------------------------------------


def test_a_narrowed_key_opens_its_scopes_and_says_so(office: Office) -> None:
    made = issued(office, scopes=["cases:read"])
    reader = holder(office, made)
    assert made["scopes"] == reader.get("/me").json()["scopes"] == ["cases:read"]
    assert listed(office, made["id"])["scopes"] == ["cases:read"]
    assert reader.get("/cases").status_code == 200
    assert reader.post("/subjects/search", {"family_name": "x"}).status_code == 200
    refused = reader.post("/cases", {**CASE, "subject_ids": [office.subject()]})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_not_allowed")


def test_a_scope_gives_nothing_that_the_role_has_not(office: Office) -> None:
    integrator = holder(
        office, issued(office, role="integrator", scopes=["cases", "operators", "screenings"])
    )
    assert integrator.get("/cases").json()["code"] == "role_not_allowed"
    assert integrator.get("/keys").json()["code"] == "role_not_allowed"
    body = {"purpose": "claim_control", "file_reference": "x", "subjects": {"q": {"identifiers": []}}}
    assert integrator.post("/screenings", body).status_code == 200


def test_screening_needs_its_scope(office: Office) -> None:
    feed = holder(office, issued(office, role="integrator", scopes=["changes"]))
    assert feed.post("/screenings", {}).json()["code"] == "scope_not_allowed"


@pytest.mark.parametrize("scopes", [[], ["everything"], "cases", ["cases", 7], [""]])
def test_scopes_are_of_the_closed_list(office: Office, scopes: Any) -> None:
    body = {"operator": "Camille", "role": "investigator", "scopes": scopes}
    assert office.admin.post("/keys", body).status_code == 422


# The sandbox ----------------------------------------------------------------------------------


def test_a_key_of_the_sandbox_is_an_integrators_and_says_what_it_is(office: Office) -> None:
    made = issued(office, role="integrator", sandbox=True)
    assert made["sandbox"] is True
    assert holder(office, made).get("/me").json()["sandbox"] is True
    assert office.integrator.get("/me").json()["sandbox"] is False
    refused = office.admin.post("/keys", {"operator": "Camille", "role": "investigator", "sandbox": True})
    assert (refused.status_code, refused.json()["code"]) == (422, "sandbox_role")


# Rotation -------------------------------------------------------------------------------------


def test_both_keys_of_a_rotation_open_until_the_older_expires(office: Office, clock: ManualClock) -> None:
    older = issued(office, scopes=["cases"])
    newer = office.admin.made(f"/keys/{older['id']}/rotation")
    assert newer["rotated_from"] == older["id"]
    assert newer["older_expires_at"].startswith("2026-03-09T12:00")
    assert newer["scopes"] == ["cases"]
    for made in (older, newer):
        assert holder(office, made).get("/cases").status_code == 200
    assert listed(office, older["id"])["expires_soon"] is True
    clock.advance(days=7)
    time.sleep(1)
    assert holder(office, older).get("/me").status_code == 401
    assert holder(office, newer).get("/me").status_code == 200


def test_a_rotation_is_told_its_grace_and_a_third_key_is_refused(office: Office) -> None:
    older = issued(office)
    newer = office.admin.made(
        f"/keys/{older['id']}/rotation", {"grace_days": 1, "expires_at": "2026-09-01T00:00:00Z"}
    )
    assert newer["older_expires_at"].startswith("2026-03-03T12:00")
    assert newer["expires_at"].startswith("2026-09-01")
    third = office.admin.post(f"/keys/{newer['id']}/rotation")
    assert (third.status_code, third.json()["code"]) == (409, "rotation_under_way")
    for wrong in (-1, 91, 1.5, "7", True, None):
        assert office.admin.post(f"/keys/{older['id']}/rotation", {"grace_days": wrong}).status_code == 422


def test_a_repeated_command_is_known_again_under_the_successor(office: Office) -> None:
    older = issued(office)
    newer = office.admin.made(f"/keys/{older['id']}/rotation")
    body = {**CASE, "subject_ids": [office.subject()]}
    first = holder(office, older).post("/cases", body, Idempotency_Key="one")
    again = holder(office, newer).post("/cases", body, Idempotency_Key="one")
    assert first.json()["id"] == again.json()["id"]


def test_an_admin_gets_no_successor_of_an_auditors_key(office: Office, house: House) -> None:
    """A key that reads every organisation comes from the register: else a rotation would hand it out."""
    auditor = issue_key(house.operators, house.clock, "Auditor", Role.AUDITOR, "GRPM").key.key_id
    answer = office.admin.post(f"/keys/{auditor}/rotation")
    assert (answer.status_code, answer.json()["code"]) == (403, "issued_by_the_register")
    assert office.admin.post("/keys/0123456789abcdef/rotation").status_code == 404


def test_an_expiry_that_is_near_is_shown(office: Office, clock: ManualClock) -> None:
    made = issued(office, expires_at="2026-05-01T00:00:00Z")
    assert listed(office, made["id"])["expires_soon"] is False
    clock.advance(days=40)
    assert listed(office, made["id"])["expires_soon"] is True


# Last use -------------------------------------------------------------------------------------


def test_the_last_use_is_shown_to_about_a_minute(office: Office, clock: ManualClock) -> None:
    made = issued(office)
    assert listed(office, made["id"])["last_used_at"] is None
    someone = holder(office, made)
    for minutes, shown in ((0, "12:00:00"), (0.5, "12:00:00"), (0.6, "12:01:06")):
        clock.advance(minutes=minutes)
        time.sleep(0.9)
        assert someone.get("/me").status_code == 200
        assert _shown(office, made["id"], shown)


def _shown(office: Office, key_id: str, at: str) -> bool:
    for _ in range(100):
        if f"T{at}" in str(listed(office, key_id)["last_used_at"]):
            return True
        time.sleep(0.02)
    return False


def test_a_last_use_that_cannot_be_written_delays_no_answer(office: Office, database_url: str) -> None:
    someone = holder(office, issued(office))
    with psycopg.connect(database_url) as conn:
        conn.execute("LOCK TABLE watchlist.api_keys IN SHARE MODE")  # reads go on, writes wait
        began = time.monotonic()
        assert someone.get("/me").status_code == 200
        assert time.monotonic() - began < 1


# Reviews of habilitations ---------------------------------------------------------------------


def operators(office: Office) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in office.admin.get("/operators").json()["items"]}


def test_an_admin_sees_what_operators_hold_and_when_its_review_is_due(
    office: Office, clock: ManualClock
) -> None:
    made = issued(office)
    issued(office, role="dpo")
    camille = operators(office)["Camille"]
    assert (camille["live_keys"], sorted(camille["roles"])) == (2, ["dpo", "investigator"])
    assert camille["review_due_at"].startswith("2027-03-02T23:00")
    assert (camille["review_late"], camille["reviewed_at"]) == (False, None)
    clock.advance(days=366)
    assert operators(office)["Camille"]["review_late"] is True
    reviewed = office.admin.made(f"/operators/{made['operator_id']}/review", None, 200)
    assert reviewed["review_due_at"].startswith("2028-03-03T23:00")
    camille = operators(office)["Camille"]
    assert camille["review_late"] is False
    assert camille["reviewed_at"] == reviewed["reviewed_at"]


def test_a_leaver_holds_nothing_and_is_not_reviewed(office: Office, client: TestClient) -> None:
    operator = issued(office)["operator_id"]
    office.admin.made(f"/operators/{operator}/leaving", None, 200)
    camille = operators(office)["Camille"]
    assert camille["left_at"]
    assert (camille["live_keys"], camille["roles"], camille["review_due_at"]) == (0, [], None)
    answer = office.admin.post(f"/operators/{operator}/review")
    assert (answer.status_code, answer.json()["code"]) == (409, "operator_left")


def test_the_months_until_a_review_are_a_setting(office: Office, house: House) -> None:
    issued(office)
    house.habilitation_months = 6
    assert operators(office)["Camille"]["review_due_at"].startswith("2026-09-02T22:00")
