"""A witness over HTTP, as C2SP tlog-witness has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from api.witness import witness_app
from tests.sealed import ORIGIN, LogKey, MemorySealedLog
from tests.stories import MONDAY
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.witness_folder import WitnessFolder
from watchlist.application.add_checkpoint import Witnessing
from watchlist.audit.verifier import Note
from watchlist.audit.witness import LARGEST_REQUEST, Request

PER_SECOND, AT_ONCE = 1000.0, 1000.0


@pytest.fixture
def log() -> MemorySealedLog:
    log = MemorySealedLog()
    log.grow("a", "b", "c")
    log.publish(MONDAY)
    return log


@pytest.fixture
def witnessing(tmp_path: Path, log: MemorySealedLog) -> Iterator[Witnessing]:
    with WitnessFolder(tmp_path) as folder:
        logs = {ORIGIN: [key.public for key in log.signing]}
        yield Witnessing(folder.key("witness.test/1"), logs, folder, ManualClock(MONDAY))


@pytest.fixture
def client(witnessing: Witnessing) -> TestClient:
    return TestClient(witness_app(witnessing, per_second=PER_SECOND, at_once=AT_ONCE))


def asked(log: MemorySealedLog, old: int) -> bytes:
    latest = log.latest()
    assert latest is not None
    return Request.made(old, log.consistency(old, latest.size), latest.note.encode()).body()


def test_it_answers_with_its_line_and_publishes_the_note(client, log, witnessing):
    answer = client.post("/add-checkpoint", content=asked(log, 0))
    assert answer.status_code == 200
    note = Note.parse((log.latest().note + answer.text).encode())
    line = note.signed_by(witnessing.key.public)
    assert line is not None
    assert line.cosigned_at == int(MONDAY.timestamp())
    assert client.get(f"/checkpoint/{ORIGIN}").text == log.latest().note + answer.text
    (standing,) = client.get("/").json()["logs"]
    assert standing["size"] == 3
    assert standing["root"] == log.latest().root.hex()
    assert standing["cosigned_at"] == int(MONDAY.timestamp())
    assert client.get("/").json()["witness"] == str(witnessing.key.public)


def test_whoever_is_behind_is_told_the_size_it_saw(client, log):
    client.post("/add-checkpoint", content=asked(log, 0))
    log.grow("d")
    log.publish(MONDAY)
    answer = client.post("/add-checkpoint", content=asked(log, 0))
    assert (answer.status_code, answer.text) == (409, "3\n")
    assert answer.headers["content-type"] == "text/x.tlog.size"
    assert client.post("/add-checkpoint", content=asked(log, 3)).status_code == 200


def test_a_rewritten_history_is_refused_and_counted(client, log):
    client.post("/add-checkpoint", content=asked(log, 0))
    before = client.get(f"/checkpoint/{ORIGIN}").text
    log.rewrite(1, "another b")
    log.grow("d")
    log.publish(MONDAY)
    assert client.post("/add-checkpoint", content=asked(log, 3)).status_code == 422
    assert client.get(f"/checkpoint/{ORIGIN}").text == before
    (standing,) = client.get("/").json()["logs"]
    assert (standing["contradictions"], standing["doubted"]) == (1, 0)


def test_of_two_histories_only_one_is_cosigned(client, log):
    """A split view: the same log, signed twice over."""
    other = MemorySealedLog(signing=log.signing)
    other.grow("a", "b", "another c")
    other.publish(MONDAY)
    with ThreadPoolExecutor(8) as many:
        bodies = [asked(log, 0), asked(other, 0)] * 8
        answers = list(
            many.map(lambda body: client.post("/add-checkpoint", content=body).status_code, bodies)
        )
    assert answers.count(200) == 1
    assert set(answers) == {200, 409}


def test_the_others_are_refused_as_the_protocol_says(client, log):
    assert client.post("/add-checkpoint", content=b"nonsense").status_code == 400
    assert client.post("/add-checkpoint", content=b"").status_code == 400
    log.signing = [LogKey()]
    log.publish(MONDAY)
    assert client.post("/add-checkpoint", content=asked(log, 0)).status_code == 403
    unknown = asked(log, 0).replace(ORIGIN.encode(), b"another.test/log")
    assert client.post("/add-checkpoint", content=unknown).status_code == 404
    assert client.get("/add-checkpoint").status_code == 405
    assert client.get(f"/checkpoint/{ORIGIN}").status_code == 404
    assert client.get("/checkpoint/another.test/log").status_code == 404


def test_a_body_is_bounded(client):
    assert client.post("/add-checkpoint", content=b"x" * (LARGEST_REQUEST + 1)).status_code == 413


def test_requests_are_bounded(witnessing, log):
    client = TestClient(witness_app(witnessing, per_second=0.001, at_once=3))
    answers = [client.post("/add-checkpoint", content=asked(log, 0)) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 409, 409, 429, 429]
    assert answers[-1].headers["retry-after"] == "1"
    assert client.get(f"/checkpoint/{ORIGIN}").status_code == 200


def test_a_body_that_does_not_end_is_not_waited_for(witnessing, monkeypatch):
    monkeypatch.setattr("api.witness.BODY_SECONDS", 0.05)

    async def dripping() -> AsyncIterator[bytes]:
        yield b"old 0"
        await asyncio.sleep(5)

    async def posted() -> int:
        through = httpx.ASGITransport(witness_app(witnessing))
        async with httpx.AsyncClient(transport=through, base_url="http://witness.test") as client:
            return (await client.post("/add-checkpoint", content=dripping())).status_code

    assert asyncio.run(posted()) == 408
