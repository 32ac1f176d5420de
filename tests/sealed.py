"""A sealed log in memory, as its port says: its history can be rewritten and signed again, which a real one refuses.

Proofs are made by the recursion of RFC 9162, section 2.1, word by word: an oracle, slow and plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watchlist.audit.verifier import (
    SIGNATURE,
    Checkpoint,
    Note,
    Signature,
    VerifierKey,
    leaf_hash,
    node_hash,
    root_of,
)
from watchlist.audit.witness import with_cosignatures
from watchlist.ports.seal import Published, Stamp

ORIGIN = "register.test/log"


class LogKey:
    """A key that signs checkpoints."""

    def __init__(self, name: str = ORIGIN) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.public = VerifierKey(name, SIGNATURE, self.private.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        return Signature(self.public.name, self.public.id, self.private.sign(text.encode()))


@dataclass
class MemorySealedLog:
    """Keeps the port SealedLog, for leaves that nobody recorded."""

    signing: list[LogKey] = field(default_factory=lambda: [LogKey()])
    leaves: list[bytes] = field(default_factory=list)
    checkpoints: dict[int, Published] = field(default_factory=dict)
    lines: dict[int, list[str]] = field(default_factory=dict)

    def grow(self, *leaves: str) -> None:
        self.leaves += [leaf_hash(leaf.encode()) for leaf in leaves]

    def publish(self, at: datetime) -> Published:
        """The tree as it is now, signed by every key."""
        size, root = len(self.leaves), root_of(self.leaves)
        text = Checkpoint(ORIGIN, size, root).text()
        note = str(Note(text, tuple(key.sign(text) for key in self.signing)))
        self.checkpoints[size] = Published(size, root, at, size, note)
        return self.checkpoints[size]

    def rewrite(self, index: int, leaf: str) -> None:
        """What no witness lets pass: another past, signed again by the very keys of the log."""
        self.leaves[index] = leaf_hash(leaf.encode())
        published = self.checkpoints
        self.checkpoints, leaves = {}, self.leaves
        for size, before in published.items():
            self.leaves = leaves[:size]
            self.publish(before.at)
        self.leaves = leaves

    # The port ---------------------------------------------------------------------------------

    def latest(self) -> Published | None:
        return self._shown(max(self.checkpoints)) if self.checkpoints else None

    def published(self, after: int = 0, limit: int = 1000) -> list[Published]:
        return [self._shown(size) for size in sorted(self.checkpoints) if size > after][:limit]

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        return tuple(_subproof(old, self.leaves[:new], True)) if 0 < old < new else ()

    def stamps(self, after: int = 0, limit: int = 1000) -> list[Stamp]:
        return []

    def keys(self) -> Sequence[str]:
        return [str(key.public) for key in self.signing]

    def _shown(self, size: int) -> Published:
        one = self.checkpoints[size]
        note = with_cosignatures(one.note, self.lines.get(size, []))
        return Published(one.size, one.root, one.at, one.position, note)


def _subproof(m: int, leaves: Sequence[bytes], is_whole: bool) -> list[bytes]:
    n = len(leaves)
    if m == n:
        return [] if is_whole else [_root(leaves)]
    k = 1 << (n - 1).bit_length() - 1
    if m <= k:
        return [*_subproof(m, leaves[:k], is_whole), _root(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], False), _root(leaves[:k])]


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(_root(leaves[:k]), _root(leaves[k:]))
