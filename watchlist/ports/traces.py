"""Who asked and who was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from watchlist.domain.commitment import Sealed
from watchlist.domain.subject import Subject
from watchlist.domain.trace import Access, ByHand, Hit, Reading, Telling


class Traces(Protocol):
    """Who asked and who was told (T1, S8); Busy when that cannot be written, and then nothing is answered."""

    async def write(self, access: Access) -> None:
        """On disk when this returns."""
        ...

    async def write_hits(self, access: Access, hits: Sequence[Hit]) -> frozenset[tuple[str, UUID]]:
        """The access and a disclosure of each hit, together: key and entry of those that still answered.

        The others are not told any more; whoever is told of one is also told when it stops.
        """
        ...


class Registers(Protocol):
    """The access log and the register of disclosures, as verbs need them."""

    def disclosed_of(self, subject_ids: Sequence[UUID]) -> list[Telling]:
        """Everything that was told of these subjects, in its order (S8)."""
        ...

    def consulted_of(self, subject_ids: Sequence[UUID]) -> list[Reading]:
        """Every access to these subjects that is still remembered, in its order (T1)."""
        ...

    def disclose(self, subject: Subject, told: ByHand, work: Any, position: int) -> None:
        """One transaction: a communication made by hand, what it sealed, the command.

        Raises VersionConflict when the subject has changed meanwhile, AlreadyDone.
        """
        ...

    def disclosure(self, disclosure_id: UUID) -> tuple[Mapping[str, Any], Sealed | None] | None:
        """One disclosure; and of one made by hand, where what was told is sealed."""
        ...
