"""What the service says in its log: which operation, for which request; never what was sent."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from scheduler.main import run
from scheduler.timetable import Job
from tests.api.conftest import PERSON, Office
from watchlist import tracing
from watchlist.bootstrap import House
from watchlist.logs import FIELDS, log_to_stderr

CANARY = "Zyxwvut"
RPPS = "10000001916"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Said:
    """Everything that was logged, one document a line."""

    def __init__(self) -> None:
        self.stream = StringIO()

    def lines(self) -> list[dict[str, Any]]:
        for handler in logging.getLogger().handlers:
            handler.flush()
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["logger"] == logger]


@pytest.fixture
def said() -> Iterator[Said]:
    """The log as the service writes it; put back as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    made = Said()
    log_to_stderr("DEBUG", "json", made.stream)
    tracing.current.set(None)
    yield made
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    for handler in before:
        root.addHandler(handler)
    root.setLevel(level)


# Requests -------------------------------------------------------------------------------------


def test_each_request_is_one_line_that_names_its_route_and_nothing_that_was_sent(
    office: Office, said: Said
) -> None:
    subject = office.subject()
    office.investigator.get(f"/subjects/{subject}", X_Request_Id="r-1")
    office.investigator.ask("GET", f"/cases?color={CANARY}")
    office.investigator.client.get(f"/nothing/{CANARY}")
    lines = said.of("watchlist.access")
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/v1/subjects", 201),
        ("GET", "/v1/subjects/{subject_id}", 200),
        ("GET", "/v1/cases", 422),
        ("GET", "unmatched", 404),
    ]
    assert lines[1]["request_id"] == "r-1"
    assert lines[1]["duration_ms"] > 0
    assert lines[0]["operator_id"] == lines[1]["operator_id"]
    assert "operator_id" not in lines[3]
    text = said.stream.getvalue()
    for value in (CANARY, RPPS, subject, PERSON["family_name"], office.investigator.key):
        assert value not in text


def test_a_trace_is_continued_and_one_is_begun_where_none_was_sent(office: Office, said: Said) -> None:
    office.investigator.get("/me", traceparent=f"00-{TRACE}-{PARENT}-01")
    office.investigator.get("/me")
    continued, begun = said.of("watchlist.access")
    assert (continued["trace_id"], continued["parent_id"]) == (TRACE, PARENT)
    assert re.fullmatch("[0-9a-f]{32}", begun["trace_id"])
    assert begun["trace_id"] != TRACE
    assert "parent_id" not in begun


@pytest.mark.parametrize(
    "given",
    [
        None,
        b"",
        b"00",
        f"00-{TRACE}-{PARENT}".encode(),
        f"ff-{TRACE}-{PARENT}-01".encode(),
        f"00-{TRACE.upper()}-{PARENT}-01".encode(),
        f"00-{'0' * 32}-{PARENT}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE}-{PARENT}-01-more".encode(),
        b"01-" + b"a" * 10_000,
    ],
)
def test_a_traceparent_that_is_malformed_is_as_none(given: bytes | None) -> None:
    trace = tracing.begin("r", given)
    assert trace.parent_id is None
    assert trace.trace_id != TRACE
    assert re.fullmatch(rf"00-{trace.trace_id}-{trace.span_id}-00", trace.traceparent)


def test_a_later_version_of_traceparent_is_read_as_far_as_it_is_known() -> None:
    trace = tracing.begin("r", f"01-{TRACE}-{PARENT}-01-more".encode())
    assert (trace.trace_id, trace.parent_id) == (TRACE, PARENT)
    assert trace.traceparent == f"00-{TRACE}-{trace.span_id}-01"
    assert trace.span_id != PARENT


def test_what_is_logged_while_a_request_is_answered_names_it(
    office: Office, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(CANARY)

    app: Any = office.investigator.client.app
    office.investigator.get("/me")
    monkeypatch.setattr(type(app.state.house.pictures), "cases", broken)
    office.investigator.get("/cases", X_Request_Id="r-2", traceparent=f"00-{TRACE}-{PARENT}-01")
    error = said.of("watchlist.api")[-1]
    assert (error["level"], error["request_id"], error["trace_id"]) == ("ERROR", "r-2", TRACE)
    assert "ValueError" in error["event"]
    assert CANARY not in said.stream.getvalue()


def test_a_thread_that_works_for_a_request_and_a_run_of_a_job_name_it_too(
    office: Office, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    app: Any = office.investigator.client.app
    house: House = app.state.house
    log = logging.getLogger("watchlist.somewhere")

    def looked_up(*_: object) -> list[Any]:
        log.info("looked up")
        return []

    monkeypatch.setattr(house.pictures, "cases", looked_up)
    office.investigator.get("/cases", X_Request_Id="r-3")
    run(Job("tidy", 60, lambda _: str(log.info("tidied"))), house)
    of_request, of_job = said.of("watchlist.somewhere")
    assert of_request["request_id"] == "r-3"
    assert of_job["request_id"].startswith("tidy-")
    assert of_job["trace_id"] != of_request["trace_id"]


# The last line of defence ---------------------------------------------------------------------


def test_an_error_is_its_kind_and_its_place(said: Said) -> None:
    log = logging.getLogger("watchlist.somewhere")
    try:
        raise ValueError(CANARY) from KeyError(CANARY)
    except ValueError as error:
        log.exception("it failed")
        log.error("it failed: %s", error)
        log.error("%(what)s failed", {"what": error})
    first, second, third = said.lines()
    assert first["error"] == "ValueError"
    assert first["where"].startswith("test_logs.py:")
    assert (second["event"], third["event"]) == ("it failed: ValueError", "ValueError failed")
    assert CANARY not in said.stream.getvalue()


def test_only_known_fields_pass(said: Said) -> None:
    logging.getLogger("watchlist.somewhere").info("done", extra={"family_name": CANARY, "job": "sweep"})
    (line,) = said.lines()
    assert line["job"] == "sweep"
    assert set(line) <= set(FIELDS)
    assert CANARY not in said.stream.getvalue()


def test_of_a_library_only_the_sentence_in_its_code_is_told(said: Said) -> None:
    log = logging.getLogger("psycopg.pool")
    log.warning("error connecting in %r: %s", "pool-1", f"Key (name)=({CANARY}) exists")
    log.warning(f"future: <Task exception=ValueError('{CANARY}')>")
    told, withheld = said.lines()
    assert told["event"] == "error connecting in %r: %s"
    assert withheld["event"] == "(a message of a library, withheld)"
    assert withheld["where"].startswith("test_logs.py:")
    assert CANARY not in said.stream.getvalue()


@pytest.mark.parametrize("number", [RPPS, "1 85 05 78 006 084", "185.05.78.006.084 36", "356000000"])
def test_a_number_that_could_be_somebodys_is_masked(said: Said, number: str) -> None:
    log = logging.getLogger("watchlist.somewhere")
    log.info("asked for %s today", number)
    log.info("position %d of %s at 2026-03-02", 12345678, "7f3e2a54-3b0e-4f0e-9d6e-123456789012")
    masked, kept = said.lines()
    assert masked["event"] == "asked for # today"
    assert kept["event"] == "position 12345678 of 7f3e2a54-3b0e-4f0e-9d6e-123456789012 at 2026-03-02"


def test_a_line_that_cannot_be_made_shows_nothing_of_it(
    said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("watchlist.somewhere").info("position %d", CANARY)
    assert said.stream.getvalue() == "a line of watchlist.somewhere could not be made: TypeError\n"
    assert CANARY not in capsys.readouterr().err


def test_at_a_terminal_it_is_text(said: Said) -> None:
    stream = StringIO()
    log_to_stderr("INFO", "text", stream)
    logging.getLogger("watchlist.somewhere").info("ready", extra={"job": "sweep"})
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT[\d:.]+Z INFO watchlist.somewhere ready job=sweep\n", stream.getvalue()
    )
