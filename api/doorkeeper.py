"""Who holds a key or a token, told from a cache of at most a second (T2); and when it was last used."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf

from anyio import CapacityLimiter, to_thread

from api.operator import Asker
from watchlist.application.admit import is_worth_noting, note_holder_use, note_key_use, operator_of
from watchlist.application.operators import holder_of
from watchlist.domain.operator import Role, acting_as
from watchlist.domain.passport import NotAdmitted, Passport, Reason
from watchlist.domain.refusals import Busy, Unavailable
from watchlist.domain.tokens import Tokenizer
from watchlist.ports.clock import Clock
from watchlist.ports.operators import Operators, Passports

KEPT_SECONDS = 0.8
"""How long an answer is believed, known or refused: a revoked key stops within one second, in every process."""
MOST_KEPT = 10_000
KNOWN_SECONDS = 3_600.0
"""How long whoever was let in has look-ups of their own, that no crowd of unknown keys is before in."""
MOST_STRANGERS = 400
"""Look-ups of others that wait together: some tenths of a second. Who comes then is told to come again (503)."""
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
        self._known: dict[bytes, float] = {}
        """When each was let in last, by the digest of the whole key: its id, which others may know, would not do."""
        self._strangers = 0
        self._for_known, self._for_strangers = CapacityLimiter(2), CapacityLimiter(2)
        self._notes = CapacityLimiter(1)

    def open(self, passports: Passports | None, requests: Callable[[], Tokenizer]) -> None:
        """From now on tokens are read too; `requests` tells the key of what is no look-up of a person."""
        self._passports, self._requests = passports, requests

    async def asker(self, presented: bytes) -> Asker:
        """Who holds that key or token; at once when it was asked less than a second ago.

        Raises NotAdmitted; Busy when too many that are unknown wait already.
        """
        digest = hashlib.sha256(presented).digest()
        kept = self._kept.get(digest)
        if kept is not None and time.monotonic() < kept.until:
            return _admitted(kept.admission)
        asking = self._asking.get(digest) or self._begin(digest, presented)
        return _admitted(await asyncio.shield(asking))

    def _begin(self, digest: bytes, presented: bytes) -> asyncio.Task[Admission]:
        """One look-up for all who come with it meanwhile; counted from now on, not from when its turn comes."""
        is_known = self._knows(digest)
        if self._strangers >= MOST_STRANGERS and not is_known:
            raise Busy()
        self._strangers += not is_known
        asking = self._asking[digest] = asyncio.create_task(self._ask(digest, presented, is_known))

        def over(_: asyncio.Task[Admission]) -> None:
            self._strangers -= not is_known
            self._asking.pop(digest, None)

        asking.add_done_callback(over)
        return asking

    async def close(self) -> None:
        """What was noted is written."""
        if self._noting:
            await asyncio.wait(self._noting)
        if self._passports is not None:
            await self._passports.close()

    def _knows(self, digest: bytes) -> bool:
        return time.monotonic() < self._known.get(digest, -inf) + KNOWN_SECONDS

    async def _ask(self, digest: bytes, presented: bytes, is_known: bool) -> Admission:
        asked_at = time.monotonic()
        try:
            admission: Admission = await self._admit(presented, is_known)
        except NotAdmitted as refused:
            admission = NotAdmitted(refused.reason, refused.key_id)  # without what it came through
        self._remember(digest, admission)
        self._kept[digest] = _Kept(asked_at + self._believable(admission), admission)
        return admission

    def _remember(self, digest: bytes, admission: Admission) -> None:
        """Makes room in the short memory, and keeps in the long one whoever was let in, the last ones at its end."""
        if len(self._kept) >= MOST_KEPT:
            self._kept = _worth_keeping(self._kept)
        self._known.pop(digest, None)
        if isinstance(admission, Asker):
            self._known[digest] = time.monotonic()
            if len(self._known) > MOST_KEPT:
                del self._known[next(iter(self._known))]

    async def _admit(self, presented: bytes, is_known: bool) -> Asker:
        if presented.count(b".") == _TOKEN_DOTS:
            return await self._with_token(presented)
        lane = self._for_known if is_known else self._for_strangers
        return await self._with_key(presented.decode("latin-1"), lane)

    async def _with_key(self, text: str, lane: CapacityLimiter) -> Asker:
        look = partial(holder_of, self._operators, self._clock, text)
        key, operator = await to_thread.run_sync(look, limiter=lane)
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
        # Whose signature holds is no stranger, whatever token they come with.
        operator, seen_at = await to_thread.run_sync(known, limiter=self._for_known)
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


def _worth_keeping(kept: dict[bytes, _Kept]) -> dict[bytes, _Kept]:
    """What is still believed; when that is too much, refusals go first, and whoever is let in when there is no end."""
    now = time.monotonic()
    believed = {digest: one for digest, one in kept.items() if now < one.until}
    if len(believed) > MOST_KEPT // 2:
        believed = {digest: one for digest, one in believed.items() if isinstance(one.admission, Asker)}
    return believed if len(believed) < MOST_KEPT else {}


def _admitted(admission: Admission) -> Asker:
    """A refusal is raised anew each time: one that is kept would gather a traceback for each request."""
    if isinstance(admission, NotAdmitted):
        raise NotAdmitted(admission.reason, admission.key_id)
    return admission


def _first_role(passport: Passport) -> Role:
    role = acting_as(passport.roles, passport.roles)
    assert role is not None
    return role
