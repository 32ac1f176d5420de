"""ImportBatch: an existing list brought in, effective when a second person approved it (L7)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from watchlist.domain import refusals
from watchlist.domain.aggregate import Act, Aggregate, Event, remembers
from watchlist.domain.commitment import Sealed

# Recorded -------------------------------------------------------------------------------------


class ImportSubmitted(Event, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "import.submitted"
    file: Sealed
    accepted: int
    refused: int

    def blank(self) -> ImportBatch:
        return ImportBatch(self.originator_id)


class ImportApproved(Event, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "import.approved"


class ImportBatch(Aggregate):
    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.submitted_by: UUID
        self.submitted_at: datetime
        self.file: Sealed
        self.accepted = 0
        self.refused = 0
        self.approved_by: UUID | None = None

    # Decided ----------------------------------------------------------------------------------

    @classmethod
    def submit(cls, act: Act, id: UUID, file: Sealed, accepted: int, refused: int) -> ImportBatch:
        batch = cls(id)
        batch.record(ImportSubmitted, act, file=file, accepted=accepted, refused=refused)
        return batch

    def approve(self, act: Act) -> None:
        """L5, L7: by a second person, once."""
        if act.by == self.submitted_by:
            raise refusals.FourEyes()
        if self.approved_by is not None:
            raise refusals.BatchAlreadyApproved(state="approved")
        self.record(ImportApproved, act)

    # Remembered -------------------------------------------------------------------------------

    @remembers(ImportSubmitted)
    def _submitted(self, event: ImportSubmitted) -> None:
        self.organisation = event.organisation
        self.submitted_by, self.submitted_at = event.by, event.at
        self.file, self.accepted, self.refused = event.file, event.accepted, event.refused

    @remembers(ImportApproved)
    def _approved(self, event: ImportApproved) -> None:
        self.approved_by = event.by
