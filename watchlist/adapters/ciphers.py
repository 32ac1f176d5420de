"""The ciphers of the vault: AES-256-GCM for values and for keys, HMAC-SHA256 for look-ups."""

from __future__ import annotations

import hashlib
import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from watchlist.domain.commitment import NONCE_BYTES, Sealed, commitment_to, proves

KEY_BYTES = 32
KEY_ID_BYTES = 8
_IV_BYTES = 12


class Tampered(Exception):
    """A ciphertext does not open, or does not hold what its event committed to."""


def new_key() -> bytes:
    return AESGCM.generate_key(KEY_BYTES * 8)


def key_id(key: bytes, kind: bytes) -> bytes:
    """Names a key without telling anything of it: 8 bytes."""
    return hmac.digest(key, b"id of " + kind, hashlib.sha256)[:KEY_ID_BYTES]


def wrap(master: bytes, key: bytes, purpose: bytes) -> bytes:
    """`key` under the master key, bound to what it is for."""
    iv = os.urandom(_IV_BYTES)
    return iv + AESGCM(master).encrypt(iv, key, purpose)


def unwrap(master: bytes, wrapped: bytes, purpose: bytes) -> bytes:
    """Raises Tampered when the master key is another one."""
    try:
        return AESGCM(master).decrypt(wrapped[:_IV_BYTES], wrapped[_IV_BYTES:], purpose)
    except (InvalidTag, ValueError):
        raise Tampered("a key does not open under this master key") from None


def seal(key: bytes, owner: UUID, field: str, ref: UUID, value: bytes) -> tuple[Sealed, bytes]:
    """The sealed reference for the event, and the ciphertext for the vault, bound to owner and field."""
    nonce, iv = os.urandom(NONCE_BYTES), os.urandom(_IV_BYTES)
    ciphertext = AESGCM(key).encrypt(iv, nonce + value, _bound_to(owner, field))
    return Sealed(ref, commitment_to(value, nonce)), iv + ciphertext


def open_sealed(key: bytes, owner: UUID, field: str, sealed: Sealed, ciphertext: bytes) -> bytes:
    """The value; raises Tampered unless it is the very one its event committed to."""
    return reveal(key, owner, field, sealed, ciphertext)[1]


def reveal(key: bytes, owner: UUID, field: str, sealed: Sealed, ciphertext: bytes) -> tuple[bytes, bytes]:
    """The nonce and the value: with both, anybody can check the commitment of the event. Raises the same."""
    try:
        opened = AESGCM(key).decrypt(ciphertext[:_IV_BYTES], ciphertext[_IV_BYTES:], _bound_to(owner, field))
    except (InvalidTag, ValueError):
        raise Tampered("a sealed value does not open") from None
    nonce, value = opened[:NONCE_BYTES], opened[NONCE_BYTES:]
    if not proves(sealed, value, nonce):
        raise Tampered("a sealed value is not the one that was recorded")
    return nonce, value


def _bound_to(owner: UUID, field: str) -> bytes:
    return owner.bytes + field.encode()
