"""An existing list is brought in by one person and approved by another, by HTTP."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from tests.api.conftest import Hire, Office

HEADER = (
    "kind,role,family_name,usage_name,given_names,birth_date,birth_place,name,rpps,adeli,finess,siren,siret,"
    "case_reference,grounds,inscribed_on,term_months,procedure_kind,procedure_court,procedure_reference,"
    "procedure_opened_on"
)
GOOD = "person,health_professional,Martin,,Paul,1960-01-01,,,10000001916,,,,,R1,overbilling,2024-05-03,60,,,,"
BAD = "person,health_professional,Durand,,Luc,1961-01-01,,,10000001917,,,,,R2,overbilling,2024-05-03,60,,,,"


def submit(office: Office, text: str, query: str = "", media_type: str = "text/csv", **headers: str) -> Any:
    sent = {"Authorization": f"Bearer {office.investigator.key}", "Content-Type": media_type, **headers}
    client: TestClient = office.investigator.client
    return client.post(f"/v1/imports{query}", content=text.encode(), headers=sent)


def test_good_lines_are_proposed_and_listed_once_another_approves(office: Office, hire: Hire) -> None:
    answer = submit(office, "\n".join((HEADER, GOOD, BAD)), "?organisation=GRPM")
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert report["accepted"] == 1
    assert [(one["line"], one["field"]) for one in report["refused"]] == [(3, "rpps")]
    assert "10000001917" not in answer.text
    assert office.supervisor.get("/list").json()["items"] == []
    path = f"/imports/{report['import_id']}"
    same_person = hire("supervisor", "investigator of GRPM")
    assert same_person.post(f"{path}/approval").json()["code"] == "four_eyes"
    approved = office.supervisor.made(f"{path}/approval", None, 200)
    assert approved["approved"] == 1
    listed = office.supervisor.get("/list").json()["items"]
    assert [item["inscribed_on"] for item in listed] == ["2024-05-03"]
    assert office.supervisor.get(path).json()["approved_by"] is not None
    assert len(office.dpo.get("/imports").json()["items"]) == 1
    file = office.supervisor.get(f"/cases/{listed[0]['case_id']}").json()
    assert file["reference"] == "R1"
    assert file["inscriptions"][0]["proportionality_inherited"] is True


def test_a_dry_run_records_nothing(office: Office) -> None:
    answer = submit(office, "\n".join((HEADER, GOOD)), "?dry_run=true")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert office.dpo.get("/imports").json()["items"] == []


def test_a_repeated_import_gets_the_same_answer(office: Office) -> None:
    text = "\n".join((HEADER, GOOD))
    first = submit(office, text, **{"Idempotency-Key": "k"})
    again = submit(office, text, **{"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["import_id"]) == (201, first.json()["import_id"])
    assert again.json()["accepted"] == 1
    other = submit(office, text + "\n", **{"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_an_import_is_csv_and_of_ones_own_organisation(office: Office, other_office: Office) -> None:
    assert submit(office, GOOD, media_type="application/json").status_code == 415
    assert submit(office, GOOD, "?organisation=PROBTP").status_code == 403
    assert submit(office, "").status_code == 422
    report = submit(office, "\n".join((HEADER, GOOD))).json()
    for path in (f"/imports/{report['import_id']}", f"/imports/{report['import_id']}/approval"):
        method = "POST" if path.endswith("approval") else "GET"
        assert other_office.supervisor.ask(method, path).status_code == 404
