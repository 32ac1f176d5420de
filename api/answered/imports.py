"""What is answered of imported lists."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.answered.common import Page, Receipt
from api.fields import Answered, Id, Instant, Position, Version


class RefusedLine(Answered):
    line: int = Field(examples=[17])
    field: str | None = Field(examples=["rpps"])
    code: str = Field(examples=["check_failed"])
    detail: str


class ImportReport(Answered):
    """What became of every line; `import_id` is null for a dry run, and when there was nothing to import."""

    id: UUID | None
    version: Version
    position: Position
    import_id: UUID | None
    accepted: int = Field(examples=[120])
    already_imported: int = Field(description="how many of the refused were imported before", examples=[0])
    refused: list[RefusedLine]


class NotTakenOver(Answered):
    inscription_id: Id
    code: str = Field(examples=["term_elapsed"])


class ImportApproval(Receipt):
    approved: int = Field(examples=[120])
    rejected: list[NotTakenOver] = Field([], description="proposals that could not take effect any more")


class ImportItem(Answered):
    import_id: Id
    organisation: str = Field(examples=["GRPM"])
    submitted_at: Instant
    submitted_by: Id
    accepted: int
    refused: int
    approved_by: UUID | None


class Imports(Page):
    items: list[ImportItem]
