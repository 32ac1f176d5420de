"""Who may act: an operator of one organisation, and the keys by which they are known (C6, T2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from watchlist.domain import periods
from watchlist.domain.scope import Scope

ORGANISATION_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,31}")
"""The code of a member organisation."""
LONGEST_NAME = 200
EXPIRES_SOON = timedelta(days=30)
"""From when on a key is shown as one to rotate."""
REVIEW_MONTHS = 12
"""T2: how long a habilitation stands until it is reviewed."""


def one_person(name: str) -> str:
    """The name as persons are told apart by it (L5): without case, spelling of accents, or spaces too many."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def is_a_name(name: str) -> bool:
    return 1 <= len(name) <= LONGEST_NAME and name.isprintable()


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


def acting_as(held: Collection[Role], allowed: Collection[Role]) -> Role | None:
    """As what somebody of several roles acts where some are allowed: whoever reads all only when nothing else fits.

    Four eyes compares persons (L5): whoever investigates and supervises still approves nothing of their own.
    """
    fitting = [role for role in Role if role in held and role in allowed]
    return min(fitting, key=lambda role: role.reads_all, default=None)


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
    scopes: frozenset[Scope] | None = None
    """What it is narrowed to; None: everything that its role may."""
    sandbox: bool = False
    """Whether it asks the sandbox, of test identifiers, and never the list."""
    rotated_from: str | None = None
    family: str = ""
    """The first key of its rotations: whom a client is known by, whichever of the two live keys it uses."""
    last_used_at: datetime | None = None
    """To about a minute."""

    def opens_at(self, at: datetime) -> bool:
        return self.revoked_at is None and not self.has_expired(at)

    def has_expired(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def expires_soon(self, at: datetime) -> bool:
        """Whether it opens now, and will not for long."""
        return self.opens_at(at) and self.expires_at is not None and self.expires_at <= at + EXPIRES_SOON


@dataclass(frozen=True, slots=True)
class Habilitation:
    """T2: what an operator may do at an instant, since when, and when somebody last looked at it."""

    operator: Operator
    live_keys: int
    roles: tuple[Role, ...]
    """Of the live keys, and of the last token."""
    since: datetime | None
    """Of the first key or token; None: nothing was ever given."""
    last_used_at: datetime | None
    reviewed_at: datetime | None

    def review_due_at(self, months: int = REVIEW_MONTHS) -> datetime | None:
        """T2: a habilitation is reviewed every year, counted from when it was given or last reviewed.

        Nothing is due of a leaver, nor of whoever holds nothing.
        """
        since = self.reviewed_at or self.since
        if since is None or self.operator.left_at is not None or not self.roles:
            return None
        return periods.end_of(periods.civil_date(since), months)
