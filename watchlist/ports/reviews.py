"""What people found of hits, and what they asked of the owners of entries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from watchlist.domain.aggregate import Aggregate
from watchlist.domain.detail_request import DetailAnswer, DetailQuestion, DetailState
from watchlist.domain.review import HitTold, LastReview, Review


class Reviews(Protocol):
    """What people found when they looked at hits, and what is remembered of it (S7)."""

    def hit(self, organisation: str, screening_id: UUID, key: str, at: datetime) -> tuple[HitTold, ...]:
        """The entries of a hit that this organisation was told, as far as they are kept; none: there is no such hit."""
        ...

    def last(self, organisation: str, screening_id: UUID, key: str) -> LastReview | None:
        """The review of that hit that counts."""
        ...

    def record(self, review: Review, subjects: Sequence[Aggregate], work: Any, position: int) -> None:
        """One transaction: the review, what it changes for later screenings, what it sealed, the command.

        Raises VersionConflict when another review came first, or one of the subjects has changed; AlreadyDone.
        """
        ...

    def of_screening(
        self, organisation: str | None, screening_id: UUID, after: UUID, limit: int
    ) -> list[dict[str, Any]]:
        """Reviews of the hits of one screening, in their order, behind one; of one organisation or of any (None)."""
        ...

    def unreviewed(self, organisation: str | None) -> int:
        """How many hits one organisation, or anybody, was told that nobody reviewed."""
        ...


class DetailRequests(Protocol):
    """What whoever was told of a hit asks the owner of the entry, and the answers (C6)."""

    def ask(self, question: DetailQuestion, subjects: Sequence[Aggregate], work: Any, position: int) -> None:
        """One transaction: the question for each owner, what it sealed, the command.

        Raises VersionConflict when the hit is gone, or one of the subjects has changed; AlreadyDone.
        """
        ...

    def answer(self, answer: DetailAnswer, decided_on: Sequence[Aggregate], work: Any, position: int) -> None:
        """One transaction: the answer, its disclosure if something is told, what it sealed, the command.

        Raises VersionConflict when it was answered meanwhile, or what it was decided on has changed; AlreadyDone.
        """
        ...

    def one(self, detail_id: UUID) -> dict[str, Any] | None:
        """A question, as its owner knows it."""
        ...

    def of_screening(
        self, organisation: str | None, screening_id: UUID, after: UUID, limit: int
    ) -> list[dict[str, Any]]:
        """Questions of one organisation, or any, about the hits of one screening: a row for each entry, in order."""
        ...

    def of_owner(
        self, owner: str | None, state: DetailState | None, after: UUID, limit: int
    ) -> list[dict[str, Any]]:
        """What one organisation, or any, was asked, by id."""
        ...
