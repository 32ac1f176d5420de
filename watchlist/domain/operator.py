"""Who may act: an operator of one organisation, and the keys by which they are known (C6, T2)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

ORGANISATION_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,31}")
"""The code of a member organisation."""
LONGEST_NAME = 200


def one_person(name: str) -> str:
    """The name as persons are told apart by it (L5): without case, spelling of accents, or spaces too many."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class Role(StrEnum):
    """What a key allows."""

    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    INTEGRATOR = "integrator"
    AUDITOR = "auditor"
    DPO = "dpo"
    ADMIN = "admin"

    @property
    def reads_all(self) -> bool:
        """T3: auditors read what every organisation recorded; everyone else their own (C6)."""
        return self is Role.AUDITOR


@dataclass(frozen=True, slots=True)
class Operator:
    """A person or system account. Events know it by its random id alone."""

    operator_id: UUID
    organisation: str
    name: str
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of an operator; its secret is not here, and its digest only in the store."""

    key_id: str
    operator_id: UUID
    role: Role
    issued_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def opens_at(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
