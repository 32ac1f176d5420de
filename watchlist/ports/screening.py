"""The list as it is asked, and how it is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from watchlist.domain.tokens import Token
from watchlist.domain.unusual_use import Observed, Usage


class Found(Struct, frozen=True):
    """What answered under some digests, at which instant, and up to which position of the log."""

    tokens: Mapping[bytes, Sequence[Token]]
    at: datetime
    position: int
    generation: int = 1
    """Of the look-up key that was asked then: an answer to digests of another one says nothing."""


class ListIndex(Protocol):
    """The answerable entries, by keyed token (S3, L3)."""

    async def find(self, digests: Sequence[bytes], organisation: str) -> Found:
        """What answers now under these digests, and what that organisation dismissed on it (S7).

        Busy when that cannot be told (S9).
        """
        ...


class UsageBook(Protocol):
    """How the screening is used, in numbers by client and hour, and what was found unusual in them (S6)."""

    def add(self, hours: Sequence[Usage]) -> None:
        """To what was counted of the same clients and hours."""
        ...

    def by_client(self, at: datetime) -> Iterator[tuple[UUID, str, Sequence[Usage]]]:
        """Of each client that asked within the last day: its id, its organisation, the hours of its habit."""
        ...

    def raise_alarm(
        self, operator_id: UUID, organisation: str, day: date, observed: Observed, at: datetime
    ) -> bool:
        """False when one of that kind was raised of that client on that day."""
        ...
