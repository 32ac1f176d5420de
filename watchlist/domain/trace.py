"""Traces: who asked for what, and who was told of whom (T1, S6, S8). Records of their own, apart from the events."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from watchlist.domain.commitment import Sealed
from watchlist.domain.operator import Role

ACKNOWLEDGED_WITHIN = timedelta(days=3)
"""Ours (S8): how long whoever is told that a hit stopped, or resumed, has to acknowledge it."""


class Recipient(StrEnum):
    """S8: to whom anything about a subject may be told."""

    INSURER = "insurer"
    THIRD_PARTY_PAYER = "third_party_payer"
    INTERMEDIARY = "intermediary"
    SOCIAL_OR_PROFESSIONAL_BODY = "social_or_professional_body"
    JUDICIAL_AUTHORITY = "judicial_authority"
    MEDIATOR = "mediator"
    OFFICER_OF_THE_COURT = "officer_of_the_court"
    AUTHORISED_THIRD_PARTY = "authorised_third_party"
    ALFA = "alfa"
    VICTIM = "victim"


def recipient_of_a_hit(purpose: str | None) -> Recipient:
    """S8: whom a hit was told, by what it was asked for: before a payment its operator, otherwise an insurer."""
    return Recipient.THIRD_PARTY_PAYER if purpose == "third_party_payment" else Recipient.INSURER


class Asking(Struct, frozen=True):
    """Who makes a request, by which key, in which of its operations."""

    operation: str
    """The operation's id in the OpenAPI."""
    operator_id: UUID
    organisation: str
    role: Role
    key_id: str | None
    request_id: str


class Access(Struct, frozen=True):
    """T1: one request that touched personal data or screened."""

    at: datetime
    asking: Asking
    reference: str | None = None
    purpose: str | None = None
    screening_id: UUID | None = None
    asked: int = 0
    """Of a screening: how many subjects; never which."""
    subject_ids: tuple[UUID, ...] = ()
    """Hit or opened, and nobody who was searched for in vain."""
    owners: tuple[UUID, ...] = ()
    """Whose sealed values were opened, cases among them: they stand for the subjects they are about."""


class Hit(Struct, frozen=True):
    """One question of a screening that an entry answered: what its disclosure needs (S8)."""

    key: str
    inscription_id: UUID
    digests: tuple[bytes, ...]
    given: tuple[bytes, ...]
    generation: int
    question: bytes
    """Under the key that does not rotate: the same question, however often it is asked (S7)."""
    met: tuple[bytes, bytes | None] | None = None
    """The look-up that answered it, its digest and its given names: as long as it is there, so is the hit."""


class DisclosureKind(StrEnum):
    """What a disclosure was."""

    HIT = "hit"
    DETAIL = "detail"
    """An answer of the owning organisation to a question about a hit."""
    BY_HAND = "by_hand"


class ByHand(Struct, frozen=True):
    """S8: a communication that a person made; what was told, on which basis and to whom by name is sealed."""

    id: UUID
    recipient: Recipient
    told_on: date
    told: Sealed
    case_id: UUID | None = None


class Telling(Struct, frozen=True):
    """One disclosure, as the person concerned may know it (P3)."""

    at: datetime
    kind: str
    recipient: str
    organisation: str | None
    subject_id: UUID
    screening_id: UUID | None
    told: Sealed | None
    """Of a communication made by hand: where its words are."""


class Reading(Struct, frozen=True):
    """One access, as the person concerned may know it: never by whom (P3)."""

    at: datetime
    organisation: str
    role: Role
    purpose: str | None


def is_late(
    told_at: datetime,
    acknowledged_at: datetime | None,
    now: datetime,
    within: timedelta = ACKNOWLEDGED_WITHIN,
) -> bool:
    """S8: whether a change was not acknowledged in time, then or until now."""
    return (acknowledged_at or now) > told_at + within


READ_FOR = {
    Role.INVESTIGATOR: "investigation",
    Role.SUPERVISOR: "investigation",
    Role.DPO: "data_protection",
    Role.AUDITOR: "audit",
}


def purpose_of(reading: Reading) -> str:
    """P3: why a person's data were looked at: what a screening was asked for, else what the reader is there for."""
    return reading.purpose or READ_FOR.get(reading.role, reading.role.value)
