"""A witness: it cosigns a checkpoint only when that continues the last one which it cosigned (C2SP tlog-witness).

Whoever runs the log cannot then show one history to some and another to others, nor change what was: a history that
was rewritten and signed again by the log's own key gets no cosignature. What is decided here is pure; what a witness
remembers is in its own folder, its key in no other.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watchlist.audit.verifier import (
    COSIGNATURE,
    EMPTY_ROOT,
    HASH_BYTES,
    Broken,
    Checkpoint,
    Note,
    Signature,
    VerifierKey,
    roots_by_consistency,
    unbase64,
)

MOST_STEPS = 63
"""Of a consistency proof: what the protocol allows."""
LARGEST_REQUEST = 64 * 1024
"""Bytes: the longest proof and a note with some hundred signatures."""
SIZE_DIGITS = 19
_PRIVATE = "PRIVATE+KEY"


# What is asked ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """The body of `add-checkpoint`: what the witness is believed to have seen, the proof from there, the checkpoint."""

    old: int
    path: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    @classmethod
    def made(cls, old: int, path: Sequence[bytes], note: bytes) -> Request:
        """Broken when that is no checkpoint."""
        read = Note.parse(note)
        _, _, size = read.text.partition("\n")
        size_of(size.partition("\n")[0])
        return cls(old, tuple(path), read, Checkpoint.parse(read.text))

    def body(self) -> bytes:
        proof = "".join(base64.b64encode(step).decode() + "\n" for step in self.path)
        return f"old {self.old}\n{proof}\n{self.note}".encode()

    @classmethod
    def parse(cls, body: bytes) -> Request:
        """Broken when it is not written as the protocol says."""
        head, gap, note = body.partition(b"\n\n")
        try:
            first, *steps = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise Broken("the proof is not ASCII") from None
        if not gap or not first.startswith("old ") or len(steps) > MOST_STEPS:
            raise Broken("not a request: an old size, at most 63 lines of proof, an empty line, a checkpoint")
        return cls.made(size_of(first[4:]), tuple(map(_hash, steps)), note)


def size_of(text: str) -> int:
    """A number of leaves as checkpoints write it."""
    if not text.isascii() or not text.isdigit() or len(text) > SIZE_DIGITS or str(int(text)) != text:
        raise Broken("not a size")
    return int(text)


def _hash(line: str) -> bytes:
    step = unbase64(line)
    if len(step) != HASH_BYTES:
        raise Broken("not a hash")
    return step


# What is decided ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """The last checkpoint of a log that a witness cosigned."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class Evidence(StrEnum):
    """What a refused request shows of the log."""

    CONTRADICTION = "contradiction"
    """The log signed two histories: this note and the one that was seen cannot both be true, whoever sent it."""
    DOUBT = "doubt"
    """The log signed the note; that it does not continue what was seen is not shown: anybody sends a wrong proof."""


class Refused(Exception):
    """The witness does not cosign; with the status that the protocol gives it, and what it then says."""

    def __init__(self, status: int, says: str, evidence: Evidence | None = None) -> None:
        super().__init__(says)
        self.status, self.says = status, says
        self.evidence = evidence
        """Then whoever runs the witness has to look; None: nothing is shown, and nothing need be kept."""


Trusted = Mapping[str, Sequence[VerifierKey]]
"""The keys of each log, by its origin."""


def require_known(request: Request, trusted: Trusted) -> str:
    """The origin of a checkpoint that one of its log's keys signed, or Refused."""
    origin = request.checkpoint.origin
    keys = trusted.get(origin)
    if not keys:
        raise Refused(404, "this witness does not know that log")
    if not any(_signed(request.note, key) for key in keys):
        raise Refused(403, "no key that this witness knows of that log signed it")
    if request.old > request.checkpoint.size:
        raise Refused(400, "the old size is larger than the checkpoint's")
    return origin


def require_continued(request: Request, seen: Seen) -> None:
    """That the checkpoint begins with all that was seen of its log, or Refused."""
    new = request.checkpoint
    if new.size == seen.size and new.root != seen.root:
        raise Refused(409, str(seen.size), Evidence.CONTRADICTION)
    if request.old != seen.size:
        raise Refused(409, str(seen.size))
    if seen.size in (0, new.size):
        if request.path:
            raise Refused(400, f"from {seen.size} to {new.size} leaves the proof is empty")
        return
    try:
        old_root, new_root = roots_by_consistency(seen.size, seen.root, new.size, request.path)
    except Broken as broken:
        raise Refused(400, str(broken)) from None
    if (old_root, new_root) != (seen.root, new.root):
        # a true way from the signed root to another tree of the size that was seen: nobody can make one up
        evidence = Evidence.CONTRADICTION if new_root == new.root else Evidence.DOUBT
        raise Refused(422, f"the trees of {seen.size} and {new.size} leaves are not one history", evidence)


def _signed(note: Note, key: VerifierKey) -> bool:
    try:
        return note.signed_by(key) is not None
    except Broken:
        return False


def trusted_logs(keys: Sequence[VerifierKey]) -> Trusted:
    """By origin: a log signs under its own name. Several of one name are a rotation."""
    logs: dict[str, list[VerifierKey]] = {}
    for key in keys:
        if key.kind == COSIGNATURE:
            raise Broken(f"{key.name} is a witness's key, not a log's")
        logs.setdefault(key.name, []).append(key)
    return logs


# How it is cosigned -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The private key of a witness; written as `PRIVATE+KEY+name+number+base64(kind, seed)`, one line."""

    name: str
    _seed: bytes = field(repr=False)

    @classmethod
    def made(cls, name: str) -> WitnessKey:
        if not name or "+" in name or any(not letter.isprintable() or letter == " " for letter in name):
            raise Broken("the name of a witness has no blanks and no +, such as witness.example/1")
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def public(self) -> VerifierKey:
        private = Ed25519PrivateKey.from_private_bytes(self._seed)
        return VerifierKey(self.name, COSIGNATURE, private.public_key().public_bytes_raw())

    def written(self) -> str:
        encoded = base64.b64encode(bytes((COSIGNATURE,)) + self._seed).decode()
        return f"{_PRIVATE}+{self.name}+{self.public.id.hex()}+{encoded}\n"

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """Broken when it is none; the message shows nothing of it."""
        if not text.startswith(f"{_PRIVATE}+"):
            raise Broken("not the key of a witness")
        name, _, rest = text.removeprefix(f"{_PRIVATE}+").partition("+")
        value = unbase64(rest.partition("+")[2].removesuffix("\n"))
        if len(value) != 1 + HASH_BYTES or value[0] != COSIGNATURE:
            raise Broken("not the key of a witness")
        key = cls(name, value[1:])
        if key.written() != text:
            raise Broken("not the key of a witness as it is written")
        return key

    def cosign(self, text: str, at: int) -> Signature:
        """Over the text of a checkpoint and the second at which it is said to be the largest that was seen."""
        signed = b"cosignature/v1\ntime %d\n" % at + text.encode()
        value = Ed25519PrivateKey.from_private_bytes(self._seed).sign(signed)
        return Signature(self.name, self.public.id, at.to_bytes(8, "big") + value)


# Notes with their cosignatures --------------------------------------------------------------------


def named(key: VerifierKey) -> str:
    """A witness by name and number, as its line says them and as cosignatures are kept under."""
    return f"{key.name}+{key.id.hex()}"


def signer_of(line: str) -> str:
    """The same, of a line."""
    (signature,) = Note.parse(f"\n\n{line}".encode()).signatures
    return f"{signature.name}+{signature.id.hex()}"


def with_cosignatures(note: str, lines: Sequence[str]) -> str:
    """A note as the log signed it, and the lines of its witnesses behind, in the order of their names, each once."""
    there = note.partition("\n\n")[2].splitlines(keepends=True)
    return note + "".join(sorted(line for line in set(lines) if line not in there))
