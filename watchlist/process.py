"""What a process of ours does with signals and with its log."""

from __future__ import annotations

import logging
import signal
import sys
import time
from types import FrameType


def end_on_signals() -> None:
    """SIGTERM ends the process as Ctrl-C does: in order, everything closed."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def log_to_stderr(level: str) -> None:
    """One line per message, UTC; libraries speak only of what went wrong."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    # the HTTP client would write the addresses of others' webhooks, which may hold what only they should know
    for noisy in ("apscheduler", "psycopg", "psycopg.pool", "uvicorn.error", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
