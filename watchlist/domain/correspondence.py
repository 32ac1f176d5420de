"""Which letters an entry makes due, by when, and what became of them (L12).

What a letter says is letter.py's; here are its kinds, its id, and the rules of sending and deferring.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from watchlist.domain import periods, retention
from watchlist.domain.commitment import Sealed
from watchlist.domain.inscription import DelistingGround, Inscription


class LetterKind(StrEnum):
    """The letters that the life of an entry makes due."""

    INSCRIPTION = "inscription"
    DELISTING = "delisting"


class LetterState(StrEnum):
    """How a letter stands at an instant."""

    DUE = "due"
    LATE = "late"
    """Its time has passed, or the day on which its deferral was to be reviewed; or a hit was told before."""
    DEFERRED = "deferred"
    SENT = "sent"
    NOT_DUE = "not_due"
    """The delisting came first, and its letter tells both; or the case was purged."""


class Channel(StrEnum):
    """How a letter went to the person."""

    POST = "post"
    REGISTERED_POST = "registered_post"
    ELECTRONIC_REGISTERED = "electronic_registered"
    HANDED_OVER = "handed_over"
    OTHER = "other"


class Template(StrEnum):
    """Every version of every letter ever sent: what went out under one is printed under it for good."""

    INSCRIPTION_1 = "inscription-1"
    DELISTING_1 = "delisting-1"
    ACCESS_1 = "access-1"
    REFUSAL_1 = "refusal-1"
    GRANT_1 = "grant-1"
    EXTENSION_1 = "extension-1"
    LIFTING_1 = "lifting-1"


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter that went out: when, how, to whom; what it said and proof of its bytes are under that one's key."""

    sent_on: date
    channel: Channel
    template: Template
    subject_id: UUID
    content: Sealed
    document: Sealed


@dataclass(slots=True)
class Followed:
    """What was recorded of one letter."""

    deferred_to: date | None = None
    sent: Sent | None = None


NOTHING = Followed()
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DueLetter:
    """One letter of an entry, as it stands."""

    id: UUID
    kind: LetterKind
    due_at: datetime | None
    """From when it is late; None: it was sent, or another letter tells what it would have told."""
    deferred_to: date | None
    sent: Sent | None

    def late_from(self, hit_told_at: datetime | None) -> datetime | None:
        """L12: it is due before the first hit is told; `hit_told_at`: one was, it being neither sent nor deferred."""
        if self.due_at is None or hit_told_at is None or self.deferred_to is not None:
            return self.due_at
        return min(self.due_at, hit_told_at)

    def state_at(self, at: datetime, hit_told_at: datetime | None = None) -> LetterState:
        late_from = self.late_from(hit_told_at)
        if self.sent is not None:
            return LetterState.SENT
        if late_from is None:
            return LetterState.NOT_DUE
        if late_from <= at:
            return LetterState.LATE
        return LetterState.DUE if self.deferred_to is None else LetterState.DEFERRED


def letter_id(inscription_id: UUID, kind: LetterKind) -> UUID:
    """The id of that letter of that entry: random as the entry's is, and the same whenever it is asked."""
    return uuid5(inscription_id, kind.value)


def letters_of(inscription: Inscription, followed: dict[UUID, Followed], *, purged: bool) -> list[DueLetter]:
    """L12: a letter on the inscription, and one on its end (ours); none of what never took effect.

    Who is delisted before being informed gets one letter that tells both; of the dead nobody is told (P5).
    """
    if inscription.inscribed_at is None:
        return []
    first = letter_id(inscription.id, LetterKind.INSCRIPTION)
    over = purged or inscription.delisted_at is not None
    known = followed.get(first, NOTHING)
    deferred_to = known.deferred_to or inscription.notice_review_on
    due_at = None if over else _due_at(inscription.inscribed_at, deferred_to, known)
    letters = [DueLetter(first, LetterKind.INSCRIPTION, due_at, deferred_to, known.sent)]
    if inscription.delisted_at is None or inscription.delisting_ground is DelistingGround.DECEASED:
        return letters
    second = letter_id(inscription.id, LetterKind.DELISTING)
    known = followed.get(second, NOTHING)
    due_at = None if purged else _due_at(inscription.delisted_at, known.deferred_to, known)
    return [*letters, DueLetter(second, LetterKind.DELISTING, due_at, known.deferred_to, known.sent)]


def _due_at(began_at: datetime, deferred_to: date | None, known: Followed) -> datetime | None:
    if known.sent is not None:
        return None
    return retention.letter_due_at(periods.civil_date(began_at), deferred_to)


def last_day_of(inscription: Inscription, letter: DueLetter) -> date | None:
    """L12: the last day on which the letter is not late, or was not when it went; None: it is not due any more."""
    if letter.sent is None and letter.due_at is None:
        return None
    due_at = retention.letter_due_at(told_from(inscription, letter.kind), letter.deferred_to)
    return periods.civil_date(due_at - INSTANT)


def told_from(inscription: Inscription, kind: LetterKind) -> date:
    """The first day on which such a letter could have been sent: that of what it tells."""
    began_at = inscription.inscribed_at if kind is LetterKind.INSCRIPTION else inscription.delisted_at
    assert began_at is not None
    return periods.civil_date(began_at)
