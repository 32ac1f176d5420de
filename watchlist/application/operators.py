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
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from watchlist.domain import refusals
from watchlist.domain.operator import ORGANISATION_CODE, ApiKey, Habilitation, Operator, Role, is_a_name
from watchlist.domain.passport import NotAdmitted, Reason
from watchlist.domain.scope import Scope
from watchlist.ports.clock import Clock
from watchlist.ports.operators import Operators

FIRST_OPERATOR = UUID(int=0)
FIRST_KEY = ""
PAGE = 500
ROTATION_GRACE = timedelta(days=7)
"""How long the older key of a rotation lives on, unless told otherwise."""
LONGEST_GRACE = timedelta(days=90)
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


class SandboxRole(refusals.Malformed):
    """A key of the sandbox is an integrator's.

    fr: Une clé du bac à sable est celle d'un intégrateur.
    """


class NothingInScope(refusals.Malformed):
    """A key that is narrowed keeps one scope at least; leave `scopes` out for all that its role may.

    fr: Une clé limitée garde au moins un périmètre ; omettez « scopes » pour tout ce que permet son rôle.
    """


class GraceOutOfRange(refusals.Malformed):
    """The older key of a rotation lives on for 0 to 90 days.

    fr: L'ancienne clé d'un renouvellement vit encore 0 à 90 jours.
    """


class KeyNotLive(refusals.Conflict):
    """The key opens nothing any more: issue another.

    fr: La clé n'ouvre plus rien : délivrez-en une autre.
    """


class RotationUnderWay(refusals.Conflict):
    """Two keys of this rotation are live already: wait until the older expires, or revoke one.

    fr: Deux clés de ce renouvellement sont déjà actives : attendez que l'ancienne expire, ou révoquez-en une.
    """


@dataclass(frozen=True, slots=True)
class Grant:
    """What a new key opens, and until when."""

    role: Role
    expires_at: datetime | None = None
    scopes: frozenset[Scope] | None = None
    """None: everything that the role may."""
    sandbox: bool = False


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
    if not is_a_name(name):
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
    return grant_key(operators, clock, name, organisation, Grant(role, expires_at))


def grant_key(operators: Operators, clock: Clock, name: str, organisation: str, grant: Grant) -> IssuedKey:
    """The same, perhaps narrowed or of the sandbox."""
    now = clock.now()
    _require_grantable(grant, now)
    operator, _ = add_operator(operators, organisation, name)
    if operator.left_at is not None:
        raise OperatorLeft("operator", state="left")
    key_id = secrets.token_hex(8)
    key = ApiKey(
        key_id,
        operator.operator_id,
        grant.role,
        now,
        grant.expires_at,
        scopes=grant.scopes,
        sandbox=grant.sandbox,
        family=key_id,
    )
    secret = secrets.token_urlsafe(32)
    operators.keep_key(key, _digest(secret))
    return IssuedKey(key, operator, f"{key_id}.{secret}")


def _require_grantable(grant: Grant, now: datetime) -> None:
    if grant.expires_at is not None and grant.expires_at <= now:
        raise KeyExpiresInThePast("expires_at")
    if grant.sandbox and grant.role is not Role.INTEGRATOR:
        raise SandboxRole("sandbox")
    if grant.scopes is not None and not grant.scopes:
        raise NothingInScope("scopes")


def rotate_key(
    operators: Operators,
    clock: Clock,
    key_id: str,
    organisation: str | None = None,
    grace: timedelta = ROTATION_GRACE,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """A successor that opens the same; both live until the older expires, after the grace at the latest.

    It lives as long as its predecessor was issued for, unless its expiry is given. Two keys of one rotation at most
    are live at once, so that a client always knows which of its keys is the new one.
    """
    now = clock.now()
    if not timedelta(0) <= grace <= LONGEST_GRACE:
        raise GraceOutOfRange("grace_days")
    if expires_at is not None and expires_at <= now:
        raise KeyExpiresInThePast("expires_at")
    older, operator = _key_found(operators, key_id, organisation)
    if operator.left_at is not None:
        raise OperatorLeft("operator", state="left")
    if not older.opens_at(now):
        raise KeyNotLive(state="revoked" if older.revoked_at else "expired")
    if operators.live_keys(older.family, now) > 1:
        raise RotationUnderWay(state="rotating")
    key, secret = _successor(older, now, expires_at), secrets.token_urlsafe(32)
    if not operators.succeed_key(key, _digest(secret), now + grace, now):
        raise RotationUnderWay(state="rotating")
    return IssuedKey(key, operator, f"{key.key_id}.{secret}")


def _successor(older: ApiKey, now: datetime, expires_at: datetime | None) -> ApiKey:
    if expires_at is None and older.expires_at is not None:
        expires_at = now + (older.expires_at - older.issued_at)
    return replace(
        older,
        key_id=secrets.token_hex(8),
        issued_at=now,
        expires_at=expires_at,
        rotated_from=older.key_id,
        last_used_at=None,
    )


def revoke_key(
    operators: Operators, clock: Clock, key_id: str, organisation: str | None = None
) -> tuple[ApiKey, Operator]:
    """The key opens nothing from now on; one already revoked stays as it was."""
    key, operator = _key_found(operators, key_id, organisation)
    if key.revoked_at is None:
        now = clock.now()
        key = replace(key, revoked_at=now)
        operators.revoke(key_id, now)
    return key, operator


def _key_found(operators: Operators, key_id: str, organisation: str | None) -> tuple[ApiKey, Operator]:
    found = operators.key(key_id)
    if found is None or organisation not in (None, found[1].organisation):
        raise NoSuchKey()
    return found[0], found[1]


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


def review_habilitation(
    operators: Operators, clock: Clock, operator_id: UUID, reviewed_by: UUID, organisation: str | None = None
) -> Habilitation:
    """T2: somebody looked at what an operator may do, and it stands; due again in a year."""
    now = clock.now()
    operator = operators.operator(operator_id)
    if operator is None or organisation not in (None, operator.organisation):
        raise NoSuchOperator()
    if operator.left_at is not None:
        raise OperatorLeft(state="left")
    operators.review(operator_id, reviewed_by, now)
    return operators.habilitations(organisation, now, FIRST_OPERATOR, 1, operator_id)[0]


def list_operators(operators: Operators, organisation: str | None = None) -> Iterator[Operator]:
    """All of them, in bounded memory."""
    after = FIRST_OPERATOR
    while page := operators.operators(organisation, after, PAGE):
        yield from page
        after = page[-1].operator_id


def habilitations(
    operators: Operators, clock: Clock, organisation: str | None = None
) -> Iterator[Habilitation]:
    """What all of them hold now, in bounded memory."""
    now, after = clock.now(), FIRST_OPERATOR
    while page := operators.habilitations(organisation, now, after, PAGE):
        yield from page
        after = page[-1].operator.operator_id


def list_keys(operators: Operators, organisation: str | None = None) -> Iterator[tuple[ApiKey, Operator]]:
    """All of them, revoked and expired ones too, in bounded memory."""
    after = FIRST_KEY
    while page := operators.keys(organisation, after, PAGE):
        yield from page
        after = page[-1][0].key_id


def holder_of(operators: Operators, clock: Clock, presented: str) -> tuple[ApiKey, Operator]:
    """Whose key that is, when it opens now; raises NotAdmitted."""
    parts = _PRESENTED.fullmatch(presented)
    if parts is None:
        raise NotAdmitted(Reason.MALFORMED)
    found = operators.key(parts[1])
    if found is None:
        raise NotAdmitted(Reason.UNKNOWN_KEY)
    key, operator, secret_sha256 = found
    refused = _refused(key, operator, hmac.compare_digest(secret_sha256, _digest(parts[2])), clock.now())
    if refused is not None:
        raise NotAdmitted(refused, key.key_id)
    return key, operator


def _refused(key: ApiKey, operator: Operator, right: bool, now: datetime) -> Reason | None:
    if not right:
        return Reason.WRONG
    if operator.left_at is not None:
        return Reason.LEFT
    if key.revoked_at is not None:
        return Reason.REVOKED
    return Reason.EXPIRED if key.has_expired(now) else None


def _digest(secret: str) -> bytes:
    """A plain digest suffices: the secret has 256 random bits, nothing can be guessed."""
    return hashlib.sha256(secret.encode()).digest()
