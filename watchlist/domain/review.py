"""Reviews: what a person found when they looked at a hit; nothing here decides (S7)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from watchlist.domain import refusals
from watchlist.domain.commitment import Sealed


class ReviewOutcome(StrEnum):
    CONFIRMED = "confirmed"
    HOMONYM = "homonym"
    """The hit is about somebody else than whom the question was about."""
    NOT_CONCERNED = "not_concerned"
    """It is the person, and what was asked for has nothing to do with it."""


def dismisses(outcome: ReviewOutcome) -> bool:
    """S7: only a homonym no longer hits; any later outcome takes that back, since the last one counts."""
    return outcome is ReviewOutcome.HOMONYM


class HitTold(Struct, frozen=True):
    """One entry of a hit, as the register knows it; whoever was told of the hit knows none of it."""

    inscription_id: UUID
    disclosure_id: UUID
    subject_id: UUID
    case_id: UUID
    owner: str
    answers: bool
    """Whether the entry still answers the question."""
    dismissed: bool
    """Whether whoever asked found it to be about somebody else."""

    @property
    def stands(self) -> bool:
        """S7: whether a screening would tell that hit again now."""
        return self.answers and not self.dismissed


def require_standing_again(hit: Sequence[HitTold], outcome: ReviewOutcome) -> None:
    """S7, S8: a homonym is taken back only while the hit would stand without it.

    That it stopped meanwhile was not told to those for whom it was no hit any more: they learn it here.
    """
    taken_back = any(one.dismissed for one in hit) and not dismisses(outcome)
    if taken_back and not any(one.answers for one in hit):
        raise refusals.HitNoLongerStands()


class LastReview(Struct, frozen=True):
    """What was found last of a hit."""

    id: UUID
    outcome: ReviewOutcome
    subject_id: UUID
    note: Sealed | None
    """Under that subject's key."""


class Review(Struct, frozen=True):
    """One review as it is recorded: of which hit, after which other review, and its note for each entry."""

    id: UUID
    screening_id: UUID
    key: str
    outcome: ReviewOutcome
    hits: tuple[HitTold, ...]
    notes: tuple[Sealed | None, ...]
    after: UUID | None
