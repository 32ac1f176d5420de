"""What is answered of what falls due."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from api.answered.common import Page
from api.fields import Answered, Day, Id
from watchlist.domain.schedule import DeadlineKind


class Said(Answered):
    """A sentence for people, in both languages."""

    fr: str
    en: str


class Deadline(Answered):
    kind: DeadlineKind
    rule: str = Field(description="the mark of the rule it follows from", examples=["L1"])
    done_by: Literal["machine", "person"] = Field(description="whether the sweep does it, or somebody has to")
    what: Said
    id: Id = Field(description="of what is due: a case, an inscription, a letter, a request or a subject")
    organisation: str = Field(examples=["GRPM"])
    due_on: Day = Field(description="the last day, in Paris")
    overdue: bool
    case_id: UUID | None
    inscription_id: UUID | None
    subject_id: UUID | None
    held_by: list[UUID]


class Deadlines(Page):
    items: list[Deadline]
