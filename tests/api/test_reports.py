"""Reports and samples over HTTP: for auditors of all, for a DPO of its own organisation; paged, and logged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.answered.reports import ReportPage, Sample
from tests.api.conftest import Office
from tests.api.test_accesses import QUESTION, accesses, seen_by
from watchlist.adapters.clock import ManualClock
from watchlist.bootstrap import House
from watchlist.domain.report import REPORTS, Report
from watchlist.domain.sampling import SampledKind, rank, settled_by


@pytest.mark.parametrize("report", Report)
def test_where_all_is_as_the_rules_ask_every_report_is_empty(office: Office, report: Report) -> None:
    office.entry()
    for who in (office.auditor, office.dpo):
        assert who.get(f"/audit/reports/{report}").json() == {"items": [], "next": None}
    for who in (office.supervisor, office.integrator, office.admin):
        assert who.get(f"/audit/reports/{report}").status_code == 403
    assert REPORTS[report].rule


def test_a_late_letter_and_an_unreviewed_hit_are_shown_to_their_dpo_and_no_other(
    house: House, office: Office, other_office: Office
) -> None:
    subject, _, inscription = office.entry()
    answer = other_office.integrator.made("/screenings", QUESTION, 200)
    for report in ("late_notices", "unreviewed_hits"):
        found = office.dpo.get(f"/audit/reports/{report}")
        ReportPage.model_validate_json(found.content)
        (item,) = found.json()["items"]
        assert (item["inscription_id"], item["subject_id"]) == (inscription, subject)
        assert seen_by(house, "read_a_report") == {subject}
        assert other_office.dpo.get(f"/audit/reports/{report}").json()["items"] == []
        assert other_office.auditor.get(f"/audit/reports/{report}").json()["items"] == [item]
    assert item["screening_id"] == answer["screening_id"]


def test_held_entries_and_late_purges_are_shown_as_they_are_declared(
    office: Office, clock: ManualClock
) -> None:
    subject, case, _ = office.entry()
    opened = {"kind": "prosecution", "court": "TJ", "reference": "1", "opened_on": "2026-03-02"}
    office.investigator.made(f"/cases/{case}/procedures", {**opened, "subject_ids": [subject]})
    late = office.case(office.subject(family_name="Autre", identifiers=[]), qualified=False)
    clock.move_to(datetime(2031, 4, 1, tzinfo=UTC))
    (held,) = _items(office, "held")
    assert (held["subject_id"], held["held_by"][0]["kind"]) == (subject, "prosecution")
    (kept,) = _items(office, "late_purges")
    assert (kept["case_id"], kept["purged_at"]) == (late, None)


def _items(office: Office, report: str) -> list[dict]:
    answer = office.auditor.get(f"/audit/reports/{report}")
    ReportPage.model_validate_json(answer.content)
    return answer.json()["items"]


def test_a_report_is_paged(office: Office, other_office: Office) -> None:
    office.entry()
    for _ in range(3):
        other_office.integrator.made("/screenings", QUESTION, 200)
    first = office.auditor.get("/audit/reports/unreviewed_hits?limit=2").json()
    assert len(first["items"]) == 2
    rest = office.auditor.get(f"/audit/reports/unreviewed_hits?limit=2&cursor={first['next']}").json()
    assert (len(rest["items"]), rest["next"]) == (1, None)


def test_a_sample_names_its_seed_and_is_drawn_again(
    house: House, office: Office, other_office: Office, clock: ManualClock
) -> None:
    subject, case, inscription = office.entry()
    clock.advance(minutes=5)
    for kind in SampledKind:
        answer = office.auditor.get(f"/audit/samples/{kind}")
        told = Sample.model_validate_json(answer.content)
        again = office.auditor.get(
            f"/audit/samples/{kind}?seed={told.seed}&as_of={told.as_of.strftime('%Y-%m-%dT%H:%M:%SZ')}"
        )
        assert again.json()["items"] == answer.json()["items"]
    drawn = office.dpo.get("/audit/samples/entries?seed=a").json()
    assert drawn["items"] == [
        {
            "id": inscription,
            "case_id": case,
            "organisation": "GRPM",
            "at": "2026-03-02T12:00:00Z",
            "rank": rank("a", inscription),
        }
    ]
    assert seen_by(house, "draw_a_sample") == {subject}
    assert other_office.dpo.get("/audit/samples/entries?seed=a").json()["population"] == 0
    assert accesses(house, "draw_a_sample")


def test_a_sample_is_of_what_is_settled(office: Office, clock: ManualClock) -> None:
    for ahead, status in ((timedelta(), 200), (timedelta(seconds=1), 422)):
        at = (settled_by(clock.now()) + ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert office.auditor.get(f"/audit/samples/cases?as_of={at}").status_code == status
