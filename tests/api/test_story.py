"""The whole story of the contract, by HTTP: from an alert to the list, and off it again."""

from __future__ import annotations

from tests.api.conftest import CASE, PERSON, PROPORTIONALITY, Office
from watchlist.adapters.clock import ManualClock


def test_from_an_alert_to_the_list_and_off_it(office: Office) -> None:
    investigator, supervisor = office.investigator, office.supervisor
    subject = investigator.made("/subjects", PERSON)["id"]
    assert investigator.made("/subjects", PERSON, 200)["id"] == subject
    amount = {"amount": "1234.56", "currency": "EUR"}
    alert = investigator.made("/cases", {**CASE, "subject_ids": [subject], "amount_at_stake": amount})
    assert alert["state"] == "alert"
    case = f"/cases/{alert['id']}"
    assert investigator.made(f"{case}/qualification", {"relevant": True, "reason": "documents"}, 200)[
        "state"
    ] == ("under_investigation")
    investigator.made(f"{case}/notes", {"text": "called the practice"})
    investigator.made(f"{case}/evidence", {"description": "invoices", "sha256": "AB" * 32})
    proposed = investigator.made(
        f"{case}/inscriptions",
        {
            "subject_id": subject,
            "grounds": ["fictitious_services", "overbilling"],
            "term_months": 60,
            "proportionality": PROPORTIONALITY,
        },
    )
    assert proposed["state"] == "proposed"
    assert supervisor.get("/list").json() == {"items": [], "next": None}
    inscription = f"/inscriptions/{proposed['inscription_id']}"
    approved = supervisor.made(f"{inscription}/approval", {}, 200)
    assert approved["inscribed_on"] == "2026-03-02"
    assert approved["last_listed_day"] == "2031-03-02"
    assert approved["listed_until"] == "2031-03-02T23:00:00Z"
    assert supervisor.get("/list").json()["items"] == [
        {
            "inscription_id": proposed["inscription_id"],
            "subject_id": subject,
            "case_id": alert["id"],
            "organisation": "GRPM",
            "inscribed_on": "2026-03-02",
            "term_months": 60,
            "last_listed_day": "2031-03-02",
            "listed_until": "2031-03-02T23:00:00Z",
            "held_by": [],
            "restricted": False,
        }
    ]
    supervisor.made(f"{inscription}/restriction", {"reason": "contested"}, 200)
    assert supervisor.get("/list").json()["items"][0]["restricted"] is True
    supervisor.made(f"{inscription}/restriction/lifting", {"reason": "told"}, 200)
    delisted = supervisor.made(f"{inscription}/delisting", {"ground": "repaid", "reason": "all paid"}, 200)
    assert delisted["state"] == "delisted"
    assert supervisor.get("/list").json()["items"] == []
    assert investigator.made(f"{case}/closing", {"outcome": "settled"}, 200)["state"] == "closed"


def test_the_case_file_opens_everything_that_was_sealed(office: Office) -> None:
    subject = office.subject()
    case = office.case(subject)
    investigator = office.investigator
    investigator.made(f"/cases/{case}/notes", {"text": "note text"})
    investigator.made(f"/cases/{case}/evidence", {"description": "a piece", "sha256": "ab" * 32})
    procedure = {
        "kind": "criminal_complaint",
        "court": "TJ Lyon",
        "reference": "24/1",
        "opened_on": "2026-02-25",
        "subject_ids": [subject],
    }
    procedure_id = investigator.made(f"/cases/{case}/procedures", procedure)["procedure_id"]
    inscription = office.proposal(case, subject)
    answer = investigator.get(f"/cases/{case}")
    file = answer.json()
    assert answer.headers["etag"] == f'"{file["version"]}"'
    assert file["summary"] == CASE["summary"]
    assert file["qualification_reason"] == "r"
    assert file["notes"][0]["text"] == "note text"
    assert file["evidence"][0]["description"] == "a piece"
    assert (file["procedures"][0]["court"], file["procedures"][0]["reference"]) == ("TJ Lyon", "24/1")
    assert file["procedures"][0]["subjects"][0]["ongoing"] is True
    assert file["inscriptions"][0]["proportionality"] == PROPORTIONALITY
    assert file["inscriptions"][0]["inscription_id"] == inscription
    assert not file["erased"]
    ended = {
        "outcome": "convicted",
        "ended_on": "2026-03-01",
        "limitation": {"basis": "CPP 8", "ends_on": "2032-03-01"},
    }
    investigator.made(f"/cases/{case}/procedures/{procedure_id}/end", ended, 200)
    after = investigator.get(f"/cases/{case}").json()["procedures"][0]
    assert (after["ongoing"], after["subjects"][0]["outcome"]) == (False, "convicted")
    assert after["limitation_ends_on"] == "2032-03-01"


def test_an_alert_found_not_relevant_is_forgotten_at_once(office: Office) -> None:
    case = office.case(qualified=False)
    office.investigator.made(f"/cases/{case}/qualification", {"relevant": False, "reason": "mistake"}, 200)
    file = office.investigator.get(f"/cases/{case}").json()
    assert (file["state"], file["purge_basis"]) == ("purged", "not_relevant")
    assert (file["summary"], file["erased"]) == (None, True)


def test_the_history_of_a_case_is_told_in_codes(office: Office) -> None:
    _, case, inscription = office.entry()
    items = office.supervisor.get(f"/cases/{case}/history").json()["items"]
    assert [item["topic"] for item in items] == [
        "case.alert_raised",
        "case.qualified",
        "inscription.proposed",
        "inscription.approved",
    ]
    assert items[0]["facts"]["source"] == "control"
    assert "summary" not in items[0]["facts"]
    assert items[3]["facts"]["inscription_id"] == inscription
    first = office.supervisor.get(f"/cases/{case}/history?limit=3").json()
    rest = office.supervisor.get(f"/cases/{case}/history?limit=3&cursor={first['next']}").json()
    assert first["items"] + rest["items"] == items


def test_an_entry_whose_term_elapsed_is_ended_before_anybody_swept(
    office: Office, clock: ManualClock
) -> None:
    _, case, inscription = office.entry()
    clock.advance(days=5 * 366)
    assert office.supervisor.get("/list").json()["items"] == []
    assert office.supervisor.get(f"/inscriptions/{inscription}").json()["state"] == "ended"
    ended = office.supervisor.get("/inscriptions?state=ended").json()["items"]
    assert [item["inscription_id"] for item in ended] == [inscription]
    assert office.supervisor.get("/inscriptions?state=active").json()["items"] == []
    assert office.supervisor.get(f"/cases/{case}").json()["inscriptions"][0]["state"] == "ended"


def test_the_auditor_sees_the_list_of_all_as_it_was(
    office: Office, other_office: Office, clock: ManualClock
) -> None:
    office.entry()
    _, _, inscription = other_office.entry()
    clock.advance(days=1)
    before = clock.now().isoformat().replace("+00:00", "Z")
    clock.advance(days=1)
    other_office.supervisor.made(
        f"/inscriptions/{inscription}/delisting", {"ground": "inaccurate", "reason": "x"}, 200
    )
    assert len(office.auditor.get("/list").json()["items"]) == 1
    first = office.auditor.get(f"/list?as_of={before}&limit=1")
    assert first.headers["link"].endswith('>; rel="next"')
    second = office.auditor.get(f"/list?as_of={before}&limit=1&cursor={first.json()['next']}")
    assert {i["organisation"] for i in first.json()["items"] + second.json()["items"]} == {"GRPM", "PROBTP"}
    assert second.json()["next"] is None


def test_the_log_streams_to_the_auditor(office: Office) -> None:
    _, case, _ = office.entry()
    lines = [line for line in office.auditor.get("/audit/events").iter_lines() if line]
    assert len(lines) == 5
    import json

    events = [json.loads(line) for line in lines]
    assert [e["position"] for e in events] == sorted(e["position"] for e in events)
    assert set(events[0]) == {"position", "recorded_at", "topic", "stream", "version", "state"}
    assert events[1]["stream"] == case
    assert events[1]["state"]["source"] == "control"
    after = office.auditor.get(f"/audit/events?after={events[2]['position']}&limit=1")
    assert json.loads(after.text)["position"] == events[3]["position"]


def test_what_falls_due_is_told_to_the_dpo(office: Office, clock: ManualClock) -> None:
    _, _case, inscription = office.entry()
    alert = office.case(office.subject(), qualified=False)
    items = office.dpo.get("/deadlines").json()["items"]
    by_kind = {item["kind"]: item for item in items}
    assert by_kind["delisting"]["due_on"] == "2031-03-02"
    assert by_kind["letter"]["due_on"] == "2026-04-02"
    assert by_kind["alert_purge"]["due_on"] == "2026-08-20"
    assert by_kind["alert_purge"]["case_id"] == alert
    assert by_kind["letter"]["inscription_id"] == inscription
    assert [i["kind"] for i in office.dpo.get("/deadlines?until=2026-04-02").json()["items"]] == ["letter"]
    assert office.dpo.get("/deadlines?until=2026-04-01").json()["items"] == []
    pages, cursor = [], ""
    while cursor is not None:
        page = office.dpo.get(f"/deadlines?limit=1{cursor and f'&cursor={cursor}'}").json()
        pages += page["items"]
        cursor = page["next"]
    assert pages == items
    clock.advance(days=40)
    overdue = {i["kind"] for i in office.dpo.get("/deadlines").json()["items"] if i["overdue"]}
    assert overdue == {"letter"}
