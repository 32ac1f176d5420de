"""The rights desk by HTTP: the DPO follows a request from its receipt until the person was told (P1-P5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.conftest import PERSON, Office
from watchlist.adapters.clock import ManualClock
from watchlist.application.erase import erase_subject
from watchlist.application.work import Ask
from watchlist.bootstrap import House

CANARY = "Zyxwvut"


def received(office: Office, subject: str, kind: str = "objection", **more: Any) -> dict[str, Any]:
    body = {"kind": kind, "subject_id": subject, "received_on": "2026-03-02", **more}
    return office.dpo.made("/rights-requests", body)


def refused(office: Office, path: str, body: Any) -> tuple[int, str]:
    answer = office.dpo.post(path, body)
    return answer.status_code, answer.json()["code"]


def test_an_objection_from_its_receipt_to_its_answer(office: Office) -> None:
    subject, case, inscription = office.entry()
    made = received(office, subject, details="je m'oppose")
    assert (made["state"], made["due_on"], made["restricts"]) == ("received", "2026-04-02", True)
    request = f"/rights-requests/{made['id']}"
    # every view says why the entry is restricted
    entry = office.supervisor.get(f"/inscriptions/{inscription}").json()
    assert entry["restricted"] is True
    assert [one["request_id"] for one in entry["restrictions"]] == [made["id"]]
    file = office.investigator.get(f"/cases/{case}").json()
    assert file["inscriptions"][0]["restrictions"] == entry["restrictions"]
    assert office.investigator.get(f"/subjects/{subject}").json()["contested_by"] == [made["id"]]
    lifting = office.supervisor.post(f"/inscriptions/{inscription}/restriction/lifting", {"reason": "x"})
    assert (lifting.status_code, lifting.json()["code"]) == (409, "contested_by_request")
    assert lifting.json()["state"] == "contested"
    # extended, refused, answered
    extended = office.dpo.made(f"{request}/extension", {"reason": "complexe", "told_on": "2026-03-02"}, 200)
    assert extended["due_on"] == "2026-06-02"
    decided = office.dpo.made(f"{request}/decision", {"granted": False, "reason": "motifs légitimes"}, 200)
    assert (decided["state"], decided["restricts"], decided["delisted"]) == ("decided", True, [])
    answered = office.dpo.made(f"{request}/answer", {"told_on": "2026-03-02", "text": "refus motivé"}, 200)
    assert (answered["state"], answered["restricts"]) == ("answered", False)
    assert office.supervisor.get("/list").json()["items"][0]["restricted"] is False
    # and all of it is in the request
    answer = office.dpo.get(request)
    view = answer.json()
    assert answer.headers["etag"] == f'"{view["version"]}"' == '"5"'
    assert view["details"] == "je m'oppose"
    assert view["extension"]["reason"] == "complexe"
    assert (view["decision"]["granted"], view["decision"]["reason"]) == (False, "motifs légitimes")
    assert (view["answer"]["told_on"], view["answer"]["text"]) == ("2026-03-02", "refus motivé")
    assert (view["open"], view["erased"]) == (False, False)


def test_an_upheld_objection_ends_the_entries(office: Office) -> None:
    subject, _, inscription = office.entry()
    made = received(office, subject)
    body = {"granted": True, "reason": "fondée"}
    decided = office.dpo.made(f"/rights-requests/{made['id']}/decision", body, 200)
    assert decided["delisted"] == [inscription]
    entry = office.dpo.get(f"/inscriptions/{inscription}").json()
    assert (entry["state"], entry["delisting_ground"]) == ("delisted", "objection_upheld")
    assert office.supervisor.get("/list").json()["items"] == []


def test_a_granted_restriction_is_lifted_by_its_own_command(office: Office) -> None:
    subject, _, inscription = office.entry()
    made = received(office, subject, "restriction")
    request = f"/rights-requests/{made['id']}"
    lifting = {"reason": "plus nécessaire", "told_on": "2026-03-02"}
    assert refused(office, f"{request}/lifting", lifting) == (409, "nothing_to_lift")
    decision = {"granted": True, "reason": "fondée"}
    assert office.dpo.made(f"{request}/decision", decision, 200)["restricts"] is True
    assert refused(office, f"{request}/lifting", lifting) == (409, "grant_not_told")
    assert office.dpo.made(f"{request}/answer", None, 200)["restricts"] is True
    tomorrow = {**lifting, "told_on": "2026-03-03"}
    assert refused(office, f"{request}/lifting", tomorrow) == (422, "date_in_the_future")
    assert office.dpo.made(f"{request}/lifting", lifting, 200)["restricts"] is False
    assert office.dpo.get(f"/inscriptions/{inscription}").json()["restrictions"] == []
    assert office.dpo.get(request).json()["lifting"]["reason"] == "plus nécessaire"


def test_a_rectification_is_granted_by_rectifying(office: Office) -> None:
    subject, *_ = office.entry()
    made = received(office, subject, "rectification")
    decision = f"/rights-requests/{made['id']}/decision"
    body = {"granted": True, "reason": "fondée"}
    assert refused(office, decision, body) == (409, "rectify_first")
    version = office.investigator.get(f"/subjects/{subject}").headers["etag"]
    changed = office.investigator.ask(
        "PATCH", f"/subjects/{subject}", {"family_name": "Delatoure", "reason": "acte"}, If_Match=version
    )
    assert changed.status_code == 200
    assert office.dpo.made(decision, body, 200)["state"] == "decided"


def test_portability_is_refused_with_the_reason_of_the_rule(office: Office) -> None:
    made = received(office, office.subject(), "portability")
    request = f"/rights-requests/{made['id']}"
    assert refused(office, f"{request}/decision", {"granted": True}) == (422, "portability_not_granted")
    french = office.dpo.post(f"{request}/decision", {"granted": True}, Accept_Language="fr").json()
    assert "intérêt légitime" in french["title"]
    office.dpo.made(f"{request}/decision", {"granted": False}, 200)
    reason = office.dpo.get(request).json()["decision"]["standard_reason"]
    assert "legitimate interest" in reason["en"]
    assert "intérêt légitime" in reason["fr"]


def test_a_part_of_an_access_is_deferred_reviewed_and_given(office: Office, clock: ManualClock) -> None:
    made = received(office, office.subject(), "access")
    request = f"/rights-requests/{made['id']}"
    waits = [{"part": "cases.evidence", "reason": "enquête", "review_on": "2026-05-04"}]
    office.dpo.made(f"{request}/decision", {"granted": True, "reason": "accès", "deferred": waits}, 200)
    office.dpo.made(f"{request}/answer", {}, 200)
    view = office.dpo.get(request).json()
    assert (view["deferred"], view["review_on"], view["open"]) == (waits, "2026-05-04", True)
    clock.advance(days=60)
    office.dpo.made(f"{request}/deferral-review", {"deferred": []}, 200)
    view = office.dpo.get(request).json()
    assert (view["deferred"], view["review_on"], view["open"]) == ([], None, False)
    again = f"{request}/deferral-review"
    assert refused(office, again, {"deferred": []}) == (409, "nothing_deferred")


def test_directives_apply_after_a_recorded_death(office: Office) -> None:
    subject, *_ = office.entry()
    body = {
        "kind": "directives",
        "subject_id": subject,
        "received_on": "2026-03-02",
        "directives": "ne rien conserver",
    }
    assert refused(office, "/rights-requests", body) == (409, "death_not_recorded")
    office.investigator.made(f"/subjects/{subject}/death", {"died_on": "2026-03-01"}, 200)
    made = office.dpo.made("/rights-requests", body)
    assert office.dpo.get(f"/rights-requests/{made['id']}").json()["directives"] == "ne rien conserver"
    due = office.dpo.get("/deadlines").json()["items"]
    assert "death_review" in {item["kind"] for item in due}
    without = {**body, "directives": None}
    assert refused(office, "/rights-requests", without) == (422, "directives_misplaced")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"received_on": "2026-03-03"}, "date_in_the_future"),
        ({"kind": "forgetting"}, "invalid_request"),
        ({"surprise": True}, "invalid_request"),
        ({"directives": "x"}, "directives_misplaced"),
        ({"details": " "}, "invalid_request"),
    ],
)
def test_a_malformed_request_is_refused(office: Office, body: dict[str, Any], code: str) -> None:
    whole = {"kind": "access", "subject_id": office.subject(), "received_on": "2026-03-02", **body}
    assert refused(office, "/rights-requests", whole) == (422, code)


def test_what_the_state_forbids_is_told_with_the_state(office: Office) -> None:
    made = received(office, office.subject(), "access")
    request = f"/rights-requests/{made['id']}"
    extension = {"reason": "complexe", "told_on": "2026-03-02"}
    decision = {"granted": True, "reason": "accès"}
    assert refused(office, f"{request}/answer", {}) == (409, "not_decided")
    assert refused(office, f"{request}/decision", {"granted": True}) == (422, "reason_missing")
    office.dpo.made(f"{request}/extension", extension, 200)
    assert refused(office, f"{request}/extension", extension) == (409, "already_extended")
    office.dpo.made(f"{request}/decision", decision, 200)
    assert refused(office, f"{request}/decision", decision) == (409, "already_decided")
    office.dpo.made(f"{request}/answer", {}, 200)
    answer = office.dpo.post(f"{request}/answer", {})
    assert (answer.status_code, answer.json()["state"]) == (409, "answered")


def test_an_extension_told_after_the_first_due_day_is_too_late(office: Office, clock: ManualClock) -> None:
    made = received(office, office.subject(), "access")
    clock.advance(days=32)
    extension = {"reason": "complexe", "told_on": "2026-04-03"}
    path = f"/rights-requests/{made['id']}/extension"
    assert refused(office, path, extension) == (409, "extension_too_late")
    office.dpo.made(path, {**extension, "told_on": "2026-04-02"}, 200)


def test_requests_are_listed_by_state_kind_and_due_day(office: Office, clock: ManualClock) -> None:
    subject = office.subject()
    access, objection = (received(office, subject, kind)["id"] for kind in ("access", "objection"))
    office.dpo.made(f"/rights-requests/{access}/decision", {"granted": True, "reason": "accès"}, 200)

    def listed(query: str = "") -> list[str]:
        return sorted(i["request_id"] for i in office.dpo.get(f"/rights-requests{query}").json()["items"])

    assert listed() == sorted([access, objection])
    assert listed("?state=decided") == [access]
    assert listed("?kind=objection") == [objection]
    assert (listed("?due_before=2026-04-02"), len(listed("?due_before=2026-04-03"))) == ([], 2)
    page = office.dpo.get("/rights-requests?limit=1").json()
    rest = office.dpo.get(f"/rights-requests?limit=1&cursor={page['next']}").json()
    assert sorted(i["request_id"] for i in page["items"] + rest["items"]) == listed()
    assert {item["overdue"] for item in page["items"]} == {False}
    clock.advance(days=31)
    assert {i["overdue"] for i in office.dpo.get("/rights-requests").json()["items"]} == {False}
    clock.advance(days=1)
    assert {i["overdue"] for i in office.dpo.get("/rights-requests").json()["items"]} == {True}


def test_another_organisations_request_and_subject_are_not_there(
    office: Office, other_office: Office
) -> None:
    subject = office.subject()
    request = f"/rights-requests/{received(office, subject, 'restriction')['id']}"
    stranger = other_office.dpo
    assert stranger.get("/rights-requests").json()["items"] == []
    body = {"kind": "access", "subject_id": subject, "received_on": "2026-03-02"}
    assert stranger.post("/rights-requests", body).json()["code"] == "no_such_subject"
    told = {"reason": "x", "told_on": "2026-03-02"}
    for path, sent in {
        "": None,
        "/extension": told,
        "/decision": {"granted": True, "reason": "x"},
        "/answer": {},
        "/deferral-review": {"deferred": []},
        "/lifting": told,
    }.items():
        answer = stranger.get(request) if sent is None else stranger.post(request + path, sent)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_request")


def test_an_unknown_and_an_erased_subject_are_not_there(office: Office, house: House) -> None:
    erased = office.subject()
    erase_subject(house.desk, Ask(uuid4(), "GRPM"), UUID(erased))
    for subject in (erased, "7f3e2a54-3b0e-4f0e-9d6e-0c5a9a3f1b7d"):
        body = {"kind": "access", "subject_id": subject, "received_on": "2026-03-02"}
        assert refused(office, "/rights-requests", body) == (404, "no_such_subject")


def test_the_same_request_with_the_same_key_is_received_once(office: Office) -> None:
    body = {"kind": "objection", "subject_id": office.subject(), "received_on": "2026-03-02"}
    answers = [office.dpo.post("/rights-requests", body, Idempotency_Key="once") for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(office.dpo.get("/rights-requests").json()["items"]) == 1
    other = office.dpo.post("/rights-requests", {**body, "kind": "access"}, Idempotency_Key="once")
    assert other.status_code == 422


def test_no_text_of_a_request_is_in_a_list_a_history_or_the_log(office: Office, house: House) -> None:
    subject, case, _ = office.entry()
    made = received(office, subject, details=CANARY)
    request = f"/rights-requests/{made['id']}"
    office.dpo.made(f"{request}/extension", {"reason": CANARY, "told_on": "2026-03-02"}, 200)
    office.dpo.made(f"{request}/decision", {"granted": False, "reason": CANARY}, 200)
    office.dpo.made(f"{request}/answer", {"text": CANARY}, 200)
    assert CANARY in office.dpo.get(request).text
    for shown in (
        office.dpo.get("/rights-requests").text,
        office.dpo.get(f"/cases/{case}/history").text,
        office.dpo.get("/deadlines").text,
        office.auditor.get("/audit/events").text,
    ):
        assert CANARY not in shown
        assert PERSON["family_name"] not in shown
