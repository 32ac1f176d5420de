"""Changes: that a hit one received stopped, or resumed (S8). As pages behind a cursor, and as a stream."""

from __future__ import annotations

import re
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Body, Depends, Header, Path, Query, Request
from starlette.responses import Response

from api.answered.changes import ChangePage, ChangeReceipt
from api.asked import Nothing
from api.errand import TheHouse, json_answer
from api.event_stream import MEDIA_TYPE, EventStream, Streams, wants_stream
from api.operator import Asker, allowed
from api.paging import LARGEST
from api.problems import invalid
from api.routes import COMMANDS, LISTS, router
from watchlist.bootstrap import House
from watchlist.domain.operator import Role
from watchlist.domain.refusals import NoSuchChange

routes = router("changes", "/changes")

Integrator = Annotated[Asker, Depends(allowed(Role.INTEGRATOR))]
LARGEST_SEQUENCE = 2**63 - 1
_ID = re.compile("0|[1-9][0-9]{0,18}")
After = Annotated[
    str | None,
    Query(max_length=19, description="the last id seen; absent: from the beginning", examples=["12"]),
]
Seen = Annotated[
    str | None,
    Header(max_length=19, description="of a stream: the last id seen; before `after`", examples=["12"]),
]
Limit = Annotated[int, Query(ge=1, le=LARGEST, description="how many items at most; a stream has no end")]
CHANGES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": f"a page; with `Accept: {MEDIA_TYPE}` a stream of events `change`, their `data` an item",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    },
    **LISTS,
}


@routes.get("", response_model=ChangePage, responses=CHANGES)
async def follow_changes(
    request: Request,
    asker: Integrator,
    house: TheHouse,
    after: After = None,
    limit: Limit = 100,
    last_event_id: Seen = None,
) -> Response:
    """What one's organisation is told of the hits it received, oldest first; as a page, or as it comes."""
    seen = _sequence("after", "0" if after is None else after)
    if last_event_id:
        seen = _sequence("Last-Event-ID", last_event_id)
    if wants_stream(request.headers.get("accept", "")):
        streams: Streams = request.app.state.streams
        return EventStream(streams.open(request, asker, house, seen))
    return await to_thread.run_sync(_page, house, asker.organisation, seen, limit)


def _sequence(field: str, given: str) -> int:
    if not _ID.fullmatch(given) or int(given) > LARGEST_SEQUENCE:
        raise invalid(field, "cursor")
    return int(given)


def _page(house: House, organisation: str, after: int, limit: int) -> Response:
    """The cursor is a number: whoever lost it begins where they know they were."""
    found = house.feed.changes(organisation, after, limit + 1)
    shown = found[:limit]
    following = shown[-1].id if len(found) > limit else None
    link = {"Link": f'</v1/changes?limit={limit}&after={following}>; rel="next"'} if following else None
    return json_answer({"items": [one.item() for one in shown], "next": following}, headers=link)


@routes.post("/{change_id}/acknowledgement", response_model=ChangeReceipt, responses=COMMANDS)
def acknowledge_a_change(
    asker: Integrator,
    house: TheHouse,
    change_id: Annotated[str, Path(pattern="^[1-9][0-9]{0,18}$", examples=["12"])],
    body: Annotated[Nothing | None, Body()] = None,
) -> Response:
    """One's organisation knows: that one change, and none before it. Said again, the first time stands."""
    sequence = _sequence("change_id", change_id)
    found = house.feed.acknowledge(asker.organisation, sequence, house.clock.now(), asker.operator_id)
    if found is None:
        raise NoSuchChange()
    told = {"id": change_id, "version": 2, "position": house.pictures.position(), "acknowledged_at": found.at}
    return json_answer(told)
