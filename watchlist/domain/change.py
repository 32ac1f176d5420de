"""Changes: what whoever received a hit is told of it later, numbered for each organisation (S8)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class ChangeKind(StrEnum):
    STOPPED = "stopped"
    RESUMED = "resumed"


class Change(Struct, frozen=True):
    """One hit that stands no more, or again: by the asker's own reference, and never on which ground."""

    sequence: int
    """Of its organisation, from 1 on: what is told by any way carries this number."""
    at: datetime
    kind: ChangeKind
    screening_id: UUID
    key: str

    @property
    def id(self) -> str:
        return str(self.sequence)

    def item(self) -> dict[str, object]:
        """As it is told: the same in a page, in a stream and to a webhook."""
        return {
            "id": self.id,
            "at": self.at,
            "kind": self.kind,
            "screening_id": self.screening_id,
            "key": self.key,
        }
