"""Subject: a natural or legal person as one organisation knows it (C6, C8, P5, P6).

Recorded, decided, remembered; the identity itself is in the vault, under the subject's own key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from watchlist.domain import refusals
from watchlist.domain.aggregate import Act, Event, remembers
from watchlist.domain.commitment import Sealed
from watchlist.domain.redaction import KeepsTexts

CLOCKS_DIFFER = timedelta(minutes=1)
"""By less than this two streams may disagree about what came first: each has the instant of its decision."""


class SubjectKind(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"


class Role(StrEnum):
    """What the subject is to the insurers."""

    HEALTH_PROFESSIONAL = "health_professional"
    BENEFICIARY = "beneficiary"
    INSURED = "insured"
    INTERMEDIARY = "intermediary"
    OTHER = "other"


# Recorded -------------------------------------------------------------------------------------


class ErasureBasis(StrEnum):
    """Why a subject is erased."""

    RETENTION = "retention"
    REQUEST = "request"
    RESTORED = "restored"
    """Erased before, and brought back by a restored backup."""


class SubjectEvent(Event, frozen=True, kw_only=True):
    """Anything recorded in the stream of a subject."""


class SubjectRegistered(SubjectEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "subject.registered"
    kind: SubjectKind
    role: Role
    identity: Sealed
    identified: bool
    """Whether the identity suffices for an inscription (L6)."""


class SubjectRectified(SubjectEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "subject.rectified"
    identity: Sealed
    identified: bool
    fields: tuple[str, ...]
    """The names of the fields that changed; never their values."""
    reason: Sealed


class SubjectMergedInto(SubjectEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "subject.merged_into"
    survivor: UUID
    reason: Sealed


class SubjectAbsorbed(SubjectEvent, frozen=True, kw_only=True):
    """The other side of a merge: so that two opposite merges at once conflict."""

    TOPIC: ClassVar[str] = "subject.absorbed"
    duplicate: UUID


class SubjectSplit(SubjectEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "subject.split"
    reason: Sealed


class SubjectReleased(SubjectEvent, frozen=True, kw_only=True):
    """The other side of a split."""

    TOPIC: ClassVar[str] = "subject.released"
    duplicate: UUID


class DeathRecorded(SubjectEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "subject.death_recorded"
    died_on: Sealed


class SubjectContested(SubjectEvent, frozen=True, kw_only=True):
    """P2: a request of the person restricts all entries of the subject, those to come too."""

    TOPIC: ClassVar[str] = "subject.contested"
    request_id: UUID


class SubjectSettled(SubjectEvent, frozen=True, kw_only=True):
    """P2: that request restricts nothing of the subject any more."""

    TOPIC: ClassVar[str] = "subject.settled"
    request_id: UUID


class SubjectErasureDecided(SubjectEvent, frozen=True, kw_only=True):
    """P6: from here on nothing finds the subject, and it takes no command; its key is destroyed next."""

    TOPIC: ClassVar[str] = "subject.erasure_decided"
    basis: ErasureBasis
    request_id: UUID | None = None


class SubjectErased(SubjectEvent, frozen=True, kw_only=True):
    """P6: its key is destroyed and its ciphertexts are gone; what remains is a skeleton."""

    TOPIC: ClassVar[str] = "subject.erased"


@dataclass(frozen=True, slots=True)
class Stay:
    """C8: while it was taken for another; that was a mistake."""

    survivor: UUID
    since: datetime
    until: datetime


class Subject(KeepsTexts):
    BEGINS_WITH = (SubjectRegistered,)

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.kind: SubjectKind
        self.role: Role
        self.identity: Sealed
        self.identified = False
        self.registered_at: datetime
        self.death: Sealed | None = None
        self.death_recorded_at: datetime | None = None
        self.merged_into: UUID | None = None
        self.merged_at: datetime | None = None
        self.absorbed: set[UUID] = set()
        self.ever_absorbed: set[UUID] = set()
        """Those it was split from too."""
        self.stays: list[Stay] = []
        self.contested_by: set[UUID] = set()
        """The requests that restrict its entries, those of absorbed duplicates included (P2, C8)."""
        self.rectified_at: datetime | None = None
        self.erasure_basis: ErasureBasis | None = None
        self.erasing_since: datetime | None = None
        self.erased_at: datetime | None = None

    # What others ask --------------------------------------------------------------------------

    @property
    def is_identified(self) -> bool:
        return self.identified

    @property
    def is_deceased(self) -> bool:
        return self.death is not None

    @property
    def is_erasing(self) -> bool:
        """Its erasure was decided, carried out or not."""
        return self.erasing_since is not None

    @property
    def is_erased(self) -> bool:
        return self.erased_at is not None

    def stood_with(self, survivor: UUID, at: datetime) -> bool:
        """C8: whether it may have been taken for that one at that instant, before they were split."""
        return any(
            stay.survivor == survivor and stay.since - CLOCKS_DIFFER <= at <= stay.until + CLOCKS_DIFFER
            for stay in self.stays
        )

    # Decided ----------------------------------------------------------------------------------

    @classmethod
    def register(
        cls, act: Act, id: UUID, kind: SubjectKind, role: Role, identity: Sealed, identified: bool
    ) -> Subject:
        subject = cls(id)
        subject.record(SubjectRegistered, act, kind=kind, role=role, identity=identity, identified=identified)
        return subject

    def rectify(
        self, act: Act, identity: Sealed, identified: bool, fields: tuple[str, ...], reason: Sealed
    ) -> None:
        self.require_itself()
        self.record(
            SubjectRectified, act, identity=identity, identified=identified, fields=fields, reason=reason
        )

    def merge(self, act: Act, duplicate: Subject, reason: Sealed) -> None:
        """C8: `duplicate` is from now on this subject; both streams record it."""
        if duplicate.id == self.id:
            raise refusals.SameSubject("duplicate_id")
        self.require_itself()
        duplicate.require_itself()
        if duplicate.absorbed:
            raise refusals.SubjectMerged("duplicate_id", state="survivor")
        duplicate.record(SubjectMergedInto, act, survivor=self.id, reason=reason)
        self.record(SubjectAbsorbed, act, duplicate=duplicate.id)
        for request_id in sorted(duplicate.contested_by):
            self.contest(act, request_id)

    def split(self, act: Act, duplicate: Subject, reason: Sealed) -> None:
        """C8: the merge was a mistake."""
        self.require_kept()
        if duplicate.merged_into != self.id:
            raise refusals.NotMerged("duplicate_id")
        duplicate.record(SubjectSplit, act, reason=reason)
        self.record(SubjectReleased, act, duplicate=duplicate.id)
        for request_id in sorted(duplicate.contested_by):
            self.settle(act, request_id)

    def contest(self, act: Act, request_id: UUID) -> None:
        """P2: all its entries are restricted by this request, those to come too; a second time changes nothing."""
        if request_id not in self.contested_by:
            self.record(SubjectContested, act, request_id=request_id)

    def settle(self, act: Act, request_id: UUID) -> None:
        """P2: this request restricts nothing any more; a second time changes nothing."""
        if request_id in self.contested_by:
            self.record(SubjectSettled, act, request_id=request_id)

    def record_death(self, act: Act, died_on: Sealed) -> None:
        """P5: sets its entries for review."""
        self.require_itself()
        if self.is_deceased:
            raise refusals.SubjectDeceased()
        self.record(DeathRecorded, act, died_on=died_on)

    def decide_erasure(self, act: Act, basis: ErasureBasis, request_id: UUID | None = None) -> bool:
        """P6: whether that was still to be decided. What is decided is carried out, whatever crashes."""
        if self.is_erasing:
            return False
        self.record(SubjectErasureDecided, act, basis=basis, request_id=request_id)
        return True

    def erase(self, act: Act) -> bool:
        """P6: record that the data are gone, once they are; whether that was still to be recorded."""
        if not self.is_erasing or self.is_erased:
            return False
        self.record(SubjectErased, act)
        return True

    def require_kept(self, field: str | None = None) -> None:
        """P6: nothing is added to one whose erasure was decided."""
        if self.is_erasing:
            raise refusals.SubjectIsErased(field, state="erased" if self.is_erased else "erasing")

    def require_itself(self, field: str | None = None) -> None:
        """C8: one that was merged stands for nobody; the survivor does. P6: one that is erased, neither."""
        self.require_kept(field)
        if self.merged_into is not None:
            raise refusals.SubjectMerged(field, state="merged")

    # Remembered -------------------------------------------------------------------------------

    @remembers(SubjectRegistered)
    def _registered(self, event: SubjectRegistered) -> None:
        self.organisation = event.organisation
        self.kind, self.role = event.kind, event.role
        self.identity, self.identified = event.identity, event.identified
        self.registered_at = event.at

    @remembers(SubjectRectified)
    def _rectified(self, event: SubjectRectified) -> None:
        self.identity, self.identified = event.identity, event.identified
        self.rectified_at = event.at

    @remembers(SubjectMergedInto)
    def _merged_into(self, event: SubjectMergedInto) -> None:
        self.merged_into, self.merged_at = event.survivor, event.at

    @remembers(SubjectAbsorbed)
    def _absorbed(self, event: SubjectAbsorbed) -> None:
        self.absorbed.add(event.duplicate)
        self.ever_absorbed.add(event.duplicate)

    @remembers(SubjectSplit)
    def _split(self, event: SubjectSplit) -> None:
        if self.merged_into is not None and self.merged_at is not None:
            self.stays.append(Stay(self.merged_into, self.merged_at, event.at))
        self.merged_into = None

    @remembers(SubjectReleased)
    def _released(self, event: SubjectReleased) -> None:
        self.absorbed.discard(event.duplicate)

    @remembers(DeathRecorded)
    def _death_recorded(self, event: DeathRecorded) -> None:
        self.death, self.death_recorded_at = event.died_on, event.at

    @remembers(SubjectContested)
    def _contested(self, event: SubjectContested) -> None:
        self.contested_by.add(event.request_id)

    @remembers(SubjectSettled)
    def _settled(self, event: SubjectSettled) -> None:
        self.contested_by.discard(event.request_id)

    @remembers(SubjectErasureDecided)
    def _erasure_decided(self, event: SubjectErasureDecided) -> None:
        self.erasure_basis, self.erasing_since = event.basis, event.at
        self.identified = False

    @remembers(SubjectErased)
    def _erased(self, event: SubjectErased) -> None:
        self.erased_at = event.at
