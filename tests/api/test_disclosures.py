"""Who was told: each hit, and what people tell by hand; whether it stands, and what was told since (S8)."""

from datetime import datetime
from typing import Any

from tests.api.conftest import Office
from tests.api.test_accesses import QUESTION
from watchlist.application.replay import check
from watchlist.bootstrap import House

BY_HAND = {
    "recipient": "judicial_authority",
    "recipient_name": "Tribunal judiciaire de Paris",
    "legal_basis": "art. 60-1 CPP",
    "told": "l'inscription et ses motifs, sur réquisition",
    "told_on": "2026-03-02",
}


def told(office: Office, query: str = "") -> list[dict[str, Any]]:
    answer = office.dpo.get(f"/audit/disclosures{query}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_hit_told_is_shown_to_the_dpo_of_its_subject(office: Office, other_office: Office) -> None:
    subject, case, entry = office.entry()
    screening = other_office.integrator.post("/screenings", QUESTION).json()["screening_id"]
    (one,) = told(office)
    assert (one["kind"], one["recipient"], one["organisation"]) == ("hit", "third_party_payer", "PROBTP")
    assert (one["subject_id"], one["case_id"], one["inscription_id"]) == (subject, case, entry)
    assert (one["screening_id"], one["stands"], one["changes"]) == (screening, True, [])
    assert told(other_office) == []
    assert [
        told(office, f"?{q}") == [one]
        for q in (
            f"subject={subject}",
            f"inscription={entry}",
            "organisation=PROBTP",
            "kind=hit",
            f"operator={other_office.integrator.get('/me').json()['operator_id']}",
            "purpose=third_party_payment",
            "from=2026-03-02T12:00:00Z&until=2026-03-02T12:00:01Z",
        )
    ] == [True] * 7
    assert told(office, "?kind=by_hand") == told(office, "?organisation=GRPM") == []
    assert office.auditor.get("/audit/disclosures").json()["items"] == [one]


def test_what_was_told_of_a_hit_since_is_shown_and_late_when_nobody_acknowledged_it(
    house: House, office: Office, other_office: Office, clock: Any
) -> None:
    _, _, entry = office.entry()
    screening = other_office.integrator.post("/screenings", QUESTION).json()["screening_id"]
    with house.pool.connection() as conn:
        for sequence, kind in ((1, "stopped"), (2, "resumed")):
            conn.execute(
                "INSERT INTO changes (organisation, sequence, at, kind, screening_id, key, inscription_id)"
                " VALUES ('PROBTP', %s, %s, %s, %s, 'q1', %s)",
                (sequence, clock.now(), kind, screening, entry),
            )
        conn.execute(
            "INSERT INTO change_acknowledgements VALUES ('PROBTP', 1, %s, gen_random_uuid())", (clock.now(),)
        )
    clock.advance(days=4)
    (one,) = told(office)
    assert [(c["kind"], c["acknowledged_at"] is None, c["late"]) for c in one["changes"]] == [
        ("stopped", False, False),
        ("resumed", True, True),
    ]


def test_a_communication_made_by_hand_is_recorded_and_its_words_are_sealed(
    house: House, office: Office
) -> None:
    subject, case, _ = office.entry()
    made = office.dpo.made("/disclosures", {**BY_HAND, "subject_id": subject, "case_id": case})
    (one,) = told(office)
    assert (one["disclosure_id"], one["kind"], one["recipient"]) == (
        made["id"],
        "by_hand",
        "judicial_authority",
    )
    assert (one["told_on"], one["stands"], one["organisation"]) == ("2026-03-02", None, None)
    read = office.dpo.get(f"/disclosures/{made['id']}").json()
    assert {name: read[name] for name in BY_HAND} == BY_HAND
    with house.pool.connection() as conn:
        assert "Tribunal" not in str(conn.execute("SELECT * FROM disclosures").fetchall())


def test_the_same_communication_under_the_same_key_is_recorded_once(office: Office) -> None:
    body = {**BY_HAND, "subject_id": office.subject()}
    answers = [office.dpo.post("/disclosures", body, Idempotency_Key="one") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(told(office)) == 1
    other = office.dpo.post("/disclosures", {**body, "told_on": "2026-03-01"}, Idempotency_Key="one")
    assert other.status_code == 422


def test_a_communication_is_of_ones_own_subject_in_that_case_and_of_the_past(
    office: Office, other_office: Office
) -> None:
    subject = office.subject()
    another = office.subject(family_name="Autre", identifiers=[])
    case = office.case(another)
    assert other_office.dpo.post("/disclosures", {**BY_HAND, "subject_id": subject}).status_code == 404
    refused = office.dpo.post("/disclosures", {**BY_HAND, "subject_id": subject, "case_id": case})
    assert refused.json()["code"] == "subject_not_in_case"
    refused = office.dpo.post("/disclosures", {**BY_HAND, "subject_id": subject, "told_on": "2026-03-03"})
    assert refused.json()["code"] == "date_in_the_future"
    made = office.dpo.made("/disclosures", {**BY_HAND, "subject_id": subject})
    assert other_office.dpo.get(f"/disclosures/{made['id']}").status_code == 404
    assert office.auditor.get(f"/disclosures/{made['id']}").json()["told"] == BY_HAND["told"]


# L12: whom a hit was told of before they were informed -----------------------------------------


def letter_of(office: Office, entry: str) -> dict[str, Any]:
    letters = office.dpo.get("/letters").json()["items"]
    (one,) = (letter for letter in letters if letter["inscription_id"] == entry)
    read = office.dpo.get(f"/letters/{one['letter_id']}").json()
    assert {name: read[name] for name in ("state", "due_on", "hit_told_at")} == {
        name: one[name] for name in ("state", "due_on", "hit_told_at")
    }
    return dict(one)


def overdue(office: Office) -> list[str]:
    items = office.dpo.get("/deadlines").json()["items"]
    return [one["kind"] for one in items if one["overdue"]]


def test_a_hit_told_before_the_letter_makes_it_late_at_once(
    house: House, office: Office, other_office: Office, clock: Any
) -> None:
    _, _, entry = office.entry()
    assert letter_of(office, entry)["state"] == "due"
    assert overdue(office) == []
    clock.advance(days=2)
    told_at = clock.now()
    other_office.integrator.post("/screenings", QUESTION)
    clock.advance(days=1)
    other_office.integrator.post("/screenings", QUESTION)
    letter = letter_of(office, entry)
    assert (letter["state"], letter["due_on"]) == ("late", "2026-03-04")
    assert datetime.fromisoformat(letter["hit_told_at"]) == told_at
    assert overdue(office) == ["letter"]
    assert check(house.desk, house.snapshots)[1] == []
    office.dpo.made(f"/letters/{letter['letter_id']}/sent", {"sent_on": "2026-03-05", "channel": "post"}, 200)
    sent = letter_of(office, entry)
    assert (sent["state"], sent["hit_told_at"]) == ("sent", letter["hit_told_at"])
    assert overdue(office) == []


def test_a_letter_that_was_deferred_before_the_first_hit_is_not_late(
    office: Office, other_office: Office
) -> None:
    _, _, entry = office.entry()
    letter = letter_of(office, entry)
    body = {"reason": "enquête en cours", "review_on": "2026-06-01"}
    office.dpo.made(f"/letters/{letter['letter_id']}/deferral", body, 200)
    other_office.integrator.post("/screenings", QUESTION)
    assert (letter_of(office, entry)["state"], letter_of(office, entry)["hit_told_at"]) == ("deferred", None)


def test_a_deferral_after_a_hit_was_told_shows_that_it_came_late(
    office: Office, other_office: Office
) -> None:
    _, _, entry = office.entry()
    other_office.integrator.post("/screenings", QUESTION)
    letter = letter_of(office, entry)
    assert letter["state"] == "late"
    body = {"reason": "enquête en cours", "review_on": "2026-06-01"}
    office.dpo.made(f"/letters/{letter['letter_id']}/deferral", body, 200)
    deferred = letter_of(office, entry)
    assert (deferred["state"], deferred["due_on"]) == ("deferred", "2026-06-01")
    assert deferred["hit_told_at"] == letter["hit_told_at"]
