"""Auditors read checkpoints and proofs, and can have the log sealed at once (T3, T4)."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from api.lateness import SEALED_WITHIN
from scheduler.main import run
from scheduler.timetable import TIMETABLE
from tests.api.conftest import Office
from watchlist.adapters.clock import ManualClock
from watchlist.audit.verifier import (
    Checkpoint,
    Note,
    VerifierKey,
    leaf_hash,
    require_consistent,
    root_by_inclusion,
)
from watchlist.bootstrap import House
from watchlist.cli import database

SEAL = next(job for job in TIMETABLE if job.name == "seal")


def root_of(checkpoint: dict[str, Any]) -> bytes:
    """As its note says, signed by a key that is told."""
    note = Note.parse(checkpoint["note"].encode())
    assert all(note.signed_by(VerifierKey.parse(key)) for key in checkpoint["keys"])
    said = Checkpoint.parse(note.text)
    assert (said.origin, said.size) == (checkpoint["origin"], checkpoint["tree_size"])
    assert said.root.hex() == checkpoint["root"]
    return said.root


def test_an_event_is_proven_by_its_own_line(office: Office) -> None:
    office.entry()
    checkpoint = office.auditor.made("/audit/checkpoint", status=200)
    lines = office.auditor.get("/audit/events").text.splitlines()
    assert checkpoint["tree_size"] == len(lines)
    for position, line in enumerate(lines, 1):
        proof = office.auditor.get(f"/audit/proofs/inclusion?position={position}").json()
        assert (proof["leaf"], proof["leaf_index"], proof["position"]) == (line, position - 1, position)
        assert proof["leaf_hash"] == leaf_hash(line.encode()).hex()
        assert proof["checkpoint"] == checkpoint["note"]
        path = [bytes.fromhex(step) for step in proof["path"]]
        reached = root_by_inclusion(leaf_hash(line.encode()), proof["leaf_index"], proof["tree_size"], path)
        assert reached == root_of(checkpoint)


def test_a_later_checkpoint_continues_the_earlier_one(office: Office) -> None:
    office.case()
    first = office.auditor.made("/audit/checkpoint", status=200)
    office.case(office.subject(identifiers=[]))
    second = office.auditor.made("/audit/checkpoint", status=200)
    sizes = first["tree_size"], second["tree_size"]
    proof = office.auditor.get(f"/audit/proofs/consistency?from={sizes[0]}&to={sizes[1]}").json()
    path = [bytes.fromhex(step) for step in proof["path"]]
    require_consistent(sizes[0], root_of(first), sizes[1], root_of(second), path)
    assert (proof["from"], proof["to"]) == sizes
    assert office.auditor.get(f"/audit/checkpoint?size={sizes[0]}").json()["note"] == first["note"]
    assert office.auditor.get("/audit/checkpoint").json() == second
    listed = office.auditor.get("/audit/checkpoints?limit=1").json()
    assert [one["note"] for one in listed["items"]] == [first["note"]]
    rest = office.auditor.get(f"/audit/checkpoints?limit=1&cursor={listed['next']}").json()
    assert ([one["note"] for one in rest["items"]], rest["next"]) == ([second["note"]], None)


def test_nothing_new_answers_the_same_checkpoint(office: Office) -> None:
    office.case()
    first = office.auditor.made("/audit/checkpoint", status=200)
    assert office.auditor.made("/audit/checkpoint", status=200) == first


def test_the_note_itself_is_told_to_whoever_asks_for_text(office: Office) -> None:
    office.case()
    checkpoint = office.auditor.made("/audit/checkpoint", status=200)
    answer = office.auditor.get("/audit/checkpoint", Accept="text/plain")
    assert (answer.text, answer.headers["content-type"]) == (checkpoint["note"], "text/plain; charset=utf-8")
    both = office.auditor.get("/audit/checkpoint", Accept="text/plain, application/json")
    assert both.json() == checkpoint


def test_the_keys_are_told_with_what_the_log_is_named(office: Office) -> None:
    assert office.auditor.get("/audit/keys").json() == {"origin": None, "keys": []}
    office.case()
    checkpoint = office.auditor.made("/audit/checkpoint", status=200)
    assert office.auditor.get("/audit/keys").json() == {
        "origin": checkpoint["origin"], "keys": checkpoint["keys"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/audit/proofs/inclusion?position=9", 409, "not_sealed_yet"),
        ("/audit/proofs/inclusion?position=1000", 404, "no_such_event"),
        ("/audit/proofs/inclusion?position=1&tree_size=1000", 422, "size_not_reached"),
        ("/audit/proofs/inclusion?position=4&tree_size=2", 422, "event_not_in_tree"),
        ("/audit/proofs/inclusion?position=0", 422, "invalid_request"),
        ("/audit/proofs/consistency?from=1&to=1000", 422, "size_not_reached"),
        ("/audit/proofs/consistency?from=3&to=2", 422, "sizes_reversed"),
        ("/audit/proofs/consistency?from=1", 422, "invalid_request"),
        ("/audit/checkpoint?size=2", 404, "no_such_checkpoint"),
    ],
)
def test_what_cannot_be_proven_says_why(office: Office, path: str, status: int, code: str) -> None:
    office.entry()
    assert office.auditor.made("/audit/checkpoint", status=200)["tree_size"] < 9
    for _ in range(2):
        office.case()
    answer = office.auditor.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_there_is_no_checkpoint_of_nothing(office: Office) -> None:
    for answer in (office.auditor.get("/audit/checkpoint"), office.auditor.post("/audit/checkpoint")):
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_checkpoint")


def test_reading_a_proof_leaves_a_row(office: Office, house: House) -> None:
    office.case()
    office.auditor.made("/audit/checkpoint", status=200)
    office.auditor.get("/audit/proofs/inclusion?position=1")
    found = office.auditor.get("/audit/accesses").json()["items"]
    assert {"seal_now", "prove_inclusion"} <= {one["operation"] for one in found}


def test_an_event_that_waits_for_more_than_a_minute_is_late(
    office: Office, house: House, clock: ManualClock
) -> None:
    def late() -> list[str]:
        found: list[str] = office.auditor.client.get("/readyz").json()["late"]
        return found

    office.case()
    clock.advance(seconds=60)
    assert "seal" not in late()
    clock.advance(seconds=1)
    assert "seal" in late()
    office.auditor.made("/audit/checkpoint", status=200)
    assert "seal" not in late()


def test_a_past_that_changed_stops_the_seal_and_is_late_until_it_is_mended(
    office: Office, house: House, clock: ManualClock, database_url: str
) -> None:
    def late() -> bool:
        return "seal" in office.auditor.client.get("/readyz").json()["late"]

    def topic_of_the_last(becomes: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("ALTER TABLE watchlist.events DISABLE TRIGGER USER")
            conn.execute(
                "UPDATE watchlist.events SET topic = %s"
                " WHERE notification_id = (SELECT max(notification_id) FROM watchlist.events)",
                (becomes,),
            )

    office.case()
    run(SEAL, house)
    assert not late()
    topic = house.pictures.events(0, 10**9)[-1]["topic"]
    topic_of_the_last("another")
    clock.advance(seconds=20)
    run(SEAL, house)
    assert late()
    (finding,) = [one for one in database._examined(house) if one.what == "seal"]
    assert not finding.ok
    answer = office.auditor.post("/audit/checkpoint")
    assert (answer.status_code, answer.json()["code"]) == (503, "past_changed")
    topic_of_the_last(topic)
    clock.advance(seconds=20)
    run(SEAL, house)
    assert not late()
    assert house.sealed_log.published()[-1].size == house.sealed_log.size()


def test_the_timetable_seals_often_enough(office: Office, house: House) -> None:
    """Twenty seconds, and as much again that a run may take, are less than the minute that is promised."""
    office.case()
    assert SEAL.every_seconds * 2 < SEALED_WITHIN.total_seconds()
    run(SEAL, house)
    metrics = office.auditor.client.get("/metrics").text
    assert "watchlist_unsealed_events 0.0" in metrics
    (told,) = re.findall(r"^watchlist_last_checkpoint_timestamp_seconds (.+)$", metrics, re.MULTILINE)
    assert float(told) == house.clock.now().timestamp()
