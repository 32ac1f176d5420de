"""Spans by OpenTelemetry (the extra `otel`): which route, which step, how long; nothing that was sent or found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

from watchlist import tracing
from watchlist.tracing import Trace


class Spans:
    """Keeps the port Tracer of watchlist.tracing."""

    def __init__(self, processor: SpanProcessor) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": "watchlist"}))
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("watchlist")

    @contextmanager
    def request(self, name: str, trace: Trace) -> Iterator[AnsweredSpan]:
        """Continues the trace that was sent; what is logged and called meanwhile is of this span."""
        with self._tracer.start_as_current_span(
            name,
            context=_sent(trace),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            own = span.get_span_context()
            ids = f"{own.trace_id:032x}", f"{own.span_id:016x}"
            tracing.current.set(Trace(trace.request_id, *ids, trace.parent_id, f"{own.trace_flags:02x}"))
            yield AnsweredSpan(span)

    @contextmanager
    def span(self, name: str) -> Iterator[object]:
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False):
            yield None

    def close(self) -> None:
        self._provider.shutdown()


class AnsweredSpan:
    """The span of one request, named when its route is known."""

    def __init__(self, span: otel.Span) -> None:
        self._span = span

    def answered(self, method: str, route: str, status: int) -> None:
        self._span.update_name(f"{method} {route}")
        self._span.set_attributes(
            {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        )
        if status >= 500:
            self._span.set_status(otel.StatusCode.ERROR)


def _sent(trace: Trace) -> otel_context.Context | None:
    if trace.parent_id is None:
        return None
    flags = TraceFlags(int(trace.flags, 16))
    parent = SpanContext(int(trace.trace_id, 16), int(trace.parent_id, 16), is_remote=True, trace_flags=flags)
    return otel.set_span_in_context(NonRecordingSpan(parent))


def to_endpoint(endpoint: str) -> Spans:
    """Spans sent by OTLP over HTTP, in batches, from a thread."""
    return Spans(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
