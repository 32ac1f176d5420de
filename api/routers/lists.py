"""The list, now or as of an instant; and everything that falls due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from api.answered.deadlines import Deadlines
from api.answered.lists import Differences, ListItem, TheList
from api.errand import TheHouse
from api.fields import Day, Instant
from api.moments import AsOf, KnownAt, list_item, require_to_look_back, the_moment, two_moments
from api.operator import Asker, Reader, allowed
from api.paging import Pages
from api.routes import LISTS, router
from watchlist.adapters.postgres.pictures import FIRST_DUE, Due
from watchlist.domain import periods
from watchlist.domain.operator import Role
from watchlist.domain.schedule import SCHEDULE, DeadlineKind
from watchlist.projections.as_of import Difference

routes = router("list")

Guardian = Annotated[Asker, Depends(allowed(Role.DPO, Role.AUDITOR))]
SHOWN = tuple(ListItem.model_fields)
LATEST_END = datetime(9999, 1, 1, tzinfo=UTC)
"""What ends later has no end yet: a procedure holds it."""


@routes.get("/list", response_model=TheList, responses=LISTS)
def read_the_list(
    asker: Reader,
    house: TheHouse,
    pages: Pages,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """Who is listed now, by inscription id: one's own organisation's (auditors: all)."""
    if as_of is None and known_at is None:
        found = house.pictures.current_list(asker.scope, house.clock.now(), pages.after_id, pages.fetch)
    else:
        require_to_look_back(asker)
        moment = the_moment(as_of, known_at, house)
        found = house.standings.listed(asker.scope, moment, pages.after_id, pages.fetch)
    return pages.answer(
        found, lambda row: row["inscription_id"], lambda row: {name: row[name] for name in SHOWN}
    )


@routes.get("/list/difference", response_model=Differences, responses=LISTS)
def compare_the_list(
    asker: Guardian,
    house: TheHouse,
    pages: Pages,
    first: Annotated[Instant, Query(alias="from", description="the earlier instant")],
    second: Annotated[Instant, Query(alias="to", description="the later instant")],
    known_at: KnownAt = None,
) -> Response:
    """What entered the list, left it and why, or changed on it, between two instants; by inscription id."""
    moments = two_moments(first, second, known_at, house)
    found = house.standings.differences(asker.scope, *moments, pages.after_id, pages.fetch)
    return pages.answer(found, lambda one: one.entry.inscription_id, _difference)


def _difference(one: Difference) -> dict[str, Any]:
    entry = one.entry
    return {
        "inscription_id": entry.inscription_id,
        "subject_id": entry.subject_id,
        "case_id": entry.case_id,
        "organisation": entry.organisation,
        "turn": one.turn,
        "ground": one.ground,
        "fields": one.fields,
        "before": one.before and list_item(one.before),
        "after": one.after and list_item(one.after),
    }


@routes.get("/deadlines", response_model=Deadlines, responses=LISTS)
def list_deadlines(
    asker: Guardian,
    house: TheHouse,
    pages: Pages,
    until: Annotated[Day | None, Query(description="due on that day at the latest, in Paris")] = None,
) -> Response:
    """Everything due, soonest first; what a procedure holds is shown with it and is not overdue."""
    now = house.clock.now()
    end = LATEST_END if until is None else periods.end_of(until, 0)
    found = house.pictures.deadlines(asker.scope, end, _due_after(pages.after), pages.fetch)
    return pages.answer(found, _place, lambda row: _shown(row, now))


def _place(row: dict[str, Any]) -> str:
    return "|".join((row["due_at"].isoformat(), str(row["id"]), row["kind"]))


def _due_after(place: str | None) -> Due:
    if place is None:
        return FIRST_DUE
    due_at, id, kind = place.split("|")
    return datetime.fromisoformat(due_at), UUID(id), kind


def _shown(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    duty = SCHEDULE[DeadlineKind(row["kind"])]
    # What is due at 00:00 had the whole day before: that is its last day.
    return {
        "kind": row["kind"],
        "rule": duty.rule,
        "done_by": "machine" if duty.by_machine else "person",
        "what": {"fr": duty.fr, "en": duty.en},
        "id": row["id"],
        "organisation": row["organisation"],
        "due_on": periods.civil_date(row["due_at"] - timedelta(microseconds=1)),
        "overdue": row["due_at"] <= now and not row["held_by"],
        "case_id": row["case_id"],
        "inscription_id": row["inscription_id"],
        "subject_id": row["subject_id"],
        "held_by": row["held_by"],
    }
