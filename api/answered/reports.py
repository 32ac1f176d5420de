"""Reports for auditors, and samples that anybody can draw again."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from api.answered.common import Page
from api.fields import Answered, Id
from watchlist.application.screening_request import Purpose
from watchlist.domain.case_memory import CaseState
from watchlist.domain.correspondence import LetterKind
from watchlist.domain.procedure import Kind
from watchlist.domain.report import Lateness, Unseconded
from watchlist.domain.sampling import SampledKind


class Found(Answered):
    id: Id
    organisation: str
    case_id: Id


class FourEyesItem(Found):
    """L5: an entry that was not approved by a second person with the right to it."""

    inscription_id: Id
    subject_id: Id
    import_id: UUID | None
    proposed_by: Id
    last_amended_by: Id
    imported_by: UUID | None
    approved_by: Id
    approved_at: datetime
    why: list[Unseconded]


class Holding(Answered):
    procedure_id: Id
    kind: Kind
    opened_on: date
    recorded_at: datetime


class HeldItem(Found):
    """L13: an entry held past its term, and what holds it."""

    inscription_id: Id
    subject_id: Id
    inscribed_on: date
    term_months: int
    last_listed_day: date
    restricted: bool
    held_by: list[Holding]
    review_due_at: datetime | None
    review_overdue: bool


class LatePurgeItem(Found):
    """C1, C2: data that were there more than a day after they were due to go."""

    state: CaseState
    due_at: datetime
    purged_at: datetime | None = Field(description="null: they are there still")
    late_by_days: int


class LateNoticeItem(Found):
    """L12: a letter that was late, or is."""

    letter_id: Id
    kind: LetterKind
    inscription_id: Id
    subject_id: Id
    last_day: date | None = Field(description="the last day on which it was not late")
    deferred_to: date | None
    sent_on: date | None
    hit_told_at: datetime | None
    why: list[Lateness]


class UnreviewedHitItem(Answered):
    """S7: a hit that was told and that nobody reviewed."""

    id: Id
    disclosure_id: Id
    at: datetime
    days: int = Field(description="since it was told")
    organisation: str = Field(description="that was told")
    owner: str
    purpose: Purpose | None
    screening_id: Id
    subject_id: Id
    case_id: UUID | None
    inscription_id: UUID | None


class ReportPage(Page):
    """By id. Which of them, the name of the report says."""

    items: list[FourEyesItem | HeldItem | LatePurgeItem | LateNoticeItem | UnreviewedHitItem]


class Sampled(Answered):
    id: Id
    organisation: str
    at: datetime = Field(description="when it was approved, opened, or asked")
    rank: str = Field(description="SHA-256, hexadecimal")
    case_id: UUID | None = None
    purpose: Purpose | None = None
    asked: int | None = None
    hits: int | None = None


class Sample(Answered):
    of: SampledKind
    algorithm: str
    seed: str
    start: datetime = Field(alias="from")
    as_of: datetime
    population: int = Field(description="how many there were to draw from")
    items: list[Sampled]
