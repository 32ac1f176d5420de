"""Dossiers: how a subject stood on a day, and what proves it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from api.fields import Answered, Id, Organisation, Position
from watchlist.domain.dossier import Listed
from watchlist.domain.inscription import Ground, State
from watchlist.domain.trace import DisclosureKind, Recipient


class Sentence(Answered):
    """The answer in words: listed, never more than presumed."""

    fr: str
    en: str
    code: Listed


class NotProven(Answered):
    """What the leaves of a dossier do not prove by themselves."""

    fr: str
    en: str


class DayPart(Answered):
    start: datetime = Field(alias="from")
    until: datetime = Field(description="exclusive")


class EntrySpan(Answered):
    since: datetime
    until: datetime = Field(description="exclusive")
    restricted: bool
    held: bool = Field(description="past its term, a judicial procedure holds it (L1)")


class DossierStep(Answered):
    """One thing that was decided or recorded: its facts stand in the leaf at that position."""

    position: Position
    what: str = Field(description="the topic of the event", examples=["inscription.approved"])
    at: datetime
    recorded_at: datetime
    by: Id
    stream: Id
    version: int
    format: int = Field(description="of the event: which version of its form it was recorded in")
    facts: dict[str, Any] = Field(description="codes, dates and random ids; what was sealed is left out")


class DossierEntry(Answered):
    """One entry, as it was known when the day was over."""

    inscription_id: Id
    case_id: Id
    subject_id: Id
    known_as_theirs_then: bool = Field(description="false: found only later to be of this person (C8)")
    theirs_now: bool = Field(description="false: a merge was undone since (C8)")
    state: State
    listed: Listed
    spans: list[EntrySpan]
    listed_since: datetime | None
    inscribed_on: date | None
    term_months: int
    last_listed_day: date | None
    ends_at: datetime | None = Field(description="as far as was known then; null: none, a procedure held it")
    held_by: list[UUID]
    restricted: bool
    grounds: list[Ground]
    grounds_version: int = Field(description="of the list of grounds it was proposed under (L6)")
    imported: bool
    proposed_by: Id
    last_amended_by: Id
    approved_by: UUID | None
    steps: list[DossierStep]


class Telling(Answered):
    """Who was told of the person, and when (S8)."""

    at: datetime
    kind: DisclosureKind
    recipient: Recipient
    organisation: str | None
    screening_id: UUID | None
    subject_id: Id


class LearntLater(Answered):
    """What was recorded or told after that day: nothing of it changes how the person stood."""

    steps: list[DossierStep]
    told: list[Telling]


class DossierIdentity(Answered):
    """The identity that was registered by that day; its commitment in the leaf is HMAC-SHA-256(nonce, value)."""

    subject_id: Id
    erased: bool
    position: Position
    commitment: str = Field(description="base64, as the leaf keeps it")
    nonce: str | None = Field(description="base64; null: not told, or erased")
    value: str | None = Field(description="the very bytes that were registered, in UTF-8")
    fields: dict[str, Any] | None


class InclusionProof(Answered):
    leaf: str = Field(description="the line of the event, as it was sealed")
    leaf_index: int
    tree_size: int
    path: list[str] = Field(description="hexadecimal, from the leaf to the root (RFC 9162)")


class Dossier(Answered):
    """Whether somebody was listed on a day, since when, by whose decision, who was told; with its proofs."""

    format: int
    subject_id: Id
    day: date
    start: datetime = Field(alias="from")
    until: datetime = Field(description="exclusive; earlier than the end of the day while that is not over")
    complete: bool = Field(description="whether the day is over")
    organisation: Organisation
    subjects_then: list[UUID] = Field(description="the ids that stood for this person then (C8)")
    subjects_now: list[UUID]
    in_words: Sentence
    listed: Listed
    answered: Listed = Field(description="listed and not restricted")
    spans: list[DayPart]
    entries: list[DossierEntry]
    told: list[Telling]
    learnt_later: LearntLater
    not_proven: NotProven
    identity: DossierIdentity
    proofs: list[InclusionProof]
    not_sealed: list[int] = Field(description="positions that no checkpoint covers yet")
    checkpoint: str | None = Field(description="the signed note that the proofs lead to")
    keys: list[str] = Field(description="the public keys of the log; compare them with the published ones")
    signature: str | None = Field(
        default=None,
        description="a note by the log over `watchlist-dossier/v1` and the SHA-256 of the body without this member",
    )
