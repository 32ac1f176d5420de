"""What is answered of persons' requests."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from api.answered.common import Page, Receipt
from api.answered.letters import LetterContent
from api.fields import Answered, Day, Id, Instant, Version
from watchlist.domain.correspondence import Template
from watchlist.domain.reply import ReplyKind, ReplyState
from watchlist.domain.rights_request import RequestState, Right


class RequestReceipt(Receipt):
    state: RequestState
    due_on: Day
    restricts: bool = Field(description="whether the person's entries are restricted because of it (P2)")


class RequestDecisionReceipt(RequestReceipt):
    granted: bool
    delisted: list[UUID] = Field(description="the entries that ended by this decision (L9)")


class RequestAnswerReceipt(RequestReceipt):
    answered_on: Day


class RequestItem(Answered):
    request_id: Id
    version: Version
    organisation: str = Field(examples=["GRPM"])
    subject_id: Id
    kind: Right
    state: RequestState
    received_on: Day
    due_on: Day
    overdue: bool
    extended: bool
    granted: bool | None
    answered_on: date | None
    restricts: bool
    review_on: date | None = Field(description="when the first deferred part is reviewed (P3)")
    open: bool = Field(description="an answer, a deferred part or a restriction is still owed")


class Requests(Page):
    items: list[RequestItem]


class RequestExtension(Answered):
    at: Instant
    by: Id
    told_on: Day
    reason: str | None


class StandardReason(Answered):
    en: str
    fr: str


class RequestDecision(Answered):
    at: Instant
    by: Id
    granted: bool
    reason: str | None
    standard_reason: StandardReason | None = Field(description="why portability is refused (P4)")
    delisted: list[UUID]
    withdrawn: list[UUID]


class DeferredPart(Answered):
    part: str = Field(examples=["cases.evidence"])
    reason: str
    review_on: Day


class RequestAnswer(Answered):
    at: Instant
    by: Id
    told_on: Day
    text: str | None


class RequestLifting(Answered):
    at: Instant
    by: Id
    told_on: Day
    reason: str | None


class RequestLetterItem(Answered):
    """`open`: POST its reason to `draft` to write it; `draft`: it reads as it would be sent; `sent`: it was."""

    letter_id: Id
    kind: ReplyKind
    state: ReplyState
    sent_on: date | None


class RequestLetters(Answered):
    items: list[RequestLetterItem]


class RequestLetter(RequestLetterItem):
    version: Version = Field(description="of the request")
    request_id: Id
    subject_id: Id
    template: Template = Field(examples=["access-1"])
    content: LetterContent


class RightsRequest(Answered):
    """One request; its texts are null once its subject is erased, and it says `erased`."""

    id: Id
    version: Version
    request_id: Id
    organisation: str = Field(examples=["GRPM"])
    subject_id: Id
    kind: Right
    state: RequestState
    received_on: Day
    recorded_at: Instant
    recorded_by: Id
    due_on: Day
    restricts: bool
    open: bool
    details: str | None
    directives: str | None
    extension: RequestExtension | None
    decision: RequestDecision | None
    deferred: list[DeferredPart]
    review_on: date | None
    answer: RequestAnswer | None
    lifting: RequestLifting | None
    letters: list[RequestLetterItem] = Field(description="those that were sent, and those that could be")
    text_ids: dict[str, UUID] = Field(description="the ids of its texts, as a redaction names them (P6)")
    erased: bool
