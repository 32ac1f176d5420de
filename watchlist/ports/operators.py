"""Who may act, by keys and by tokens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from watchlist.domain.operator import ApiKey, Habilitation, Operator, Role
from watchlist.domain.passport import Passport


class Passports(Protocol):
    """Reads the tokens of the identity providers that are trusted here."""

    async def passport(self, token: bytes) -> Passport:
        """What a token says of its holder, its signature verified and in force.

        Raises NotAdmitted; IssuerUnavailable when the issuer's keys cannot be had.
        """
        ...

    async def close(self) -> None: ...


class Operators(Protocol):
    """Who may act, and by which keys; kept beside the log, since names never enter it."""

    def add(self, operator: Operator) -> Operator:
        """The operator of that name in that organisation: this one, or the one there was before."""
        ...

    def leave(self, operator_id: UUID, at: datetime) -> None:
        """The operator has left; a second time changes nothing."""
        ...

    def keep_key(self, key: ApiKey, secret_sha256: bytes) -> None:
        """A new key."""
        ...

    def succeed_key(self, key: ApiKey, secret_sha256: bytes, older_until: datetime, at: datetime) -> bool:
        """A new key in the place of the one it was rotated from, which lives no longer than `older_until`.

        False, and nothing was kept, when that one lives no more or has a successor.
        """
        ...

    def live_keys(self, family: str, at: datetime) -> int:
        """How many keys of those rotations open at an instant."""
        ...

    def note_key_use(self, key_id: str, at: datetime, before: datetime) -> None:
        """The key was used; not written when a use after `before` is known."""
        ...

    def revoke(self, key_id: str, at: datetime) -> None:
        """The key opens nothing any more; a second time changes nothing."""
        ...

    def operator(self, operator_id: UUID) -> Operator | None: ...

    def key(self, key_id: str) -> tuple[ApiKey, Operator, bytes] | None:
        """The key, whose it is, and the SHA-256 of its secret."""
        ...

    def knows(self, organisation: str) -> bool:
        """Whether an organisation has, or had, operators here."""
        ...

    def holder(self, digest: bytes) -> tuple[Operator, datetime] | None:
        """Who comes with the tokens of that holder, and when they last did."""
        ...

    def keep_holder(self, digest: bytes, operator_id: UUID, roles: Collection[Role], at: datetime) -> None:
        """A holder that was not known; one that became known meanwhile stays as they are."""
        ...

    def note_holder_use(self, digest: bytes, roles: Collection[Role], at: datetime, before: datetime) -> None:
        """A token of theirs was used; not written when a use after `before` is known."""
        ...

    def review(self, operator_id: UUID, reviewed_by: UUID, at: datetime) -> None:
        """The habilitation was looked at and stands."""
        ...

    def habilitations(
        self, organisation: str | None, at: datetime, after: UUID, limit: int, only: UUID | None = None
    ) -> list[Habilitation]:
        """What operators may do at an instant: by id, of one organisation or of all, one alone or all of them."""
        ...

    def operators(self, organisation: str | None, after: UUID, limit: int) -> list[Operator]:
        """By id, those of one organisation or of all (None), from behind `after` on."""
        ...

    def keys(self, organisation: str | None, after: str, limit: int) -> list[tuple[ApiKey, Operator]]:
        """By id, those of one organisation or of all (None), from behind `after` on."""
        ...
