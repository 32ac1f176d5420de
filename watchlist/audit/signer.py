"""Who signs checkpoints: the seal keys, Ed25519, and the notes that they sign (C2SP signed-note, tlog-checkpoint).

While two keys are held both sign, so that whoever trusts the old one can follow to the new one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from watchlist.audit.verifier import HASH_BYTES, SIGNATURE, Broken, Checkpoint, Note, Signature, VerifierKey

SEED_BYTES = HASH_BYTES
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)


class NotASealKey(ValueError):
    """A text that holds no seal keys; never says what it held."""


def seeds_in(text: str) -> tuple[bytes, ...]:
    """The secrets of keys in PEM, or in base64 one a line; the first is the newest."""
    blocks = _PEM.findall(text)
    seeds = tuple(map(_of_pem, blocks) if blocks else map(_of_base64, text.split()))
    if not seeds or len(set(seeds)) != len(seeds):
        raise NotASealKey()
    return seeds


def _of_pem(block: str) -> bytes:
    try:
        key = load_pem_private_key(block.encode(), None)
    except (ValueError, TypeError):
        raise NotASealKey() from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NotASealKey()
    return key.private_bytes_raw()


def _of_base64(line: str) -> bytes:
    try:
        seed = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raise NotASealKey() from None
    if len(seed) != SEED_BYTES:
        raise NotASealKey()
    return seed


class Signer:
    """The keys of a log of that name."""

    def __init__(self, origin: str, seeds: Sequence[bytes]) -> None:
        """The newest first."""
        self.origin = origin
        secrets = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
        self._keys = [(_public(origin, secret), secret) for secret in secrets]

    def __repr__(self) -> str:
        return f"Signer({self.origin}, {len(self._keys)} keys, sealed)"

    @property
    def keys(self) -> list[VerifierKey]:
        return [key for key, _ in self._keys]

    def note(self, size: int, root: bytes) -> Note:
        """A checkpoint, signed by every key that is held, the newest first."""
        return self.sign(Checkpoint(self.origin, size, root).text())

    def sign(self, text: str) -> Note:
        signed = [Signature(self.origin, key.id, secret.sign(text.encode())) for key, secret in self._keys]
        return Note(text, tuple(signed))

    def signed(self, note: Note) -> bool:
        """Whether one of these keys did."""
        for key in self.keys:
            try:
                if note.signed_by(key) is not None:
                    return True
            except Broken:
                return False
        return False


def _public(origin: str, secret: Ed25519PrivateKey) -> VerifierKey:
    return VerifierKey(origin, SIGNATURE, secret.public_key().public_bytes_raw())
