"""What a process of ours does with signals."""

from __future__ import annotations

import signal
from types import FrameType


def end_on_signals() -> None:
    """SIGTERM ends the process as Ctrl-C does: in order, everything closed."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
