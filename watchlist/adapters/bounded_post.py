"""A POST to an address that the settings name, within a time and up to a size: witnesses, time stamping authorities.

Redirects are not followed and proxies of the environment not used: what is called is what was configured.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import httpx

from watchlist.ports.witness import Reply, Unanswered

SECONDS = 10.0
AGENT = "watchlist"


def posted(url: str, headers: Mapping[str, str], body: bytes, most: int, seconds: float = SECONDS) -> Reply:
    """The answer, whatever its status. Raises Unanswered; the message never holds what was answered."""
    until = time.monotonic() + seconds
    named = {**headers, "user-agent": AGENT, "accept-encoding": "identity"}
    try:
        with (
            httpx.Client(trust_env=False, follow_redirects=False, timeout=seconds) as client,
            client.stream("POST", url, headers=named, content=body) as answer,
        ):
            return Reply(answer.status_code, _read(answer, most, until))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Unanswered(type(error).__name__) from None


def _read(answer: httpx.Response, most: int, until: float) -> bytes:
    read = b""
    for part in answer.iter_raw():
        read += part
        if len(read) > most:
            raise Unanswered("the answer is too long")
        if time.monotonic() > until:
            raise Unanswered("the answer did not end in time")
    return read
