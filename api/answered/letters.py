"""What is answered of letters."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from api.answered.common import Page, Receipt
from api.fields import Answered, Day, Id, Version
from watchlist.domain.correspondence import Channel, LetterKind, LetterState, Template


class LetterItem(Answered):
    """`state` is that of now; `not_due`: the delisting came first and its letter tells both, or the case was purged."""

    letter_id: Id
    kind: LetterKind
    state: LetterState
    organisation: str = Field(examples=["GRPM"])
    case_id: Id
    inscription_id: Id
    subject_id: Id
    due_on: date | None = Field(description="the last day, in Paris; null once it is sent, or not due")
    hit_told_at: datetime | None = Field(
        description="when a hit was told before this letter was sent or deferred: from then on it is late"
    )
    deferred_to: date | None
    sent_on: date | None
    channel: Channel | None
    template: Template | None = Field(examples=["inscription-1"])


class Letters(Page):
    items: list[LetterItem]


class LetterTable(Answered):
    caption: str
    rows: list[tuple[str, str]]


class LetterSection(Answered):
    heading: str
    paragraphs: list[str]
    items: list[str]
    after: list[str]
    tables: list[LetterTable]


class LetterContent(Answered):
    """Every word of it, in French; its template prints them and adds none."""

    template: Template
    dated: Day
    title: str
    reference: str
    sender: list[str]
    addressee: list[str]
    date_line: str
    salutation: str
    opening: list[str]
    summary: list[tuple[str, str]]
    sections: list[LetterSection]
    closing: str
    signature: list[str]
    footer: str
    language: str


class LetterRead(LetterItem):
    version: Version
    content: LetterContent


class SendingReceipt(Receipt):
    letter_id: Id
    sent_on: Day
    channel: Channel
    template: Template


class DeferralReceipt(Receipt):
    letter_id: Id
    deferred_to: Day
