"""Who may act: issue and revoke keys, record who left, and tell whose a presented key is (T2, T3).

Plain functions for the command line and the API alike; `organisation` None means: of any organisation.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from watchlist.domain import refusals
from watchlist.domain.operator import LONGEST_NAME, ORGANISATION_CODE, ApiKey, Operator, Role
from watchlist.ports import Clock, Operators

FIRST_OPERATOR = UUID(int=0)
FIRST_KEY = ""
PAGE = 500
_PRESENTED = re.compile(r"([0-9a-f]{16})\.([A-Za-z0-9_-]{43})")


class NoSuchOperator(refusals.NotFound):
    """There is no such operator in your organisation.

    fr: Cette personne habilitée n'existe pas dans votre organisme.
    """


class NoSuchKey(refusals.NotFound):
    """There is no such key in your organisation.

    fr: Cette clé n'existe pas dans votre organisme.
    """


class OperatorLeft(refusals.Conflict):
    """The operator has left and gets no key any more (T2).

    fr: La personne habilitée est partie et ne reçoit plus de clé (T2).
    """


class OrganisationCode(refusals.Malformed):
    """An organisation's code has 1 to 32 capital letters, digits, - and _, the first a letter or digit.

    fr: Le code d'un organisme compte 1 à 32 capitales, chiffres, - et _, et commence par une lettre ou un chiffre.
    """


class OperatorName(refusals.Malformed):
    """An operator's name has 1 to 200 printable characters.

    fr: Le nom d'une personne habilitée compte 1 à 200 caractères imprimables.
    """


class KeyExpiresInThePast(refusals.Malformed):
    """The expiry is in the past; give an instant to come.

    fr: L'expiration est passée ; donnez un instant à venir.
    """


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key, shown once: only the SHA-256 of its secret is kept."""

    key: ApiKey
    operator: Operator
    presented: str

    def __repr__(self) -> str:
        return f"IssuedKey({self.key.key_id}, sealed)"


def add_operator(operators: Operators, organisation: str, name: str) -> tuple[Operator, bool]:
    """The operator of that name, and whether it is new; the organisation too, when it is."""
    if not ORGANISATION_CODE.fullmatch(organisation):
        raise OrganisationCode("organisation")
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise OperatorName("name")
    wanted = Operator(uuid4(), organisation, name)
    kept = operators.add(wanted)
    return kept, kept.operator_id == wanted.operator_id


def issue_key(
    operators: Operators,
    clock: Clock,
    name: str,
    role: Role,
    organisation: str,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """A key for the operator of that name; organisation and operator are created when new."""
    now = clock.now()
    if expires_at is not None and expires_at <= now:
        raise KeyExpiresInThePast("expires_at")
    operator, _ = add_operator(operators, organisation, name)
    if operator.left_at is not None:
        raise OperatorLeft("operator", state="left")
    key = ApiKey(secrets.token_hex(8), operator.operator_id, role, now, expires_at)
    secret = secrets.token_urlsafe(32)
    operators.keep_key(key, _digest(secret))
    return IssuedKey(key, operator, f"{key.key_id}.{secret}")


def revoke_key(
    operators: Operators, clock: Clock, key_id: str, organisation: str | None = None
) -> tuple[ApiKey, Operator]:
    """The key opens nothing from now on; one already revoked stays as it was."""
    found = operators.key(key_id)
    if found is None or organisation not in (None, found[1].organisation):
        raise NoSuchKey()
    key, operator, _ = found
    if key.revoked_at is None:
        now = clock.now()
        key = replace(key, revoked_at=now)
        operators.revoke(key_id, now)
    return key, operator


def leave(operators: Operators, clock: Clock, operator_id: UUID, organisation: str | None = None) -> Operator:
    """T2: a leaver's rights end at once, whatever keys they hold."""
    operator = operators.operator(operator_id)
    if operator is None or organisation not in (None, operator.organisation):
        raise NoSuchOperator()
    if operator.left_at is None:
        now = clock.now()
        operator = replace(operator, left_at=now)
        operators.leave(operator_id, now)
    return operator


def list_operators(operators: Operators, organisation: str | None = None) -> Iterator[Operator]:
    """All of them, in bounded memory."""
    after = FIRST_OPERATOR
    while page := operators.operators(organisation, after, PAGE):
        yield from page
        after = page[-1].operator_id


def list_keys(operators: Operators, organisation: str | None = None) -> Iterator[tuple[ApiKey, Operator]]:
    """All of them, revoked and expired ones too, in bounded memory."""
    after = FIRST_KEY
    while page := operators.keys(organisation, after, PAGE):
        yield from page
        after = page[-1][0].key_id


def holder_of(operators: Operators, clock: Clock, presented: str) -> tuple[ApiKey, Operator] | None:
    """Whose key that is; None unless it opens now."""
    parts = _PRESENTED.fullmatch(presented)
    found = operators.key(parts[1]) if parts else None
    if parts is None or found is None:
        return None
    key, operator, secret_sha256 = found
    right = hmac.compare_digest(secret_sha256, _digest(parts[2]))
    return (key, operator) if right and operator.left_at is None and key.opens_at(clock.now()) else None


def _digest(secret: str) -> bytes:
    """A plain digest suffices: the secret has 256 random bits, nothing can be guessed."""
    return hashlib.sha256(secret.encode()).digest()
