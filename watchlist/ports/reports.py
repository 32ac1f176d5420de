"""What auditors ask the pictures and the registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from watchlist.domain.report import Report
from watchlist.domain.sampling import SampledKind


class Reports(Protocol):
    """Rows by id, of one organisation or of all (None)."""

    def page(
        self, report: Report, organisation: str | None, at: datetime, after: UUID, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """The candidates of a report as things stand at an instant; the rule decides which of them it is about."""
        ...

    def sample(
        self, kind: SampledKind, organisation: str | None, seed: str, since: datetime, at: datetime, size: int
    ) -> Sequence[Mapping[str, Any]]:
        """Those of the lowest ranks among what there was by an instant, and from an earlier one on, by rank."""
        ...

    def population(self, kind: SampledKind, organisation: str | None, since: datetime, at: datetime) -> int:
        """How many there were to draw from."""
        ...
