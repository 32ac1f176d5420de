"""What it takes to inscribe a subject, and on which grounds an entry ends (L5-L9)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from watchlist.domain import periods, refusals, retention
from watchlist.domain.commitment import Sealed
from watchlist.domain.retention import Term


class Ground(StrEnum):
    """L6: the closed list, version 1."""

    FICTITIOUS_SERVICES = "fictitious_services"
    OVERBILLING = "overbilling"
    SUBSTITUTION = "substitution"
    FORGED_DOCUMENTS = "forged_documents"
    IDENTITY_MISUSE = "identity_misuse"
    UNDUE_THIRD_PARTY_PAYMENT = "undue_third_party_payment"
    COLLUSION = "collusion"
    FALSE_DECLARATION = "false_declaration"


GROUNDS_VERSION = 1


class DelistingGround(StrEnum):
    """L9: only the first is automatic."""

    TERM_ELAPSED = "term_elapsed"
    ORGANISATION_DECISION = "organisation_decision"
    REPAID = "repaid"
    INACCURATE = "inaccurate"
    OBJECTION_UPHELD = "objection_upheld"
    ERASURE_UPHELD = "erasure_upheld"
    COURT_DECISION = "court_decision"
    DECEASED = "deceased"


class State(StrEnum):
    PROPOSED = "proposed"
    ACTIVE = "active"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    DELISTED = "delisted"


PROPORTIONALITY = ("gravity", "evidence", "harm", "alternatives", "term_reason")
"""L6: what the stored assessment speaks of."""


class Provenance(Struct, frozen=True, forbid_unknown_fields=True):
    """Where an imported entry comes from (L7): the batch, the original date, file and line (vaulted)."""

    import_id: UUID
    inscribed_on: date
    line: Sealed


class Candidate(Protocol):
    """What an inscription asks of the subject."""

    @property
    def is_identified(self) -> bool: ...
    @property
    def is_deceased(self) -> bool: ...
    @property
    def merged_into(self) -> UUID | None: ...
    @property
    def contested_by(self) -> Collection[UUID]: ...
    @property
    def is_erasing(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Restriction:
    """Since when an entry is restricted, and who recorded that."""

    at: datetime
    by: UUID


BY_HAND = None
"""What stands for a supervisor's own restriction among those that requests of the person make."""


@dataclass(slots=True)
class Inscription:
    id: UUID
    subject_id: UUID
    grounds: tuple[Ground, ...]
    term_months: int
    proportionality: Sealed | None
    proposed_by: UUID
    proposed_at: datetime
    last_amended_by: UUID
    provenance: Provenance | None = None
    state: State = State.PROPOSED
    inscribed_at: datetime | None = None
    inscribed_on: date | None = None
    approved_by: UUID | None = None
    notice_review_on: date | None = None
    restrictions: dict[UUID | None, Restriction] = field(default_factory=dict)
    """By the request of the person that restricts it, or BY_HAND."""
    delisted_at: datetime | None = None
    delisting_ground: DelistingGround | None = None
    hold_reviewed_on: date | None = None

    @property
    def is_open(self) -> bool:
        """L8: active or proposed."""
        return self.state in (State.PROPOSED, State.ACTIVE)

    @property
    def restricted(self) -> bool:
        """P2: by hand, or contested by any request."""
        return bool(self.restrictions)

    @property
    def contested_by(self) -> set[UUID]:
        """The requests of the person that restrict it."""
        return {request_id for request_id in self.restrictions if request_id is not None}

    @property
    def term(self) -> Term:
        if self.inscribed_on is None:
            raise ValueError("a proposal has no term yet")
        return Term(self.inscribed_on, self.term_months)

    @property
    def imported_at(self) -> datetime | None:
        return self.inscribed_at if self.provenance else None


def require_term(months: int) -> int:
    """L1: 1 to 60 months."""
    whole = isinstance(months, int) and not isinstance(months, bool)
    if not whole or not 1 <= months <= retention.LONGEST_TERM:
        raise refusals.TermOutOfRange("term_months")
    return months


def require_grounds(codes: Iterable[str]) -> tuple[Ground, ...]:
    """L6: at least one code of the closed list, each once."""
    given = tuple(codes)
    if not given or len(set(given)) != len(given):
        raise refusals.GroundsMissing("grounds")
    try:
        return tuple(Ground(code) for code in given)
    except ValueError:
        raise refusals.UnknownGround("grounds") from None


def require_proportionality(assessment: Mapping[str, str]) -> None:
    """L6: gravity, evidence, harm, alternatives considered, and why this term: none of them empty."""
    if set(assessment) != set(PROPORTIONALITY) or not all(text.strip() for text in assessment.values()):
        raise refusals.ProportionalityMissing("proportionality")


def require_assessed(proportionality: Sealed | None, provenance: Provenance | None) -> None:
    """L6: an assessment is stored; only an imported entry inherits its own (L7)."""
    if proportionality is None and provenance is None:
        raise refusals.ProportionalityMissing("proportionality")


def require_second_person(inscription: Inscription, approver: UUID) -> None:
    """L5: whoever proposed or last amended an inscription cannot approve it; persons are compared, not keys."""
    if approver in (inscription.proposed_by, inscription.last_amended_by):
        raise refusals.FourEyes()


def require_candidate(subject: Candidate) -> None:
    """L6: an identified subject, one that still stands for itself (C8), alive."""
    if subject.is_erasing:
        raise refusals.SubjectIsErased("subject_id", state="erased")
    if subject.merged_into is not None:
        raise refusals.SubjectMerged("subject_id")
    if subject.is_deceased:
        raise refusals.SubjectDeceased("subject_id")
    if not subject.is_identified:
        raise refusals.SubjectNotIdentified("subject_id")


def require_review(review_on: date | None, today: date, field: str = "notice_deferral.review_on") -> None:
    """L12: a reasoned deferral of the letter is reviewed, after today and within six months."""
    latest = periods.months_after(today, retention.DEFERRAL_MONTHS)
    if review_on is not None and not today < review_on <= latest:
        raise refusals.DeferralOutOfRange(field)


def require_ground_of_a_person(ground: DelistingGround) -> DelistingGround:
    """L9: a term elapses by itself."""
    if ground is DelistingGround.TERM_ELAPSED:
        raise refusals.GroundIsAutomatic("ground")
    return ground
