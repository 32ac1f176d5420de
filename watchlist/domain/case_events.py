"""What is recorded of a case: its events, in the order of a matter's life.

Codes, dates, random ids and commitments only. A topic never changes; a class may move.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from watchlist.domain.aggregate import Event
from watchlist.domain.commitment import Sealed
from watchlist.domain.correspondence import Channel, LetterKind, Template
from watchlist.domain.inscription import DelistingGround, Ground, Provenance
from watchlist.domain.procedure import Kind, Outcome


class Source(StrEnum):
    """Where an alert comes from."""

    CONTROL = "control"
    DATA_ANALYSIS = "data_analysis"
    COMPLAINT = "complaint"
    PARTNER = "partner"
    TIP_OFF = "tip_off"
    AUTHORITY = "authority"
    OTHER = "other"


class ClosingOutcome(StrEnum):
    ESTABLISHED = "established"
    NOT_ESTABLISHED = "not_established"
    SETTLED = "settled"
    REFERRED = "referred"
    ABANDONED = "abandoned"


class PurgeBasis(StrEnum):
    """Why a case's data went."""

    NOT_RELEVANT = "not_relevant"
    ALERT_EXPIRED = "alert_expired"
    RETENTION = "retention"
    ERASURE_UPHELD = "erasure_upheld"
    RESTORED = "restored"
    """Purged before, and brought back by a restored backup (P6)."""


class CaseEvent(Event, frozen=True, kw_only=True):
    """Anything recorded in the stream of a case."""


class FindingEvent(CaseEvent, frozen=True, kw_only=True):
    """What an investigation finds: it stands in the case's file, and of its row only the last activity differs."""


class ProposalEvent(CaseEvent, frozen=True, kw_only=True):
    """What happens to a proposal: it shows on the inscription, and nobody's standing on the list differs."""


class AlertRaised(CaseEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "case.alert_raised"
    raised_on: date
    source: Source
    subject_ids: tuple[UUID, ...]
    summary: Sealed
    amount_at_stake: Sealed | None = None


class CaseImported(CaseEvent, frozen=True, kw_only=True):
    """L7: a matter that another register had already qualified."""

    TOPIC: ClassVar[str] = "case.imported"
    import_id: UUID
    reference: Sealed
    subject_ids: tuple[UUID, ...]


class AlertQualified(CaseEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "case.qualified"
    reason: Sealed


class AlertDismissed(CaseEvent, frozen=True, kw_only=True):
    """C1: found not relevant; nobody's reason is kept, since the data go at once."""

    TOPIC: ClassVar[str] = "case.dismissed"


class AlertLapsed(CaseEvent, frozen=True, kw_only=True):
    """C1: not qualified within six months of being raised."""

    TOPIC: ClassVar[str] = "case.lapsed"


class SubjectAdded(CaseEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "case.subject_added"
    subject_id: UUID


class SubjectDetached(CaseEvent, frozen=True, kw_only=True):
    """P6: the subject is erased, and the case goes on without it."""

    TOPIC: ClassVar[str] = "case.subject_detached"
    MOVES_THE_LIST: ClassVar[bool] = True
    subject_id: UUID


class TextRedacted(FindingEvent, frozen=True, kw_only=True):
    """P6: a text that names an erased subject; what it said is deleted, what remains of it is sealed anew."""

    TOPIC: ClassVar[str] = "case.text_redacted"
    text_id: UUID
    """The reference of the value that is gone."""
    text: Sealed | None = None
    """None: nothing of it remains."""
    reason: Sealed | None = None


class NoteAdded(FindingEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "case.note_added"
    text: Sealed


class EvidenceAdded(FindingEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "case.evidence_added"
    evidence_id: UUID
    description: Sealed
    sha256: Sealed


class VictimRecorded(CaseEvent, frozen=True, kw_only=True):
    """L10: in this matter the subject is a victim of identity theft; these identifiers of its were stolen."""

    TOPIC: ClassVar[str] = "case.victim_recorded"
    MOVES_THE_LIST: ClassVar[bool] = True
    subject_id: UUID
    stolen: Sealed
    reason: Sealed


class ProcedureOpened(CaseEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "case.procedure_opened"
    MOVES_THE_LIST: ClassVar[bool] = True
    procedure_id: UUID
    kind: Kind
    court: Sealed
    reference: Sealed
    opened_on: date
    subject_ids: tuple[UUID, ...]
    continues: UUID | None = None


class ProcedureEnded(CaseEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "case.procedure_ended"
    MOVES_THE_LIST: ClassVar[bool] = True
    procedure_id: UUID
    subject_ids: tuple[UUID, ...]
    outcome: Outcome
    ended_on: date
    limitation_basis: Sealed
    limitation_ends_on: date


class CaseClosed(CaseEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "case.closed"
    outcome: ClosingOutcome


class CaseDataExpired(CaseEvent, frozen=True, kw_only=True):
    """C2, P6: the data of the case may be kept no longer; it takes no command any more, and its purge follows."""

    TOPIC: ClassVar[str] = "case.data_expired"
    basis: PurgeBasis


class CaseDataPurged(CaseEvent, frozen=True, kw_only=True):
    """C5: the key of the case is destroyed; what remains is a skeleton."""

    TOPIC: ClassVar[str] = "case.purged"
    basis: PurgeBasis


class SubjectFollowed(CaseEvent, frozen=True, kw_only=True):
    """C8: two subjects were merged, or split again, and this case follows: what was `merged`'s is `into`'s."""

    TOPIC: ClassVar[str] = "case.subject_followed"
    MOVES_THE_LIST: ClassVar[bool] = True
    merged: UUID
    into: UUID | None
    """None when they were split again."""


class InscriptionProposed(ProposalEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "inscription.proposed"
    inscription_id: UUID
    subject_id: UUID
    grounds: tuple[Ground, ...]
    grounds_version: int
    term_months: int
    proportionality: Sealed | None = None
    """None: inherited from the list it was imported from (L7)."""
    provenance: Provenance | None = None


class InscriptionAmended(ProposalEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "inscription.amended"
    inscription_id: UUID
    grounds: tuple[Ground, ...]
    grounds_version: int
    term_months: int
    proportionality: Sealed | None = None


class InscriptionWithdrawn(ProposalEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "inscription.withdrawn"
    inscription_id: UUID


class InscriptionRejected(ProposalEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "inscription.rejected"
    inscription_id: UUID
    reason: Sealed


class InscriptionApproved(CaseEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "inscription.approved"
    MOVES_THE_LIST: ClassVar[bool] = True
    inscription_id: UUID
    inscribed_on: date
    notice_deferral: Sealed | None = None
    notice_review_on: date | None = None


class InscriptionRestricted(CaseEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "inscription.restricted"
    MOVES_THE_LIST: ClassVar[bool] = True
    inscription_id: UUID
    reason: Sealed


class RestrictionLifted(CaseEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "inscription.restriction_lifted"
    MOVES_THE_LIST: ClassVar[bool] = True
    inscription_id: UUID
    reason: Sealed


class InscriptionContested(CaseEvent, frozen=True, kw_only=True):
    """P2: restricted because of a request of the person, until that is answered or lifted."""

    TOPIC: ClassVar[str] = "inscription.contested"
    MOVES_THE_LIST: ClassVar[bool] = True
    inscription_id: UUID
    request_id: UUID


class ContestSettled(CaseEvent, frozen=True, kw_only=True):
    """P2: that request restricts the entry no more."""

    TOPIC: ClassVar[str] = "inscription.contest_settled"
    MOVES_THE_LIST: ClassVar[bool] = True
    inscription_id: UUID
    request_id: UUID


class InscriptionDelisted(CaseEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "inscription.delisted"
    MOVES_THE_LIST: ClassVar[bool] = True
    inscription_id: UUID
    ground: DelistingGround
    reason: Sealed | None = None
    """None when the term elapsed by itself, and when a person's request was granted: its decision says why."""


class HoldReviewed(CaseEvent, frozen=True, kw_only=True):
    """L13: an entry held past its term was looked at again, and the hold stands."""

    TOPIC: ClassVar[str] = "inscription.hold_reviewed"
    inscription_id: UUID
    reason: Sealed


class LetterEvent(CaseEvent, frozen=True, kw_only=True):
    """What becomes of a letter: it shows on the inscription, and nobody's standing on the list differs."""

    inscription_id: UUID
    kind: LetterKind


class LetterSent(LetterEvent, frozen=True, kw_only=True):
    """L12: what it said, and the digest of its bytes, are under the key of whom it was written to (C5)."""

    TOPIC: ClassVar[str] = "letter.sent"
    subject_id: UUID
    """Who stood for the inscribed subject when it was sent: a merge or a split moves no letter."""
    template: Template
    sent_on: date
    channel: Channel
    content: Sealed
    document: Sealed


class LetterDeferred(LetterEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "letter.deferred"
    reason: Sealed
    review_on: date
