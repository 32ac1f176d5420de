"""Matching: the investigators' search in the open convention."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import PERSON, Office
from tests.api.test_subjects import ORGANISATION

MARIE = {"schema": "Person", "properties": {"name": ["Marie Delatour"], "birthDate": ["1970-02-28"]}}


def asked(office: Office, queries: dict[str, Any], parameters: str = "") -> Any:
    return office.investigator.post(f"/match/watchlist{parameters}", {"queries": queries})


def test_a_tool_of_the_open_convention_finds_a_subject_with_a_caption_a_score_and_why(office: Office) -> None:
    subject = office.subject()
    body = asked(office, {"q1": MARIE}).json()
    (found,) = body["responses"]["q1"]["results"]
    assert body["responses"]["q1"]["status"] == 200
    assert body["responses"]["q1"]["total"] == {"value": 1, "relation": "eq"}
    assert (found["id"], found["schema"], found["caption"]) == (subject, "Person", "Marie Claude Delatour")
    assert (found["match"], found["score"], found["certainty"]) == (True, 0.9, "strong")
    assert set(found["explanations"]) == {"family_name", "given_names", "birth_date"}
    assert found["properties"]["birthDate"] == [PERSON["birth_date"]]


def test_a_name_alone_is_never_a_match(office: Office) -> None:
    office.subject()
    query = {"schema": "Person", "properties": {"lastName": ["Delatour"]}}
    (found,) = asked(office, {"q1": query}).json()["responses"]["q1"]["results"]
    assert (found["match"], found["certainty"]) == (False, "possible")
    assert asked(office, {"q1": query}, "?cutoff=0.5").json()["responses"]["q1"]["results"] == []


def test_an_organisation_is_found_by_its_number_and_not_as_a_person(office: Office) -> None:
    made = office.investigator.made("/subjects", ORGANISATION)
    properties = {"registrationNumber": ["732 829 320"], "name": ["Centre"]}
    queries = {schema: {"schema": schema, "properties": properties} for schema in ("Company", "Person")}
    responses = asked(office, queries).json()["responses"]
    assert [one["id"] for one in responses["Company"]["results"]] == [made["id"]]
    assert responses["Company"]["results"][0]["match"] is True
    assert responses["Person"]["results"] == []


def test_a_query_that_cannot_be_read_has_a_status_of_its_own_and_the_others_are_answered(
    office: Office,
) -> None:
    office.subject()
    answer = asked(office, {"bad": {"schema": "Vessel", "properties": {}}, "empty": {}, "good": MARIE})
    assert answer.status_code == 200
    responses = answer.json()["responses"]
    assert {key: one["status"] for key, one in responses.items()} == {"bad": 400, "empty": 400, "good": 200}
    assert responses["bad"]["field"] == "schema"


def test_another_organisations_subjects_are_not_found(office: Office, other_office: Office) -> None:
    other_office.subject()
    assert asked(office, {"q1": MARIE}).json()["responses"]["q1"]["results"] == []


def test_only_the_one_dataset_and_algorithm_are_there(office: Office) -> None:
    unknown = office.investigator.post("/match/sanctions", {"queries": {"q1": MARIE}})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "no_such_dataset")
    assert asked(office, {"q1": MARIE}, "?algorithm=name-based").status_code == 422
    assert asked(office, {"q1": MARIE}, "?threshold=2").status_code == 422


def test_at_most_so_many_results_are_told_and_how_many_there_are(office: Office) -> None:
    for day in range(1, 4):
        office.subject(identifiers=[], birth_date=f"1980-01-0{day}")
    query = {"schema": "Person", "properties": {"lastName": ["Delatour"]}}
    answer = asked(office, {"q1": query}, "?limit=2").json()["responses"]["q1"]
    assert (len(answer["results"]), answer["total"]["value"]) == (2, 3)
