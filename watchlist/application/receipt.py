"""Receipt: what every command answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from watchlist.domain.aggregate import Aggregate


@dataclass(frozen=True, slots=True)
class Decided:
    """What a verb decided: the aggregates to record, the first of which is the one that was asked about."""

    aggregates: tuple[Aggregate, ...]
    id: UUID
    facts: Mapping[str, Any] = field(default_factory=dict)


def decided(*aggregates: Aggregate, id: UUID | None = None, **facts: Any) -> Decided:
    return Decided(aggregates, id or aggregates[0].id, facts)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The id of what was made or changed, its version, and the position of its last event in the log."""

    id: UUID
    version: int
    position: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    created: bool = True

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    def body(self) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(dict(self.facts))
        return {"id": str(self.id), "version": self.version, "position": self.position, **plain}
