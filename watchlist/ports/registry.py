"""What verbs look up in the pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from watchlist.domain.schedule import DeadlineKind
from watchlist.domain.tokens import Token
from watchlist.ports.erasure_journal import WriteJournal

FIRST = UUID(int=0)
"""Before every id: where a first page begins."""


class CertificateRow(Struct, frozen=True):
    """One certificate, as it is kept: what was forgotten, and where that is recorded and journalled."""

    owner: UUID
    kind: str
    organisation: str
    basis: str
    rule: str
    decided_at: datetime
    completed_at: datetime | None
    sealed_values: int | None
    journal_sequence: int | None
    journal_digest: str | None
    position: int | None


class Registry(Protocol):
    """What the pictures tell a verb before it decides."""

    def case_of(self, inscription_id: UUID) -> UUID | None:
        """The case an inscription belongs to."""
        ...

    def case_of_letter(self, letter_id: UUID) -> UUID | None:
        """The case whose entry made a letter due."""
        ...

    def hit_told_at(self, letter_id: UUID) -> datetime | None:
        """When a hit was told before that letter was sent or deferred (L12); None: never."""
        ...

    def subject_with(self, organisation: str, digests: Sequence[bytes]) -> UUID | None:
        """The subject of that organisation that is known under one of these exact identifiers, as it stands now."""
        ...

    def subjects_found(
        self, organisation: str, digests: Sequence[bytes], limit: int
    ) -> list[tuple[UUID, list[Token]]]:
        """The subjects of that organisation known under any of these digests, as they stand now, and under which."""
        ...

    def has_open_entry(self, subject_id: UUID) -> bool:
        """Whether a proposed or active inscription is of that subject."""
        ...

    def cases_about(self, subject_id: UUID) -> list[UUID]:
        """The cases a subject belongs to, or is a victim in (L10)."""
        ...

    def cases_ever_about(self, subject_ids: Sequence[UUID]) -> list[UUID]:
        """The cases that name one of these subjects, or listed it, whatever became of it since."""
        ...

    def has_open_request(self, subject_ids: Iterable[UUID]) -> bool:
        """Whether something is still owed to one of these persons on a request of theirs (P1-P3)."""
        ...

    def requests_of(self, subject_ids: Sequence[UUID]) -> list[UUID]:
        """Every request of one of these persons (P1)."""
        ...

    def due_entries(self, at: datetime, limit: int) -> list[UUID]:
        """The cases with an entry that has ended and is not yet recorded as delisted, oldest first."""
        ...

    def due_alerts(self, at: datetime, limit: int) -> list[UUID]:
        """The alerts that were not qualified in time."""
        ...

    def due_cases(self, at: datetime, limit: int) -> list[UUID]:
        """The closed cases whose data may be kept no longer, oldest first (C2)."""
        ...

    def falling_due(self, kind: DeadlineKind, until: datetime) -> list[tuple[UUID, str]]:
        """What of one kind falls due until an instant and nothing holds, soonest first: its id, and whose it is."""
        ...

    def due_requested_erasures(self, limit: int) -> list[UUID]:
        """The requests whose erasure was granted and answered, and not decided on yet."""
        ...

    def due_subjects(self, at: datetime, limit: int) -> list[UUID]:
        """The subjects that no case retains any more, oldest first (P6)."""
        ...

    def subjects_left_by(self, case_ids: Sequence[UUID], at: datetime) -> int:
        """How many subjects nothing would retain at that instant, were these cases purged."""
        ...

    def erasing_subjects(self, limit: int) -> list[UUID]:
        """The subjects whose erasure was decided and not recorded yet."""
        ...

    def due_imports(self, limit: int) -> list[UUID]:
        """The imports of which the last case was purged (C5)."""
        ...

    def naming(self, subject_ids: Sequence[UUID]) -> list[tuple[UUID, UUID, datetime | None]]:
        """Which of these subjects was named by which case, and when the data of that went: subject, case, instant."""
        ...

    def forgotten(self, owners: Sequence[UUID]) -> set[UUID]:
        """Those of which a certificate says that their erasure is recorded."""
        ...

    def last_journalled(self) -> tuple[int, str] | None:
        """The last line of the erasure journal that was applied here: its sequence and its digest."""
        ...

    def unfinished_erasures(self, decided_before: datetime) -> int:
        """How many were decided before an instant and are not carried out yet."""
        ...

    def certificates(
        self, organisation: str | None, after: UUID = FIRST, limit: int = 100
    ) -> list[CertificateRow]:
        """By id, those of one organisation or of all (None), from behind `after` on."""
        ...

    def erasures_standing(self, destroyed_before: datetime) -> tuple[int, int, datetime | None]:
        """How many were completed before an instant, how many since, and when the last was."""
        ...

    def look_ups_beside(self) -> bool:
        """Whether a copy of the look-ups stands beside the register, in which whoever was erased may still be found."""
        ...

    def certificate(self, owner: UUID) -> CertificateRow | None: ...

    def due_purges(self, limit: int) -> list[UUID]:
        """The cases that only wait for their data to be purged."""
        ...

    def imported(self, fingerprints: Sequence[bytes]) -> set[bytes]:
        """Which of these lines were imported before."""
        ...

    def case_referenced(self, digests: Sequence[bytes]) -> dict[bytes, UUID]:
        """The cases known under these references."""
        ...

    def unfinished_imports(self) -> list[tuple[UUID, str, UUID]]:
        """Imports whose approval a crash interrupted: id, organisation, who approved."""
        ...

    def proposed_by_import(self, import_id: UUID, limit: int) -> list[UUID]:
        """The cases with inscriptions of an import that wait for its approval."""
        ...


class Certificates(Protocol):
    """What the register certifies of erasures, for whoever writes a lost journal again."""

    def journal_again(self, write: WriteJournal) -> int:
        """Have every recorded erasure written, while none is recorded, and keep where it stands; how many."""
        ...
