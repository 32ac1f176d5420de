"""What is answered of the list and of what is decided on it."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.answered.common import Page, Receipt
from api.fields import Answered, Day, Id, Instant
from watchlist.domain.inscription import State


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


class HoldReviewReceipt(Receipt):
    inscription_id: Id
    reviewed_on: Day
    held_by: list[UUID]
