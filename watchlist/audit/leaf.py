"""The leaves of the sealed log: the exact bytes that are hashed, of an event and of a day of a register (T4).

An event's leaf is its line in `GET /audit/events`, without the newline; SQL writes the same bytes when a million of
them are sealed at once (sealed_log.sql), and a test holds both equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from watchlist.ports.seal import Digest

_encode = msgspec.json.Encoder().encode


def event_line(row: Mapping[str, Any]) -> bytes:
    """Of an event as it is stored, its instant in UTC; the state is what was recorded, byte by byte."""
    return _encode(
        {
            "position": row["position"],
            "recorded_at": row["recorded_at"],
            "topic": row["topic"],
            "stream": row["stream"],
            "version": row["version"],
            "state": msgspec.Raw(row["state"]),
        }
    )


def digest_line(digest: Digest) -> bytes:
    return _encode(
        {
            "digest": digest.register,
            "day": digest.day.isoformat(),
            "rows": digest.rows,
            "sha256": digest.sha256.hex(),
        }
    )
