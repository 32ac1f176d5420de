"""What is answered of changes: that a hit one received stopped, or resumed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.answered.common import Page
from api.fields import Answered, Id, Instant, Position, Version
from watchlist.domain.change import ChangeKind

ChangeId = Annotated[
    str,
    Field(
        pattern="^[1-9][0-9]{0,18}$",
        description="of one's organisation, from 1 on: the same in a page, in the stream and in a webhook",
        examples=["12"],
    ),
]


class ChangeItem(Answered):
    """By one's own reference; never a ground."""

    id: ChangeId
    at: Instant
    kind: ChangeKind
    screening_id: Id
    key: str = Field(examples=["q1"])


class ChangePage(Page):
    items: list[ChangeItem]
    next: str | None = Field(
        description="`after` of the next page; null on the last: then ask later behind the last id you saw"
    )


class ChangeReceipt(Answered):
    id: ChangeId
    version: Version
    position: Position
    acknowledged_at: Instant
