"""Erasure: what is forgotten, by which rule, and the certificate that remains and identifies nobody (P6, C5)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from watchlist.domain import periods
from watchlist.domain.case_events import PurgeBasis
from watchlist.domain.subject import ErasureBasis


class ErasureKind(StrEnum):
    """What had a key of its own, or in the case of a text only a value under its case's."""

    SUBJECT = "subject"
    CASE = "case"
    IMPORT = "import"
    TEXT = "text"


RULES = {
    PurgeBasis.NOT_RELEVANT: "C1",
    PurgeBasis.ALERT_EXPIRED: "C1",
    PurgeBasis.RETENTION: "C2",
    PurgeBasis.ERASURE_UPHELD: "P6",
    PurgeBasis.RESTORED: "P6",
}
"""The rule that each purge follows."""


class JournalEntry(Struct, frozen=True):
    """One line of the erasure journal: random ids only; `digest` chains it to all before it."""

    sequence: int
    kind: ErasureKind
    owner: UUID
    at: datetime
    digest: str


class Certificate(Struct, frozen=True):
    """What can be told of one erasure for ever: whose records no longer says anything."""

    owner: UUID
    kind: ErasureKind
    organisation: str
    basis: PurgeBasis | ErasureBasis | str
    rule: str
    decided_at: datetime
    completed_at: datetime | None


def complete_on(destroyed_at: datetime, backups: timedelta) -> date:
    """P6: an erasure is complete only when the last backup that holds the key has expired; that civil date."""
    return periods.civil_date(destroyed_at + backups)
