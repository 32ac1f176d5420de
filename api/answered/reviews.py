"""What is answered of the reviews of hits, and of questions about them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.answered.common import Page
from api.fields import Answered, Id
from watchlist.domain.detail_request import DetailState
from watchlist.domain.review import ReviewOutcome


class ReviewItem(Answered):
    """The last review of a key counts."""

    review_id: Id
    at: datetime
    operator_id: Id
    key: str
    outcome: ReviewOutcome
    note: str | None


class ReviewPage(Page):
    items: list[ReviewItem]


class AnswerTold(Answered):
    at: datetime
    answer: str | None = Field(description="null once the data it was about are erased")


class DetailAsked(Answered):
    """One question as its asker sees it, to however many owners it went."""

    request_id: Id
    at: datetime
    operator_id: Id
    key: str | None = Field(description="null once the data it was about are erased")
    state: DetailState
    question: str | None
    answers: list[AnswerTold]


class DetailsAsked(Page):
    items: list[DetailAsked]


class DetailRequestItem(Answered):
    """One question as the owner of the entry sees it."""

    detail_id: Id
    at: datetime
    organisation: str = Field(description="which asks", examples=["TPG"])
    owner: str = Field(description="whose entry it is", examples=["GRPM"])
    subject_id: Id
    case_id: Id
    inscription_id: Id
    state: DetailState
    due_at: datetime | None = Field(description="when an answer, or a refusal, is late; null: none is owed")
    answered_at: datetime | None


class DetailRequests(Page):
    items: list[DetailRequestItem]


class DetailRequestRead(DetailRequestItem):
    """With its texts; null once the data they were about are erased."""

    screening_id: UUID
    question: str | None
    answered_by: UUID | None
    answer: str | None
    reason: str | None = Field(description="of a refusal: never told to whoever asked")
