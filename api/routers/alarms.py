"""Unusual use of the screening (S6), for those who answer for access: it shows no personal data of a subject."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Depends, Query
from psycopg.rows import DictRow
from starlette.responses import Response

from api.answered.alarms import AlarmPage, AlarmReceipt
from api.asked import Nothing
from api.errand import TheHouse, json_answer
from api.fields import Id
from api.operator import Asker, allowed
from api.paging import Pages
from api.routes import COMMANDS, LISTS, OfNoPerson, router
from watchlist.domain.operator import Role
from watchlist.domain.refusals import NotFound

routes = router("audit", "/audit/alarms", route_class=OfNoPerson)

Watcher = Annotated[Asker, Depends(allowed(Role.AUDITOR, Role.DPO, Role.ADMIN))]
Keeper = Annotated[Asker, Depends(allowed(Role.DPO, Role.ADMIN))]
"""Auditors change nothing (T3)."""
Empty = Annotated[Nothing | None, Body()]


@routes.get("", response_model=AlarmPage, responses=LISTS)
def list_alarms(
    asker: Watcher,
    house: TheHouse,
    pages: Pages,
    open: Annotated[bool, Query(description="only those that nobody acknowledged")] = False,
) -> Response:
    """Unusual use of the screening by one's own organisation (auditor: by all), the latest first."""
    after = None if pages.after is None else UUID(pages.after)
    found = house.usage.alarms(asker.scope, after, pages.fetch, only_open=open)
    return pages.answer(found, lambda one: one["alarm_id"], _shown)


@routes.post("/{alarm_id}/acknowledgement", response_model=AlarmReceipt, responses=COMMANDS)
def acknowledge_an_alarm(alarm_id: Id, asker: Keeper, house: TheHouse, body: Empty = None) -> Response:
    """Somebody looked at it; whoever was first is named."""
    found = house.usage.acknowledge(alarm_id, asker.organisation, asker.operator_id, house.clock.now())
    if found is None:
        raise NotFound()
    receipt = {"id": found["alarm_id"], "version": 2, "position": house.pictures.position()}
    return json_answer({**_shown(found), **receipt})


def _shown(row: DictRow) -> dict[str, Any]:
    return dict(row)
