"""The log, for those who audit it: everything that was recorded, in its order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Query
from starlette.responses import Response, StreamingResponse

from api.errand import TheHouse
from api.operator import Asker, allowed
from api.routes import LISTS, router
from watchlist.adapters.postgres.pictures import Pictures
from watchlist.domain.operator import Role

routes = router("audit", "/audit")

Auditor = Annotated[Asker, Depends(allowed(Role.AUDITOR))]
MEDIA_TYPE = "application/x-ndjson"
LARGEST_POSITION = 2**63 - 1
AT_ONCE = 1000
_encode = msgspec.json.Encoder().encode

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "one event a line: position, recorded_at, topic, stream, version, state",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    },
    **LISTS,
}


class Lines(StreamingResponse):
    media_type = MEDIA_TYPE


@routes.get("/events", response_class=Lines, responses=EVENTS)
def stream_events(
    asker: Auditor,
    house: TheHouse,
    after: Annotated[int, Query(ge=0, le=LARGEST_POSITION, description="the last position known")] = 0,
    limit: Annotated[int | None, Query(ge=1, le=LARGEST_POSITION, description="lines at most")] = None,
) -> Response:
    """The log up to now, one event a line, in bounded memory."""
    return Lines(lines(house.pictures, after, house.pictures.position(), limit))


def lines(pictures: Pictures, after: int, until: int, limit: int | None) -> Iterator[bytes]:
    """Batch after batch, so that a slow reader keeps no transaction open."""
    left = until if limit is None else limit
    while left > 0 and (rows := pictures.events(after, until, min(left, AT_ONCE))):
        yield b"".join(_encode({**row, "state": msgspec.Raw(row["state"])}) + b"\n" for row in rows)
        after, left = rows[-1]["position"], left - len(rows)
