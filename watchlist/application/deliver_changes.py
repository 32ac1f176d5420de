"""Deliver changes to the webhooks: at least once, in the order of each entry, however many do so at once (S8).

What is to be sent is claimed for a while, sent, and then recorded as delivered: killed in between, it is sent again
when that while is over. A change waits for those before it of the same entry, and for no other.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import msgspec

from watchlist.application.webhooks import derived
from watchlist.domain.change import Change
from watchlist.domain.tokens import Tokenizer
from watchlist.domain.webhook import Parcel, after
from watchlist.ports import Clock, Postman, Webhooks

AT_ONCE = 8
"""Sent one after the other to one webhook, then others are looked at again."""
CLAIMED_FOR = timedelta(seconds=120)
"""Longer than so many take at ten seconds each."""
MEDIA_TYPE = "application/cloudevents+json"
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Delivered:
    sent: int = 0
    failed: int = 0


@dataclass(slots=True)
class Courier:
    webhooks: Webhooks
    postman: Postman
    clock: Clock
    tokenizer: Tokenizer
    chance: random.Random = field(default_factory=random.SystemRandom)

    def run(self, seconds: float) -> Delivered:
        """Until nothing is due, or so many seconds have passed: a slow receiver delays nobody's next run for longer."""
        return asyncio.run(self._run(time.monotonic() + seconds))

    async def _run(self, until: float) -> Delivered:
        due = await asyncio.to_thread(self.webhooks.take_up, self.clock.now())
        done = Delivered()
        await asyncio.gather(*(self._serve(webhook_id, until, done) for webhook_id in due))
        return done

    async def _serve(self, webhook_id: UUID, until: float, done: Delivered) -> None:
        while time.monotonic() < until:
            now = self.clock.now()
            claimed = await asyncio.to_thread(
                self.webhooks.claim, webhook_id, now, now + CLAIMED_FOR, AT_ONCE
            )
            if not claimed or not await self._send_each(claimed, done):
                return

    async def _send_each(self, parcels: Sequence[Parcel], done: Delivered) -> bool:
        """Whether all were taken; a receiver that fails is left alone for this time, and the rest is not delayed."""
        for number, parcel in enumerate(parcels):
            if not await self._send(parcel):
                done.failed += 1
                left = parcels[number + 1 :]
                await asyncio.to_thread(self.webhooks.release, left, self.clock.now())
                return False
            done.sent += 1
        return True

    async def _send(self, parcel: Parcel) -> bool:
        body = message(parcel.organisation, parcel.change)
        stamp = int(self.clock.now().timestamp())
        keys = [derived(self.tokenizer, parcel.webhook_id, secret) for secret in parcel.secrets]
        signed = signatures(keys, parcel.change.id, stamp, body)
        headers = {
            "content-type": MEDIA_TYPE,
            "webhook-id": parcel.change.id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signed,
        }
        outcome = await self.postman.post(parcel.url, headers, body)
        now = self.clock.now()
        then = after(parcel, outcome, now, self.chance.random())
        await asyncio.to_thread(self.webhooks.record, parcel, outcome, then, now)
        return outcome.failure is None


def message(organisation: str, change: Change) -> bytes:
    """CloudEvents 1.0, structured: the change as it stands in the feed, under the same number."""
    return _encode(
        {
            "specversion": "1.0",
            "id": change.id,
            "source": f"/v1/changes#{organisation}",
            "type": f"watchlist.change.{change.kind.value}",
            "time": change.at,
            "subject": f"{change.screening_id}/{change.key}",
            "datacontenttype": "application/json",
            "data": change.item(),
        }
    )


def signatures(keys: Sequence[bytes], id: str, stamp: int, body: bytes) -> str:
    """Standard Webhooks, v1: one signature for each live secret."""
    signed = b"%s.%d.%s" % (id.encode(), stamp, body)
    each = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return " ".join(f"v1,{signature}" for signature in each)
