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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import msgspec

from watchlist.application.webhooks import derived
from watchlist.domain.change import Change
from watchlist.domain.tokens import Tokenizer
from watchlist.domain.webhook import Parcel, after
from watchlist.ports.clock import Clock
from watchlist.ports.feed import Postman, Webhooks

AT_ONCE = 16
"""Sent together to one webhook: what is claimed together is of as many entries."""
CLAIMED_FOR = timedelta(seconds=30)
"""Longer than the ten seconds an attempt takes at most: after a crash, that is when it is sent again."""
LOOK_SECONDS = 1.0
Over = Callable[[], bool]
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

    def run_once(self) -> Delivered:
        """All that is due now."""
        return asyncio.run(self._run(Delivered()))

    def run_for(self, seconds: float, stopped: Callable[[], bool]) -> Delivered:
        """What is due and what becomes due meanwhile; a receiver that hangs keeps no other waiting."""
        until = time.monotonic() + seconds
        return asyncio.run(self._run_until(lambda: stopped() or time.monotonic() > until))

    async def _run_until(self, over: Over) -> Delivered:
        done, serving = Delivered(), dict[UUID, asyncio.Task[None]]()
        while not over():
            await self._serve_due(serving, over, done)
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.gather(*serving.values())
        return done

    async def _run(self, done: Delivered) -> Delivered:
        serving = dict[UUID, asyncio.Task[None]]()
        await self._serve_due(serving, lambda: False, done)
        await asyncio.gather(*serving.values())
        return done

    async def _serve_due(self, serving: dict[UUID, asyncio.Task[None]], over: Over, done: Delivered) -> None:
        """Those that are not being served still."""
        for webhook_id in await asyncio.to_thread(self.webhooks.take_up, self.clock.now()):
            before = serving.get(webhook_id)
            if before is not None and not before.done():
                continue
            if before is not None:
                before.result()
            serving[webhook_id] = asyncio.create_task(self._serve(webhook_id, over, done))

    async def _serve(self, webhook_id: UUID, over: Over, done: Delivered) -> None:
        while not over():
            now = self.clock.now()
            claimed = await asyncio.to_thread(
                self.webhooks.claim, webhook_id, now, now + CLAIMED_FOR, AT_ONCE
            )
            if not claimed:
                return
            taken = await asyncio.gather(*map(self._send, claimed))
            done.sent += sum(taken)
            done.failed += len(taken) - sum(taken)
            if not all(taken):
                return  # a receiver that fails is left alone until it is looked at again

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
