"""Who looked at whom: a row for every request that touched personal data, before its answer leaves (T1, S6)."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.api.conftest import Hire, Office
from watchlist.bootstrap import House

QUESTION = {
    "purpose": "third_party_payment",
    "file_reference": "LOT-1",
    "subjects": {"q1": {"identifiers": [{"scheme": "rpps", "value": "10000001916"}]}},
}


def accesses(house: House, operation: str | None = None) -> list[dict[str, Any]]:
    with house.pool.connection() as conn:
        rows = conn.execute("SELECT * FROM accesses ORDER BY access_id").fetchall()
    return [row for row in rows if operation in (None, row["operation"])]


def seen_by(house: House, operation: str) -> set[str]:
    """The subjects of the last access by that operation."""
    return {str(id) for id in accesses(house, operation)[-1]["subject_ids"]}


def test_every_reading_and_command_names_the_subjects_it_showed(house: House, office: Office) -> None:
    subject, case, inscription = office.entry()
    for path, operation in (
        (f"/subjects/{subject}", "read_a_subject"),
        (f"/cases/{case}", "read_a_case"),
        (f"/cases/{case}/history", "read_the_history_of_a_case"),
        (f"/inscriptions/{inscription}", "read_an_inscription"),
        ("/inscriptions", "list_inscriptions"),
        ("/cases", "list_cases"),
        ("/list", "read_the_list"),
    ):
        assert office.auditor.get(path, X_Request_Id="r-7").status_code == 200
        assert seen_by(house, operation) == {subject}, operation
    last = accesses(house)[-1]
    assert (last["role"], last["organisation"], last["request_id"]) == ("auditor", "GRPM", "r-7")
    assert seen_by(house, "approve_a_proposal") == seen_by(house, "register_a_subject") == {subject}
    found = office.investigator.post("/subjects/search", {"kind": "person", "family_name": "Delatour"})
    assert found.json()["items"]
    assert seen_by(house, "search_for_subjects") == {subject}


def test_a_search_in_vain_is_logged_without_whom_it_was_for(house: House, office: Office) -> None:
    found = office.investigator.post("/subjects/search", {"kind": "person", "family_name": "Inconnu"})
    assert found.json() == {"items": []}
    (row,) = accesses(house)
    assert (row["operation"], row["subject_ids"]) == ("search_for_subjects", [])


def test_whoever_is_not_let_in_leaves_no_row(house: House, office: Office, other_office: Office) -> None:
    subject, case, _ = office.entry()
    before = len(accesses(house))
    assert office.investigator.get(f"/subjects/{subject}", Authorization="Bearer nobody").status_code == 401
    assert office.integrator.get(f"/subjects/{subject}").status_code == 403
    assert other_office.investigator.get(f"/cases/{case}").status_code == 404
    assert office.admin.get("/operators").status_code == 200
    assert office.investigator.get("/me").status_code == 200
    assert len(accesses(house)) == before


def test_a_refusal_of_what_was_opened_leaves_a_row(house: House, office: Office) -> None:
    subject, _, inscription = office.entry()
    refused = office.supervisor.post(f"/inscriptions/{inscription}/approval", {})
    assert refused.status_code == 409
    assert seen_by(house, "approve_a_proposal") == {subject}
    assert len(accesses(house, "approve_a_proposal")) == 2


def test_an_auditor_who_reads_the_log_leaves_a_row(house: House, office: Office) -> None:
    assert office.auditor.get("/audit/events").status_code == 200
    (row,) = accesses(house)
    assert (row["operation"], row["role"]) == ("stream_events", "auditor")


@pytest.mark.parametrize("listed", [True, False])
def test_a_screening_that_cannot_be_logged_is_not_answered(
    house: House, office: Office, listed: bool
) -> None:
    if listed:
        office.entry()
    assert office.integrator.post("/screenings", QUESTION).status_code == 200
    _forbid_writing(house)
    answer = office.integrator.post("/screenings", QUESTION)
    assert answer.status_code == 503
    assert "results" not in answer.json()


def test_a_reading_that_cannot_be_logged_is_not_answered(house: House, office: Office) -> None:
    subject = office.subject()
    _forbid_writing(house)
    answer = office.investigator.get(f"/subjects/{subject}")
    assert answer.status_code == 503
    assert "family_name" not in answer.json()


def _forbid_writing(house: House) -> None:
    with psycopg.connect(house.conninfo, autocommit=True) as owner:
        owner.execute("REVOKE INSERT ON watchlist.accesses FROM watchlist_service")


def test_the_access_of_a_screening_names_its_subject_when_it_hits(house: House, office: Office) -> None:
    assert office.integrator.post("/screenings", QUESTION).json()["results"] == {"q1": {"hit": False}}
    assert seen_by(house, "screen") == set()
    subject, _, _ = office.entry()
    answer = office.integrator.post("/screenings", QUESTION).json()
    assert answer["results"] == {"q1": {"hit": True}}
    assert seen_by(house, "screen") == {subject}
    assert accesses(house, "screen")[-1]["screening_id"] == UUID(answer["screening_id"])


# Read by those who answer for it --------------------------------------------------------------


def test_who_looked_at_a_person_when_and_for_what(office: Office, other_office: Office) -> None:
    subject, case, _ = office.entry()
    office.investigator.get(f"/cases/{case}")
    other_office.integrator.post("/screenings", QUESTION, X_Request_Id="secret")
    found = office.auditor.get(f"/audit/accesses?subject={subject}").json()["items"]
    assert [one["operation"] for one in found][-2:] == ["read_a_case", "screen"]
    screened = found[-1]
    assert (screened["organisation"], screened["purpose"], screened["reference"]) == (
        "PROBTP",
        "third_party_payment",
        "LOT-1",
    )
    own = office.dpo.get(f"/audit/accesses?subject={subject}&organisation=PROBTP").json()["items"]
    assert [(one["operator_id"], one["subject_ids"]) for one in own] == [(screened["operator_id"], [subject])]
    assert own[0]["reference"] is own[0]["request_id"] is own[0]["asked"] is None


def test_a_dpo_reads_the_accesses_of_its_own_organisation(office: Office, other_office: Office) -> None:
    subject, _, _ = office.entry()
    other_office.integrator.post("/screenings", QUESTION)
    own = other_office.dpo.get("/audit/accesses").json()["items"]
    assert {one["organisation"] for one in own} == {"PROBTP"}
    assert other_office.dpo.get(f"/audit/accesses?subject={subject}").json()["items"] == []
    everything = office.auditor.get("/audit/accesses").json()["items"]
    assert {one["organisation"] for one in everything} == {"GRPM", "PROBTP"}


def test_an_asker_is_not_shown_how_many_others_know_the_person(office: Office, other_office: Office) -> None:
    """C6, S1: in the log too a hit is a hit, whoever owns the entry and whoever else has one."""
    theirs, *_ = office.entry()
    ours, *_ = other_office.entry()
    asked = other_office.integrator.post("/screenings", QUESTION).json()
    log = other_office.dpo.get("/audit/accesses").json()["items"]
    (screened,) = (one for one in log if one["operation"] == "screen")
    assert (screened["screening_id"], screened["hits"]) == (asked["screening_id"], 1)
    assert screened["subject_ids"] == [ours]
    (about,) = (
        one
        for one in other_office.dpo.get(f"/audit/accesses?subject={ours}").json()["items"]
        if one["operation"] == "screen"
    )
    assert about["subject_ids"] == [ours]
    (known,) = (
        one for one in office.auditor.get("/audit/accesses").json()["items"] if one["operation"] == "screen"
    )
    assert set(known["subject_ids"]) == {ours, theirs}


def test_a_third_who_asks_is_shown_the_id_of_nobody(hire: Hire, office: Office, other_office: Office) -> None:
    office.entry()
    other_office.entry()
    third = Office(hire, "TPG")
    third.integrator.post("/screenings", QUESTION)
    (screened,) = third.dpo.get("/audit/accesses").json()["items"]
    assert (screened["operation"], screened["hits"], screened["subject_ids"]) == ("screen", 1, [])


def test_accesses_are_found_by_operator_purpose_and_period_page_after_page(
    office: Office, clock: Any
) -> None:
    office.entry()
    began = clock.now()
    for _ in range(3):
        office.integrator.post("/screenings", QUESTION)
    clock.advance(hours=1)
    office.integrator.post("/screenings", QUESTION)
    me = office.integrator.get("/me").json()["operator_id"]
    path = f"/audit/accesses?operator={me}&purpose=third_party_payment&limit=2"
    pages, cursor = [], ""
    while cursor is not None:
        page = office.auditor.get(path + (f"&cursor={cursor}" if cursor else "")).json()
        pages.append(page["items"])
        cursor = page["next"]
    assert [len(page) for page in pages] == [2, 2]
    assert len({one["screening_id"] for page in pages for one in page}) == 4
    later = clock.now().isoformat().replace("+00:00", "Z")
    since = began.isoformat().replace("+00:00", "Z")
    assert len(office.auditor.get(f"{path}&from={later}").json()["items"]) == 1
    assert (
        len(office.auditor.get(f"/audit/accesses?operator={me}&until={later}&from={since}").json()["items"])
        == 3
    )


def test_reading_the_access_log_is_in_the_access_log(office: Office) -> None:
    subject = office.subject()
    office.auditor.get(f"/audit/accesses?subject={subject}")
    found = office.auditor.get("/audit/accesses").json()["items"]
    assert found[-1]["operation"] == "list_accesses"
    assert (found[-1]["role"], found[-1]["subject_ids"]) == ("auditor", [subject])
