"""ImportBatch: an existing list brought in, effective when a second person approved it (L7).

A list comes in parts, each recorded with its lines; it is submitted once all its lines were judged. A batch
that was begun and not submitted was interrupted: it cannot be approved before the same file completed it.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from watchlist.domain import refusals
from watchlist.domain.aggregate import Act, Aggregate, Event, remembers
from watchlist.domain.case_events import PurgeBasis
from watchlist.domain.commitment import Sealed


class ImportIncomplete(refusals.Conflict):
    """The import was interrupted before its last line; submit the same file again, then approve it (L7).

    fr: L'import a été interrompu avant sa dernière ligne ; soumettez à nouveau le même fichier, puis
    approuvez-le (L7).
    """


class ImportComplete(refusals.Conflict):
    """The import is complete and takes no more lines.

    fr: L'import est complet et ne prend plus de lignes.
    """


# Recorded -------------------------------------------------------------------------------------


class ImportBegun(Event, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "import.begun"
    file: Sealed


class ImportContinued(Event, frozen=True, kw_only=True):
    """So many more lines were taken, in the transaction that proposed them."""

    TOPIC: ClassVar[str] = "import.continued"
    accepted: int


class ImportSubmitted(Event, frozen=True, kw_only=True):
    """Every line was judged; these are the final counts."""

    TOPIC: ClassVar[str] = "import.submitted"
    file: Sealed
    accepted: int
    refused: int


class ImportApproved(Event, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "import.approved"


class ImportPurged(Event, frozen=True, kw_only=True):
    """C5: the data of all its cases are gone, and the name of its file with them."""

    TOPIC: ClassVar[str] = "import.purged"
    basis: PurgeBasis


class ImportBatch(Aggregate):
    BEGINS_WITH = (ImportBegun, ImportSubmitted)

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.submitted_by: UUID
        self.submitted_at: datetime
        self.file: Sealed
        self.brought_by: set[UUID] = set()
        self.accepted = 0
        self.refused = 0
        self.is_submitted = False
        self.approved_by: UUID | None = None
        self.purged_at: datetime | None = None
        self.purge_basis: PurgeBasis | None = None

    # Decided ----------------------------------------------------------------------------------

    @classmethod
    def begin(cls, act: Act, id: UUID, file: Sealed) -> ImportBatch:
        batch = cls(id)
        batch.record(ImportBegun, act, file=file)
        return batch

    @classmethod
    def submit(cls, act: Act, id: UUID, file: Sealed, accepted: int, refused: int) -> ImportBatch:
        """A list that came in one part."""
        batch = cls(id)
        batch.record(ImportSubmitted, act, file=file, accepted=accepted, refused=refused)
        return batch

    def take(self, act: Act, accepted: int) -> None:
        """So many more lines: the stream then orders two that bring the same file."""
        self._require_open()
        self.record(ImportContinued, act, accepted=accepted)

    def complete(self, act: Act, refused: int) -> None:
        """The last line was judged."""
        self._require_open()
        self.record(ImportSubmitted, act, file=self.file, accepted=self.accepted, refused=refused)

    def approve(self, act: Act) -> None:
        """L5, L7: by a second person, who brought none of it; once."""
        if act.by in self.brought_by:
            raise refusals.FourEyes()
        if not self.is_submitted:
            raise ImportIncomplete(state="interrupted")
        if self.approved_by is not None:
            raise refusals.BatchAlreadyApproved(state="approved")
        self.record(ImportApproved, act)

    def purge(self, act: Act, basis: PurgeBasis = PurgeBasis.RETENTION) -> bool:
        """C5: once the last of its cases was purged; whether that was still to be recorded."""
        if self.purged_at is not None:
            return False
        self.record(ImportPurged, act, basis=basis)
        return True

    def _require_open(self) -> None:
        if self.is_submitted:
            raise ImportComplete(state="submitted")

    # Remembered -------------------------------------------------------------------------------

    @remembers(ImportBegun)
    def _begun(self, event: ImportBegun) -> None:
        self.organisation, self.file = event.organisation, event.file
        self._brought(event)

    @remembers(ImportContinued)
    def _continued(self, event: ImportContinued) -> None:
        self.accepted += event.accepted
        self._brought(event)

    @remembers(ImportSubmitted)
    def _submitted(self, event: ImportSubmitted) -> None:
        self.organisation, self.file = event.organisation, event.file
        self.accepted, self.refused = event.accepted, event.refused
        self.is_submitted = True
        self._brought(event)

    @remembers(ImportApproved)
    def _approved(self, event: ImportApproved) -> None:
        self.approved_by = event.by

    @remembers(ImportPurged)
    def _purged(self, event: ImportPurged) -> None:
        self.purged_at, self.purge_basis = event.at, event.basis

    def _brought(self, event: Event) -> None:
        self.submitted_by, self.submitted_at = event.by, event.at
        self.brought_by.add(event.by)
