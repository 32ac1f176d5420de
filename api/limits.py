"""Rate limits: what one client may ask a second, whichever of its keys asks, counted for all processes together (S6).

Each process leases a share of a client's bucket for at most a second and counts it in memory: while a lease lasts, a
request costs no statement. What a lease left is given back by the next one, so nothing is ever counted twice.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from math import ceil
from uuid import UUID

import msgspec
from fastapi import Request
from msgspec import Raw, Struct

from api.problems import TooManyRequests
from watchlist.application.screening_request import MOST_IDENTIFIERS
from watchlist.domain.quota import Quota, Quotas
from watchlist.ports.quotas import Buckets

LEASE_SECONDS = 1.0
SHARES = 4
"""A lease is a quarter of a second's worth: what one process holds and does not use is not missed by the others."""
MOST_KEPT = 10_000
STANDING = "watchlist.quota"
"""Where in a request's scope the envelope finds what to tell of its quota."""


@dataclass(slots=True)
class Lease:
    """What this process may still let through, and what its bucket held when it was drawn."""

    left: int = 0
    until: float = 0.0
    remaining: float = 0.0
    refused: int | None = None
    """How many there were not enough for, until then: a flood that is refused asks nothing of the database."""

    def has(self, count: int) -> bool:
        """Raises TooManyRequests when as many were refused a moment ago."""
        if time.monotonic() >= self.until:
            return False
        if self.refused is not None and count >= self.refused:
            raise TooManyRequests()
        return self.left >= count


class Limits:
    """Lets through what each client may ask; one lease at a time is drawn for each."""

    def __init__(self, buckets: Buckets, quotas: Quotas) -> None:
        self.quotas = quotas
        self._buckets = buckets
        self._leases: dict[tuple[UUID, str], Lease] = {}
        self._drawing: defaultdict[tuple[UUID, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take(self, client: UUID, quota: Quota, count: int = 1) -> Lease:
        """So many are counted; raises TooManyRequests, and then none is, or Busy when the database cannot be asked."""
        place = (client, quota.name)
        lease = self._leases.get(place)
        if lease is None or not lease.has(count):
            async with self._drawing[place]:
                lease = self._leases.get(place)
                if lease is None or not lease.has(count):
                    lease = await self._draw(place, quota, count)
        lease.left -= count
        return lease

    async def wait(self, client: UUID, quota: Quota, count: int) -> None:
        """The same for a stream, which is slowed down instead of refused; `count` is at most a burst."""
        while True:
            try:
                await self.take(client, quota, count)
                return
            except TooManyRequests as refused:
                await asyncio.sleep(min(refused.retry_after, LEASE_SECONDS))

    async def _draw(self, place: tuple[UUID, str], quota: Quota, count: int) -> Lease:
        """A new lease in the place of the old one; while it is drawn nobody takes from the old one."""
        if len(self._leases) >= MOST_KEPT:
            self._forget()
        lease = self._leases.setdefault(place, Lease())
        returned, lease.left = lease.left, 0
        share = max(count, ceil(quota.per_second / SHARES))
        leased = await self._buckets.lease(place[0], quota, count, share, returned)
        lease.left, lease.remaining = leased.granted, leased.remaining
        enough = leased.granted >= count
        lease.refused = None if enough else count
        wait = LEASE_SECONDS if enough else (count - leased.remaining) / quota.per_second
        lease.until = time.monotonic() + min(LEASE_SECONDS, wait)
        if not enough:
            raise TooManyRequests(retry_after=quota.seconds_until(count, leased.remaining))
        return lease

    def _forget(self) -> None:
        """Leases that are over; what they left is not given back, which lets through less and never more."""
        now = time.monotonic()
        for place in [place for place, lease in self._leases.items() if lease.until < now]:
            del self._leases[place]
            if not self._drawing[place].locked():
                del self._drawing[place]


# Where requests meet it -----------------------------------------------------------------------


async def limit(request: Request) -> None:
    """One request of whoever asks, of any operation but a screening."""
    limits: Limits = request.app.state.limits
    await _take(request, limits, limits.quotas.requests, 1)


async def limit_screening(request: Request) -> None:
    """As many questions as the body asks, or all that a client may ask at once; a body that cannot be read is one."""
    limits: Limits = request.app.state.limits
    quota = limits.quotas.screenings
    await _take(request, limits, quota, min(asked_in(await request.body()), quota.burst))


async def limit_lines(request: Request, count: int) -> None:
    """So many questions of a stream of them, as soon as they may be asked; one second after the other."""
    limits: Limits = request.app.state.limits
    quota = limits.quotas.screenings
    while count > 0:
        part = min(count, quota.burst)
        await limits.wait(request.scope["watchlist.asker"].operator_id, quota, part)
        count -= part


async def _take(request: Request, limits: Limits, quota: Quota, count: int) -> None:
    client: UUID = request.scope["watchlist.asker"].operator_id
    try:
        lease = await limits.take(client, quota, count)
    except TooManyRequests:
        request.scope[STANDING] = (quota, 0)
        raise
    request.scope[STANDING] = (quota, int(lease.left + lease.remaining))


class _Asked(Struct):
    subjects: dict[str, Raw]


_asked = msgspec.json.Decoder(_Asked)


ONE_IDENTIFIER = 4
"""The braces of the body that asks most often: of the envelope, of its subjects, of one subject, of its identifier."""


def asked_in(body: bytes) -> int:
    """How many identifiers a screening asks for, and persons by their name alone; a subject is one at least.

    Told by the braces: an identifier is an object, and an object begins with nothing else. The verb that reads the
    body is stricter, and refuses the rest.
    """
    try:
        subjects = _asked.decode(body).subjects
    except (ValueError, RecursionError):
        return 1
    if len(subjects) == 1 and body.count(b"{") <= ONE_IDENTIFIER:
        return 1
    return sum([min(max(bytes(one).count(b"{") - 1, 1), MOST_IDENTIFIERS) for one in subjects.values()]) or 1


def told(quota: Quota, remaining: int) -> list[tuple[bytes, bytes]]:
    """The headers RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10); what other processes
    took since this one last asked is not in them."""
    policy, left = _named(quota)
    reset = max(ceil((quota.burst - remaining) / quota.per_second), 0)
    return [policy, (b"ratelimit", left % (remaining, reset))]


@cache
def _named(quota: Quota) -> tuple[tuple[bytes, bytes], bytes]:
    name = quota.name.encode()
    policy = b'"%b";q=%d;w=%d' % (name, quota.burst, quota.window_seconds)
    return (b"ratelimit-policy", policy), b'"%b";r=%%d;t=%%d' % name
