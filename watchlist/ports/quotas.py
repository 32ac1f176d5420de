"""How much each client still may ask."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from msgspec import Struct

from watchlist.domain.quota import Quota


class Leased(Struct, frozen=True):
    """How many were granted: all that was needed, or none; and how many the bucket still holds."""

    granted: int
    remaining: float


class Buckets(Protocol):
    """How much each client still may ask, counted for all processes together (S6)."""

    async def lease(self, client: UUID, quota: Quota, needed: int, wanted: int, returned: int) -> Leased:
        """Up to `wanted`, at least `needed` or nothing; what an earlier lease left is given back. Raises Busy."""
        ...
