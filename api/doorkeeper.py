"""Who holds a key or a token, told from a cache of at most a second (T2); and when it was last used."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from api.operator import Asker
from watchlist.application.admit import is_worth_noting, note_holder_use, note_key_use, operator_of
from watchlist.application.operators import holder_of
from watchlist.domain.operator import Role, acting_as
from watchlist.domain.passport import NotAdmitted, Passport, Reason
from watchlist.domain.refusals import Unavailable
from watchlist.domain.tokens import Tokenizer
from watchlist.ports.clock import Clock
from watchlist.ports.operators import Operators, Passports

T = TypeVar("T")
KEPT_SECONDS = 0.8
"""How long an answer is believed, known or refused: a revoked key stops within one second, in every process."""
MOST_KEPT = 10_000
_TOKEN_DOTS = 2
"""A key has one dot, a signed token two."""
log = logging.getLogger("watchlist.door")

Admission = Asker | NotAdmitted


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    admission: Admission


class Doorkeeper:
    """Looks up who asks and remembers it for less than a second; one look-up at a time for each key or token."""

    def __init__(self, operators: Operators, clock: Clock) -> None:
        self._operators, self._clock = operators, clock
        self._passports: Passports | None = None
        self._requests: Callable[[], Tokenizer] | None = None
        self._kept: dict[bytes, _Kept] = {}
        self._asking: dict[bytes, asyncio.Task[Admission]] = {}
        self._noting: set[asyncio.Task[None]] = set()
        self._threads = CapacityLimiter(2)
        self._notes = CapacityLimiter(1)

    def open(self, passports: Passports | None, requests: Callable[[], Tokenizer]) -> None:
        """From now on tokens are read too; `requests` tells the key of what is no look-up of a person."""
        self._passports, self._requests = passports, requests

    async def asker(self, presented: bytes) -> Asker:
        """Who holds that key or token; at once when it was asked less than a second ago. Raises NotAdmitted."""
        digest = hashlib.sha256(presented).digest()
        kept = self._kept.get(digest)
        if kept is not None and time.monotonic() < kept.until:
            return _admitted(kept.admission)
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.create_task(self._ask(digest, presented))
            self._asking[digest] = asking
            asking.add_done_callback(lambda _: self._asking.pop(digest, None))
        return _admitted(await asyncio.shield(asking))

    async def close(self) -> None:
        """What was noted is written."""
        if self._noting:
            await asyncio.wait(self._noting)
        if self._passports is not None:
            await self._passports.close()

    async def _ask(self, digest: bytes, presented: bytes) -> Admission:
        asked_at = time.monotonic()
        try:
            admission: Admission = await self._admit(presented)
        except NotAdmitted as refused:
            admission = NotAdmitted(refused.reason, refused.key_id)  # without what it came through
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[digest] = _Kept(asked_at + self._believable(admission), admission)
        return admission

    async def _admit(self, presented: bytes) -> Asker:
        if presented.count(b".") == _TOKEN_DOTS:
            return await self._with_token(presented)
        return await self._with_key(presented.decode("latin-1"))

    async def _with_key(self, text: str) -> Asker:
        key, operator = await self._in_thread(partial(holder_of, self._operators, self._clock, text))
        if is_worth_noting(key.last_used_at, self._clock.now()):
            self._note(partial(note_key_use, self._operators, self._clock, key))
        return Asker(
            key.operator_id,
            operator.organisation,
            key.role,
            key.key_id,
            key.expires_at,
            client=key.family,
            scopes=key.scopes,
            sandbox=key.sandbox,
        )

    async def _with_token(self, token: bytes) -> Asker:
        if self._passports is None or self._requests is None:
            raise NotAdmitted(Reason.ISSUER)
        passport, requests = await self._passports.passport(token), self._requests()
        known = partial(operator_of, self._operators, self._clock, requests, passport)
        operator, seen_at = await self._in_thread(known)
        if is_worth_noting(seen_at, self._clock.now()):
            self._note(partial(note_holder_use, self._operators, self._clock, requests, passport))
        return Asker(
            operator.operator_id,
            operator.organisation,
            _first_role(passport),
            None,
            passport.expires_at,
            client=f"token {operator.operator_id}",
            roles=passport.roles,
        )

    async def _in_thread(self, look: Callable[[], T]) -> T:
        return await to_thread.run_sync(look, limiter=self._threads)

    def _note(self, write: Callable[[], None]) -> None:
        """Off the request's path: nobody waits for it, and what cannot be written now is with the next use."""
        task = asyncio.create_task(self._note_down(write))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _note_down(self, write: Callable[[], None]) -> None:
        try:
            await to_thread.run_sync(write, limiter=self._notes)
        except Unavailable:
            log.debug("a last use was not noted: the database is busy")

    def _believable(self, admission: Admission) -> float:
        if isinstance(admission, NotAdmitted) or admission.expires_at is None:
            return KEPT_SECONDS
        return min(KEPT_SECONDS, (admission.expires_at - self._clock.now()).total_seconds())


def _admitted(admission: Admission) -> Asker:
    """A refusal is raised anew each time: one that is kept would gather a traceback for each request."""
    if isinstance(admission, NotAdmitted):
        raise NotAdmitted(admission.reason, admission.key_id)
    return admission


def _first_role(passport: Passport) -> Role:
    role = acting_as(passport.roles, passport.roles)
    assert role is not None
    return role
