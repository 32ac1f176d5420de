"""What is answered: the shapes that the OpenAPI declares."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from api.fields import Answered, Day, Id, Instant, Position, Version
from watchlist.application.search_subjects import Certainty
from watchlist.domain.case_events import ClosingOutcome, PurgeBasis, Source
from watchlist.domain.case_memory import CaseState
from watchlist.domain.correspondence import Channel, LetterKind, LetterState, Template
from watchlist.domain.erasure import ErasureKind
from watchlist.domain.inscription import DelistingGround, Ground, State
from watchlist.domain.operator import Role as OperatorRole
from watchlist.domain.procedure import Kind, Outcome
from watchlist.domain.rights_request import RequestState, Right
from watchlist.domain.schedule import DeadlineKind
from watchlist.domain.subject import Role, SubjectKind

StateNow = Literal["proposed", "active", "ended", "rejected", "withdrawn", "delisted"]


class Receipt(Answered):
    """What every command answers: what was made or changed, its version, the position in the log."""

    id: Id
    version: Version
    position: Position


class Page(Answered):
    next: str | None = Field(description="the cursor of the next page; null on the last")


# Subjects -------------------------------------------------------------------------------------


class Identifier(Answered):
    scheme: str = Field(examples=["rpps"])
    value: str = Field(examples=["10000001916"])


class Subject(Answered):
    """One subject; the fields of its identity are absent once it is erased."""

    id: Id
    version: Version
    organisation: str = Field(examples=["GRPM"])
    kind: SubjectKind
    role: Role
    identified: bool = Field(description="whether it suffices for an inscription (L6)")
    deceased: bool
    died_on: date | None
    merged_into: UUID | None
    contested_by: list[UUID] = Field(description="the requests of the person that restrict its entries (P2)")
    registered_at: Instant
    erased: bool
    family_name: str | None = Field(None, examples=["Delatour"])
    usage_name: str | None = None
    given_names: str | None = Field(None, examples=["Marie Claude"])
    birth_date: date | None = None
    birth_place: str | None = None
    name: str | None = None
    identifiers: list[Identifier] = Field([])


class Found(Answered):
    subject_id: Id
    score: float = Field(ge=0, le=1, examples=[0.9])
    certainty: Certainty
    reasons: list[str] = Field(examples=[["family_name", "given_names", "birth_date"]])


class SubjectsFound(Answered):
    items: list[Found]


# Cases ----------------------------------------------------------------------------------------


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


# The list -------------------------------------------------------------------------------------


class ProposalReceipt(Receipt):
    inscription_id: Id
    state: State


class AmendmentReceipt(Receipt):
    inscription_id: Id


class DecisionReceipt(Receipt):
    state: State


class ApprovalReceipt(Receipt):
    state: State
    inscribed_on: Day
    last_listed_day: Day
    listed_until: Instant


class StandingReceipt(Receipt):
    state: State
    restricted: bool


class ListItem(Answered):
    inscription_id: Id
    subject_id: Id
    case_id: Id
    organisation: str = Field(examples=["GRPM"])
    inscribed_on: Day
    term_months: int = Field(ge=1, le=60)
    last_listed_day: Day
    listed_until: Instant
    held_by: list[UUID]
    restricted: bool


class TheList(Page):
    items: list[ListItem]


class HoldReviewReceipt(Receipt):
    inscription_id: Id
    reviewed_on: Day
    held_by: list[UUID]


# Letters --------------------------------------------------------------------------------------


class LetterItem(Answered):
    """`state` is that of now; `not_due`: the delisting came first and its letter tells both, or the case was purged."""

    letter_id: Id
    kind: LetterKind
    state: LetterState
    organisation: str = Field(examples=["GRPM"])
    case_id: Id
    inscription_id: Id
    subject_id: Id
    due_on: date | None = Field(description="the last day, in Paris; null once it is sent, or not due")
    deferred_to: date | None
    sent_on: date | None
    channel: Channel | None
    template: Template | None = Field(examples=["inscription-1"])


class Letters(Page):
    items: list[LetterItem]


class LetterTable(Answered):
    caption: str
    rows: list[tuple[str, str]]


class LetterSection(Answered):
    heading: str
    paragraphs: list[str]
    items: list[str]
    after: list[str]
    tables: list[LetterTable]


class LetterContent(Answered):
    """Every word of it, in French; its template prints them and adds none."""

    template: Template
    dated: Day
    title: str
    reference: str
    sender: list[str]
    addressee: list[str]
    date_line: str
    salutation: str
    opening: list[str]
    summary: list[tuple[str, str]]
    sections: list[LetterSection]
    closing: str
    signature: list[str]
    footer: str
    language: str


class LetterRead(LetterItem):
    version: Version
    content: LetterContent


class SendingReceipt(Receipt):
    letter_id: Id
    sent_on: Day
    channel: Channel
    template: Template


class DeferralReceipt(Receipt):
    letter_id: Id
    deferred_to: Day


# Deadlines ------------------------------------------------------------------------------------


class Said(Answered):
    """A sentence for people, in both languages."""

    fr: str
    en: str


class Deadline(Answered):
    kind: DeadlineKind
    rule: str = Field(description="the mark of the rule it follows from", examples=["L1"])
    done_by: Literal["machine", "person"] = Field(description="whether the sweep does it, or somebody has to")
    what: Said
    id: Id = Field(description="of what is due: a case, an inscription, a letter, a request or a subject")
    organisation: str = Field(examples=["GRPM"])
    due_on: Day = Field(description="the last day, in Paris")
    overdue: bool
    case_id: UUID | None
    inscription_id: UUID | None
    subject_id: UUID | None
    held_by: list[UUID]


class Deadlines(Page):
    items: list[Deadline]


# Rights ---------------------------------------------------------------------------------------


class RequestReceipt(Receipt):
    state: RequestState
    due_on: Day
    restricts: bool = Field(description="whether the person's entries are restricted because of it (P2)")


class RequestDecisionReceipt(RequestReceipt):
    granted: bool
    delisted: list[UUID] = Field(description="the entries that ended by this decision (L9)")


class RequestAnswerReceipt(RequestReceipt):
    answered_on: Day


class RequestItem(Answered):
    request_id: Id
    version: Version
    organisation: str = Field(examples=["GRPM"])
    subject_id: Id
    kind: Right
    state: RequestState
    received_on: Day
    due_on: Day
    overdue: bool
    extended: bool
    granted: bool | None
    answered_on: date | None
    restricts: bool
    review_on: date | None = Field(description="when the first deferred part is reviewed (P3)")
    open: bool = Field(description="an answer, a deferred part or a restriction is still owed")


class Requests(Page):
    items: list[RequestItem]


class RequestExtension(Answered):
    at: Instant
    by: Id
    told_on: Day
    reason: str | None


class StandardReason(Answered):
    en: str
    fr: str


class RequestDecision(Answered):
    at: Instant
    by: Id
    granted: bool
    reason: str | None
    standard_reason: StandardReason | None = Field(description="why portability is refused (P4)")
    delisted: list[UUID]
    withdrawn: list[UUID]


class DeferredPart(Answered):
    part: str = Field(examples=["cases.evidence"])
    reason: str
    review_on: Day


class RequestAnswer(Answered):
    at: Instant
    by: Id
    told_on: Day
    text: str | None


class RequestLifting(Answered):
    at: Instant
    by: Id
    told_on: Day
    reason: str | None


class RightsRequest(Answered):
    """One request; its texts are null once its subject is erased, and it says `erased`."""

    id: Id
    version: Version
    request_id: Id
    organisation: str = Field(examples=["GRPM"])
    subject_id: Id
    kind: Right
    state: RequestState
    received_on: Day
    recorded_at: Instant
    recorded_by: Id
    due_on: Day
    restricts: bool
    open: bool
    details: str | None
    directives: str | None
    extension: RequestExtension | None
    decision: RequestDecision | None
    deferred: list[DeferredPart]
    review_on: date | None
    answer: RequestAnswer | None
    lifting: RequestLifting | None
    erased: bool


# Operators ------------------------------------------------------------------------------------


class Me(Answered):
    operator_id: Id
    organisation: str = Field(examples=["GRPM"])
    role: OperatorRole
    key_id: str = Field(examples=["9f86d081884c7d65"])
    expires_at: datetime | None


class OperatorItem(Answered):
    operator_id: Id
    organisation: str = Field(examples=["GRPM"])
    name: str = Field(examples=["Camille Roche"])
    left_at: datetime | None


class OperatorPage(Page):
    items: list[OperatorItem]


class OperatorReceipt(Receipt):
    name: str
    left_at: datetime | None


class KeyItem(Answered):
    key_id: str = Field(examples=["9f86d081884c7d65"])
    operator_id: Id
    operator: str = Field(examples=["Camille Roche"])
    organisation: str = Field(examples=["GRPM"])
    role: OperatorRole
    issued_at: Instant
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyPage(Page):
    items: list[KeyItem]


class KeyReceipt(Answered):
    """As of every command; the id of a key is the beginning of it."""

    id: str = Field(examples=["9f86d081884c7d65"])
    version: Version
    position: Position
    operator_id: Id
    role: OperatorRole
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKeyReceipt(KeyReceipt):
    key: str = Field(description="shown once", examples=["9f86d081884c7d65.…"])


# Erasures -------------------------------------------------------------------------------------


class Erasure(Answered):
    """A certificate: what was forgotten and by which rule; it identifies nobody."""

    id: Id = Field(description="of the subject, the case, the import or the text")
    kind: ErasureKind
    organisation: str = Field(examples=["GRPM"])
    basis: str = Field(examples=["retention"])
    rule: str = Field(examples=["C2"])
    decided_at: Instant
    destroyed_at: datetime | None = Field(description="null while it is carried out")
    complete_on: date | None = Field(description="when no backup holds the key any more")
    sealed_values: int | None
    journal_sequence: int | None
    position: int | None = Field(description="of the event that records it")


class Erasures(Page):
    items: list[Erasure]


# Imports --------------------------------------------------------------------------------------


class RefusedLine(Answered):
    line: int = Field(examples=[17])
    field: str | None = Field(examples=["rpps"])
    code: str = Field(examples=["check_failed"])
    detail: str


class ImportReport(Answered):
    """What became of every line; `import_id` is null for a dry run, and when there was nothing to import."""

    id: UUID | None
    version: Version
    position: Position
    import_id: UUID | None
    accepted: int = Field(examples=[120])
    already_imported: int = Field(description="how many of the refused were imported before", examples=[0])
    refused: list[RefusedLine]


class NotTakenOver(Answered):
    inscription_id: Id
    code: str = Field(examples=["term_elapsed"])


class ImportApproval(Receipt):
    approved: int = Field(examples=[120])
    rejected: list[NotTakenOver] = Field([], description="proposals that could not take effect any more")


class ImportItem(Answered):
    import_id: Id
    organisation: str = Field(examples=["GRPM"])
    submitted_at: Instant
    submitted_by: Id
    accepted: int
    refused: int
    approved_by: UUID | None


class Imports(Page):
    items: list[ImportItem]


class Health(Answered):
    status: Literal["live", "ready"]
