"""The log, the access log and the register of disclosures, for those who answer for them; reading them is logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response, StreamingResponse

from api.answered.traces import Accesses, AccessItem, DisclosureItem, Disclosures
from api.errand import TheHouse
from api.fields import Id, Instant, Organisation
from api.operator import Asker, allowed
from api.paging import Pages
from api.routes import LISTS, router
from watchlist.adapters.postgres.pictures import Pictures
from watchlist.adapters.postgres.registers import FIRST_PLACE, Place
from watchlist.application.screening_request import Purpose
from watchlist.audit.leaf import event_line
from watchlist.domain.operator import Role
from watchlist.domain.trace import DisclosureKind, is_late

routes = router("audit", "/audit")

Auditor = Annotated[Asker, Depends(allowed(Role.AUDITOR))]
Guardian = Annotated[Asker, Depends(allowed(Role.AUDITOR, Role.DPO))]
MEDIA_TYPE = "application/x-ndjson"
LARGEST_POSITION = 2**63 - 1
AT_ONCE = 1000

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
        yield b"".join(event_line(row) + b"\n" for row in rows)
        after, left = rows[-1]["position"], left - len(rows)


# Who looked at whom ---------------------------------------------------------------------------

Since = Annotated[Instant | None, Query(alias="from", description="at that instant or later")]
Until = Annotated[Instant | None, Query(description="earlier than that instant")]


@dataclass(frozen=True, slots=True)
class AccessFilters:
    """By whom, about whom, why, and when."""

    operator: Id | None = None
    subject: Annotated[Id | None, Query(description="who looked at this person, whoever asked")] = None
    purpose: Purpose | None = None
    organisation: Annotated[Organisation | None, Query(description="of whoever asked")] = None
    since: Since = None
    until: Until = None

    def named(self) -> dict[str, Any]:
        return {
            "operator": self.operator,
            "subject": self.subject,
            "purpose": self.purpose,
            "of": self.organisation,
        }


@routes.get("/accesses", response_model=Accesses, responses=LISTS)
def list_accesses(
    asker: Guardian, house: TheHouse, pages: Pages, filters: Annotated[AccessFilters, Depends()]
) -> Response:
    """The access log in its order: of one's own organisation (auditors: of all), and who looked at its subjects."""
    found = house.registers.accesses(
        asker.scope, filters.named(), filters.since, filters.until, _access_after(pages.after), pages.fetch
    )
    return pages.answer(found, _access_place, lambda row: {n: row[n] for n in AccessItem.model_fields})


def _access_place(row: Mapping[str, Any]) -> str:
    return f"{row['at'].isoformat()}|{row['access_id']}"


def _access_after(place: str | None) -> Place:
    if place is None:
        return FIRST_PLACE
    at, id = place.split("|")
    return datetime.fromisoformat(at), UUID(id)


# Who was told ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DisclosureFilters:
    """Of whom, by which entry, to which organisation, how."""

    subject: Id | None = None
    inscription: Id | None = None
    organisation: Annotated[Organisation | None, Query(description="that was told of a hit")] = None
    kind: DisclosureKind | None = None
    operator: Annotated[Id | None, Query(description="who was told, or told by hand")] = None
    purpose: Purpose | None = None
    since: Since = None
    until: Until = None

    def named(self) -> dict[str, Any]:
        return {
            "operator": self.operator,
            "purpose": self.purpose,
            "subject": self.subject,
            "inscription": self.inscription,
            "to": self.organisation,
            "kind": self.kind,
        }


@routes.get("/disclosures", response_model=Disclosures, responses=LISTS)
def list_disclosures(
    asker: Guardian, house: TheHouse, pages: Pages, filters: Annotated[DisclosureFilters, Depends()]
) -> Response:
    """What was told of the subjects of one's own organisation (auditors: of all), to whom, and whether it stands."""
    found = house.registers.disclosures(
        asker.scope, filters.named(), filters.since, filters.until, pages.after_id, pages.fetch
    )
    now = house.clock.now()

    def item(row: Mapping[str, Any]) -> dict[str, Any]:
        told = {name: row[name] for name in DisclosureItem.model_fields}
        return told | {"changes": [_change(one, now, house.acknowledged_within) for one in row["changes"]]}

    return pages.answer(found, lambda row: row["disclosure_id"], item)


def _change(told: Mapping[str, Any], now: datetime, within: timedelta) -> dict[str, Any]:
    acknowledged = told["acknowledged_at"] and datetime.fromisoformat(told["acknowledged_at"])
    return {**told, "late": is_late(datetime.fromisoformat(told["told_at"]), acknowledged, now, within)}
