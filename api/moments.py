"""The instants that somebody looks back to: the one asked about, and by when what is told of it was recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query

from api.answered.lists import ListItem
from api.fields import Instant
from api.operator import Asker
from api.problems import invalid
from watchlist.bootstrap import House
from watchlist.domain.operator import Role
from watchlist.domain.refusals import RoleNotAllowed
from watchlist.domain.standing import Moment
from watchlist.projections.rows import Standing

AsOf = Annotated[Instant | None, Query(description="auditors and dpo: as it was at that instant")]
KnownAt = Annotated[
    Instant | None,
    Query(
        description="auditors and dpo: as was known by that later instant; else as it was known at the instant itself"
    ),
]
SHOWN = tuple(ListItem.model_fields)


def list_item(standing: Standing) -> dict[str, Any]:
    return {name: getattr(standing, name) for name in SHOWN}


def require_to_look_back(asker: Asker) -> None:
    """T3: auditors, and the DPO; whoever works on cases has their history."""
    if asker.role not in (Role.AUDITOR, Role.DPO):
        raise RoleNotAllowed("as_of")


def require_past(instant: datetime, field: str, house: House) -> None:
    if instant > house.clock.now():
        raise invalid(field, "instant_in_the_future")


def the_moment(as_of: datetime | None, known_at: datetime | None, house: House) -> Moment:
    """What was asked; as we knew it, unless it says as known by when."""
    if as_of is None:
        raise invalid("known_at", "known_without_instant")
    require_past(as_of, "as_of", house)
    if known_at is None:
        return Moment.as_we_knew_it(as_of)
    require_past(known_at, "known_at", house)
    if known_at < as_of:
        raise invalid("known_at", "known_before")
    return Moment(as_of, known_at)


def now_or_then(as_of: datetime | None, known_at: datetime | None, house: House) -> Moment:
    if as_of is None and known_at is None:
        return Moment.as_we_knew_it(house.clock.now())
    return the_moment(as_of, known_at, house)


def two_moments(
    first: datetime, second: datetime, known_at: datetime | None, house: House
) -> tuple[Moment, Moment]:
    """Each as we knew it, or both as known by one instant that is not before the second."""
    require_past(first, "from", house)
    require_past(second, "to", house)
    if second < first:
        raise invalid("to", "instants_out_of_order")
    if known_at is None:
        return Moment.as_we_knew_it(first), Moment.as_we_knew_it(second)
    then = the_moment(second, known_at, house)
    return Moment(first, known_at), then
