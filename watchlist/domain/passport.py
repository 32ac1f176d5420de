"""A passport: what an identity provider says of who asks, as far as it is believed here (T2).

Nothing here verifies a signature; what is decided is what a verified token says, and whether that suffices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from watchlist.domain.operator import ORGANISATION_CODE, Role, is_a_name

LEEWAY_SECONDS = 30
"""How far the issuer's clock may be off ours."""
LATEST = 1e11
"""Seconds since 1970: what is later is no instant."""
LONGEST_SUBJECT = 255
"""Of a `sub`, as OpenID Connect has it."""
TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
"""What a token may say it is: an access token. A logout or a proof token signed with the same key is none."""
ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    **{f"{family}{bits}": ("RSA", None) for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The signatures that can be allowed, and the kind and curve of key that each needs: never none, never a shared
secret, so that nobody who can verify a token can make one."""
USUAL_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
USUAL_ROLES = {role.value: role for role in (Role.INVESTIGATOR, Role.SUPERVISOR, Role.INTEGRATOR, Role.DPO)}
"""What is believed unless said otherwise. Admins give out rights, auditors read every organisation: an issuer gives
these roles only when the settings name them."""


class Reason(StrEnum):
    """Why somebody was not let in: what the log says, and the answer does not."""

    MISSING = "missing"
    REPEATED = "repeated"
    SCHEME = "scheme"
    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    WRONG = "wrong"
    """Of a key that there is, another secret."""
    REVOKED = "revoked"
    EXPIRED = "expired"
    LEFT = "left"
    ISSUER = "issuer"
    ALGORITHM = "algorithm"
    TYPE = "type"
    UNKNOWN_KID = "unknown_kid"
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    NOT_YET_VALID = "not_yet_valid"
    CLAIM = "claim"
    ROLE = "role"
    ORGANISATION = "organisation"
    NAME = "name"


class NotAdmitted(Exception):
    """Whoever asks was not let in; nothing of what they presented is in it."""

    def __init__(self, reason: Reason, key_id: str | None = None) -> None:
        self.reason, self.key_id = reason, key_id
        super().__init__(reason.value)


@dataclass(frozen=True, slots=True)
class Issuer:
    """An identity provider whose tokens are accepted, and what of them is believed."""

    url: str
    """As `iss` says it, to the letter."""
    audiences: frozenset[str]
    jwks_url: str | None = None
    """Where its keys are; None: where its discovery document says."""
    algorithms: frozenset[str] = frozenset(USUAL_ALGORITHMS)
    role_claim: str = "roles"
    roles: Mapping[str, Role] = field(default_factory=lambda: dict(USUAL_ROLES))
    """What the claim says -> the role it means; what is not here means nothing."""
    organisation_claim: str = "organisation"
    organisations: Mapping[str, str] = field(default_factory=dict)
    """What the claim says -> the organisation it means, and no other; none: the code of one that is known here."""
    name_claim: str = "name"
    """Of the person: by it they are one with an operator of that name (L5). One that they cannot change themselves."""


@dataclass(frozen=True, slots=True)
class Passport:
    """What a token says of its holder."""

    issuer: str
    subject: str
    name: str
    roles: frozenset[Role]
    organisation: str
    organisation_is_named: bool
    """Whether the settings name it: then it is made known by its first operator."""
    expires_at: datetime


Claims = Mapping[str, Any]


def require_header(header: Claims, issuer: Issuer) -> str:
    """The algorithm of a token's header, when it is one to go on with."""
    if "crit" in header or "b64" in header:
        raise NotAdmitted(Reason.MALFORMED)
    if str(header.get("typ", "JWT")).lower() not in TYPES:
        raise NotAdmitted(Reason.TYPE)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms or algorithm not in ALGORITHMS:
        raise NotAdmitted(Reason.ALGORITHM)
    return algorithm


def serves(jwk: Claims, algorithm: str) -> bool:
    """Whether a published key may verify signatures of that algorithm."""
    kind, curve = ALGORITHMS[algorithm]
    return (
        jwk.get("kty") == kind
        and jwk.get("alg", algorithm) == algorithm
        and jwk.get("use", "sig") == "sig"
        and (curve is None or jwk.get("crv") == curve)
    )


def passport_of(claims: Claims, issuer: Issuer, now: datetime) -> Passport:
    """What a token with these claims, its signature verified, says of its holder; NotAdmitted."""
    if claims.get("iss") != issuer.url:
        raise NotAdmitted(Reason.ISSUER)
    if issuer.audiences.isdisjoint(_texts(claims.get("aud"))):
        raise NotAdmitted(Reason.AUDIENCE)
    expires_at = require_in_force(claims, now)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT:
        raise NotAdmitted(Reason.CLAIM)
    organisation, named = _organisation(claims, issuer)
    name, roles = _name(claims, issuer), _roles(claims, issuer)
    return Passport(issuer.url, subject, name, roles, organisation, named, expires_at)


def require_in_force(claims: Claims, now: datetime) -> datetime:
    """When it expires, which it must say; neither over nor to come, but for the leeway."""
    expires, at = _instant(claims, "exp"), now.timestamp()
    if expires is None:
        raise NotAdmitted(Reason.CLAIM)
    if expires + LEEWAY_SECONDS <= at:
        raise NotAdmitted(Reason.EXPIRED)
    for name in ("nbf", "iat"):
        begins = _instant(claims, name)
        if begins is not None and at < begins - LEEWAY_SECONDS:
            raise NotAdmitted(Reason.NOT_YET_VALID)
    return datetime.fromtimestamp(expires + LEEWAY_SECONDS, UTC)


def at_path(claims: Claims, path: str) -> Any:
    """The claim of that name, or at the end of that dotted path; None."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _roles(claims: Claims, issuer: Issuer) -> frozenset[Role]:
    said = _texts(at_path(claims, issuer.role_claim))
    roles = frozenset(issuer.roles[text] for text in said if text in issuer.roles)
    if not roles:
        raise NotAdmitted(Reason.ROLE)
    return roles


def _organisation(claims: Claims, issuer: Issuer) -> tuple[str, bool]:
    said = _texts(at_path(claims, issuer.organisation_claim))
    if len(said) != 1:
        raise NotAdmitted(Reason.ORGANISATION)
    if issuer.organisations:
        meant = issuer.organisations.get(said[0])
    else:
        meant = said[0] if ORGANISATION_CODE.fullmatch(said[0]) else None
    if meant is None:
        raise NotAdmitted(Reason.ORGANISATION)
    return meant, bool(issuer.organisations)


def _name(claims: Claims, issuer: Issuer) -> str:
    said = at_path(claims, issuer.name_claim)
    name = said.strip() if isinstance(said, str) else ""
    if not is_a_name(name):
        raise NotAdmitted(Reason.NAME)
    return name


def _texts(said: Any) -> Sequence[str]:
    """A claim of one text, or of several."""
    several: Iterable[Any] = said if isinstance(said, list) else (said,)
    return [text for text in several if isinstance(text, str)]


def _instant(claims: Claims, name: str) -> float | None:
    """A NumericDate; None when it is not said, NotAdmitted when it is none."""
    said = claims.get(name)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said < LATEST:
        raise NotAdmitted(Reason.CLAIM)
    return float(said)
