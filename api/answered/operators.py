"""What is answered of operators and their keys."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.answered.common import Page, Receipt
from api.fields import Answered, Id, Instant, Position, Version
from watchlist.domain.operator import Role as OperatorRole


class Me(Answered):
    operator_id: Id
    organisation: str = Field(examples=["GRPM"])
    role: OperatorRole
    key_id: str = Field(examples=["9f86d081884c7d65"])
    expires_at: datetime | None


class OperatorItem(Answered):
    operator_id: Id
    organisation: str = Field(examples=["GRPM"])
    name: str = Field(examples=["Camille Roche"])
    left_at: datetime | None


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
    revoked_at: datetime | None


class KeyPage(Page):
    items: list[KeyItem]


class KeyReceipt(Answered):
    """As of every command; the id of a key is the beginning of it."""

    id: str = Field(examples=["9f86d081884c7d65"])
    version: Version
    position: Position
    operator_id: Id
    role: OperatorRole
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKeyReceipt(KeyReceipt):
    key: str = Field(description="shown once", examples=["9f86d081884c7d65.…"])
