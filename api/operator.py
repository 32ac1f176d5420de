"""Who asks: the operator behind an API key or a token, and the role in which they act (T2, T3)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from api.problems import Unauthenticated
from api.sandbox import require_within
from watchlist.domain.operator import Role, acting_as
from watchlist.domain.passport import NotAdmitted, Reason
from watchlist.domain.refusals import RoleNotAllowed, RoleNotHeld, ScopeNotAllowed
from watchlist.domain.scope import Scope

LONGEST_HEADER = 8 * 1024
"""A token with its claims and its signature; what is longer is not read."""
ROLE_HEADER = b"watchlist-role"
STREAMS_ASK_EVERY = 0.15
"""Seconds: with what the door believes meanwhile (0.8), an open stream ends within one second too."""
log = logging.getLogger("watchlist.door")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, for whom, in which role, by which key."""

    operator_id: UUID
    organisation: str
    role: Role
    """As what they act in this request."""
    key_id: str | None
    """None: by a token of an identity provider."""
    expires_at: datetime | None
    client: str = ""
    """What a client is known by, while it rotates its keys or renews its tokens."""
    roles: frozenset[Role] = frozenset()
    """Of a token: all that its holder has. A key has the one."""
    scopes: frozenset[Scope] | None = None
    """What the key is narrowed to; None: everything that its role may."""
    sandbox: bool = False
    """Whether test identifiers are asked, and never the list."""

    @property
    def scope(self) -> str | None:
        """Whose records may be read: one organisation's, or all (None)."""
        return None if self.role.reads_all else self.organisation

    @property
    def held(self) -> frozenset[Role]:
        return self.roles or frozenset({self.role})


class Door(Protocol):
    """Tells who comes (api/doorkeeper.py)."""

    async def asker(self, presented: bytes) -> Asker:
        """Who holds that key or token; raises NotAdmitted."""
        ...


async def authenticate(request: Request) -> Asker:
    """Who asks; raises Unauthenticated. A few microseconds when the key was seen within the last second."""
    known = request.scope.get("watchlist.asker")
    if known is not None:
        assert isinstance(known, Asker)
        return known
    door: Door = request.app.state.doorkeeper
    try:
        asker = await door.asker(_bearer(request))
    except NotAdmitted as refused:
        log.warning("not admitted: %s%s", refused.reason, f", key {refused.key_id}" if refused.key_id else "")
        raise Unauthenticated() from None
    request.scope["watchlist.asker"] = asker
    return asker


async def still_admitted(request: Request, asker: Asker) -> bool:
    """T2: whether who opened a stream would still be let in, as whom they are; a stream asks STREAMS_ASK_EVERY."""
    door: Door = request.app.state.doorkeeper
    try:
        now = await door.asker(_bearer(request))
    except NotAdmitted:
        return False
    same = (now.operator_id, now.organisation) == (asker.operator_id, asker.organisation)
    return same and asker.role in now.held


def _bearer(request: Request) -> bytes:
    """The one key or token that was sent; two headers are none."""
    given = _sent(request, b"authorization")
    if len(given) != 1:
        raise NotAdmitted(Reason.REPEATED if given else Reason.MISSING)
    if len(given[0]) > LONGEST_HEADER:
        raise NotAdmitted(Reason.OVERSIZED)
    scheme, _, presented = given[0].partition(b" ")
    if scheme.lower() != b"bearer":
        raise NotAdmitted(Reason.SCHEME)
    if not presented.strip():
        raise NotAdmitted(Reason.MISSING)
    return presented.strip()


def _sent(request: Request, header: bytes) -> list[bytes]:
    return [value for name, value in request.scope["headers"] if name == header]


class Allowed(SecurityBase):
    """The dependency that lets certain roles through, and the security scheme that the OpenAPI names."""

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset(roles)
        self.model = HTTPBearer(
            description="An API key, PREFIX.SECRET, or a token of an identity provider that is trusted here. "
            "Whoever has several roles may name one in the header Watchlist-Role."
        )
        self.scheme_name = "bearer"

    async def __call__(self, request: Request) -> Asker:
        asker = await authenticate(request)
        role = self._acting(request, asker)
        if role is None:
            raise RoleNotAllowed()
        if asker.sandbox:
            require_within(request.scope["path"])
        if role is not asker.role:
            asker = replace(asker, role=role)
            request.scope["watchlist.asker"] = asker
        return asker

    def _acting(self, request: Request, asker: Asker) -> Role | None:
        named = _sent(request, ROLE_HEADER)
        if not named and not asker.roles:  # a key, of one role: what is asked thousands of times a second
            return asker.role if asker.role in self.roles else None
        return acting_as(_offered(asker, named), self.roles)


def _offered(asker: Asker, named: list[bytes]) -> frozenset[Role]:
    """The roles in which they would act here: the one that they name, else all that they have."""
    if not named:
        return asker.held
    chosen = frozenset(role for role in asker.held if [role.value.encode()] == named)
    if not chosen:
        raise RoleNotHeld("Watchlist-Role")
    return chosen


def require_scope(asker: Asker, opened_by: frozenset[Scope]) -> None:
    """A key that is narrowed opens what its scopes hold, of what its role may."""
    if asker.scopes is not None and asker.scopes.isdisjoint(opened_by):
        raise ScopeNotAllowed()


def allowed(*roles: Role) -> Callable[[Request], Awaitable[Asker]]:
    """For `Depends`: who asks, if their key has one of these roles."""
    return Allowed(*roles)


Reader = Annotated[Asker, Depends(allowed(Role.INVESTIGATOR, Role.SUPERVISOR, Role.AUDITOR, Role.DPO))]
"""Whoever may read cases, inscriptions, subjects and the list."""
Officer = Annotated[Asker, Depends(allowed(Role.DPO))]
"""The data protection officer of an organisation."""
