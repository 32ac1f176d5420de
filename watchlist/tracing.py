"""What belongs together: the id of the request that is being answered, and its place in a trace (W3C Trace Context).

Whoever answers, logs or calls further reads `current`. Spans are recorded only where a tracer was switched on.
"""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

_TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_PARENT = b"0" * 32, b"0" * 16


@dataclass(frozen=True, slots=True)
class Trace:
    """One request, or one run of a job, and the trace it is part of."""

    request_id: str
    trace_id: str
    span_id: str
    parent_id: str | None = None
    flags: str = "00"

    @property
    def traceparent(self) -> str:
        """The header to send with whatever is asked of others on behalf of this request."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


current: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""Of what is being answered; a thread that works for a request sees the request's."""


def begin(request_id: str | None = None, traceparent: bytes | None = None) -> Trace:
    """The trace that was sent, continued; a new one when none was, or none that is well formed. Becomes `current`."""
    fresh = os.urandom(32).hex()
    request_id = request_id or fresh[48:]
    found = _read(traceparent) if traceparent else None
    if found is None:
        trace = Trace(request_id, fresh[:32], fresh[32:48])
    else:
        trace = Trace(request_id, found[0], fresh[32:48], found[1], found[2])
    current.set(trace)
    return trace


def _read(traceparent: bytes) -> tuple[str, str, str] | None:
    found = _TRACEPARENT.fullmatch(traceparent) if len(traceparent) < 256 else None
    if found is None or found[2] == _NO_TRACE or found[3] == _NO_PARENT or (found[1] == b"00" and found[5]):
        return None
    return found[2].decode(), found[3].decode(), found[4].decode()


# Spans ----------------------------------------------------------------------------------------


class Tracer(Protocol):
    """Records spans; their names are routes, verbs and names of statements, and nothing that was sent."""

    def request(self, name: str, trace: Trace) -> AbstractContextManager[RequestSpan]: ...

    def span(self, name: str) -> AbstractContextManager[object]: ...


class RequestSpan(Protocol):
    """The span of one request."""

    def answered(self, method: str, route: str, status: int) -> None: ...


_nothing: AbstractContextManager[object] = nullcontext()
_tracer: Tracer | None = None


def switch_on(tracer: Tracer | None) -> None:
    """From now on spans go there; None: nowhere."""
    global _tracer
    _tracer = tracer


def tracer() -> Tracer | None:
    return _tracer


def span(name: str) -> AbstractContextManager[object]:
    """A part of what is being done, named by the code; costs nothing while no tracer is on."""
    return _nothing if _tracer is None else _tracer.span(name)
