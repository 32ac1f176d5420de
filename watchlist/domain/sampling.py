"""Samples that anybody can draw again: same seed, same instant, same sample (T3).

Every item has a rank: SHA-256 of the seed, a colon and its id, as they are written. The sample is the items of the
lowest ranks. So it needs no list in an order, no generator of some language, and whoever has the ids can check it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

ALGORITHM = (
    "the items of the lowest SHA-256(seed ':' id), the id in lower case with hyphens, ranks as hexadecimal"
)
SETTLED_AFTER = timedelta(minutes=1)
"""What was decided by an instant is recorded so long after it at the latest: a sample is of what is settled."""
LARGEST_SAMPLE = 1000


class SampledKind(StrEnum):
    ENTRIES = "entries"
    """Every entry that was approved by then, whatever became of it."""
    CASES = "cases"
    SCREENINGS = "screenings"
    """As far as the access log is kept (T1)."""


def rank(seed: str, id: UUID) -> str:
    return hashlib.sha256(f"{seed}:{id}".encode()).hexdigest()


def settled_by(now: datetime) -> datetime:
    """The latest instant of which a sample will be the same ever after."""
    return now - SETTLED_AFTER
