"""What is answered of unusual use of the screening."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from api.answered.common import Page
from api.fields import Answered, Id, Instant, Position, Version
from watchlist.domain.unusual_use import Unusual


class AlarmItem(Answered):
    """Numbers alone: nobody knows any more whom it was asked about."""

    alarm_id: Id
    at: Instant = Field(description="when it was noticed")
    kind: Unusual
    operator_id: Id = Field(description="the client")
    organisation: str = Field(examples=["GRPM"])
    day: date = Field(description="in Paris; of each kind, a client has one alarm a day")
    hour: Instant = Field(description="when the hour began in which it became unusual")
    number: int = Field(
        description="what made it so: persons, numbers in sequence or made up, or questions at night"
    )
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None = Field(description="the operator who looked at it")


class AlarmPage(Page):
    items: list[AlarmItem]


class AlarmReceipt(AlarmItem):
    """As of every command."""

    id: Id
    version: Version
    position: Position
