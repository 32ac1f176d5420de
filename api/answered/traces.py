"""What is answered of the access log and of the register of disclosures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.answered.common import Page
from api.fields import Answered, Id
from watchlist.domain.operator import Role
from watchlist.domain.review import ReviewOutcome
from watchlist.domain.trace import DisclosureKind, Recipient


class AccessItem(Answered):
    """Who asked, when, by which operation. A null that others have is not one's own organisation's to know."""

    access_id: Id
    at: datetime
    operation: str = Field(description="the operation's id in the OpenAPI", examples=["read_a_case"])
    operator_id: Id
    organisation: str = Field(examples=["GRPM"])
    role: Role
    key_id: str | None = Field(description="null: a token of an identity provider")
    request_id: str | None
    reference: str | None = Field(description="of a screening: the file it was asked for")
    purpose: str | None = Field(description="of a screening")
    screening_id: UUID | None
    asked: int | None = Field(description="of a screening: how many subjects; never which")
    hits: int | None
    subject_ids: list[UUID] = Field(description="hit or opened; never who was searched for in vain")


class Accesses(Page):
    items: list[AccessItem]


class ChangeTold(Answered):
    """What the organisation that was told of a hit was told of it since (S8)."""

    kind: Literal["stopped", "resumed"]
    told_at: datetime
    acknowledged_at: datetime | None
    late: bool = Field(description="not acknowledged within three days, then or until now")


class DisclosureHead(Answered):
    disclosure_id: Id
    at: datetime = Field(description="of a communication made by hand: when it was recorded")
    kind: DisclosureKind
    recipient: Recipient
    organisation: str | None = Field(description="whom a hit was told; null: somebody outside")
    owner: str = Field(description="whose subject it is", examples=["GRPM"])
    operator_id: Id
    subject_id: Id
    case_id: UUID | None
    inscription_id: UUID | None
    screening_id: UUID | None
    purpose: str | None = Field(description="of the screening that a hit was told in")
    told_on: date | None = Field(description="the day of a communication made by hand")


class DisclosureItem(DisclosureHead):
    stands: bool | None = Field(description="of a hit: whether it still does")
    reviewed_as: ReviewOutcome | None = Field(
        description="of a hit: what a person found last; null: not reviewed"
    )
    changes: list[ChangeTold]


class Disclosures(Page):
    items: list[DisclosureItem]


class DisclosureRead(DisclosureHead):
    """With the words of a communication made by hand; null for a hit, and once its subject is erased."""

    told: str | None
    legal_basis: str | None
    recipient_name: str | None
