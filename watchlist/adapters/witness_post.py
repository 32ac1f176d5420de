"""Checkpoints are brought to witnesses by HTTP (C2SP tlog-witness)."""

from __future__ import annotations

from watchlist.adapters.bounded_post import SECONDS, posted
from watchlist.ports.witness import Reply

MOST_READ = 16 * 1024
"""More than the lines of as many keys as a witness will ever have."""


class HttpWitnessPost:
    """Keeps the port WitnessPost."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    def add_checkpoint(self, url: str, body: bytes) -> Reply:
        headers = {"content-type": "text/plain; charset=utf-8"}
        return posted(f"{url.rstrip('/')}/add-checkpoint", headers, body, MOST_READ, self._seconds)
