"""What is wrong is told by field and code, and never by its value."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.problems import all_kinds, wants_french
from tests.api.conftest import CASE, PERSON, PROPORTIONALITY, Office
from watchlist.bootstrap import House

CANARY = "Zyxwvut"
NIR = "1850578006084"
SOMEWHERE = "7f3e2a54-3b0e-4f0e-9d6e-0c5a9a3f1b7d"


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


WRONG: list[tuple[str, Any, str, str]] = [
    ("/subjects", {**PERSON, "kind": CANARY}, "body", "union_tag_invalid"),
    ("/subjects", without(PERSON, "kind"), "body", "union_tag_not_found"),
    ("/subjects", {**PERSON, "role": CANARY}, "role", "enum"),
    ("/subjects", {**PERSON, "birth_date": CANARY}, "birth_date", "date_expected"),
    ("/subjects", {**PERSON, "birth_date": 19700101}, "birth_date", "date_expected"),
    ("/subjects", {**PERSON, "birth_date": "1970-02-30"}, "birth_date", "date_expected"),
    ("/subjects", {**PERSON, "birth_date": "0970-02-28"}, "birth_date", "date_out_of_range"),
    ("/subjects", {**PERSON, "family_name": f"{CANARY}\0"}, "family_name", "characters_refused"),
    ("/subjects", {**PERSON, "family_name": f"{CANARY}\ud800"}, "family_name", "string_unicode"),
    ("/subjects", {**PERSON, "family_name": " "}, "family_name", "string_too_short"),
    ("/subjects", {**PERSON, "family_name": CANARY * 40}, "family_name", "string_too_long"),
    ("/subjects", {**PERSON, "family_name": [CANARY]}, "family_name", "string_type"),
    ("/subjects", {**PERSON, "nickname": CANARY}, "nickname", "extra_forbidden"),
    ("/subjects", {**PERSON, f"{CANARY} é": 1}, "?", "extra_forbidden"),
    ("/subjects", {**PERSON, "identifiers": [{"scheme": "rpps"}]}, "identifiers[0].value", "missing"),
    ("/subjects", without(PERSON, "given_names"), "given_names", "missing"),
    ("/subjects", [CANARY], "body", "model_attributes_type"),
    ("/subjects/search", {}, "body", "nothing_asked"),
    ("/cases", {**CASE, "subject_ids": [CANARY]}, "subject_ids[0]", "id_expected"),
    ("/cases", {**CASE, "subject_ids": []}, "subject_ids", "too_short"),
    *(
        (
            "/cases",
            {**CASE, "subject_ids": [SOMEWHERE], "amount_at_stake": {"amount": amount, "currency": "EUR"}},
            "amount_at_stake.amount",
            code,
        )
        for amount, code in [
            (1234.56, "string_type"),
            ("1234.567", "string_pattern_mismatch"),
            ("-1", "string_pattern_mismatch"),
            ("1e3", "string_pattern_mismatch"),
            ("0.00", "not_positive"),
        ]
    ),
    (f"/cases/{SOMEWHERE}/qualification", {"relevant": "true", "reason": "x"}, "relevant", "bool_type"),
    (
        f"/cases/{SOMEWHERE}/evidence",
        {"description": "x", "sha256": CANARY},
        "sha256",
        "string_pattern_mismatch",
    ),
    (f"/cases/{CANARY}/notes", {"text": "x"}, "case_id", "id_expected"),
    ("/subjects", {**PERSON, "Dupont-Jean": 1}, "?", "extra_forbidden"),
    ("/cases?Dupont-Jean=1", {**CASE, "subject_ids": [SOMEWHERE]}, "?", "unknown_parameter"),
    ("/cases?color=" + CANARY, {**CASE, "subject_ids": [SOMEWHERE]}, "color", "unknown_parameter"),
]


@pytest.mark.parametrize(("path", "body", "field", "code"), WRONG)
def test_a_wrong_field_is_named_without_its_value(
    office: Office, path: str, body: Any, field: str, code: str
) -> None:
    import json

    headers = {"Authorization": f"Bearer {office.investigator.key}", "Content-Type": "application/json"}
    answer = office.investigator.client.post(f"/v1{path}", content=json.dumps(body), headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["code"]) == ("/problems/invalid_request", "invalid_request")
    assert (field, code) in [(error["field"], error["code"]) for error in problem["errors"]]
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    ("scheme", "value", "code", "field"),
    [
        ("rpps", "10000001917", "check_failed", "identifiers[0].value"),
        ("rpps", "1000", "malformed_identifier", "identifiers[0].value"),
        ("nir", NIR, "nir_refused", "identifiers[0].value"),
        ("amc_member", f"12345678/{NIR}", "nir_refused", "identifiers[0].value"),
        ("passport", "123456", "unknown_scheme", "identifiers[0].scheme"),
    ],
)
def test_an_identifier_is_refused_by_name(
    office: Office, scheme: str, value: str, code: str, field: str
) -> None:
    body = {**PERSON, "identifiers": [{"scheme": scheme, "value": value}]}
    for path in ("/subjects", "/subjects/search"):
        sent = body if path == "/subjects" else without(body, "kind")
        answer = office.investigator.post(path, sent)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field)
        assert value not in answer.text


def test_a_refusal_is_told_in_the_language_that_is_asked_for(office: Office) -> None:
    case = office.case(qualified=False)
    body = {
        "subject_id": office.subject(),
        "grounds": ["collusion"],
        "proportionality": PROPORTIONALITY,
    }
    path = f"/cases/{case}/inscriptions"
    english = office.investigator.post(path, body)
    french = office.investigator.post(path, body, Accept_Language="fr-FR,fr;q=0.9,en;q=0.8")
    assert english.status_code == french.status_code == 409
    assert english.json()["state"] == "alert"
    assert english.json()["title"].startswith("The case is not qualified")
    assert french.json()["title"].startswith("Le dossier n'est pas qualifié")
    assert french.json()["code"] == english.json()["code"] == "case_not_qualified"


def test_every_type_of_problem_leads_to_a_page_in_both_languages(client: TestClient) -> None:
    for code, kind in all_kinds().items():
        page = client.get(f"/problems/{code}")
        assert page.status_code == 200
        assert kind.english
        assert kind.french, code
    assert client.get("/problems/none").status_code == 404
    assert client.get("/problems/four_eyes").headers["content-type"].startswith("text/html")


def test_what_the_framework_refuses_is_a_problem_too(office: Office, client: TestClient) -> None:
    investigator = office.investigator
    assert client.get("/nothing").json()["code"] == "no_such_path"
    wrong_method = investigator.ask("PUT", "/cases")
    assert (wrong_method.status_code, wrong_method.json()["code"]) == (405, "method_not_allowed")
    assert wrong_method.headers["allow"]
    headers = {"Authorization": f"Bearer {investigator.key}"}
    answers = {
        content: client.post(
            "/v1/subjects", content=content, headers={**headers, "Content-Type": media_type}
        ).status_code
        for content, media_type in [
            (b"{", "application/json"),
            (b"\xff{}", "application/json"),
            (b"[" * 100_000, "application/json"),
            (b"1" * 5000, "application/json"),
            (b"a=1", "application/x-www-form-urlencoded"),
            (b"{}", "text/plain"),
        ]
    }
    assert list(answers.values()) == [422, 422, 422, 422, 415, 415]


def test_a_body_has_a_limit_announced_or_not(office: Office, client: TestClient) -> None:
    headers = {"Authorization": f"Bearer {office.investigator.key}", "Content-Type": "application/json"}
    large = b'{"x":"' + b"a" * (1024 * 1024) + b'"}'
    announced = client.post("/v1/subjects", content=large, headers=headers)
    streamed = client.post("/v1/subjects", content=iter([large[:9], large[9:]]), headers=headers)
    for answer in (announced, streamed):
        assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")
        assert answer.headers["content-type"] == "application/problem+json"


def test_only_the_stream_itself_has_no_limit_and_not_what_lies_under_its_address(
    office: Office, client: TestClient
) -> None:
    headers = {"Authorization": f"Bearer {office.integrator.key}", "Content-Type": "application/json"}
    large = b'{"key":"' + b"a" * (9 * 1024 * 1024) + b'"}'
    for body in (large, iter([large[:9], large[9:]])):
        answer = client.post("/v1/screenings/bulk/reviews", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")
    assert client.post("/v1/screenings/bulk", content=large, headers=headers).status_code == 422


def test_every_answer_has_its_request_id_and_the_headers_of_caution(client: TestClient) -> None:
    answer = client.get("/livez", headers={"X-Request-Id": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    forged = client.get("/livez", headers={"X-Request-Id": "a b\t<script>"})
    assert forged.headers["x-request-id"] != "a b\t<script>"


def test_an_error_of_ours_tells_nothing_and_logs_no_message(
    office: Office, house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(CANARY)

    key = office.investigator
    key.get("/me")
    monkeypatch.setattr(type(house.pictures), "cases", broken)
    with caplog.at_level(logging.DEBUG):
        answer = key.get("/cases", X_Request_Id="r-1")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["x-request-id"] == "r-1"
    assert CANARY not in answer.text + caplog.text
    assert "GET /v1/cases" in caplog.text
    assert "ValueError" in caplog.text


def test_a_database_that_does_not_answer_is_a_503(
    office: Office, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise psycopg.OperationalError(CANARY)

    investigator = office.investigator
    investigator.get("/me")
    monkeypatch.setattr(type(house.register.log_recorder), "_record", unreachable)
    answer = investigator.post("/subjects", PERSON)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "1"
    assert CANARY not in answer.text


def test_ready_only_with_every_migration(
    client: TestClient, house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/livez").json() == {"status": "live"}
    assert client.get("/readyz").json()["status"] == "ready"
    with psycopg.connect(database_url) as conn:
        conn.execute("DELETE FROM public.watchlist_migrations WHERE name = '0001_log.sql'")
    late = client.get("/readyz")
    assert (late.status_code, late.json()["code"]) == (503, "not_ready")
    assert "0001_log.sql" in late.json()["detail"]


def test_docs_need_nothing_from_outside(client: TestClient) -> None:
    page = client.get("/docs")
    assert "raise_an_alert" in page.text
    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


@pytest.mark.parametrize(
    ("accepted", "french"),
    [("", False), ("fr", True), ("en-GB,fr;q=0.9", False), ("fr;q=0.2,en;q=0.1", True), ("de,*", False)],
)
def test_the_preferred_language(accepted: str, french: bool) -> None:
    assert wants_french(accepted) is french
