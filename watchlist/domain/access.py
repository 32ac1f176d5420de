"""What an access request is answered with: the shape of an export, and what of it may wait (P3).

Every section says what it holds in words and dates. Nobody else's data are in it, nor the name or id of an operator.
A text is told, or withheld for a stated reason; a section is told, or deferred with its reason and its review date.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from watchlist.domain import refusals, retention
from watchlist.domain.case_memory import CaseMemory, CaseState
from watchlist.domain.wording import Words


class Part(StrEnum):
    """What of an export may be deferred: the closed list."""

    IDENTITY = "identity"
    CASES = "cases"
    SUMMARY = "summary"
    NOTES = "notes"
    EVIDENCE = "evidence"
    PROCEDURES = "procedures"
    INSCRIPTIONS = "inscriptions"
    VICTIM_RECORDS = "victim_records"
    OTHER = "other"
    RECIPIENTS = "recipients"
    CONSULTATIONS = "consultations"


OF_A_CASE = frozenset(
    {Part.CASES, Part.SUMMARY, Part.NOTES, Part.EVIDENCE, Part.PROCEDURES, Part.INSCRIPTIONS, Part.VICTIM_RECORDS,
     Part.OTHER}
)  # fmt: skip


class Deferred(Struct, frozen=True):
    """A part that is withheld for now: in all cases, or in one."""

    part: Part
    reason: str
    """Told to the person."""
    review_on: date
    case_id: UUID | None = None


class PartDeferred(Struct, frozen=True):
    """What stands in the place of a deferred part. The case is not named: that could give away what waits."""

    deferred: Part
    reason: str
    review_on: date


class Withheld(StrEnum):
    """Why a text is not told."""

    THIRD_PARTY = "third_party"
    ERASED = "erased"


class Text(Struct, frozen=True):
    """A text as it was recorded, or why it is withheld."""

    text: str | None = None
    withheld: Withheld | None = None


class Retention(Struct, frozen=True):
    """By which rule, and until when (exclusive); no end yet when it depends on what has not happened.

    Nor where procedures wait: an end that is late or unknown would give them away, so none is told there at all.
    """

    rule: str
    fr: str
    en: str
    ends_at: datetime | None = None


class IdentityVersion(Struct, frozen=True):
    """The identity as it was recorded on that day; `values` is None once erased."""

    subject_id: UUID
    recorded_at: datetime
    values: dict[str, Any] | None
    changed: list[str]
    reason: Text | None = None


class Merge(Struct, frozen=True):
    """A duplicate that was found to be the same person."""

    subject_id: UUID
    registered_at: datetime
    merged_at: datetime
    reason: Text


class IdentityTold(Struct, frozen=True):
    versions: list[IdentityVersion]
    merged: list[Merge]
    deceased: bool
    died_on: Text | None
    retention: Retention


class NoteTold(Struct, frozen=True):
    at: datetime
    text: Text


class EvidenceTold(Struct, frozen=True):
    at: datetime
    description: Text
    sha256: Text


class ProcedureEnd(Struct, frozen=True):
    ended_on: date
    recorded_at: datetime
    outcome: Words
    limitation_basis: Text
    limitation_ends_on: date


class ProcedureTold(Struct, frozen=True):
    """A judicial procedure that names the person."""

    procedure_id: UUID
    kind: Words
    court: Text
    reference: Text
    opened_on: date
    recorded_at: datetime
    continues: UUID | None
    ongoing: bool
    ends: list[ProcedureEnd]


class ProposalTold(Struct, frozen=True):
    """What was proposed, or amended; `proportionality` is None when inherited from an imported list (L7)."""

    at: datetime
    grounds: list[Words]
    grounds_version: int
    term_months: int
    proportionality: dict[str, Text] | None


class RestrictionTold(Struct, frozen=True):
    at: datetime
    reason: Text
    lifted_at: datetime | None = None
    lifting_reason: Text | None = None


class LetterDeferral(Struct, frozen=True):
    """L12: why a letter waited, and the day that was to be reviewed."""

    at: datetime
    kind: str
    reason: Text
    review_on: date


class LetterSent(Struct, frozen=True):
    """A letter that went to the person, and what it said: word for word, but for what an access answer told of cases.

    That is kept with each case, and told with it as it stands now. No content once the person is erased, nor of a
    letter to whoever stood for them before a split (C8).
    """

    kind: str
    sent_on: date
    channel: str | None
    content: dict[str, Any] | None


class Contest(Struct, frozen=True):
    """P2: since when a request of the person restricts, and until when it did."""

    at: datetime
    settled_at: datetime | None = None


class LetterTold(Struct, frozen=True):
    """The information letter (L12): when it is due, and why it was deferred."""

    due_at: datetime
    deferral_reason: Text | None
    review_on: date | None


class DelistingTold(Struct, frozen=True):
    at: datetime
    ground: Words
    reason: Text | None


class InscriptionTold(Struct, frozen=True):
    inscription_id: UUID
    state: str
    proposals: list[ProposalTold]
    imported_from: Text | None
    """File and line of the list it comes from (L7)."""
    rejection_reason: Text | None
    inscribed_on: date | None
    recorded_at: datetime | None
    last_listed_day: date | None
    restricted: bool
    held_by: list[UUID] | PartDeferred
    """The procedures that hold it past its term (L1); they wait where the procedures do."""
    restrictions: list[RestrictionTold]
    contests: list[Contest]
    letter: LetterTold | None
    letters_deferred: list[LetterDeferral]
    letters_sent: list[LetterSent]
    delisting: DelistingTold | None
    retention: Retention


class VictimTold(Struct, frozen=True):
    """L10: the person was recorded as a victim of identity theft."""

    at: datetime
    stolen: list[dict[str, str]] | None
    """None once erased."""
    reason: Text


class OtherTold(Struct, frozen=True):
    """Anything else that was recorded: what (a code), when, its codes and dates, its texts."""

    what: str
    at: datetime
    facts: dict[str, Any]
    texts: dict[str, Text]


class SummaryTold(Struct, frozen=True):
    """What the case is about."""

    summary: Text | None
    amount_at_stake: Text | None
    reference: Text | None
    qualification: Text | None


class CaseTold(Struct, frozen=True):
    case_id: UUID
    state: str
    source: Words | None
    """None: imported from an existing list (L7)."""
    raised_on: date | None
    opened_at: datetime
    closed_at: datetime | None
    closing_outcome: Words | None
    purged_at: datetime | None
    summary: SummaryTold | PartDeferred
    notes: list[NoteTold] | PartDeferred
    evidence: list[EvidenceTold] | PartDeferred
    procedures: list[ProcedureTold] | PartDeferred
    inscriptions: list[InscriptionTold] | PartDeferred
    victim_records: list[VictimTold] | PartDeferred
    other: list[OtherTold] | PartDeferred
    retention: Retention


class DeferralTold(Struct, frozen=True):
    """P3: a part of an access answer that waited, and why, as the person was told then."""

    at: datetime
    part: str
    reason: str
    review_on: date


class RequestStep(Struct, frozen=True):
    """What a request was answered on the way: an extension, its answer, the lifting of its restriction."""

    at: datetime
    told_on: date
    text: Text | None


class RequestDecided(Struct, frozen=True):
    at: datetime
    granted: bool
    reason: Text | None


class RequestTold(Struct, frozen=True):
    """A request of the person (P1-P5)."""

    request_id: UUID
    kind: str
    received_on: date
    recorded_at: datetime
    due_on: date
    details: Text | None
    directives: Text | None
    extension: RequestStep | None
    decision: RequestDecided | None
    deferrals: list[DeferralTold]
    answer: RequestStep | None
    lifting: RequestStep | None
    letters_sent: list[LetterSent]


class Disclosed(Struct, frozen=True):
    """One telling to a recipient (S8): to whom, when, on what occasion, under which reference of theirs."""

    at: datetime
    recipient: str
    occasion: str
    reference: str | None = None
    told: Text | None = None
    """Of a communication made by hand."""


class Consulted(Struct, frozen=True):
    """One reading (T1): when, by which organisation, why. Never by whom."""

    at: datetime
    organisation: str
    purpose: str


class AccessExport(Struct, frozen=True):
    """Everything one organisation holds of one person, on one day."""

    made_at: datetime
    organisation: str
    subject_id: UUID
    kind: str
    role: str
    registered_at: datetime
    identity: IdentityTold | PartDeferred
    cases: list[CaseTold | PartDeferred] | PartDeferred
    requests: list[RequestTold]
    contests: list[Contest]
    recipients: list[Disclosed] | PartDeferred | None
    """Those who were actually told (S8); None: that is not recorded."""
    consultations: list[Consulted] | PartDeferred | None
    """None: that is not recorded."""
    left_out: Words
    purpose: Words
    format: int = 1


PURPOSE = Words(
    "lutte contre la fraude à l'assurance complémentaire santé : instruction de fraudes présumées et tenue d'une liste "
    "de personnes présumées en avoir commis (intérêt légitime, RGPD, art. 6.1.f)",
    "preventing fraud against complementary health insurance: investigating presumed fraud, and listing persons "
    "presumed to have committed it (legitimate interest, GDPR, art. 6.1.f)",
)
LEFT_OUT = Words(
    "Les données d'autres personnes et l'identité des agents ne sont pas communiquées (RGPD, art. 15.4).",
    "The data of other persons and the identity of staff are not told (GDPR, art. 15.4).",
)


def require_deferrable(deferred: Iterable[Deferred], today: date) -> None:
    """P3: each with a reason, a review date to come, and a case only where the part is one of a case's."""
    for one in deferred:
        if not one.reason.strip() or one.review_on <= today:
            raise refusals.DeferralWithoutReason("deferred")
        if one.case_id is not None and one.part not in OF_A_CASE:
            raise refusals.PartOfNoCase("deferred")


_ONE_CASE = re.compile("[0-9a-f]{32}")
WHOLE = (Part.IDENTITY, Part.CASES, Part.RECIPIENTS, Part.CONSULTATIONS)
"""All that may wait, at once."""


def part_named(name: str) -> tuple[Part, UUID | None] | None:
    """P3: what `notes`, or `cases.notes`, means in all cases, and `cases.ID.notes` in one; `cases.ID` is one case.

    The ID is the case's without hyphens. None: no part is named so.
    """
    names, case_id = name.split("."), None
    if within := names[0] == Part.CASES:
        names.pop(0)
        if names and _ONE_CASE.fullmatch(names[0]):
            case_id = UUID(names.pop(0))
        names = names or [Part.CASES.value]
    if len(names) != 1 or names[0] not in list(Part):
        return None
    part = Part(names[0])
    return None if within and part not in OF_A_CASE else (part, case_id)


def deferred_by(name: str, reason: str, review_on: date) -> list[Deferred]:
    """What waits under that name; a name that cannot be read makes everything wait, rather than nothing."""
    found = part_named(name)
    if found is None:
        return [Deferred(part, reason, review_on) for part in WHOLE]
    return [Deferred(found[0], reason, review_on, found[1])]


class _Waiting(Struct):
    part: str
    reason: str
    review_on: date


def deferrals_in(document: bytes) -> list[Deferred]:
    """Those of a request, as they were sealed with its decision."""
    sealed = msgspec.json.decode(document, type=list[_Waiting])
    return [part for one in sealed for part in deferred_by(one.part, one.reason, one.review_on)]


def deferral_of(deferred: Iterable[Deferred], part: Part, case_id: UUID | None = None) -> PartDeferred | None:
    """What stands in the place of a part: its first deferral, for all cases or for that one."""
    for one in deferred:
        if one.part is part and one.case_id in (None, case_id):
            return PartDeferred(one.part, one.reason, one.review_on)
    return None


# How long -------------------------------------------------------------------------------------


def case_retention(case: CaseMemory, unsaid: bool = False) -> Retention:
    """C1, C2, C5: how long the data of the case are kept, as far as is known, and may be told."""
    if case.state is CaseState.PURGED:
        return Retention(
            "C5",
            "données effacées ; restent des codes, des dates et des identifiants aléatoires",
            "data erased; codes, dates and random identifiers remain",
        )
    if case.state in (CaseState.ALERT, CaseState.DISMISSED, CaseState.LAPSED):
        return Retention(
            "C1",
            "six mois après l'alerte si elle n'est pas qualifiée ; aussitôt si elle n'est pas pertinente",
            "six months after the alert unless it is qualified; at once if it is not relevant",
            case.alert_ends_at,
        )
    return Retention(
        "C2",
        "cinq ans après la clôture du dossier, ou jusqu'à la fin des procédures judiciaires et de leur prescription",
        "five years from the closing of the case, or until its judicial procedures and their limitation have ended",
        None if unsaid else known(case.data_end_at),
    )


def entry_retention(ends_at: datetime | None) -> Retention:
    """L1: until when the entry is on the list, as far as is known; None for one that is not on it."""
    return Retention(
        "L1",
        "inscription de 60 mois au plus, sauf procédure judiciaire en cours à son terme ; puis avec le dossier",
        "listed for 60 months at most, unless a judicial procedure is then ongoing; then kept with the case",
        known(ends_at),
    )


def identity_retention(cases: Iterable[CaseMemory], unsaid: Container[UUID] = ()) -> Retention:
    """P6: as long as a case that is kept concerns the person: until the last of them, when all ends may be told."""
    kept = (case for case in cases if case.state is not CaseState.PURGED)
    ends = [None if case.id in unsaid else case_retention(case).ends_at for case in kept]
    return Retention(
        "P6",
        "tant qu'un dossier conservé concerne la personne, puis effacement",
        "as long as a case that is kept concerns the person, then erased",
        max((end for end in ends if end is not None), default=None) if None not in ends else None,
    )


def known(end: datetime | None) -> datetime | None:
    """An end that is known; what a procedure still holds has none."""
    return None if end == retention.NEVER else end
