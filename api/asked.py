"""What is asked: the bodies of commands, as contract.md fixes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StringConstraints
from pydantic_core import PydanticCustomError

from api.fields import Asked, Day, Id, Instant, Line, Name, Organisation, Prose
from watchlist.domain.case_events import ClosingOutcome, Source
from watchlist.domain.correspondence import Channel
from watchlist.domain.inscription import DelistingGround, Ground
from watchlist.domain.operator import Role as OperatorRole
from watchlist.domain.procedure import Kind, Outcome
from watchlist.domain.review import ReviewOutcome
from watchlist.domain.rights_request import Right
from watchlist.domain.subject import Role
from watchlist.domain.trace import Recipient

MOST_SUBJECTS = 100
MOST_IDENTIFIERS = 20


# Subjects -------------------------------------------------------------------------------------


class AskedIdentifier(Asked):
    scheme: Annotated[str, Field(min_length=1, max_length=32, examples=["rpps"])]
    value: Annotated[str, Field(min_length=1, max_length=64, examples=["10000001916"])]


Identifiers = Annotated[list[AskedIdentifier], Field(max_length=MOST_IDENTIFIERS)]
Place = Annotated[Name, Field(examples=["Lyon 3e"])]


class NewPerson(Asked):
    """A natural person, as one organisation knows them."""

    kind: Literal["person"]
    role: Role
    family_name: Annotated[Name, Field(examples=["Delatour"])]
    usage_name: Annotated[Name, Field(examples=["Martin"])] | None = None
    given_names: Annotated[Name, Field(examples=["Marie Claude"])]
    birth_date: Day | None = None
    birth_place: Place | None = None
    identifiers: Identifiers = Field([])


class NewOrganisation(Asked):
    """A legal person, as one organisation knows it."""

    kind: Literal["organisation"]
    role: Role
    name: Annotated[Name, Field(examples=["Centre de santé des Lilas"])]
    identifiers: Identifiers = Field([])


NewSubject = Annotated[NewPerson | NewOrganisation, Field(discriminator="kind")]


class Rectification(Asked):
    """The fields that were wrong, and why they change; null empties one that may be empty."""

    reason: Prose
    family_name: Name | None = None
    usage_name: Name | None = None
    given_names: Name | None = None
    birth_date: Day | None = None
    birth_place: Place | None = None
    name: Name | None = None
    identifiers: Identifiers | None = None


class SubjectSearch(Asked):
    """The fields of a subject, any of them."""

    kind: Literal["person", "organisation"] | None = None
    role: Role | None = None
    family_name: Name | None = None
    usage_name: Name | None = None
    given_names: Name | None = None
    birth_date: Day | None = None
    birth_place: Place | None = None
    name: Name | None = None
    identifiers: Identifiers = Field([])


class Duplicate(Asked):
    duplicate_id: Id
    reason: Prose


class Victim(Asked):
    """A victim of identity theft in that case, and which identifiers were stolen (L10)."""

    case_id: Id
    identifiers: Identifiers = Field([])
    reason: Prose


class Death(Asked):
    died_on: Day


# Cases ----------------------------------------------------------------------------------------


def _positive(amount: str) -> str:
    if amount.strip("0."):
        return amount
    raise PydanticCustomError("not_positive", "More than zero.")


class Money(Asked):
    amount: Annotated[
        str,
        StringConstraints(pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$"),
        AfterValidator(_positive),
        Field(description="positive, at most two decimals", examples=["1234.56"]),
    ]
    currency: Literal["EUR"]


class NewCase(Asked):
    """An alert, the first state of a case (C1)."""

    subject_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_SUBJECTS)]
    raised_on: Day
    source: Source
    summary: Prose
    amount_at_stake: Money | None = None


class Qualification(Asked):
    relevant: Annotated[StrictBool, Field(examples=[True])]
    reason: Prose


class SubjectOfCase(Asked):
    subject_id: Id


class NewNote(Asked):
    text: Prose


class Redaction(Asked):
    """P6: what remains of a text that names an erased subject; of an assessment, its five texts as JSON."""

    text_id: Id
    text: Prose
    reason: Prose


class NewEvidence(Asked):
    """What a document shows, and its digest; the document stays outside."""

    description: Prose
    sha256: Annotated[
        str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True), Field(examples=["ab" * 32])
    ]


class NewProcedure(Asked):
    """A judicial procedure that names subjects of the case (C4)."""

    kind: Kind
    court: Annotated[Line, Field(examples=["Tribunal judiciaire de Lyon"])]
    reference: Annotated[Line, Field(examples=["24/01234"])]
    opened_on: Day
    subject_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_SUBJECTS)]
    continues: Id | None = None


class Limitation(Asked):
    """Until when the law may keep the case archived: entered by a person, never derived (C2)."""

    basis: Annotated[Line, Field(examples=["Code de procédure pénale, article 8"])]
    ends_on: Day


class EndOfProcedure(Asked):
    outcome: Outcome
    ended_on: Day
    subject_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_SUBJECTS)] | None = None
    limitation: Limitation


class Closing(Asked):
    outcome: ClosingOutcome


# Inscriptions ---------------------------------------------------------------------------------

Grounds = Annotated[list[Ground], Field(min_length=1, max_length=8)]
Months = Annotated[int, Field(strict=True, description="1 to 60", examples=[60])]


class Proportionality(Asked):
    """L6: gravity, evidence, harm, alternatives considered, and why this term."""

    gravity: Prose
    evidence: Prose
    harm: Prose
    alternatives: Prose
    term_reason: Prose


class NewInscription(Asked):
    subject_id: Id
    grounds: Grounds
    term_months: Months = 60
    proportionality: Proportionality


class Amendment(Asked):
    """What of a proposal changes; the rest stays."""

    grounds: Grounds | None = None
    term_months: Months | None = None
    proportionality: Proportionality | None = None


class NoticeDeferral(Asked):
    """L12: why the information letter waits, and the day that is reviewed."""

    reason: Prose
    review_on: Day


class Approval(Asked):
    notice_deferral: NoticeDeferral | None = None


class Reason(Asked):
    reason: Prose


class Delisting(Asked):
    ground: DelistingGround
    reason: Prose


class Sending(Asked):
    """L12: the letter went out, on that day, in that way."""

    sent_on: Day
    channel: Channel


class LetterDeferral(Asked):
    """L12: why the letter waits, and the day that is reviewed: within six months."""

    reason: Prose
    review_on: Day


# Hits -----------------------------------------------------------------------------------------

ScreeningKey = Annotated[
    str,
    StringConstraints(pattern="^[A-Za-z0-9_-]{1,64}$"),
    Field(description="of the question in that screening", examples=["q1"]),
]


class NewReview(Asked):
    """S7: what a person found when they looked at a hit. A note is for one's own organisation."""

    key: ScreeningKey
    outcome: ReviewOutcome
    note: Prose | None = None


class NewDetailRequest(Asked):
    """C6: a question about a hit, for whoever owns the entry."""

    key: ScreeningKey
    question: Prose


class DetailReply(Asked):
    """An answer, which is told to whoever asked; or a refusal, whose reason is not."""

    answer: Prose | None = None
    refused: Literal[True] | None = None
    reason: Prose | None = None


# Rights ---------------------------------------------------------------------------------------

Part = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,63}$"),
    Field(description="which part of the access, by its name there", examples=["cases.evidence"]),
]


class NewRequest(Asked):
    """A person's request (P1); directives are for the kind of that name, after a recorded death (P5)."""

    kind: Right
    subject_id: Id
    received_on: Day
    details: Prose | None = None
    directives: Prose | None = None


class NewDisclosure(Asked):
    """S8: what was told of a subject by hand, to whom, on which basis, on which day."""

    subject_id: Id
    case_id: Id | None = None
    recipient: Recipient
    recipient_name: Line | None = Field(None, examples=["Tribunal judiciaire de Paris"])
    legal_basis: Line = Field(examples=["art. 60-1 CPP"])
    told: Prose
    told_on: Day


class Extension(Asked):
    """Two months more; the person is told why by the first due day (P1)."""

    reason: Prose
    told_on: Day


class AskedDeferral(Asked):
    """A part of an access that waits, why, and the day that is reviewed (P3)."""

    part: Part
    reason: Prose
    review_on: Day


Deferred = Annotated[list[AskedDeferral], Field(max_length=MOST_SUBJECTS)]


class RequestDecision(Asked):
    """Granted or refused, and why; only the refusal of portability has a reason of its own (P4)."""

    granted: Annotated[StrictBool, Field(examples=[False])]
    reason: Prose | None = None
    deferred: Deferred = Field([], description="parts of a granted access that wait (P3)")


class AnswerToRequest(Asked):
    """The day the person was told, today when absent, and what they were told."""

    told_on: Day | None = None
    text: Prose | None = None


class ReviewOfDeferral(Asked):
    """What still waits; what is left out was given to the person (P3)."""

    told_on: Day | None = None
    deferred: Deferred = Field([])


class LiftingOfRestriction(Asked):
    """Why a granted restriction ends, and the day the person was told (P2)."""

    reason: Prose
    told_on: Day


class Nothing(Asked):
    """No field; the body may also be left out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})


# Operators ------------------------------------------------------------------------------------


class NewOperator(Asked):
    name: Annotated[Name, Field(examples=["Camille Roche"])]


class NewKey(Asked):
    """A key for the operator of that name, who is created when new."""

    operator: Annotated[Name, Field(examples=["Camille Roche"])]
    role: OperatorRole
    organisation: Organisation | None = None
    expires_at: Instant | None = None
