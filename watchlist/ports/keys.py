"""Keys of owners and of look-ups, and how values are sealed under them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from watchlist.domain.commitment import Sealed
from watchlist.domain.tokens import Tokenizer


class NewKeys(Struct, frozen=True):
    """Keys of new owners, and the same wrapped, as they are kept."""

    keys: Mapping[UUID, bytes]
    wrapped: Mapping[UUID, bytes]


class KeyStanding(StrEnum):
    """Whether an owner's key is there: what was destroyed is erased (P6), what is missing is lost."""

    HELD = "held"
    DESTROYED = "destroyed"
    MISSING = "missing"


class KeysFound(Struct, frozen=True):
    """The keys of some owners, as far as they open; `lost`: missing, or under no master key that is here."""

    keys: Mapping[UUID, bytes]
    destroyed: frozenset[UUID]
    lost: frozenset[UUID]


class MasterKey(Protocol):
    """Wraps the keys of the keyring, and opens them: a file, a variable, or what a key service hands out."""

    @property
    def headers(self) -> list[bytes]:
        """What a key wrapped under one that is here begins with; first, under the one that wraps."""
        ...

    def wrap(self, key: bytes, purpose: bytes) -> bytes:
        """Under the master key of now, bound to what it is for."""
        ...

    def unwrap(self, wrapped: bytes, purpose: bytes) -> bytes:
        """Under whichever master key that is still here; raises the cipher's Tampered when under none."""
        ...


class Keyring(Protocol):
    """One data key per owner (a subject or a case), wrapped; gone when it is destroyed."""

    def make(self, owners: Iterable[UUID]) -> NewKeys:
        """New keys; an owner that has or had one is refused.

        `wrapped` travels in the transaction that first needs them; empty when they are committed already, in a store
        of their own.
        """
        ...

    def opened(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
        """The keys of wrapped ones that were read with something else."""
        ...

    def keys(self, owners: Iterable[UUID]) -> dict[UUID, bytes]:
        """The keys of those owners that have one; KeyLost when one does not open."""
        ...

    def found(self, owners: Iterable[UUID]) -> KeysFound:
        """The same, and of each other owner whether its key was destroyed or is lost: one look-up."""
        ...

    def standing(self, owners: Iterable[UUID]) -> dict[UUID, KeyStanding]:
        """Of each owner, whether its key is held, destroyed or missing; none is opened."""
        ...

    def destroy(self, owners: Iterable[UUID]) -> int:
        """Destroy their keys for good; how many there were. An owner that had none can never have one."""
        ...


class LookupKeys(Struct, frozen=True):
    """The look-up keys in force, together: under which generation one asks, and under which one writes."""

    asked: Tokenizer
    written: tuple[Tokenizer, ...]
    """The one that is asked, and during a rotation the one that arrives."""
    remembered: tuple[Tokenizer, ...]
    """All that are not destroyed: an imported line may have been recorded under any (L7)."""
    requests: Tokenizer
    """For what is no look-up of a person (idempotency, cursors, ids of imports); it does not rotate."""


class Lookups(Protocol):
    """The look-up keys, as this process knows them (decision 0016)."""

    @property
    def now(self) -> LookupKeys: ...

    def refresh(self) -> None:
        """Look again; a rotation in another process may have changed them."""
        ...


class Cipher(Protocol):
    """Seals a value under its owner's key, and opens it."""

    def seal(self, key: bytes, owner: UUID, field: str, ref: UUID, value: bytes) -> tuple[Sealed, bytes]: ...
    def open_sealed(
        self, key: bytes, owner: UUID, field: str, sealed: Sealed, ciphertext: bytes
    ) -> bytes: ...
    def reveal(
        self, key: bytes, owner: UUID, field: str, sealed: Sealed, ciphertext: bytes
    ) -> tuple[bytes, bytes]:
        """The nonce that the commitment was made under, and the value."""
        ...
