"""Commands are carried out once, changes name the version they were made from, pages continue what they began."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest

from tests.api.conftest import CASE, PERSON, PROPORTIONALITY, Office


def test_the_same_key_and_body_get_the_same_answer(office: Office) -> None:
    investigator = office.investigator
    body = {**CASE, "subject_ids": [office.subject()]}
    first = investigator.post("/cases", body, Idempotency_Key="k1")
    reordered = dict(reversed(body.items()))
    second = investigator.post("/cases", reordered, Idempotency_Key="k1")
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert first.headers["etag"] == second.headers["etag"]
    assert len(investigator.get("/cases").json()["items"]) == 1
    assert investigator.post("/cases", body, Idempotency_Key="k2").json()["id"] != first.json()["id"]


def test_the_same_key_answers_the_same_when_the_state_has_moved(office: Office) -> None:
    subject = office.subject()
    case = office.case(subject)
    body = {"subject_id": subject, "grounds": ["collusion"], "proportionality": PROPORTIONALITY}
    path = f"/cases/{case}/inscriptions"
    first = office.investigator.post(path, body, Idempotency_Key="k")
    inscription = first.json()["inscription_id"]
    office.supervisor.made(f"/inscriptions/{inscription}/approval", {}, 200)
    office.investigator.made(f"/cases/{case}/closing", {"outcome": "established"}, 200)
    again = office.investigator.post(path, body, Idempotency_Key="k")
    assert (again.status_code, again.json()) == (201, first.json())


def test_another_body_under_the_same_key_is_refused(office: Office) -> None:
    case = office.case()
    path = f"/cases/{case}/notes"
    assert office.investigator.post(path, {"text": "a"}, Idempotency_Key="k").status_code == 201
    other = office.investigator.post(path, {"text": "b"}, Idempotency_Key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len(office.investigator.get(f"/cases/{case}").json()["notes"]) == 1


def test_keys_of_two_clients_are_apart(office: Office, other_office: Office) -> None:
    assert office.investigator.post("/subjects", PERSON, Idempotency_Key="k").status_code == 201
    assert other_office.investigator.post("/subjects", PERSON, Idempotency_Key="k").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_a_malformed_idempotency_key_is_refused(office: Office, key: str) -> None:
    answer = office.investigator.post("/subjects", PERSON, Idempotency_Key=key)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_the_same_command_sent_by_many_at_once_is_carried_out_once(office: Office) -> None:
    case = office.case()
    answers: list[Any] = []

    def send() -> None:
        answer = office.investigator.post(f"/cases/{case}/notes", {"text": "a"}, Idempotency_Key="k")
        answers.append((answer.status_code, answer.json()))

    threads = [Thread(target=send) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(answers) == 8
    assert len({str(answer) for answer in answers}) == 1
    assert len(office.investigator.get(f"/cases/{case}").json()["notes"]) == 1


def test_a_rectification_names_the_version_it_was_made_from(office: Office) -> None:
    subject = office.subject()
    path = f"/subjects/{subject}"
    change = {"reason": "misspelt", "family_name": "De La Tour", "usage_name": "Martin"}
    missing = office.investigator.ask("PATCH", path, change)
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition_required")
    assert office.investigator.ask("PATCH", path, change, If_Match="3").status_code == 422
    stale = office.investigator.ask("PATCH", path, change, If_Match='"7"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    etag = office.investigator.get(path).headers["etag"]
    done = office.investigator.ask("PATCH", path, change, If_Match=etag)
    assert done.status_code == 200
    assert done.headers["etag"] == '"2"'
    after = office.investigator.get(path).json()
    assert (after["family_name"], after["usage_name"]) == ("De La Tour", "Martin")
    assert after["given_names"] == PERSON["given_names"]
    emptied = office.investigator.ask("PATCH", path, {"reason": "x", "usage_name": None}, If_Match='"2"')
    assert emptied.status_code == 200
    assert office.investigator.get(path).json()["usage_name"] is None


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({}, "body", "nothing_changed"),
        ({"name": "x"}, "name", "other_kind"),
        ({"family_name": None}, "family_name", "missing"),
        ({"kind": "organisation"}, "kind", "extra_forbidden"),
    ],
)
def test_a_rectification_changes_what_can_be_changed(
    office: Office, change: dict[str, Any], field: str, code: str
) -> None:
    path = f"/subjects/{office.subject()}"
    answer = office.investigator.ask("PATCH", path, {"reason": "x", **change}, If_Match='"1"')
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["field"], error["code"]) == (field, code)


def test_an_amendment_names_the_version_and_disqualifies_the_amender(office: Office) -> None:
    subject = office.subject()
    inscription = office.proposal(office.case(subject), subject)
    path = f"/inscriptions/{inscription}"
    etag = office.investigator.get(path).headers["etag"]
    done = office.investigator.ask("PATCH", path, {"term_months": 24}, If_Match=etag)
    assert done.status_code == 200
    assert office.investigator.ask("PATCH", path, {"term_months": 12}, If_Match=etag).status_code == 412
    too_long = office.investigator.ask("PATCH", path, {"term_months": 61}, If_Match=done.headers["etag"])
    assert (too_long.status_code, too_long.json()["code"]) == (422, "term_out_of_range")
    assert office.investigator.get(path).json()["term_months"] == 24


def test_cursors_continue_only_what_they_came_from(office: Office, other_office: Office) -> None:
    for _ in range(3):
        office.case(qualified=False)
    first = office.investigator.get("/cases?limit=2").json()
    cursor = first["next"]
    rest = office.investigator.get(f"/cases?limit=2&cursor={cursor}").json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    for wrong in (
        f"/cases?state=alert&cursor={cursor}",
        f"/inscriptions?cursor={cursor}",
        f"/cases?cursor={cursor[:-2]}",
        "/cases?cursor=é",
        "/cases?cursor=",
        "/cases?limit=0",
        "/cases?limit=1001",
        "/cases?limit=2&limit=3",
        "/cases?state=guilty",
        "/cases?page=2",
    ):
        assert office.investigator.get(wrong).status_code == 422, wrong
    assert other_office.investigator.get(f"/cases?cursor={cursor}").status_code == 422


@pytest.mark.parametrize(
    "instant",
    ["2026-01-01", "2026-01-01T00:00:00", "2027-01-01T00:00:00Z", "now", "2026-01-01T00:00:00+01:00", "1e9"],
)
def test_as_of_is_an_instant_of_the_past_with_its_offset(office: Office, instant: str) -> None:
    answer = office.auditor.get(f"/list?as_of={instant}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "as_of"


def test_as_of_is_for_those_who_look_back(office: Office) -> None:
    assert office.investigator.get("/list?as_of=2026-01-01T00:00:00Z").status_code == 403
    assert office.dpo.get("/list?as_of=2026-01-01T00:00:00%2B01:00").status_code == 200
