"""What an event keeps of a personal value: a proof of it, never the value (architecture, Personal data)."""

from __future__ import annotations

import hashlib
import hmac
from uuid import UUID

from msgspec import Struct

NONCE_BYTES = 32


class Sealed(Struct, frozen=True, forbid_unknown_fields=True):
    """A value that lives in the vault: where it is kept, and what proves it unchanged.

    `ref` is random, `commitment` the HMAC-SHA256 of the value under a random 256-bit nonce that
    is stored with the ciphertext: once that is gone, nothing can be guessed from the commitment.
    """

    ref: UUID
    commitment: bytes


def commitment_to(value: bytes, nonce: bytes) -> bytes:
    """The commitment to `value`: 32 bytes."""
    return hmac.digest(nonce, value, hashlib.sha256)


def proves(sealed: Sealed, value: bytes, nonce: bytes) -> bool:
    """Whether this is the value that the event was recorded with."""
    return hmac.compare_digest(sealed.commitment, commitment_to(value, nonce))
