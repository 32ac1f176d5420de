"""The service's log: one line a message on standard error, for programs (JSON) or for people (text).

What is said comes from the code alone. The processors here are the last line of defence: only known fields pass, an
error is its kind and its place, and of what a library says only the sentence that stands in its code.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict

from watchlist import tracing

OURS = ("watchlist", "api", "scheduler")
"""The loggers whose messages were written not to hold a value."""
FIELDS = (
    "timestamp",
    "level",
    "logger",
    "event",
    "method",
    "route",
    "status",
    "duration_ms",
    "operator_id",
    "job",
    "request_id",
    "trace_id",
    "parent_id",
    "error",
    "where",
)
"""What a line may hold, in this order; anything else is dropped."""
LONGEST = 1000
ACCESS = "watchlist.access"
HELD_SECONDS = 0.05
"""How long lines about requests are held back to be written together."""
_DIGITS = re.compile(r"(?<![\w-])\d(?:[ .-]?\d){8,}(?![\w-])")
"""As many digits in a row as identify a person or an organisation, and nothing that is ours."""
access_log = logging.getLogger(ACCESS)


class Form(StrEnum):
    """For whom the log is written; auto: people at a terminal, programs otherwise."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


# Processors: what a line may say ----------------------------------------------------------------


def say_what_the_code_says(_: Any, __: str, event: EventDict) -> EventDict:
    """Our messages are completed with their values; of others only the sentence in their code is told."""
    record: logging.LogRecord = event["_record"]
    args = event.pop("positional_args", None)
    event.update(level=record.levelname, logger=record.name)
    place = f"{record.filename}:{record.lineno}"
    if record.name.split(".")[0] in OURS:
        event["event"] = _completed(str(record.msg), args)
    elif args:
        event["event"] = str(record.msg)
    else:
        event["event"], event["where"] = "(a message of a library, withheld)", place
    return event


def _completed(sentence: str, args: Any) -> str:
    """An error among the values is named by its kind: its text may quote what was sent."""
    if not args:
        return sentence
    if isinstance(args, Mapping):
        return sentence % {name: _kind(value) for name, value in args.items()}
    return sentence % tuple(map(_kind, args))


def _kind(value: Any) -> Any:
    return type(value).__name__ if isinstance(value, BaseException) else value


def say_where_it_failed(_: Any, __: str, event: EventDict) -> EventDict:
    """The kind of an error and the places it went through; never its message, nor that of its causes."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["where"] = places(error)
    return event


def places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))


def say_for_which_request(_: Any, __: str, event: EventDict) -> EventDict:
    trace = tracing.current.get()
    if trace is not None:
        event.update(request_id=trace.request_id, trace_id=trace.trace_id)
        if trace.parent_id:
            event["parent_id"] = trace.parent_id
    return event


def redact(_: Any, __: str, event: EventDict) -> EventDict:
    """Only known fields, bounded, and no number that could be somebody's."""
    said = str(event.get("event", ""))
    event["event"] = _DIGITS.sub("#", said[:LONGEST])
    return {name: event[name] for name in FIELDS if name in event}


def stamp(_: Any, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = datetime.now(UTC)
    return event


# Renderers --------------------------------------------------------------------------------------

_encode = msgspec.json.Encoder(enc_hook=str).encode


def as_json(_: Any, __: str, event: EventDict) -> str:
    return _encode(event).decode()


def as_text(_: Any, __: str, event: EventDict) -> str:
    at = f"{event.pop('timestamp', None) or datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    head = f"{at} {event.pop('level', 'INFO')} {event.pop('logger', '')} {event.pop('event', '')}"
    return " ".join([head, *(f"{name}={value}" for name, value in event.items())])


CHAIN = (
    say_what_the_code_says,
    structlog.stdlib.ExtraAdder(FIELDS),
    say_where_it_failed,
    say_for_which_request,
    stamp,
    redact,
)


# Written ----------------------------------------------------------------------------------------


class Lines(logging.StreamHandler[TextIO]):
    """Every line of a process. Those about requests are held for an instant, so that many are one write."""

    def __init__(self, stream: TextIO, form: Form) -> None:
        super().__init__(stream)
        for_people = form is Form.TEXT or (form is Form.AUTO and stream.isatty())
        self._render = as_text if for_people else as_json
        self._held: list[str] = []
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=CHAIN,
                processors=[self._render],
                use_get_message=False,
                pass_foreign_args=True,
            )
        )

    def emit(self, record: logging.LogRecord) -> None:
        self._write_held()
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """A line that cannot be made is no reason to show what was to be in it."""
        try:
            return super().format(record)
        except Exception as error:
            return f"a line of {record.name} could not be made: {type(error).__name__}"

    def hold(self, event: EventDict) -> None:
        """A line about a request: its fields come from our own code alone."""
        self._held.append(self._render(None, "info", event))
        if len(self._held) == 1:
            asyncio.get_running_loop().call_later(HELD_SECONDS, self.flush)

    def flush(self) -> None:
        self._write_held()
        super().flush()

    def _write_held(self) -> None:
        held, self._held = self._held, []
        if held:
            self.acquire()
            try:
                self.stream.write("\n".join(held) + "\n")
            finally:
                self.release()


_lines: Lines | None = None


def log_to_stderr(level: str, form: str = Form.AUTO, stream: TextIO | None = None) -> None:
    """From now on everything that is logged goes there; libraries speak only of what went wrong."""
    global _lines
    logging.raiseExceptions = False  # or a line that cannot be written is shown with all that it was made of
    _lines = Lines(stream or sys.stderr, Form(form))
    logging.basicConfig(level=level, handlers=[_lines], force=True)
    for noisy in (
        "apscheduler",
        "psycopg",
        "psycopg.pool",
        "uvicorn",
        "uvicorn.error",
        "asyncio",
        "httpx",
        "httpcore",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True


def tell_of_request(
    method: str, route: str, status: int, seconds: float, trace: tracing.Trace, operator_id: object
) -> None:
    """One line for each request: which operation, never its address, and nothing that was sent."""
    if _lines is None or not access_log.isEnabledFor(logging.INFO):
        return
    line: dict[str, Any] = {
        "timestamp": datetime.now(UTC),
        "level": "INFO",
        "logger": ACCESS,
        "event": "answered",
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": round(1000 * seconds, 2),
        "request_id": trace.request_id,
        "trace_id": trace.trace_id,
    }
    if trace.parent_id:
        line["parent_id"] = trace.parent_id
    if operator_id is not None:
        line["operator_id"] = operator_id
    _lines.hold(line)
