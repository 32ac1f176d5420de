"""What is answered of the list and of what is decided on it."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.answered.common import Page, Receipt
from api.fields import Answered, Day, Id, Instant
from watchlist.domain.inscription import DelistingGround, State
from watchlist.projections.as_of import Turn


class ProposalReceipt(Receipt):
    inscription_id: Id
    state: State


class AmendmentReceipt(Receipt):
    inscription_id: Id


class DecisionReceipt(Receipt):
    state: State


class ApprovalReceipt(Receipt):
    state: State
    inscribed_on: Day
    last_listed_day: Day
    listed_until: Instant


class StandingReceipt(Receipt):
    state: State
    restricted: bool


class ListItem(Answered):
    inscription_id: Id
    subject_id: Id
    case_id: Id
    organisation: str = Field(examples=["GRPM"])
    inscribed_on: Day
    term_months: int = Field(ge=1, le=60)
    last_listed_day: Day
    listed_until: Instant
    held_by: list[UUID]
    restricted: bool


class TheList(Page):
    items: list[ListItem]


class DifferenceItem(Answered):
    """An entry that stood otherwise at the second instant than at the first."""

    inscription_id: Id
    subject_id: Id
    case_id: Id
    organisation: str = Field(examples=["GRPM"])
    turn: Turn
    ground: DelistingGround | None = Field(
        description="why it left: the ground of its delisting, or its term"
    )
    fields: list[str] = Field(description="what of it changed", examples=[["restricted"]])
    before: ListItem | None
    after: ListItem | None


class Differences(Page):
    items: list[DifferenceItem]


class SubjectStanding(Answered):
    """Whether a subject was on the list at an instant, as was known by another."""

    subject_id: Id
    as_of: Instant
    known_at: Instant
    listed: bool
    entries: list[ListItem]


class HoldReviewReceipt(Receipt):
    inscription_id: Id
    reviewed_on: Day
    held_by: list[UUID]
