"""Reports for auditors: what should not be, or should be looked at, each named once with its rule (T3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Report(StrEnum):
    FOUR_EYES = "four_eyes"
    HELD = "held"
    LATE_PURGES = "late_purges"
    LATE_NOTICES = "late_notices"
    UNREVIEWED_HITS = "unreviewed_hits"


class Subject(Struct, frozen=True):
    """What a report shows."""

    rule: str
    """The mark of the rule in domain.md."""
    fr: str
    en: str


REPORTS: Mapping[Report, Subject] = {
    Report.FOUR_EYES: Subject(
        "L5",
        "Inscriptions approuvées par qui les avait proposées ou modifiées, ou par qui n'en avait plus le droit.",
        "Entries approved by whoever proposed or amended them, or by who had left.",
    ),
    Report.HELD: Subject(
        "L13",
        "Inscriptions maintenues au-delà de leur durée, et les procédures qui les maintiennent.",
        "Entries held past their term, and the procedures that hold them.",
    ),
    Report.LATE_PURGES: Subject(
        "C1, C2",
        "Données de dossiers purgées plus d'un jour après leur échéance, ou encore conservées.",
        "Data of cases purged more than a day after they were due to go, or kept still.",
    ),
    Report.LATE_NOTICES: Subject(
        "L12",
        "Lettres d'information envoyées en retard ou en retard aujourd'hui, ou devancées par une réponse positive.",
        "Information letters sent late or late now, or overtaken by a hit that was told.",
    ),
    Report.UNREVIEWED_HITS: Subject(
        "S7",
        "Réponses positives dont le contrôle humain n'a pas été enregistré.",
        "Hits of which no human review was recorded.",
    ),
}


class Unseconded(StrEnum):
    """Why the approval of an entry was not that of a second person with the right to it."""

    BY_PROPOSER = "by_proposer"
    BY_AMENDER = "by_amender"
    BY_IMPORTER = "by_importer"
    SAME_PERSON = "same_person"
    """Two operators, one person: of two organisations, or known twice."""
    HAD_LEFT = "had_left"


class Hand(Struct, frozen=True):
    """An operator, as they are known now."""

    operator_id: UUID
    person: str | None
    """The name as persons are compared by it; None: the operator is not known here."""
    left_at: datetime | None = None


class Approval(Struct, frozen=True):
    """Who decided an entry."""

    approved_at: datetime
    approver: Hand
    proposer: Hand
    amender: Hand
    importer: Hand | None = None


def unseconded(approval: Approval) -> list[Unseconded]:
    """L5: what is wrong with an approval, persons compared and not keys; nothing, for those made as the rule asks."""
    one = approval.approver
    by_id = (
        (approval.proposer, Unseconded.BY_PROPOSER),
        (approval.amender, Unseconded.BY_AMENDER),
        (approval.importer, Unseconded.BY_IMPORTER),
    )
    found = [why for hand, why in by_id if hand is not None and hand.operator_id == one.operator_id]
    others = [hand for hand, _ in by_id if hand is not None and hand.operator_id != one.operator_id]
    if one.person is not None and any(other.person == one.person for other in others):
        found.append(Unseconded.SAME_PERSON)
    if one.left_at is not None and one.left_at <= approval.approved_at:
        found.append(Unseconded.HAD_LEFT)
    return found


class Lateness(StrEnum):
    """In which way an information letter was late (L12)."""

    SENT_LATE = "sent_late"
    LATE_NOW = "late_now"
    HIT_TOLD_BEFORE = "hit_told_before"
