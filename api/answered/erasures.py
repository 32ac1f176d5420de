"""What is answered of erasures."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from api.answered.common import Page
from api.fields import Answered, Id, Instant
from watchlist.domain.erasure import ErasureKind


class Erasure(Answered):
    """A certificate: what was forgotten and by which rule; it identifies nobody."""

    id: Id = Field(description="of the subject, the case, the import or the text")
    kind: ErasureKind
    organisation: str = Field(examples=["GRPM"])
    basis: str = Field(examples=["retention"])
    rule: str = Field(examples=["C2"])
    decided_at: Instant
    destroyed_at: datetime | None = Field(description="null while it is carried out")
    complete_on: date | None = Field(
        description="when no backup holds the key any more; null while it is carried out, or a rebuild holds look-ups"
    )
    sealed_values: int | None
    journal_sequence: int | None
    position: int | None = Field(description="of the event that records it")


class Erasures(Page):
    items: list[Erasure]
