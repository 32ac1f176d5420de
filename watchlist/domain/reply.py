"""Reply: what is written to a person about a request of theirs, and what was kept of it when they were told (P1-P3).

What a reply says is rights_letter.py's; here are its kinds, its id, and what is recorded of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid5

from msgspec import Struct

from watchlist.domain.aggregate import Event
from watchlist.domain.commitment import Sealed
from watchlist.domain.correspondence import Template


class ReplyKind(StrEnum):
    """The letters that the life of a request may need."""

    EXTENSION = "extension"
    ANSWER = "answer"
    """Access, refusal or acceptance: as it was decided."""
    LIFTING = "lifting"


class ReplyState(StrEnum):
    """How a letter of a request stands."""

    OPEN = "open"
    """Nothing is recorded yet of what it tells: its reason and its days come with the draft."""
    DRAFT = "draft"
    """All that it tells is recorded; it reads as it would be sent today."""
    SENT = "sent"


class OfACase(Struct, frozen=True, forbid_unknown_fields=True):
    """What a letter told of one case, under a key that is under the person's, sealed under the case's: it goes with
    either (C2, P6)."""

    case_id: UUID
    number: int
    """Of the case in the letter, from 1."""
    tables: Sealed


@dataclass(frozen=True, slots=True)
class Reply:
    """A letter the person was told by: to whom and when; what it said and proof of its bytes are under their key."""

    kind: ReplyKind
    subject_id: UUID
    template: Template
    sent_on: date
    content: Sealed
    document: Sealed | None
    """None: nothing could be printed where it was recorded."""
    cases_key: Sealed | None = None
    cases: tuple[OfACase, ...] = ()


class ReplySent(Event, frozen=True, kw_only=True):
    """In the stream of the request, beside the event that says what the person was told."""

    TOPIC: ClassVar[str] = "rights.letter_sent"
    kind: ReplyKind
    subject_id: UUID
    """Who stood for the person when it was written: a merge or a split moves no letter (C8)."""
    template: Template
    sent_on: date
    content: Sealed
    """Without what it told of cases."""
    document: Sealed | None = None
    cases_key: Sealed | None = None
    cases: tuple[OfACase, ...] = ()


def reply_id(request_id: UUID, kind: ReplyKind) -> UUID:
    """Its reference: random as the request's id is, and the same whenever it is asked."""
    return uuid5(request_id, kind.value)
