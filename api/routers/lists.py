"""The list, now or as of an instant; and everything that falls due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from api.answered.deadlines import Deadlines
from api.answered.lists import ListItem, TheList
from api.errand import TheHouse
from api.fields import Day, Instant
from api.operator import Asker, Reader, allowed
from api.paging import Pages
from api.problems import invalid
from api.routes import LISTS, router
from watchlist.adapters.postgres.pictures import FIRST_DUE, Due
from watchlist.domain import periods
from watchlist.domain.operator import Role
from watchlist.domain.refusals import RoleNotAllowed
from watchlist.domain.schedule import SCHEDULE, DeadlineKind

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
    as_of: Annotated[Instant | None, Query(description="auditors and dpo: as it was at that instant")] = None,
) -> Response:
    """Who is listed now, by inscription id: one's own organisation's (auditors: all)."""
    now = house.clock.now()
    if as_of is None:
        found = house.pictures.current_list(asker.scope, now, pages.after_id, pages.fetch)
    else:
        _require_past_and_role(as_of, now, asker)
        found = house.pictures.list_as_of(asker.scope, as_of, pages.after_id, pages.fetch)
    return pages.answer(
        found, lambda row: row["inscription_id"], lambda row: {name: row[name] for name in SHOWN}
    )


def _require_past_and_role(as_of: datetime, now: datetime, asker: Asker) -> None:
    if asker.role not in (Role.AUDITOR, Role.DPO):
        raise RoleNotAllowed("as_of")
    if as_of > now:
        raise invalid("as_of", "instant_in_the_future")


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
