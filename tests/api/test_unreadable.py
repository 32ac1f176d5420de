"""An event of a newer version: refused wherever it is read, and nothing is decided on what is not understood."""

from __future__ import annotations

import json

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.api.conftest import Office
from watchlist.adapters.codec import UnreadableEvent
from watchlist.adapters.postgres.easel import PostgresEasel
from watchlist.application.rebuild import paint_part, rebuild
from watchlist.application.replay import check, replay
from watchlist.bootstrap import House


@pytest.fixture
def newer(office: Office, database_url: str) -> tuple[str, int]:
    """A case that a newer version went on with, and the position of what it recorded."""
    case = office.case()
    with psycopg.connect(database_url, row_factory=dict_row) as conn:
        last = conn.execute(
            "SELECT * FROM watchlist.events WHERE originator_id = %s ORDER BY originator_version DESC LIMIT 1",
            (case,),
        ).fetchone()
        assert last is not None
        version = last["originator_version"] + 1
        document = json.loads(last["state"]) | {"version": version, "format": 2}
        recorded = conn.execute(
            "INSERT INTO watchlist.events (originator_id, originator_version, topic, state, recorded_at)"
            " VALUES (%s, %s, %s, %s, clock_timestamp()) RETURNING notification_id",
            (case, version, last["topic"], json.dumps(document).encode()),
        ).fetchone()
    assert recorded is not None
    return case, recorded["notification_id"]


def test_the_service_says_so_and_decides_nothing(
    office: Office, house: House, newer: tuple[str, int]
) -> None:
    case, position = newer
    answers = [
        office.investigator.post(f"/cases/{case}/notes", {"text": "a note"}),
        office.investigator.get(f"/cases/{case}"),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "record_unreadable"), answer.text
    assert house.register.position() == position
    assert office.subject()


def test_a_replay_and_a_rebuild_name_topic_and_position_and_change_nothing(
    house: House, newer: tuple[str, int], database_url: str
) -> None:
    _, position = newer
    told = rf"position {position}: .* case\.qualified is of format 2, newer"
    with pytest.raises(UnreadableEvent, match=told):
        replay(house.snapshots)
    with pytest.raises(UnreadableEvent, match=told):
        check(house.desk, house.snapshots)
    with PostgresEasel(database_url, house.register.codec) as easel:

        def crew() -> None:
            for part in easel.parts():
                paint_part(house.desk, easel, part)

        with pytest.raises(UnreadableEvent, match=told):
            rebuild(house.desk, easel, crew)
