"""What an asker does with a hit, by HTTP: its review (S7), questions to the owner (C6), and who sees which of it."""

import base64
from typing import Any

import pytest

from tests.api.conftest import Hire, Office
from tests.api.test_accesses import QUESTION

NOTE, ASKED, TOLD = "née à une autre date", "Quel cabinet ?", "celui de la rue Haute"


@pytest.fixture
def payer(hire: Hire) -> Office:
    return Office(hire, "TPG")


def hit_of(payer: Office) -> str:
    answer = payer.integrator.post("/screenings", QUESTION).json()
    assert answer["results"] == {"q1": {"hit": True}}
    return str(answer["screening_id"])


def still_hits(payer: Office) -> bool:
    return bool(payer.integrator.post("/screenings", QUESTION).json()["results"]["q1"]["hit"])


def items(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_review_is_recorded_and_read_again_by_ones_own_organisation(
    office: Office, other_office: Office, payer: Office
) -> None:
    office.entry()
    on = f"/screenings/{hit_of(payer)}/reviews"
    body = {"key": "q1", "outcome": "homonym", "note": NOTE}
    made = payer.integrator.made(on, body)
    assert made["version"] == 1
    assert payer.integrator.made(on, body, 200)["id"] == made["id"]
    assert not still_hits(payer)
    assert still_hits(other_office)
    (one,) = items(payer.integrator.get(on))
    assert (one["review_id"], one["key"], one["outcome"], one["note"]) == (made["id"], "q1", "homonym", NOTE)
    assert items(payer.dpo.get(on)) == items(payer.auditor.get(on)) == [one]
    for stranger in (office, other_office):
        assert items(stranger.dpo.get(on)) == []
        assert stranger.integrator.post(on, body).status_code == 404


def test_a_review_is_of_a_hit_and_well_formed(office: Office, payer: Office) -> None:
    office.entry()
    on = f"/screenings/{hit_of(payer)}/reviews"
    for body, status in (
        ({"key": "q2", "outcome": "homonym"}, 404),
        ({"key": "q 1", "outcome": "homonym"}, 422),
        ({"key": "q1", "outcome": "guilty"}, 422),
        ({"key": "q1", "outcome": "homonym", "note": " "}, 422),
        ({"key": "q1", "outcome": "homonym", "decision": "refuse"}, 422),
        ({"outcome": "homonym"}, 422),
    ):
        assert payer.integrator.post(on, body).status_code == status, body


def test_reviews_come_by_pages(office: Office, payer: Office) -> None:
    office.entry()
    on = f"/screenings/{hit_of(payer)}/reviews"
    outcomes = ["homonym", "confirmed", "not_concerned"]
    for outcome in outcomes:
        payer.integrator.made(on, {"key": "q1", "outcome": outcome})
    page = payer.integrator.get(f"{on}?limit=2").json()
    rest = payer.integrator.get(f"{on}?limit=2&cursor={page['next']}").json()
    assert [one["outcome"] for one in page["items"] + rest["items"]] == outcomes
    assert rest["next"] is None


def test_a_page_ends_at_a_review_and_counts_those_of_nobody_else(
    office: Office, other_office: Office, payer: Office
) -> None:
    """What continues a list is signed, not sealed: a number in it would tell how much everybody else finds (C6)."""
    office.entry()
    on, elsewhere = (f"/screenings/{hit_of(one)}/reviews" for one in (payer, other_office))
    for outcome in ("confirmed", "not_concerned", "confirmed"):
        payer.integrator.made(on, {"key": "q1", "outcome": outcome})
        other_office.integrator.made(elsewhere, {"key": "q1", "outcome": outcome})
    page = payer.integrator.get(f"{on}?limit=1").json()
    place = base64.urlsafe_b64decode(page["next"] + "=" * (-len(page["next"]) % 4))
    assert place.endswith(page["items"][0]["review_id"].encode())
    every, cursor = page["items"], page["next"]
    while cursor is not None:
        page = payer.integrator.get(f"{on}?limit=1&cursor={cursor}").json()
        every, cursor = every + page["items"], page["next"]
    assert [one["outcome"] for one in every] == ["confirmed", "not_concerned", "confirmed"]


def test_the_owner_sees_what_was_found_of_the_hits_it_gave(office: Office, payer: Office) -> None:
    office.entry()
    screening = hit_of(payer)
    (told,) = items(office.dpo.get("/audit/disclosures"))
    assert told["reviewed_as"] is None
    for outcome in ("not_concerned", "homonym"):
        payer.integrator.made(f"/screenings/{screening}/reviews", {"key": "q1", "outcome": outcome})
    (told,) = items(office.dpo.get("/audit/disclosures"))
    assert (told["reviewed_as"], told["stands"]) == ("homonym", False)


def test_a_question_goes_to_the_owner_and_its_answer_comes_back(office: Office, payer: Office) -> None:
    subject, case, entry = office.entry()
    on = f"/screenings/{hit_of(payer)}/detail-requests"
    asked = payer.integrator.made(on, {"key": "q1", "question": ASKED})
    (one,) = items(office.supervisor.get("/detail-requests?state=waiting"))
    assert (one["organisation"], one["subject_id"], one["case_id"], one["inscription_id"]) == (
        "TPG", subject, case, entry,
    )  # fmt: skip
    path = f"/detail-requests/{one['detail_id']}"
    assert office.investigator.get(path).json()["question"] == ASKED
    (due,) = [d for d in items(office.dpo.get("/deadlines")) if d["kind"] == "detail_request"]
    assert (due["id"], due["rule"], due["due_on"]) == (one["detail_id"], "C6", "2026-03-17")
    assert office.investigator.made(f"{path}/answer", {"answer": TOLD}, 200)["version"] == 2
    read = office.dpo.get(path).json()
    assert (read["state"], read["answer"], read["reason"], read["due_at"]) == ("answered", TOLD, None, None)
    (seen,) = items(payer.integrator.get(on))
    assert (seen["request_id"], seen["state"], seen["question"]) == (asked["id"], "answered", ASKED)
    assert [told["answer"] for told in seen["answers"]] == [TOLD]
    kinds = [told["kind"] for told in items(office.dpo.get("/audit/disclosures?organisation=TPG"))]
    assert kinds == ["hit", "detail"]


def test_the_asker_never_learns_who_the_owner_is_or_how_many_there_are(
    office: Office, other_office: Office, payer: Office
) -> None:
    """One question to two owners: its answer to the asker is that of one."""
    known = [*office.entry(), *other_office.entry()]
    on = f"/screenings/{hit_of(payer)}/detail-requests"
    payer.integrator.made(on, {"key": "q1", "question": ASKED})
    (first,) = items(office.investigator.get("/detail-requests"))
    (second,) = items(other_office.investigator.get("/detail-requests"))
    assert len(items(office.auditor.get("/detail-requests"))) == 2
    refused = {"refused": True, "reason": "enquête en cours"}
    office.investigator.made(f"/detail-requests/{first['detail_id']}/answer", refused, 200)
    assert [one["state"] for one in items(payer.integrator.get(on))] == ["waiting"]
    path = f"/detail-requests/{second['detail_id']}"
    assert office.investigator.get(path).status_code == 404
    assert office.investigator.post(f"{path}/answer", {"answer": TOLD}).status_code == 404
    other_office.investigator.made(f"{path}/answer", {"answer": TOLD}, 200)
    seen = payer.integrator.get(on)
    assert [(one["state"], len(one["answers"])) for one in items(seen)] == [("answered", 1)]
    hidden = [*known, "GRPM", "PROBTP", first["detail_id"], second["detail_id"], "enquête en cours"]
    for text in (seen.text, payer.dpo.get(on).text, payer.auditor.get(on).text):
        assert [part for part in hidden if part in text] == []


def test_an_answer_is_one_or_a_refusal(office: Office, payer: Office) -> None:
    office.entry()
    screening = hit_of(payer)
    payer.integrator.made(f"/screenings/{screening}/detail-requests", {"key": "q1", "question": ASKED})
    (one,) = items(office.investigator.get("/detail-requests"))
    on = f"/detail-requests/{one['detail_id']}/answer"
    for body in (
        {},
        {"answer": TOLD, "refused": True},
        {"answer": TOLD, "reason": "parce que"},
        {"reason": "parce que"},
        {"refused": False},
    ):
        answer = office.investigator.post(on, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), body
    office.investigator.made(on, {"refused": True}, 200)
    again = office.investigator.post(on, {"answer": TOLD})
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (
        409,
        "already_answered",
        "refused",
    )


def test_who_reviewed_or_read_of_a_hit_is_in_the_access_log(office: Office, payer: Office) -> None:
    subject, _, _ = office.entry()
    screening = hit_of(payer)
    payer.integrator.made(
        f"/screenings/{screening}/reviews", {"key": "q1", "outcome": "confirmed", "note": NOTE}
    )
    payer.integrator.made(f"/screenings/{screening}/detail-requests", {"key": "q1", "question": ASKED})
    payer.integrator.get(f"/screenings/{screening}/reviews")
    (one,) = items(office.investigator.get("/detail-requests"))
    office.investigator.get(f"/detail-requests/{one['detail_id']}")
    by = {
        access["operation"]: access["organisation"]
        for access in items(office.auditor.get(f"/audit/accesses?subject={subject}"))
    }
    assert {
        "record_a_review": "TPG",
        "ask_for_the_details": "TPG",
        "list_reviews": "TPG",
        "read_a_detail_request": "GRPM",
    }.items() <= by.items()
