"""What is answered of operators and their keys."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.answered.common import Page, Receipt
from api.fields import Answered, Id, Instant, Position, Version
from watchlist.domain.operator import Role as OperatorRole
from watchlist.domain.scope import Scope


class Me(Answered):
    operator_id: Id
    organisation: str = Field(examples=["GRPM"])
    role: OperatorRole = Field(description="as what you act here")
    roles: list[OperatorRole] = Field(description="all that you have; name one in Watchlist-Role")
    key_id: str | None = Field(examples=["9f86d081884c7d65"], description="null: by a token")
    expires_at: datetime | None
    scopes: list[Scope] | None = Field(description="what the key is narrowed to; null: all of its role")
    sandbox: bool


class OperatorItem(Answered):
    operator_id: Id
    organisation: str = Field(examples=["GRPM"])
    name: str = Field(examples=["Camille Roche"])
    left_at: datetime | None
    roles: list[OperatorRole] = Field(description="of the keys that open now, and of the last token")
    live_keys: int = Field(ge=0, examples=[1])
    last_used_at: datetime | None = Field(description="a key or a token of theirs, to about a minute")
    reviewed_at: datetime | None
    review_due_at: datetime | None = Field(description="T2: null of whoever left or holds nothing")
    review_late: bool


class OperatorPage(Page):
    items: list[OperatorItem]


class OperatorReceipt(Receipt):
    name: str
    left_at: datetime | None


class KeyItem(Answered):
    key_id: str = Field(examples=["9f86d081884c7d65"])
    operator_id: Id
    operator: str = Field(examples=["Camille Roche"])
    organisation: str = Field(examples=["GRPM"])
    role: OperatorRole
    issued_at: Instant
    expires_at: datetime | None
    expires_soon: bool = Field(description="opens now, and will not in 30 days")
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="to about a minute")
    scopes: list[Scope] | None
    sandbox: bool
    rotated_from: str | None


class KeyPage(Page):
    items: list[KeyItem]


class ReviewReceipt(Receipt):
    reviewed_at: datetime
    review_due_at: datetime | None


class KeyReceipt(Answered):
    """As of every command; the id of a key is the beginning of it."""

    id: str = Field(examples=["9f86d081884c7d65"])
    version: Version
    position: Position
    operator_id: Id
    role: OperatorRole
    expires_at: datetime | None
    revoked_at: datetime | None
    scopes: list[Scope] | None
    sandbox: bool


class NewKeyReceipt(KeyReceipt):
    key: str = Field(description="shown once", examples=["9f86d081884c7d65.…"])


class RotationReceipt(NewKeyReceipt):
    rotated_from: str = Field(examples=["9f86d081884c7d65"])
    older_expires_at: datetime = Field(description="until then both keys open the same")
