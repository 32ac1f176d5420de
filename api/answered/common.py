"""What every answer shares: a receipt of a command, a page of a collection."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.fields import Answered, Id, Position, Version


class Receipt(Answered):
    """What every command answers: what was made or changed, its version, the position in the log."""

    id: Id
    version: Version
    position: Position


class Page(Answered):
    next: str | None = Field(description="the cursor of the next page; null on the last")


class Health(Answered):
    status: Literal["live"]


class Readiness(Answered):
    status: Literal["ready"]
    late: list[str] = Field(description="what somebody should look at; answers are right all the same")
