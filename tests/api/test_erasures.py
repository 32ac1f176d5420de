"""Redactions and certificates over HTTP (P6)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.api.conftest import Office
from watchlist.application.erase import erase_subject
from watchlist.application.work import Ask
from watchlist.bootstrap import House


def erased(office: Office, house: House, subject: str, organisation: str = "GRPM") -> None:
    operator = UUID(office.investigator.get("/me").json()["operator_id"])
    erase_subject(house.desk, Ask(operator, organisation), UUID(subject))


def the_house(office: Office) -> House:
    app: Any = office.investigator.client.app
    house: House = app.state.house
    return house


def test_a_text_is_redacted_by_an_investigator_and_the_file_shows_that(office: Office) -> None:
    case = office.case()
    office.investigator.made(f"/cases/{case}/notes", {"text": "Mme Untel a rappelé"})
    note = office.investigator.get(f"/cases/{case}").json()["notes"][0]
    body = {"text_id": note["text_ids"]["text"], "text": "elle a rappelé", "reason": "effacement"}
    made = office.investigator.made(f"/cases/{case}/redactions", body)
    after = office.investigator.get(f"/cases/{case}").json()["notes"][0]
    assert (after["text"], after["redacted"], after["text_ids"]) == (
        "elle a rappelé",
        True,
        {"text": made["text_id"]},
    )
    again = office.investigator.post(f"/cases/{case}/redactions", body)
    assert (again.status_code, again.json()["code"]) == (409, "already_redacted")


def test_a_text_of_a_request_is_redacted_by_the_officer_of_its_organisation(
    office: Office, other_office: Office
) -> None:
    asked = {"kind": "access", "subject_id": office.subject(), "received_on": "2026-03-02"}
    id = office.dpo.made("/rights-requests", asked | {"details": "Mme Untel me l'a dit"})["id"]
    request = f"/rights-requests/{id}"
    text_ids = office.dpo.get(request).json()["text_ids"]
    assert text_ids.keys() == {"details"}
    body = {"text_id": text_ids["details"], "text": "on me l'a dit", "reason": "effacement"}
    assert other_office.dpo.post(f"{request}/redactions", body).status_code == 404
    made = office.dpo.made(f"{request}/redactions", body)
    after = office.dpo.get(request).json()
    assert (after["details"], after["text_ids"]) == ("on me l'a dit", {"details": made["text_id"]})
    again = office.dpo.post(f"{request}/redactions", body)
    assert (again.status_code, again.json()["code"]) == (409, "already_redacted")


def test_why_a_subject_was_rectified_is_redacted_by_an_investigator(
    office: Office, other_office: Office
) -> None:
    house, subject = the_house(office), office.subject()
    rectified = {"family_name": "Durant", "reason": "selon Mme Untel"}
    assert (
        office.investigator.ask("PATCH", f"/subjects/{subject}", rectified, If_Match='"1"').status_code == 200
    )
    (text,) = (ref for ref, row in house.desk.vault.rows_of(UUID(subject)).items() if row.field == "reason")
    body = {"text_id": str(text), "text": "erreur", "reason": "effacement"}
    assert other_office.investigator.post(f"/subjects/{subject}/redactions", body).status_code == 404
    office.investigator.made(f"/subjects/{subject}/redactions", body)
    again = office.investigator.post(f"/subjects/{subject}/redactions", body)
    assert (again.status_code, again.json()["code"]) == (409, "already_redacted")


def test_a_text_of_another_case_or_organisation_is_not_there(office: Office, other_office: Office) -> None:
    case = office.case()
    text = office.investigator.get(f"/cases/{case}").json()["text_ids"]["summary"]
    body = {"text_id": text, "text": "occulté", "reason": "effacement"}
    another = office.case(office.subject(family_name="Petit", identifiers=[]))
    assert office.investigator.post(f"/cases/{another}/redactions", body).status_code == 404
    assert other_office.investigator.post(f"/cases/{case}/redactions", body).status_code == 404


def test_a_dpo_reads_the_certificates_of_their_organisation_and_an_auditor_all(
    office: Office, other_office: Office
) -> None:
    subject, case, _ = office.entry()
    erased(office, the_house(office), subject)
    ours = office.dpo.get("/erasures").json()["items"]
    assert {one["id"] for one in ours} == {subject, case}
    assert all(one["complete_on"] == "2026-05-31" for one in ours)
    assert office.auditor.get(f"/erasures/{subject}").json()["kind"] == "subject"
    assert other_office.dpo.get("/erasures").json()["items"] == []
    assert other_office.dpo.get(f"/erasures/{subject}").status_code == 404
    assert len(other_office.auditor.get("/erasures").json()["items"]) == 2
    assert office.investigator.get("/erasures").status_code == 403


def test_an_erased_subject_answers_its_skeleton(office: Office) -> None:
    subject, _, _ = office.entry()
    erased(office, the_house(office), subject)
    view = office.dpo.get(f"/subjects/{subject}").json()
    assert (view["erased"], view.get("family_name")) == (True, None)
    search = office.investigator.post("/subjects/search", {"family_name": "Delatour"}).json()
    assert search["items"] == []
    answer = office.investigator.post(f"/subjects/{subject}/death", {"died_on": "2026-01-01"})
    assert (answer.status_code, answer.json()["state"]) == (409, "erased")
    assert office.subject() != subject
