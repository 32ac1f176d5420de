"""Metrics name routes, counts and lateness; no person, no organisation, and nothing that has no bound."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api import lateness
from api.metrics import GAUGES
from scheduler.main import run
from scheduler.timetable import TIMETABLE, Job
from tests.api.conftest import Office
from tests.api.test_limits import batch
from watchlist.adapters.clock import ManualClock
from watchlist.bootstrap import House

SWEEP = TIMETABLE[0]
Told = dict[tuple[str, ...], float]


def told(client: TestClient) -> Told:
    """Each sample under its name and the values of its labels, in the order of their names."""
    samples = [
        one
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for one in family.samples
    ]
    return {(one.name, *(one.labels[name] for name in sorted(one.labels))): one.value for one in samples}


def broken(house: House) -> None:
    raise ConnectionError("Zyxwvut")


def test_requests_are_counted_by_route_and_timed(office: Office, client: TestClient) -> None:
    subject = office.subject()
    for _ in range(3):
        office.investigator.get(f"/subjects/{subject}")
    client.get("/nowhere/1")
    client.get("/nowhere/2")
    client.request("BREW", "/v1/me")
    found = told(client)
    read = ("GET", "/v1/subjects/{subject_id}")
    assert found["watchlist_http_requests_total", *read, "200"] == 3
    assert found["watchlist_http_request_duration_seconds_count", *read] == 3
    assert found["watchlist_http_requests_total", "GET", "unmatched", "404"] == 2
    assert found["watchlist_http_requests_total", "other", "/v1/me", "405"] == 1
    assert subject not in client.get("/metrics").text


def test_questions_are_counted_by_what_was_answered(office: Office, client: TestClient) -> None:
    office.entry()
    asked = batch(2)
    asked["subjects"]["unknown"] = {"identifiers": [{"scheme": "siren", "value": "356000000"}]}
    asked["subjects"]["typo"] = {"identifiers": [{"scheme": "rpps", "value": "10000001917"}]}
    office.integrator.made("/screenings", asked, 200)
    found = told(client)
    results = {
        result: found["watchlist_screening_questions_total", result] for result in ("hit", "no_hit", "error")
    }
    assert results == {"hit": 2, "no_hit": 1, "error": 1}


def test_the_log_the_deadlines_and_the_connections_are_told(office: Office, client: TestClient) -> None:
    office.entry()
    found = told(client)
    assert found["watchlist_log_position",] > 0
    assert found["watchlist_deadlines_late", "delisting"] == 0
    assert found["watchlist_connections", "open"] >= 1
    assert found["watchlist_up",] == 1
    assert ("watchlist_sweep_last_success_timestamp_seconds",) not in found


def test_no_organisation_is_in_them(office: Office, other_office: Office, client: TestClient) -> None:
    office.entry()
    other_office.entry()
    text = client.get("/metrics").text
    for name in ("GRPM", "PROBTP", "Delatour", "10000001916"):
        assert name not in text


def test_a_gauge_that_cannot_be_asked_is_missing_and_the_others_are_told(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    house: House = client.app.state.house
    monkeypatch.setattr(house.pictures, "deadlines_counted", broken)
    found = told(client)
    assert found["watchlist_up",] == 0
    assert ("watchlist_deadlines_late", "delisting") not in found
    assert ("watchlist_log_position",) in found


def test_the_database_is_asked_once_in_some_seconds_however_often_they_are_scraped(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    house: House = client.app.state.house
    told(client)
    monkeypatch.setattr(house.pictures, "deadlines_counted", broken)
    assert told(client)["watchlist_up",] == 1


def test_names_are_by_convention() -> None:
    for gauge in GAUGES:
        assert gauge.name.startswith("watchlist_")
        assert not gauge.name.endswith("_total")
        assert set(gauge.labels) <= {"kind", "job", "state", "witness"}  # witnesses are those of the settings


# Late -----------------------------------------------------------------------------------------


def test_a_sweep_that_nobody_ran_lately_is_late_and_the_answers_are_right_all_the_same(
    client: TestClient, house: House, clock: ManualClock
) -> None:
    def late() -> list[str]:
        answer = client.get("/readyz")
        assert answer.status_code == 200
        found: list[str] = answer.json()["late"]
        return found

    assert late() == ["sweep"]
    run(SWEEP, house)
    assert late() == []
    clock.advance(seconds=lateness.LATE.total_seconds() + 1)
    assert late() == ["sweep"]


def test_each_run_of_a_job_leaves_when_it_succeeded_or_failed(house: House, clock: ManualClock) -> None:
    run(SWEEP, house)
    first = clock.now()
    clock.advance(minutes=1)
    run(Job(SWEEP.name, 60, broken), house)
    (ran,) = house.job_runs.all()
    assert (ran.succeeded_at, ran.failed_at) == (first, first + timedelta(minutes=1))
    assert ran.failure == "ConnectionError"


def test_a_sweep_that_another_process_is_doing_is_no_success_of_this_one(house: House) -> None:
    with house.register.alone("sweep"):
        run(SWEEP, house)
    assert house.job_runs.all() == []


def test_a_stopping_process_is_not_ready_and_answers_all_the_same(client: TestClient, office: Office) -> None:
    client.app.state.closing.set()
    answer = client.get("/readyz", headers={"Accept-Language": "fr"})
    assert (answer.status_code, answer.json()["code"]) == (503, "stopping")
    assert "s'arrête" in answer.json()["title"]
    assert client.get("/livez").status_code == 200
    assert office.investigator.get("/me").status_code == 200
