"""What is answered of cases and their inscriptions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from api.answered.common import Page, Receipt
from api.fields import Answered, Day, Id, Instant, Position, Version
from watchlist.domain.case_events import ClosingOutcome, PurgeBasis, Source
from watchlist.domain.case_memory import CaseState
from watchlist.domain.inscription import DelistingGround, Ground
from watchlist.domain.procedure import Kind, Outcome

StateNow = Literal["proposed", "active", "ended", "rejected", "withdrawn", "delisted"]


class CaseReceipt(Receipt):
    state: CaseState


class RedactionReceipt(Receipt):
    text_id: Id = Field(description="of what remains of the text")


class EvidenceReceipt(Receipt):
    evidence_id: Id


class ProcedureReceipt(Receipt):
    procedure_id: Id


class CaseItem(Answered):
    case_id: Id
    version: Version
    organisation: str = Field(examples=["GRPM"])
    state: CaseState
    source: Source | None
    raised_on: date | None
    import_id: UUID | None
    opened_at: Instant
    closed_at: datetime | None
    last_active_at: Instant
    subject_ids: list[UUID]


class Cases(Page):
    items: list[CaseItem]


class Texts(Answered):
    """The ids of the texts of a part, as a redaction names them."""

    text_ids: dict[str, UUID]
    redacted: bool = Field(description="whether one of them was redacted (P6)")


class Note(Texts):
    at: Instant
    by: Id
    text: str | None
    erased: bool


class Evidence(Texts):
    evidence_id: Id
    at: Instant
    by: Id
    description: str | None
    sha256: str | None
    erased: bool


class Naming(Answered):
    """One subject in a procedure; ended without an outcome when another procedure continues it."""

    subject_id: Id
    ongoing: bool
    since: Instant
    until: datetime | None
    outcome: Outcome | None


class Procedure(Texts):
    procedure_id: Id
    kind: Kind
    court: str | None
    reference: str | None
    opened_on: Day
    continues: UUID | None
    ongoing: bool
    limitation_ends_on: date | None
    subjects: list[Naming]
    erased: bool


class Assessment(Answered):
    gravity: str
    evidence: str
    harm: str
    alternatives: str
    term_reason: str


class InscriptionItem(Answered):
    """`state` is that of now: what is over is `ended`, whether its end was recorded yet or not."""

    inscription_id: Id
    subject_id: Id
    case_id: Id
    organisation: str = Field(examples=["GRPM"])
    state: StateNow
    grounds: list[Ground]
    term_months: int
    proposed_at: Instant
    proposed_by: Id
    import_id: UUID | None
    inscribed_on: date | None
    last_listed_day: date | None
    listed_until: datetime | None
    ends_at: datetime | None = Field(description="null while a procedure holds it, or nothing began")
    held_by: list[UUID] = Field(description="the ongoing procedures that hold it")
    restricted: bool
    delisted_at: datetime | None
    delisting_ground: DelistingGround | None


class Restriction(Answered):
    """Why an entry is not answered: for a request of the person, or by hand (P2)."""

    since: Instant
    by: Id
    request_id: UUID | None = Field(description="null: restricted by hand")


class InscriptionInCase(InscriptionItem, Texts):
    restrictions: list[Restriction]
    proportionality: Assessment | None
    proportionality_inherited: bool = Field(description="it came with an imported list (L7)")
    last_amended_by: Id
    approved_by: UUID | None
    notice_review_on: date | None
    erased: bool


class Inscription(InscriptionInCase):
    id: Id
    version: Version


class InscriptionItemVersioned(InscriptionItem):
    version: Version


class Inscriptions(Page):
    items: list[InscriptionItemVersioned]


class Money(Answered):
    amount: str = Field(examples=["1234.56"])
    currency: str = Field(examples=["EUR"])


class CaseFile(Texts):
    """Everything of a case; what was erased is null, and the part it belonged to says `erased`."""

    id: Id
    version: Version
    organisation: str = Field(examples=["GRPM"])
    state: CaseState
    source: Source | None
    raised_on: date | None
    opened_at: Instant
    opened_by: Id
    closed_at: datetime | None
    closing_outcome: ClosingOutcome | None
    purge_basis: PurgeBasis | None
    purged_at: datetime | None
    import_id: UUID | None
    alert_ends_at: datetime | None
    data_end_at: datetime | None
    subject_ids: list[UUID]
    victim_ids: list[UUID]
    summary: str | None
    amount_at_stake: Money | None
    reference: str | None = Field(description="of an imported case, in the register it came from")
    qualification_reason: str | None
    erased: bool
    notes: list[Note]
    evidence: list[Evidence]
    procedures: list[Procedure]
    inscriptions: list[InscriptionInCase]


class Recorded(Answered):
    """One event, in codes, dates and random ids."""

    position: Position
    recorded_at: Instant
    at: Instant
    by: Id
    topic: str = Field(examples=["case.alert_raised"])
    version: Version
    facts: dict[str, Any]


class History(Page):
    items: list[Recorded]
