"""Looking back: who may ask, which instants, and what is answered (T3, L1, L7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.api.conftest import Office, Somebody
from tests.api.test_imports import GOOD, HEADER, submit
from watchlist.adapters.clock import ManualClock


def written(clock: ManualClock) -> str:
    return clock.now().isoformat().replace("+00:00", "Z")


@pytest.fixture
def story(office: Office, clock: ManualClock) -> dict[str, str]:
    """An entry that was restricted, then delisted as repaid; and the instants between."""
    at = {"before": written(clock)}
    clock.advance(hours=1)
    subject, case, inscription = office.entry()
    clock.advance(hours=1)
    at["listed"] = written(clock)
    clock.advance(hours=1)
    office.supervisor.made(f"/inscriptions/{inscription}/restriction", {"reason": "x"}, 200)
    clock.advance(hours=1)
    at["restricted"] = written(clock)
    clock.advance(hours=1)
    office.supervisor.made(f"/inscriptions/{inscription}/delisting", {"ground": "repaid", "reason": "x"}, 200)
    clock.advance(hours=1)
    return at | {"gone": written(clock), "subject": subject, "case": case, "inscription": inscription}


def turns(
    asker: Somebody, first: str, second: str, more: str = ""
) -> list[tuple[str, str | None, list[str]]]:
    answer = asker.get(f"/list/difference?from={first}&to={second}{more}")
    assert answer.status_code == 200, answer.text
    return [(one["turn"], one["ground"], one["fields"]) for one in answer.json()["items"]]


def test_the_difference_tells_who_entered_who_changed_and_who_left_and_why(
    office: Office, story: dict[str, str]
) -> None:
    between = turns(office.dpo, story["before"], story["listed"])
    assert between == [("entered", None, [])]
    assert turns(office.auditor, story["listed"], story["restricted"]) == [("changed", None, ["restricted"])]
    assert turns(office.dpo, story["restricted"], story["gone"]) == [("left", "repaid", [])]
    assert turns(office.dpo, story["before"], story["gone"]) == []
    assert turns(office.dpo, story["before"], story["listed"], f"&known_at={story['gone']}") == between


def test_a_difference_shows_the_entry_before_and_after(office: Office, story: dict[str, str]) -> None:
    found = office.dpo.get(f"/list/difference?from={story['listed']}&to={story['restricted']}").json()[
        "items"
    ][0]
    assert (found["inscription_id"], found["subject_id"]) == (story["inscription"], story["subject"])
    assert (found["before"]["restricted"], found["after"]["restricted"]) == (False, True)


def test_a_subject_stood_on_the_list_or_not(office: Office, story: dict[str, str]) -> None:
    def stood(instant: str) -> list[bool]:
        answer = office.dpo.get(f"/subjects/{story['subject']}/standing?as_of={story[instant]}").json()
        assert answer["listed"] is bool(answer["entries"])
        return [entry["restricted"] for entry in answer["entries"]]

    assert [stood(instant) for instant in ("before", "listed", "restricted", "gone")] == [
        [],
        [False],
        [True],
        [],
    ]
    now = office.auditor.get(f"/subjects/{story['subject']}/standing").json()
    assert (now["listed"], now["as_of"], now["known_at"]) == (False, story["gone"], story["gone"])


def test_what_another_organisation_had_is_not_told_to_a_dpo(
    office: Office, other_office: Office, story: dict[str, str]
) -> None:
    assert turns(other_office.dpo, story["before"], story["listed"]) == []
    asked = f"/subjects/{story['subject']}/standing?as_of={story['listed']}"
    assert other_office.dpo.get(asked).status_code == 404
    assert other_office.dpo.get(f"/cases/{story['case']}?as_of={story['listed']}").status_code == 404
    assert other_office.auditor.get(asked).json()["listed"]


def test_a_case_is_read_as_it_had_been_recorded(office: Office, story: dict[str, str]) -> None:
    def entries(reader: Somebody, instant: str) -> list[tuple[str, bool]]:
        answer = reader.get(f"/cases/{story['case']}?as_of={story[instant]}")
        assert "etag" not in answer.headers
        return [(one["state"], one["restricted"]) for one in answer.json()["inscriptions"]]

    for reader in (office.investigator, office.supervisor, office.dpo, office.auditor):
        assert entries(reader, "listed") == [("active", False)]
        assert entries(reader, "restricted") == [("active", True)]
        assert entries(reader, "gone") == [("delisted", True)]
        assert reader.get(f"/cases/{story['case']}?as_of={story['before']}").status_code == 404


def test_an_imported_entry_was_on_the_list_before_we_knew_it(office: Office, clock: ManualClock) -> None:
    eve = written(clock)
    clock.advance(days=1)
    batch = submit(office, f"{HEADER}\n{GOOD}").json()["import_id"]
    office.supervisor.made(f"/imports/{batch}/approval", {}, 200)
    clock.advance(hours=1)
    assert office.dpo.get(f"/list?as_of={eve}").json()["items"] == []
    (entry,) = office.dpo.get(f"/list?as_of={eve}&known_at={written(clock)}").json()["items"]
    assert entry["inscribed_on"] < eve


@pytest.mark.parametrize(
    ("asked", "field", "code"),
    [
        ("/list?known_at=LISTED", "known_at", "known_without_instant"),
        ("/list?as_of=LISTED&known_at=BEFORE", "known_at", "known_before"),
        ("/list?as_of=LISTED&known_at=FUTURE", "known_at", "instant_in_the_future"),
        ("/list/difference?from=FUTURE&to=FUTURE", "from", "instant_in_the_future"),
        ("/list/difference?from=BEFORE&to=FUTURE", "to", "instant_in_the_future"),
        ("/list/difference?from=LISTED&to=BEFORE", "to", "instants_out_of_order"),
        ("/list/difference?from=BEFORE&to=LISTED&known_at=BEFORE", "known_at", "known_before"),
        ("/list/difference?from=BEFORE", "to", "missing"),
        ("/subjects/SUBJECT/standing?as_of=FUTURE", "as_of", "instant_in_the_future"),
        ("/subjects/SUBJECT/standing?known_at=LISTED", "known_at", "known_without_instant"),
        ("/cases/CASE?as_of=FUTURE", "as_of", "instant_in_the_future"),
    ],
)
def test_an_instant_that_makes_no_sense_is_refused_by_its_name(
    office: Office, clock: ManualClock, story: dict[str, str], asked: str, field: str, code: str
) -> None:
    later = (clock.now() + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    for name, value in (story | {"future": later}).items():
        asked = asked.replace(name.upper(), value)
    answer = office.dpo.get(asked)
    assert answer.status_code == 422
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [(field, code)]


def test_looking_back_over_the_list_is_for_auditors_and_the_dpo(
    office: Office, story: dict[str, str]
) -> None:
    for asked in (
        f"/list?as_of={story['listed']}",
        f"/list/difference?from={story['before']}&to={story['listed']}",
        f"/subjects/{story['subject']}/standing",
    ):
        assert office.investigator.get(asked).status_code == 403
        assert office.supervisor.get(asked).status_code == 403
