"""What each organisation is told of the hits it received, and how it reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from watchlist.domain.change import Change
from watchlist.domain.webhook import Next, Outcome, Parcel, SigningSecret, Webhook


class Acknowledgement(Struct, frozen=True):
    """Who was told of a change says that it knows."""

    sequence: int
    at: datetime
    operator_id: UUID


class Feed(Protocol):
    """What each organisation is told of the hits it received (S8); written by the transaction that changes the list."""

    def changes(self, organisation: str, after: int, limit: int) -> list[Change]:
        """By number, from behind `after` on; a number that was seen has none before it that was not."""
        ...

    def acknowledge(self, organisation: str, sequence: int, at: datetime, by: UUID) -> Acknowledgement | None:
        """The first acknowledgement of that change; None: there is no such change."""
        ...

    def forget(self, before: datetime) -> int:
        """Changes told before then, and their acknowledgements; how many changes. No number is given again."""
        ...

    def is_late(self, at: datetime) -> bool:
        """Whether somebody should look: a change nobody acknowledged in time, or a webhook that was given up on."""
        ...


class SendingStands(Struct, frozen=True):
    """How the sending to webhooks stands, of all organisations."""

    live: int
    failing: int
    disabled: int
    unsent: int
    """Changes taken up and not delivered."""
    late: int
    """Of those, due for longer than an instant ago, to webhooks that are live."""


class Webhooks(Protocol):
    """The webhooks, what each is still to be sent, and how it went; several may send at once."""

    def add(self, webhook: Webhook, secret: SigningSecret, most: int) -> bool:
        """From the next change on; False when its organisation has as many as it may."""
        ...

    def webhooks(self, organisation: str, after: UUID, limit: int) -> list[Webhook]: ...

    def webhook(self, organisation: str, webhook_id: UUID) -> Webhook | None: ...

    def unsent(self, webhook_id: UUID) -> int:
        """How many changes it has not been delivered yet."""
        ...

    def secrets(self, webhook_id: UUID) -> list[tuple[int, datetime, datetime | None]]:
        """Number, when it was made, and when it was retired."""
        ...

    def remove(self, organisation: str, webhook_id: UUID) -> bool: ...

    def add_secret(self, webhook_id: UUID, salt: bytes, at: datetime, most: int) -> int | None:
        """Its number; None when as many are live as may be."""
        ...

    def retire_secret(self, webhook_id: UUID, number: int, at: datetime) -> datetime | None:
        """When it was retired, first; None: it is the only live one."""
        ...

    def attempts(self, webhook_id: UUID, after: UUID, limit: int) -> list[dict[str, Any]]:
        """The delivery log, oldest first."""
        ...

    def replay(self, webhook_id: UUID, after: int, at: datetime) -> int:
        """Everything behind `after` is due again, and the webhook live; how many changes that is."""
        ...

    def take_up(self, at: datetime) -> list[UUID]:
        """New changes are due at every webhook of their organisation; the live ones that something is due at."""
        ...

    def claim(self, webhook_id: UUID, at: datetime, until: datetime, limit: int) -> list[Parcel]:
        """What may be sent now, for the caller alone until that instant: of each entry, the oldest first."""
        ...

    def record(self, parcel: Parcel, outcome: Outcome, then: Next, at: datetime) -> None:
        """How it went; what somebody claimed anew meanwhile stays theirs."""
        ...

    def stands(self, due_before: datetime) -> SendingStands: ...

    def forget_attempts(self, before: datetime) -> int: ...


class Postman(Protocol):
    """Brings a message to an address of somebody else's."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Whether it was taken, within ten seconds; redirects are not followed, and nothing answered is kept."""
        ...
