"""What is answered of subjects."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from api.fields import Answered, Id, Instant, Version
from watchlist.application.search_subjects import Certainty
from watchlist.domain.subject import Role, SubjectKind


class Identifier(Answered):
    scheme: str = Field(examples=["rpps"])
    value: str = Field(examples=["10000001916"])


class Subject(Answered):
    """One subject; the fields of its identity are absent once it is erased."""

    id: Id
    version: Version
    organisation: str = Field(examples=["GRPM"])
    kind: SubjectKind
    role: Role
    identified: bool = Field(description="whether it suffices for an inscription (L6)")
    deceased: bool
    died_on: date | None
    merged_into: UUID | None
    contested_by: list[UUID] = Field(description="the requests of the person that restrict its entries (P2)")
    registered_at: Instant
    erased: bool
    family_name: str | None = Field(None, examples=["Delatour"])
    usage_name: str | None = None
    given_names: str | None = Field(None, examples=["Marie Claude"])
    birth_date: date | None = None
    birth_place: str | None = None
    name: str | None = None
    identifiers: list[Identifier] = Field([])


class Found(Answered):
    subject_id: Id
    score: float = Field(ge=0, le=1, examples=[0.9])
    certainty: Certainty
    reasons: list[str] = Field(examples=[["family_name", "given_names", "birth_date"]])


class SubjectsFound(Answered):
    items: list[Found]
