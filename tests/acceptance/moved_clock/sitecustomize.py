"""Loaded by Python processes whose clock libfaketime moves, before anything of ours.

Since 3.11 `time.sleep` waits for an instant of the monotonic clock (clock_nanosleep, TIMER_ABSTIME), which
libfaketime 0.9.10 takes for one of the clock that it moves: EINVAL. `select` waits for as long.
"""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep
