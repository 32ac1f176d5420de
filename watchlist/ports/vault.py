"""Where sealed values are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct


class SealedRow(Struct, frozen=True):
    """One ciphertext of the vault."""

    ref: UUID
    owner: UUID
    field: str
    ciphertext: bytes


class Vault(Protocol):
    """Where ciphertexts are kept; they are added by the transaction that records their event."""

    def rows(self, refs: Sequence[UUID]) -> Mapping[UUID, SealedRow]:
        """The rows that are still there."""
        ...

    def rows_of(self, owner: UUID) -> Mapping[UUID, SealedRow]:
        """All that is kept of one owner."""
        ...
