"""The proofs of the log, checked: RFC 9162 trees and C2SP signed notes.

This file stands alone: the standard library and `cryptography`, no other module of ours, no database, no network.
Whoever makes proofs takes the hashes from here, so that making and checking cannot drift apart.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
SIGNATURE = 0x01
"""The kind of key that signs checkpoints (C2SP signed-note, Ed25519)."""
COSIGNATURE = 0x04
"""The kind of key with which a witness cosigns them (C2SP tlog-cosignature, Ed25519)."""


class Broken(Exception):
    """A proof that does not hold; the message says which and where, and nothing personal."""


# The tree (RFC 9162, section 2.1) -----------------------------------------------------------------


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Peaks:
    """The tree of the leaves so far, as the roots of its complete subtrees: 32 bytes for each bit of its size."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """The next leaf, by its hash."""
        self.size += 1
        rest = self.size
        while not rest & 1:
            leaf, rest = node_hash(self._peaks.pop(), leaf), rest >> 1
        self._peaks.append(leaf)

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    peaks = Peaks()
    for leaf in leaf_hashes:
        peaks.add(leaf)
    return peaks.root()


def root_by_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to, from the hash of a leaf (RFC 9162, 2.1.3.2); Broken when it cannot."""
    if not 0 <= index < size:
        raise Broken(f"leaf {index} is not in a tree of {size}")
    node, last, root = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise Broken(f"the inclusion proof of leaf {index} is too long")
        if node & 1 or node == last:
            root = node_hash(step, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, step)
        node, last = node >> 1, last >> 1
    if last:
        raise Broken(f"the inclusion proof of leaf {index} is too short")
    return root


def require_consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """That the tree of `new` leaves begins with the very tree of `old` leaves (RFC 9162, 2.1.4.2), or Broken."""
    between = f"the trees of {old} and {new} leaves"
    if not 0 <= old <= new:
        raise Broken(f"{between} are in the wrong order")
    if old in (0, new):
        if path or (old == new and old_root != new_root) or (old == 0 and old_root != EMPTY_ROOT):
            raise Broken(f"{between} differ")
        return
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        raise Broken(f"the proof between {between} is too short")
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise Broken(f"the proof between {between} is too long")
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    if last or first != old_root or second != new_root:
        raise Broken(f"{between} are not one history")


# Notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature) --------------------------------------


def unbase64(text: str) -> bytes:
    """Strictly: what encodes to this very text again, so that no bit of it is without meaning."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Broken("not base64") from None
    if base64.b64encode(value).decode() != text:
        raise Broken("not base64 as it is written")
    return value


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as it is published: `name+8 hexadecimal digits+base64(kind, 32 bytes)`."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes((self.kind,)) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        name, _, rest = text.strip().partition("+")
        id, _, encoded = rest.partition("+")
        value = unbase64(encoded)
        if not name or len(value) != 1 + HASH_BYTES or value[0] not in (SIGNATURE, COSIGNATURE):
            raise Broken("not a public key as notes name them")
        key = cls(name, value[0], value[1:])
        if key.id.hex() != id:
            raise Broken(f"the key {name} does not have the number that it is written with")
        return key

    def holds(self, text: bytes, signature: bytes) -> bool:
        """Whether this key signed the text of a note; a witness signs the time with it."""
        signed = text
        if self.kind == COSIGNATURE:
            if len(signature) != 8 + 64:
                return False
            at, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            signed = b"cosignature/v1\ntime %d\n" % at + text
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, signed)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    id: bytes
    value: bytes

    def line(self) -> str:
        return f"— {self.name} {base64.b64encode(self.id + self.value).decode()}\n"

    @property
    def cosigned_at(self) -> int:
        """Of a cosignature: seconds since 1970."""
        return int.from_bytes(self.value[:8], "big")


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a newline, and the lines of those who signed it."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)

    @classmethod
    def parse(cls, written: bytes) -> Note:
        try:
            whole = written.decode("utf-8")
        except UnicodeDecodeError:
            raise Broken("not a note: not UTF-8") from None
        text, gap, signed = whole.rpartition("\n\n")
        if not gap or not signed.endswith("\n"):
            raise Broken("not a note: a text, an empty line and signatures")
        return cls(text + "\n", tuple(_signature(line) for line in signed[:-1].split("\n")))

    def signed_by(self, key: VerifierKey) -> Signature | None:
        """The signature of that key; Broken when there is one that does not hold."""
        for signature in self.signatures:
            if (signature.name, signature.id) == (key.name, key.id):
                if not key.holds(self.text.encode(), signature.value):
                    raise Broken(f"the signature of {key.name} does not hold")
                return signature
        return None


def _signature(line: str) -> Signature:
    mark, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    value = unbase64(encoded)
    if mark != "—" or not name or "+" in name or len(value) <= 4:
        raise Broken("not a signature of a note")
    return Signature(name, value[:4], value[4:])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself at a size."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(line + "\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        lines = text.split("\n")[:-1]
        if len(lines) < 3 or not lines[0] or not lines[1].isascii() or not lines[1].isdigit():
            raise Broken("not a checkpoint: origin, size, root")
        made = cls(lines[0], int(lines[1]), unbase64(lines[2]), tuple(lines[3:]))
        if len(made.root) != HASH_BYTES or made.text() != text:
            raise Broken("not a checkpoint as it is written")
        return made
