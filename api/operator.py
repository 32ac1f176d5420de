"""Who asks: the operator behind an API key, told from a cache of at most a second (T2)."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from api.problems import Unauthenticated
from api.sandbox import require_within
from watchlist.application.operators import holder_of
from watchlist.domain.operator import ApiKey, Operator, Role
from watchlist.domain.refusals import RoleNotAllowed
from watchlist.ports import Clock, Operators

KEPT_SECONDS = 0.8
"""How long an answer is believed, known or refused: a revoked key stops within one second, in every process."""
MOST_KEPT = 10_000
LONGEST_HEADER = 512


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, for whom, in which role, by which key."""

    operator_id: UUID
    organisation: str
    role: Role
    key_id: str
    expires_at: datetime | None
    sandbox: bool = False
    """Whether test identifiers are asked, and never the list."""

    @property
    def scope(self) -> str | None:
        """Whose records may be read: one organisation's, or all (None)."""
        return None if self.role.reads_all else self.organisation


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    asker: Asker | None


class Doorkeeper:
    """Looks keys up and remembers the answers for less than a second; one look-up at a time for each key."""

    def __init__(self, operators: Operators, clock: Clock) -> None:
        self._operators = operators
        self._clock = clock
        self._kept: dict[bytes, _Kept] = {}
        self._asking: dict[bytes, asyncio.Task[Asker | None]] = {}
        self._threads = CapacityLimiter(2)

    async def asker(self, presented: bytes) -> Asker | None:
        """Who holds that key; at once when it was asked less than a second ago."""
        digest = hashlib.sha256(presented).digest()
        kept = self._kept.get(digest)
        if kept is not None and time.monotonic() < kept.until:
            return kept.asker
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.create_task(self._ask(digest, presented))
            self._asking[digest] = asking
            asking.add_done_callback(lambda _: self._asking.pop(digest, None))
        return await asyncio.shield(asking)

    async def _ask(self, digest: bytes, presented: bytes) -> Asker | None:
        asked_at = time.monotonic()
        text = presented.decode("latin-1")
        held = await to_thread.run_sync(holder_of, self._operators, self._clock, text, limiter=self._threads)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        asker = _asker(*held) if held else None
        self._kept[digest] = _Kept(asked_at + self._believable(asker), asker)
        return asker

    def _believable(self, asker: Asker | None) -> float:
        if asker is None or asker.expires_at is None:
            return KEPT_SECONDS
        return min(KEPT_SECONDS, (asker.expires_at - self._clock.now()).total_seconds())


def _asker(key: ApiKey, operator: Operator) -> Asker:
    return Asker(key.operator_id, operator.organisation, key.role, key.key_id, key.expires_at)


async def authenticate(request: Request) -> Asker:
    """Who asks; raises Unauthenticated. A few microseconds when the key was seen within the last second."""
    known = request.scope.get("watchlist.asker")
    if known is not None:
        assert isinstance(known, Asker)
        return known
    presented = _bearer(request)
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    asker = await doorkeeper.asker(presented) if presented else None
    if asker is None:
        raise Unauthenticated()
    request.scope["watchlist.asker"] = asker
    return asker


def _bearer(request: Request) -> bytes | None:
    """The one key that was sent; two headers are none."""
    given = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if len(given) != 1 or len(given[0]) > LONGEST_HEADER:
        return None
    scheme, _, key = given[0].partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" and key else None


class Allowed(SecurityBase):
    """The dependency that lets certain roles through, and the security scheme that the OpenAPI names."""

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset(roles)
        self.model = HTTPBearer(description="An API key: PREFIX.SECRET")
        self.scheme_name = "bearer"

    async def __call__(self, request: Request) -> Asker:
        asker = await authenticate(request)
        if asker.role not in self.roles:
            raise RoleNotAllowed()
        if asker.sandbox:
            require_within(request.scope["path"])
        return asker


def allowed(*roles: Role) -> Callable[[Request], Awaitable[Asker]]:
    """For `Depends`: who asks, if their key has one of these roles."""
    return Allowed(*roles)


Reader = Annotated[Asker, Depends(allowed(Role.INVESTIGATOR, Role.SUPERVISOR, Role.AUDITOR, Role.DPO))]
"""Whoever may read cases, inscriptions, subjects and the list."""
Officer = Annotated[Asker, Depends(allowed(Role.DPO))]
"""The data protection officer of an organisation."""
