"""Spans name routes and steps, join the trace that was sent, and hold nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.api.conftest import PERSON, Office
from tests.api.test_logs import PARENT, TRACE
from watchlist import tracing
from watchlist.adapters.spans import Spans
from watchlist.bootstrap import spans_recorded
from watchlist.settings import Settings

CANARY = "Zyxwvut"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    spans = Spans(SimpleSpanProcessor(exporter))
    tracing.switch_on(spans)
    yield exporter
    tracing.switch_on(None)
    spans.close()


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = [span for span in exporter.get_finished_spans() if span.name == name]
    return span


def test_a_request_is_a_span_of_the_trace_that_was_sent_and_its_steps_are_under_it(
    office: Office, exported: InMemorySpanExporter
) -> None:
    office.investigator.get("/me")
    exported.clear()
    body = {**PERSON, "family_name": CANARY}
    answer = office.investigator.post("/subjects", body, traceparent=f"00-{TRACE}-{PARENT}-01")
    assert answer.status_code == 201
    request = named(exported, "POST /v1/subjects")
    assert request.context is not None
    assert f"{request.context.trace_id:032x}" == TRACE
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == PARENT
    assert dict(request.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/v1/subjects",
        "http.response.status_code": 201,
    }
    command, record = named(exported, "command"), named(exported, "record")
    assert command.parent == request.context
    assert record.parent == command.context
    assert CANARY not in "".join(span.to_json() for span in exported.get_finished_spans())


def test_a_statement_is_a_span_of_its_name(office: Office, exported: InMemorySpanExporter) -> None:
    office.investigator.get("/cases")
    assert named(exported, "cases").parent == named(exported, "GET /v1/cases").context


def test_an_error_is_a_status_and_no_message(
    office: Office, exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(CANARY)

    app: Any = office.investigator.client.app
    monkeypatch.setattr(app.state.house.pictures, "cases", broken)
    assert office.investigator.get("/cases").status_code == 500
    told = named(exported, "GET /v1/cases")
    assert not told.status.is_ok
    assert CANARY not in told.to_json()


def test_what_is_asked_of_others_names_the_span_it_is_asked_for(
    exported: InMemorySpanExporter,
) -> None:
    trace = tracing.begin("r", f"00-{TRACE}-{PARENT}-01".encode())
    tracer = tracing.tracer()
    assert tracer is not None
    with tracer.request("GET", trace):
        meanwhile = tracing.current.get()
    (span,) = exported.get_finished_spans()
    assert meanwhile is not None
    assert span.context is not None
    assert meanwhile.traceparent == f"00-{TRACE}-{span.context.span_id:016x}-01"


def test_nothing_of_it_is_loaded_unless_it_is_asked_for() -> None:
    program = "import sys, watchlist.bootstrap, api.main; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    with spans_recorded(Settings()):
        assert tracing.tracer() is None


def test_an_endpoint_that_is_set_is_sent_to_and_left_again() -> None:
    with spans_recorded(Settings.from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})):
        assert tracing.tracer() is not None
    assert tracing.tracer() is None


def test_an_endpoint_without_the_extra_is_said_in_one_line() -> None:
    program = (
        "import sys; sys.modules['opentelemetry.sdk'] = None; sys.argv = ['watchlist', 'serve'];"
        "from watchlist.__main__ import main; sys.exit(main())"
    )
    environment = {"WATCHLIST_OTEL_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'watchlist[otel]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_in_an_endpoint_is_masked() -> None:
    settings = Settings.from_environment({"WATCHLIST_OTEL_ENDPOINT": f"https://me:{CANARY}@traces.example"})
    assert CANARY not in repr(settings) + str(settings.shown())


def test_the_framework_tells_nothing_of_its_own_to_a_tracer_of_the_whole_process() -> None:
    """Its spans would hold addresses, query strings and the texts of errors."""
    done = subprocess.run(
        [sys.executable, "-c", GLOBAL_TRACER], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


GLOBAL_TRACER = """
from types import SimpleNamespace
from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from api.main import create_app
from watchlist.domain.quota import Quotas

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
app = create_app(SimpleNamespace(operators=None, clock=None, buckets=None, quotas=Quotas()))
assert TestClient(app).get("/livez?name=Zyxwvut").status_code == 200
print([span.name for span in exporter.get_finished_spans()])
"""
