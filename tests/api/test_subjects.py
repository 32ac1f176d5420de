"""Subjects: found by what is known of them, merged and split, victims, deceased."""

from __future__ import annotations

from tests.api.conftest import PERSON, PROPORTIONALITY, Office

ORGANISATION = {
    "kind": "organisation",
    "role": "health_professional",
    "name": "Centre de santé des Lilas",
    "identifiers": [{"scheme": "siren", "value": "732 829 320"}],
}


def test_a_search_says_how_certain_it_is_and_why(office: Office, other_office: Office) -> None:
    subject = office.subject()
    other_office.subject()

    def best(**wanted: object) -> tuple[str, list[str]]:
        items = office.supervisor.post("/subjects/search", wanted).json()["items"]
        assert [item["subject_id"] for item in items] == [subject]
        return items[0]["certainty"], items[0]["reasons"]

    birth = {"family_name": "de la tour", "birth_date": "1970-02-28"}
    assert best(identifiers=PERSON["identifiers"]) == ("certain", ["rpps"])
    assert best(**birth, given_names="Marie") == ("strong", ["family_name", "given_names", "birth_date"])
    assert best(**birth, given_names="Paul")[0] == "possible"
    assert best(**birth)[0] == "possible"
    assert best(family_name="DELATOUR") == ("possible", ["family_name"])
    assert office.supervisor.post("/subjects/search", {"family_name": "Durand"}).json() == {"items": []}


def test_the_best_is_told_first(office: Office) -> None:
    by_name = office.subject(identifiers=[], birth_date="1980-01-01")
    exact = office.subject()
    wanted = {"family_name": "Delatour", "identifiers": PERSON["identifiers"]}
    items = office.dpo.post("/subjects/search", wanted).json()["items"]
    assert [(i["subject_id"], i["certainty"]) for i in items] == [(exact, "certain"), (by_name, "possible")]


def test_an_organisation_is_a_subject_too(office: Office) -> None:
    made = office.investigator.made("/subjects", ORGANISATION)
    view = office.investigator.get(f"/subjects/{made['id']}").json()
    assert view["name"] == ORGANISATION["name"]
    assert view["identifiers"] == [{"scheme": "siren", "value": "732829320"}]
    assert "family_name" not in view
    found = office.dpo.post("/subjects/search", {"name": "CENTRE de sante des lilas"}).json()["items"]
    assert (found[0]["subject_id"], found[0]["certainty"]) == (made["id"], "possible")


def test_a_merged_duplicate_is_found_as_its_survivor_until_it_is_split(office: Office) -> None:
    survivor = office.subject()
    duplicate = office.subject(identifiers=[], usage_name="Martin")
    merging = {"duplicate_id": duplicate, "reason": "the same"}
    office.investigator.made(f"/subjects/{survivor}/merge", merging, 200)
    assert office.investigator.get(f"/subjects/{duplicate}").json()["merged_into"] == survivor
    found = office.investigator.post("/subjects/search", {"family_name": "Martin"}).json()["items"]
    assert [item["subject_id"] for item in found] == [survivor]
    office.investigator.made(f"/subjects/{survivor}/split", merging, 200)
    assert office.investigator.get(f"/subjects/{duplicate}").json()["merged_into"] is None
    again = office.investigator.post(f"/subjects/{survivor}/split", merging)
    assert (again.status_code, again.json()["code"]) == (409, "not_merged")


def test_a_victim_is_never_listed_by_the_case(office: Office) -> None:
    subject = office.subject()
    case = office.case(subject)
    body = {"case_id": case, "identifiers": PERSON["identifiers"], "reason": "stolen card"}
    office.investigator.made(f"/subjects/{subject}/victim", body, 200)
    assert office.investigator.get(f"/cases/{case}").json()["victim_ids"] == [subject]
    proposal = {"subject_id": subject, "grounds": ["identity_misuse"], "proportionality": PROPORTIONALITY}
    refused = office.investigator.post(f"/cases/{case}/inscriptions", proposal)
    assert (refused.status_code, refused.json()["code"]) == (409, "victim_not_listed")


def test_a_death_is_recorded_once_and_never_in_the_future(office: Office) -> None:
    subject, _, inscription = office.entry()
    path = f"/subjects/{subject}/death"
    future = office.investigator.post(path, {"died_on": "2026-03-03"})
    assert (future.status_code, future.json()["field"]) == (422, "died_on")
    office.investigator.made(path, {"died_on": "2026-03-01"}, 200)
    assert office.investigator.get(f"/subjects/{subject}").json()["died_on"] == "2026-03-01"
    assert office.investigator.post(path, {"died_on": "2026-03-01"}).status_code == 409
    due = office.dpo.get("/deadlines").json()["items"]
    assert [one["inscription_id"] for one in due if one["kind"] == "death_review"] == [inscription]


def test_an_erased_subject_has_no_fields(office: Office) -> None:
    subject = office.subject()
    app = office.investigator.client.app
    from uuid import UUID

    app.state.house.keyring.destroy([UUID(subject)])
    view = office.dpo.get(f"/subjects/{subject}").json()
    assert view["erased"] is True
    assert not {"family_name", "given_names", "birth_date", "identifiers"} & view.keys()
    merge = {"duplicate_id": subject, "reason": "x"}
    other = office.subject(identifiers=[])
    assert office.investigator.post(f"/subjects/{other}/merge", merge).status_code == 409
