"""Alarms of unusual use (S6): seen by those who answer for access, looked at once."""

import time
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import Office
from watchlist.bootstrap import House
from watchlist.domain.unusual_use import Observed, Unusual

AT = datetime(2026, 3, 2, 11, tzinfo=UTC)
CLIENT = UUID(int=7)


@pytest.fixture
def alarmed(house: House, office: Office) -> Office:
    for day, kind in ((1, Unusual.SEQUENCE), (2, Unusual.SEQUENCE), (2, Unusual.AT_NIGHT)):
        time.sleep(0.002)  # their ids follow each other by the millisecond
        observed = Observed(kind, 900 + day, AT)
        assert house.usage.raise_alarm(CLIENT, office.organisation, date(2026, 3, day), observed, AT)
        assert not house.usage.raise_alarm(CLIENT, office.organisation, date(2026, 3, day), observed, AT)
    return office


@pytest.mark.parametrize("role", ["auditor", "dpo", "admin"])
def test_whoever_answers_for_access_sees_them_the_latest_first(alarmed: Office, role: str) -> None:
    items = getattr(alarmed, role).get("/audit/alarms").json()["items"]
    assert [(item["kind"], item["day"]) for item in items] == [
        ("at_night", "2026-03-02"),
        ("sequence", "2026-03-02"),
        ("sequence", "2026-03-01"),
    ]
    assert items[0].keys() == {
        "alarm_id", "at", "kind", "operator_id", "organisation", "day", "hour", "number",
        "acknowledged_at", "acknowledged_by",
    }  # fmt: skip
    assert (items[0]["operator_id"], items[0]["number"]) == (str(CLIENT), 902)


def test_those_nobody_looked_at_are_a_metric(alarmed: Office, client: TestClient) -> None:
    said = client.get("/metrics").text
    assert 'watchlist_alarms_open{kind="sequence"} 2.0' in said
    assert 'watchlist_alarms_open{kind="guessed"} 0.0' in said


def test_page_after_page(alarmed: Office) -> None:
    first = alarmed.dpo.get("/audit/alarms?limit=2").json()
    last = alarmed.dpo.get(f"/audit/alarms?limit=2&cursor={first['next']}").json()
    assert [len(first["items"]), len(last["items"]), last["next"]] == [2, 1, None]


def test_another_organisation_does_not_see_them(alarmed: Office, other_office: Office) -> None:
    alarm = alarmed.dpo.get("/audit/alarms").json()["items"][0]["alarm_id"]
    assert other_office.dpo.get("/audit/alarms").json()["items"] == []
    assert other_office.admin.post(f"/audit/alarms/{alarm}/acknowledgement").status_code == 404
    assert alarmed.admin.post(f"/audit/alarms/{uuid4()}/acknowledgement").status_code == 404


def test_an_alarm_is_looked_at_once(alarmed: Office, house: House) -> None:
    alarm = alarmed.dpo.get("/audit/alarms").json()["items"][0]["alarm_id"]
    first = alarmed.dpo.made(f"/audit/alarms/{alarm}/acknowledgement", status=200)
    again = alarmed.admin.made(f"/audit/alarms/{alarm}/acknowledgement", status=200)
    assert first["id"] == alarm
    assert first["acknowledged_by"] is not None
    assert first == again
    waiting = alarmed.auditor.get("/audit/alarms?open=true").json()["items"]
    assert alarm not in [item["alarm_id"] for item in waiting]
    assert house.usage.open_alarms() == {"sequence": 2}


def test_an_auditor_changes_nothing(alarmed: Office) -> None:
    alarm = alarmed.auditor.get("/audit/alarms").json()["items"][0]["alarm_id"]
    assert alarmed.auditor.post(f"/audit/alarms/{alarm}/acknowledgement").status_code == 403
