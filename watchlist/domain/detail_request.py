"""Detail requests: what whoever was told of a hit asks the organisation that owns the entry, and its answer (C6)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from watchlist.domain import periods, refusals
from watchlist.domain.case_memory import CaseMemory
from watchlist.domain.commitment import Sealed
from watchlist.domain.review import HitTold

ANSWERED_WITHIN = timedelta(days=15)
"""Ours: how long the owner has to answer, or to refuse."""


class DetailState(StrEnum):
    WAITING = "waiting"
    ANSWERED = "answered"
    REFUSED = "refused"
    CLOSED = "closed"
    """The data it was about are gone, and with them the question."""


def due_at(asked_at: datetime) -> datetime:
    """C6: the end of the fifteenth day in Paris after the question; to refuse is to answer too."""
    return periods.end_of(periods.civil_date(asked_at) + ANSWERED_WITHIN, 0)


def state_told(states: Collection[DetailState]) -> DetailState:
    """C6: what the asker is told of a question that may have gone to several owners, and never to how many.

    Answered as soon as one has answered, and refused only when all have.
    """
    order = (DetailState.ANSWERED, DetailState.WAITING, DetailState.REFUSED)
    return next((state for state in order if state in states), DetailState.CLOSED)


def require_answerable(case: CaseMemory, inscription_id: UUID, at: datetime) -> UUID:
    """C6, S2: details are told only of an entry that would be told as a hit now; whose it is.

    One that has ended, or that is restricted (P2), may only be refused.
    """
    entry = case.inscription(inscription_id)
    if entry.restricted or not case.is_listed(entry, at):
        raise refusals.EntryNotTold(state="restricted" if entry.restricted else entry.state)
    return entry.subject_id


class AskedOfOwner(Struct, frozen=True):
    """The question as one owner gets it: about one entry."""

    id: UUID
    hit: HitTold
    question: Sealed


class DetailQuestion(Struct, frozen=True):
    """A question as it is recorded: one id for the asker, one for each owner."""

    id: UUID
    screening_id: UUID
    key: str
    due_at: datetime
    asked: tuple[AskedOfOwner, ...]


class DetailAnswer(Struct, frozen=True):
    """What an owner answers: what is told, under whose key, or why nothing is."""

    detail_id: UUID
    state: DetailState
    subject_id: UUID
    words: Sealed | None
