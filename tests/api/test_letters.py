"""Letters by HTTP: the DPO reads, prints, records and defers; nobody else, and no other organisation."""

from __future__ import annotations

import sys
from uuid import NAMESPACE_DNS, UUID, uuid5

import pytest

from tests.api.conftest import Office
from watchlist.adapters.clock import ManualClock

SENT = {"sent_on": "2026-03-02", "channel": "registered_post"}
DEFERRAL = {"reason": "enquête en cours", "review_on": "2026-06-01"}


def letter(office: Office) -> str:
    """The letter on the inscription of a new entry."""
    _, _, inscription = office.entry()
    return str(uuid5(UUID(inscription), "inscription"))


def test_the_dpo_finds_reads_prints_and_sends_a_letter(office: Office) -> None:
    id, dpo = letter(office), office.dpo
    found = dpo.get("/letters?state=due").json()["items"]
    assert [(item["letter_id"], item["kind"], item["due_on"]) for item in found] == [
        (id, "inscription", "2026-04-02")
    ]
    view = dpo.get(f"/letters/{id}").json()
    assert view["content"]["addressee"] == ["Marie Claude Delatour"]
    assert view["content"]["template"] == "inscription-1"
    printed = dpo.get(f"/letters/{id}/pdf")
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.headers["content-disposition"] == f'attachment; filename="{id}.pdf"'
    assert printed.headers["letter-document"] == "draft"
    assert printed.headers["cache-control"] == "no-store"
    assert printed.content.startswith(b"%PDF-")
    sent = dpo.made(f"/letters/{id}/sent", SENT, 200)
    assert (sent["id"], sent["sent_on"], sent["template"]) == (id, "2026-03-02", "inscription-1")
    again = dpo.get(f"/letters/{id}/pdf")
    assert again.headers["letter-document"] == "identical"
    assert again.content == printed.content
    assert dpo.get("/letters?state=due").json()["items"] == []
    item = dpo.get("/letters?state=sent").json()["items"][0]
    assert (item["sent_on"], item["channel"], item["due_on"]) == ("2026-03-02", "registered_post", None)
    twice = dpo.post(f"/letters/{id}/sent", SENT)
    assert (twice.status_code, twice.json()["code"]) == (409, "letter_already_sent")
    kinds = {row["kind"] for row in dpo.get("/deadlines").json()["items"]}
    assert "letter" not in kinds


def test_a_letter_is_deferred_with_a_reason_and_comes_late(office: Office, clock: ManualClock) -> None:
    id, dpo = letter(office), office.dpo
    deferred = dpo.made(f"/letters/{id}/deferral", DEFERRAL, 200)
    assert deferred["deferred_to"] == "2026-06-01"
    assert [item["letter_id"] for item in dpo.get("/letters?state=deferred").json()["items"]] == [id]
    clock.advance(days=100)
    assert [item["letter_id"] for item in dpo.get("/letters?state=late").json()["items"]] == [id]
    too_far = dpo.post(f"/letters/{id}/deferral", {**DEFERRAL, "review_on": "2027-06-01"})
    assert (too_far.status_code, too_far.json()["field"]) == (422, "review_on")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**SENT, "sent_on": "2026-03-03"}, "sent_on"),
        ({**SENT, "sent_on": "2026-03-01"}, "sent_on"),
    ],
)
def test_a_letter_is_sent_on_a_day_that_it_can_have_been(
    office: Office, body: dict[str, str], field: str
) -> None:
    answer = office.dpo.post(f"/letters/{letter(office)}/sent", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_letters_come_in_pages(office: Office) -> None:
    for _ in range(3):
        office.supervisor.made(
            f"/inscriptions/{office.entry()[2]}/delisting", {"ground": "repaid", "reason": "x"}, 200
        )
    seen, path = [], "/letters?limit=4"
    while path:
        page = office.dpo.get(path).json()
        seen += [item["letter_id"] for item in page["items"]]
        path = f"/letters?limit=4&cursor={page['next']}" if page["next"] else ""
    assert seen == sorted(set(seen))
    assert len(seen) == 6


def test_only_the_dpo_of_the_organisation_sees_a_letter(office: Office, other_office: Office) -> None:
    id = letter(office)
    for somebody in (office.investigator, office.supervisor, office.auditor, office.admin, office.integrator):
        for path in ("/letters", f"/letters/{id}", f"/letters/{id}/pdf"):
            assert somebody.get(path).status_code == 403
        assert somebody.post(f"/letters/{id}/sent", SENT).status_code == 403
    stranger = other_office.dpo
    unknown = uuid5(NAMESPACE_DNS, "nobody")
    for named in (id, unknown):
        for answer in (
            stranger.get(f"/letters/{named}"),
            stranger.get(f"/letters/{named}/pdf"),
            stranger.post(f"/letters/{named}/sent", SENT),
            stranger.post(f"/letters/{named}/deferral", DEFERRAL),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_letter")
    assert stranger.get("/letters").json()["items"] == []


def test_without_the_extra_letters_are_read_and_deferred_and_not_printed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = letter(office)
    monkeypatch.setitem(sys.modules, "typst", None)
    assert office.dpo.get(f"/letters/{id}").status_code == 200
    office.dpo.made(f"/letters/{id}/deferral", DEFERRAL, 200)
    for answer in (office.dpo.get(f"/letters/{id}/pdf"), office.dpo.post(f"/letters/{id}/sent", SENT)):
        assert (answer.status_code, answer.json()["code"]) == (503, "letters_unavailable")
        assert "watchlist[letters]" in answer.json()["title"]


def test_a_letter_of_an_erased_person_is_gone(office: Office) -> None:
    subject, _, inscription = office.entry()
    id = uuid5(UUID(inscription), "inscription")
    office.dpo.client.app.state.house.keyring.destroy([UUID(subject)])
    for path in (f"/letters/{id}", f"/letters/{id}/pdf"):
        answer = office.dpo.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "letter_erased")


def test_a_supervisor_reviews_a_hold_and_only_past_the_term(office: Office, clock: ManualClock) -> None:
    subject, case, inscription = office.entry()
    opened = {"kind": "prosecution", "court": "TJ", "reference": "1", "opened_on": "2026-03-01"}
    office.investigator.made(f"/cases/{case}/procedures", {**opened, "subject_ids": [subject]})
    path = f"/inscriptions/{inscription}/hold-review"
    early = office.supervisor.post(path, {"reason": "r"})
    assert (early.status_code, early.json()["code"]) == (409, "not_held")
    clock.advance(days=5 * 366)
    reviewed = office.supervisor.made(path, {"reason": "l'instruction se poursuit"}, 200)
    assert reviewed["inscription_id"] == inscription
    assert len(reviewed["held_by"]) == 1
    assert office.dpo.post(path, {"reason": "r"}).status_code == 403
