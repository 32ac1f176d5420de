"""The proofs of the log, checked: RFC 9162 trees, C2SP signed notes, and the bundles that carry both to an auditor.

This file stands alone: the standard library and `cryptography`, no other module of ours, no database, no network.
An auditor carries it away and runs `python verifier.py PATH`; with `rfc3161_client` time stamps are checked too.
Whoever makes proofs takes the hashes from here, so that making and checking cannot drift apart. The bundle is
described byte by byte in docs/verifying.md.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import difflib
import hashlib
import json
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HASH_BYTES = 32
SIZE_DIGITS = 20
"""Of the largest tree that a checkpoint can name (64 bits)."""
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
    if roots_by_consistency(old, old_root, new, path) != (old_root, new_root):
        raise Broken(f"{between} are not one history")


def roots_by_consistency(old: int, old_root: bytes, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of both trees that the proof leads to; Broken when it has not as many hashes as theirs has.

    Of an `old` that is a power of two, the proof has not the root: it begins with the one that is given.
    """
    between = f"the trees of {old} and {new} leaves"
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
    if last:
        raise Broken(f"{between} are not one history")
    return first, second


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

    @property
    def numbered(self) -> str:
        """Which key it is, without the key."""
        return f"{self.name}+{self.id.hex()}"

    def __str__(self) -> str:
        return f"{self.numbered}+{base64.b64encode(bytes((self.kind,)) + self.public).decode()}"

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
        if len(lines[1]) > SIZE_DIGITS:
            raise Broken("not a checkpoint: no tree is so large")
        made = cls(lines[0], int(lines[1]), unbase64(lines[2]), tuple(lines[3:]))
        if len(made.root) != HASH_BYTES or made.text() != text:
            raise Broken("not a checkpoint as it is written")
        return made


# A bundle -----------------------------------------------------------------------------------------

MANIFEST, KEYS, CHECKPOINTS = "manifest.note", "keys.txt", "checkpoints.txt"
HASHES, LEAVES = "hashes.txt", "leaves.ndjson"
STAMP = re.compile(r"stamps/([1-9][0-9]*)-([1-9][0-9]*)\.tsr")
"""Size of the checkpoint that is stamped, and a number among its stamps."""
EVENT = re.compile(
    rb'\{"position":([1-9][0-9]{0,18}),"recorded_at":"[^"\\]+","topic":"[^"\\]+","stream":"[0-9a-f-]{36}",'
    rb'"version":[0-9]+,"state":.*\}'
)
DIGEST = re.compile(
    rb'\{"digest":"(?:accesses|disclosures)","day":"[0-9]{4}-[0-9]{2}-[0-9]{2}",'
    rb'"rows":(?:0|[1-9][0-9]*),"sha256":"[0-9a-f]{64}"\}'
)
BUNDLE, DOSSIER = "watchlist-bundle/v1", "watchlist-dossier/v1"
"""What the first line of a note says that signs one; no checkpoint's second or third line could follow it."""
BLOCK = 512
CHUNK = 1 << 20
FARTHEST = 1 << 62
"""No file is so long; an operating system can go no farther."""
MOST_FINDINGS = 200
ALIGNED = 2000
"""Lines that are compared each with each, to tell what is new from what was moved."""

Progress = Callable[[int, int], None]


def _in_silence(done: int, total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as the manifest names it."""

    sha256: str
    length: int
    name: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle is made of; signed by the log, so that no byte of it is without a witness."""

    origin: str
    size: int
    signers: tuple[str, ...]
    """`name+8 hexadecimal digits` of each key that signs it, in the order of their lines."""
    files: tuple[Entry, ...]

    def text(self) -> str:
        signers = (f"by {signer}" for signer in self.signers)
        files = (f"file {one.sha256} {one.length} {one.name}" for one in self.files)
        return "".join(f"{line}\n" for line in (BUNDLE, self.origin, self.size, *signers, *files))

    @classmethod
    def parse(cls, text: str) -> Manifest:
        lines = text.split("\n")[:-1]
        signers = tuple(line[3:] for line in lines if line.startswith("by "))
        rows = [line.split(" ") for line in lines if line.startswith("file ")]
        try:
            files = tuple(Entry(sha256, int(length), name) for _, sha256, length, name in rows)
            made = cls(lines[1], int(lines[2]), signers, files)
            places = [place_of(one.name) for one in files]
        except (ValueError, IndexError):
            raise Broken("not a manifest") from None
        if made.text() != text or not signers or places != sorted(set(places)):
            raise Broken("not a manifest as it is written")
        return made


def place_of(name: str) -> tuple[int, int, int]:
    """Where a file stands in a bundle; ValueError when it has no place there."""
    if stamp := STAMP.fullmatch(name):
        return 2, int(stamp[1]), int(stamp[2])
    places = {KEYS: 0, CHECKPOINTS: 1, HASHES: 3, LEAVES: 4}
    if name not in places:
        raise ValueError("no file of a bundle")
    return places[name], 0, 0


def tar_header(name: str, length: int) -> bytes:
    """The one header (POSIX ustar) that a file has in a bundle: nobody's, of 1970, readable."""
    size = b"%011o\0" % length if length < 8**11 else b"\x80" + length.to_bytes(11, "big")
    before = name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size + b"%011o\0" % 0
    after = b"0" + bytes(100) + b"ustar\x0000" + bytes(BLOCK - 265)
    return before + b"%06o\0 " % sum(before + b" " * 8 + after) + after


def padding(length: int) -> bytes:
    """What fills the last block of a file."""
    return bytes(-length % BLOCK)


TAR_END = bytes(2 * BLOCK)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where: in which file, lines counted from 1, bytes and leaves from 0."""

    what: str
    """changed, missing, added, reordered; unproven: as it was made, and yet not what it has to be."""
    file: str
    detail: str
    line: int | None = None
    last_line: int | None = None
    offset: int | None = None
    """Bytes from the beginning of the file to that line, or to what is wrong."""
    last_offset: int | None = None
    """Where it is known between which bytes alone."""
    leaf_index: int | None = None
    position: int | None = None

    def __str__(self) -> str:
        lines = f"{self.line}-{self.last_line}" if self.last_line not in (None, self.line) else self.line
        bytes_ = self.offset if self.last_offset is None else f"{self.offset}-{self.last_offset}"
        named = {"line": lines, "byte": bytes_, "leaf": self.leaf_index, "position": self.position}
        where = "".join(f", {name} {value}" for name, value in named.items() if value is not None)
        return f"{self.what}: {self.file}{where}: {self.detail}"


@dataclass(slots=True)
class Report:
    """What was found out about a bundle or a dossier."""

    path: str
    origin: str | None = None
    size: int | None = None
    root: str | None = None
    leaves: int = 0
    last_position: int | None = None
    checkpoints: int = 0
    cosigned: dict[str, int] = field(default_factory=dict)
    """By witness: the largest size that it cosigned."""
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    """Findings beyond those that are listed."""
    not_checked: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        return not self.findings

    def found(self, what: str, file: str, detail: str, **where: int | None) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(what, file, detail, **where))
        else:
            self.more += 1

    def blames(self, file: str) -> bool:
        return any(finding.file == file for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Known:
    """What the auditor brings along: nothing of it comes from the bundle."""

    keys: tuple[VerifierKey, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    earlier: tuple[Path, ...] = ()
    """Notes that were published before."""
    authorities: Path | None = None
    """Certificates (PEM) of time stamp authorities."""


# Where its files are ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a bundle, where it stands: `length` bytes from `start` on."""

    name: str
    path: Path
    start: int
    length: int

    def chunks(self) -> Iterator[bytes]:
        left = self.length
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left and (chunk := file.read(min(left, CHUNK))):
                yield chunk
                left -= len(chunk)

    def lines(self) -> Iterator[bytes]:
        """With their newlines, where they have one."""
        left = self.length
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left and (line := file.readline(left)):
                yield line
                left -= len(line)

    def read(self) -> bytes:
        return b"".join(self.chunks())

    def entry(self) -> Entry:
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return Entry(digest.hexdigest(), self.length, self.name)


@dataclass(slots=True)
class Parts:
    """The files of a bundle."""

    named: dict[str, Part]
    strays: list[Finding]
    """What belongs to no file: in a folder what is not a file, in a container what stands between two."""
    torn: str | None = None
    """The file after which a container could not be read on."""
    after: dict[int, str] = field(default_factory=dict)
    """By the byte of a stray: the file before it. A file that grew or shrank pushes what follows out of its place."""


def parts_of(path: Path) -> Parts:
    return _in_folder(path) if path.is_dir() else _in_container(path)


def _in_folder(path: Path) -> Parts:
    parts = Parts({}, [])
    for one in sorted(path.rglob("*")):
        name, mode = one.relative_to(path).as_posix(), one.lstat().st_mode
        if stat.S_ISREG(mode):
            parts.named[name] = Part(name, one, 0, one.stat().st_size)
        elif name != "stamps" or not stat.S_ISDIR(mode) or not any(one.iterdir()):
            parts.strays.append(Finding("added", name, "no file of a bundle"))
    return parts


def _in_container(path: Path) -> Parts:
    """Every header is made again and compared; where one is not what it has to be, reading ends."""
    parts, last, at, size = Parts({}, []), "", 0, path.stat().st_size

    def stray(start: int, end: int, detail: str) -> None:
        parts.after[start] = last
        parts.strays.append(Finding("changed", path.name, detail, offset=start, last_offset=end))

    with path.open("rb") as file:
        content_end = 0
        while True:
            header = file.read(BLOCK)
            if header == bytes(BLOCK):
                if size != at + len(TAR_END) or file.read() != bytes(BLOCK):
                    parts.torn = last
                    stray(content_end, size, "the container does not end as it has to")
                return parts
            name, length = _header_read(header)
            if tar_header(name, length) != header or name in parts.named or length >= FARTHEST:
                parts.torn = last
                stray(content_end, at + BLOCK, "not the header of a file")
                return parts
            start, last = at + BLOCK, name
            content_end = start + length
            parts.named[name] = Part(name, path, start, length)
            file.seek(content_end)
            at = content_end + len(padding(length))
            if file.read(at - content_end) != padding(length):
                stray(content_end, at, "the block of a file is not filled with zeros")


def _header_read(header: bytes) -> tuple[str, int]:
    name, size = header[:100].rstrip(b"\0").decode("ascii", "replace"), header[124:136]
    if size[:1] == b"\x80":
        return name, int.from_bytes(size[1:], "big")
    return name, int(size[:11], 8) if re.fullmatch(rb"[0-7]{11}\0", size) else 0


# What they say ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint of a bundle, and the lines where it stands."""

    note: Note
    checkpoint: Checkpoint
    line: int
    last_line: int
    offset: int


def notes_in(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int, int, int]]:
    """Notes with an empty line between two of them: the bytes of each, its first and last line, its first byte.

    The empty lines before it and behind it are among them: an error there may be an error of that note.
    """
    note, first, last, offset, at, gap = b"", 1, 0, 0, 0, False
    for last, line in enumerate(lines, 1):
        at += len(line)
        if line == b"\n" and gap:
            yield note, first, last, offset
            note, first, offset, gap = b"", last, at, False
        else:
            note, gap = note + line, gap or line == b"\n"
    yield note, first, last, offset


def differences(
    expected: Sequence[bytes], found: Sequence[bytes]
) -> Iterator[tuple[str, int, int, int, int]]:
    """What, and which part of the expected (from, to) and of the found (from, to), the ends excluded."""
    first, last, there = 0, len(expected), len(found)
    while first < min(last, there) and expected[first] == found[first]:
        first += 1
    while min(last, there) > first and expected[last - 1] == found[there - 1]:
        last, there = last - 1, there - 1
    known = set(expected[first:last])
    odd = [at for at in range(first, last) if last == there and expected[at] != found[at]]
    if last == there and (len(odd) <= 4 or last - first > ALIGNED):
        for at in odd:
            yield ("reordered" if found[at] in known else "changed"), at, at + 1, at, at + 1
        return
    blocks = [("replace", first, last, first, there)]
    if max(last, there) - first <= ALIGNED:
        matcher = difflib.SequenceMatcher(None, expected[first:last], found[first:there], autojunk=False)
        blocks = [
            (tag, first + a, first + b, first + c, first + d) for tag, a, b, c, d in matcher.get_opcodes()
        ]
    for tag, a, b, c, d in blocks:
        both = 0 if tag == "equal" else min(b - a, d - c)
        for step in range(both):
            what = "reordered" if found[c + step] in known else "changed"
            yield what, a + step, a + step + 1, c + step, c + step + 1
        if tag != "equal" and a + both < b:
            yield "missing", a + both, b, c + both, c + both
        if tag != "equal" and c + both < d:
            moved = all(line in known for line in found[c + both : d])
            yield ("reordered" if moved else "added"), a + both, a + both, c + both, d


# The judgement ------------------------------------------------------------------------------------


class Bundle:
    """A bundle, judged. What the manifest vouches for is what the rest is measured by, file after file."""

    def __init__(self, path: Path, known: Known, progress: Progress) -> None:
        self.report = Report(str(path))
        self.known = known
        self.progress = progress
        self.parts = parts_of(path)
        self.keys = list(dict.fromkeys(known.keys))
        self.witnesses = list(dict.fromkeys(known.witnesses))
        self.manifest: Manifest | None = None
        self.vouched: dict[str, Entry] = {}
        """What the manifest says of each file, when it may be believed."""
        self.changed: set[str] = set()
        self.last_given = True
        """Whether the last checkpoint that was read is signed by a key that the auditor gave."""

    def judge(self) -> Report:
        self._read_keys()
        self._read_manifest()
        self._compare_files()
        notes = self._earlier()
        self._read_tree(notes)
        self._read_stamps()
        for name in sorted(self.changed):
            if not self.report.blames(name):
                self.report.found("changed", name, "not the file that the manifest names")
        self._tell_strays()
        return self.report

    # Keys and manifest

    def _read_keys(self) -> None:
        part = self.parts.named.get(KEYS)
        own: list[VerifierKey] = []
        offset = 0
        for number, line in enumerate(part.lines() if part else (), 1):
            try:
                key = VerifierKey.parse(line.decode("ascii", "replace"))
                if f"{key}\n".encode() != line or key in own:
                    raise Broken("not a public key as it is written")
                own.append(key)
            except Broken as error:
                if self.parts.torn != KEYS:
                    self.report.found("changed", KEYS, str(error), line=number, offset=offset)
            offset += len(line)
        new = [key for key in own if key not in self.keys + self.witnesses]
        self.keys += [key for key in new if key.kind == SIGNATURE]
        self.witnesses += [key for key in new if key.kind == COSIGNATURE]

    def _read_manifest(self) -> None:
        part = self.parts.named.get(MANIFEST)
        if part is None:
            if self.parts.torn is None:
                self.report.found("missing", MANIFEST, "without it nothing says what belongs to the bundle")
            return
        written = part.read()
        try:
            note = Note.parse(written)
            manifest = Manifest.parse(note.text)
            if str(note).encode() != written:
                raise Broken("not a note as it is written")
            signers = tuple(f"{one.name}+{one.id.hex()}" for one in note.signatures)
            if signers != manifest.signers:
                raise Broken("not signed by those whom it names")
            self._believe(note, manifest)
        except Broken as error:
            line, offset = self._odd_line(written)
            self.report.found("changed", MANIFEST, str(error), line=line, offset=offset)

    def _believe(self, note: Note, manifest: Manifest) -> None:
        signed = [key for key in self.keys if note.signed_by(key)]
        self.manifest = manifest
        entries = {entry.name: entry for entry in manifest.files}
        keys = self.parts.named.get(KEYS)
        strangers = len(set(manifest.signers) - {key.numbered for key in signed})
        # a keys.txt that is not what it was is found changed, and whoever signed is then not known
        if strangers and keys is not None and entries.get(KEYS) == keys.entry():
            if not signed:
                raise Broken("signed by no key that is among the keys")
            self.report.not_checked.append(f"{strangers} signatures of {MANIFEST}: their keys are not named")
        if not _given(signed, self.known):
            self.report.found("unproven", MANIFEST, "signed by none of the keys given")
        if any(key.name != manifest.origin for key in signed):
            raise Broken("signed by another log than it names")
        self.vouched = entries

    def _odd_line(self, written: bytes) -> tuple[int | None, int | None]:
        """The first line of the manifest, and its first byte, that the files do not bear out; None: not to be told."""
        text, gap, rest = written.partition(b"\n\n")
        signed = [self._signer(text + b"\n", line) for line in rest.splitlines(True)]
        by = [line[3:].decode("ascii", "replace") for line in text.split(b"\n") if line.startswith(b"by ")]
        expected = written if any(holds for _, holds in signed) else self._as_the_files_say(signed, by)
        if expected is None:
            return None, None
        offset = 0
        for number, line in enumerate(written.splitlines(True), 1):
            after = number - text.count(b"\n") - 3
            right = expected.startswith(line, offset)
            if gap and offset >= len(text) + len(gap):
                right = after < len(by) and signed[after] == (by[after], True)
            if not right:
                return number, offset
            offset += len(line)
        return written.count(b"\n") + 1, len(written)

    def _as_the_files_say(self, signed: list[tuple[str | None, bool]], by: list[str]) -> bytes | None:
        last = self._last_checkpoint()
        if self.parts.torn is not None or last is None:
            return None
        names = sorted((name for name in self.parts.named if _has_place(name)), key=place_of)
        # one of the lists is what it was; it is known by its names, and by being the longest
        known = {key.numbered for key in self.keys}
        before = [f"{one.name}+{one.id.hex()}" for one in last.note.signatures]
        said = [[name or "" for name, _ in signed], by, [one for one in before if one in known]]
        signers = max(
            (one for one in said if known.issuperset(one) and len(set(one)) == len(one)), key=len, default=[]
        )
        files = tuple(self.parts.named[name].entry() for name in names)
        return (
            Manifest(last.checkpoint.origin, last.checkpoint.size, tuple(signers), files).text().encode()
            + b"\n"
        )

    def _signer(self, text: bytes, line: bytes) -> tuple[str | None, bool]:
        """Whose signature a line is, when it is a known one's; and whether it holds."""
        try:
            one = _signature(line.decode("utf-8").removesuffix("\n"))
        except (Broken, UnicodeDecodeError):
            return None, False
        for key in self.keys:
            if (key.name, key.id) == (one.name, one.id) and line == one.line().encode():
                return key.numbered, key.holds(text, one.value)
        return None, False

    def _last_checkpoint(self) -> Kept | None:
        last = None
        for kept in self._checkpoints(lambda *_: None):
            last = kept
        return last

    def _compare_files(self) -> None:
        named = self.parts.named
        for name in dict.fromkeys((KEYS, CHECKPOINTS, HASHES, LEAVES, *self.vouched)):
            if name not in named and self.parts.torn is None:
                self.report.found("missing", name, "there is no bundle without it")
        for name in named:
            if name != MANIFEST and (name not in self.vouched if self.vouched else not _has_place(name)):
                self.report.found("added", name, "the manifest does not name it")
        self.changed = {
            name for name in self.vouched if name in named and named[name].entry() != self.vouched[name]
        }

    def _tell_strays(self) -> None:
        """Not those that only say that a file before them grew or shrank."""
        for stray in self.parts.strays:
            before = self.parts.after.get(stray.offset or 0, "") if self.parts.after else ""
            if not before or not self.report.blames(before):
                self.report.findings.append(stray)
        if self.parts.torn is not None:
            self.report.not_checked.append(
                f"what follows {self.parts.torn or 'the beginning'} in the container"
            )

    # Checkpoints

    def _checkpoints(self, wrong: Callable[[str, int, int, int], None]) -> Iterator[Kept]:
        part = self.parts.named.get(CHECKPOINTS)
        before: Checkpoint | None = None
        for written, line, last_line, offset in notes_in(part.lines()) if part else ():
            try:
                note = Note.parse(written)
                if str(note).encode() != written:
                    raise Broken("not a note as it is written")
                checkpoint = Checkpoint.parse(note.text)
                if before and (checkpoint.origin != before.origin or checkpoint.size <= before.size):
                    raise Broken("not a later checkpoint of the same log")
            except Broken as error:
                wrong(str(error), line, last_line, offset)
                continue
            before = checkpoint
            yield Kept(note, checkpoint, line, last_line, offset)

    def _judge_note(self, note: Note, checkpoint: Checkpoint) -> None:
        """Broken when a signature does not hold, or none is the log's; counts what witnesses cosigned."""
        if len({(one.name, one.id) for one in note.signatures}) < len(note.signatures):
            raise Broken("signed twice by one key")
        signed = [key for key in self.keys if key.name == checkpoint.origin and note.signed_by(key)]
        if not signed and self._knows_all_keys():
            raise Broken("signed by no key of the log")
        self.last_given = _given(signed, self.known)
        for witness in self.witnesses:
            if note.signed_by(witness):
                before = self.report.cosigned.get(str(witness), 0)
                self.report.cosigned[str(witness)] = max(before, checkpoint.size)

    def _earlier(self) -> list[tuple[Path, Checkpoint]]:
        return earlier_ones(self.report, self.known, (*self.keys, *self.witnesses), self._knows_all_keys())

    def _knows_all_keys(self) -> bool:
        """Whether the list of keys is the one that was written: else nobody is blamed for a key that is not known."""
        there = KEYS in self.parts.named and KEYS not in self.changed and self.parts.torn != KEYS
        return there and not self.report.blames(KEYS)

    # The tree

    def _read_tree(self, earlier: list[tuple[Path, Checkpoint]]) -> None:
        """Leaf after leaf, and every checkpoint when its size is reached."""
        leaves, hashes = self.parts.named.get(LEAVES), self.parts.named.get(HASHES)
        differ = self._compare_lines(leaves, hashes)
        blamed = self._to_blame(leaves, hashes) if differ else set()
        trusted = hashes if blamed == {LEAVES} else leaves
        both = {LEAVES, HASHES} <= self.changed
        reader = (
            _Tree(trusted, self.progress) if trusted and (both or trusted.name not in self.changed) else None
        )
        wanted = sorted(earlier, key=lambda one: one[1].size)
        for kept in self._checkpoints(self._wrong_checkpoint):
            try:
                self._judge_note(kept.note, kept.checkpoint)
                while reader and wanted and wanted[0][1].size <= kept.checkpoint.size:
                    self._compare_earlier(reader, kept.checkpoint.origin, *wanted.pop(0))
                if reader and reader.root_at(kept.checkpoint.size) != kept.checkpoint.root:
                    if both:
                        self._between(self.report.size or 0, kept.checkpoint.size)
                        reader = None
                        continue
                    raise Broken(f"the first {kept.checkpoint.size} leaves have another root")
            except Broken as error:
                self._wrong_checkpoint(str(error), kept.line, kept.last_line, kept.offset)
                if CHECKPOINTS in self.changed:
                    break
                continue
            self.report.checkpoints += 1
            self.report.origin, self.report.size = kept.checkpoint.origin, kept.checkpoint.size
            self.report.root = kept.checkpoint.root.hex()
        self._judge_end(reader, wanted)

    def _between(self, size: int, larger: int) -> None:
        """Leaves and hashes were changed together: only the checkpoints say where."""
        detail = f"one of the leaves {size} to {larger - 1}: those before have the root of their checkpoint"
        self.report.found("changed", LEAVES, detail, leaf_index=size)

    def _wrong_checkpoint(self, detail: str, line: int, last_line: int, offset: int) -> None:
        if CHECKPOINTS in self.changed and (
            self.report.blames(CHECKPOINTS) or self.parts.torn == CHECKPOINTS
        ):
            return  # what follows the first error of a changed file may only be its consequence
        self.report.found("changed", CHECKPOINTS, detail, line=line, last_line=last_line, offset=offset)

    def _compare_earlier(self, reader: _Tree, origin: str, path: Path, checkpoint: Checkpoint) -> None:
        root = reader.root_at(checkpoint.size)
        if origin != checkpoint.origin:
            self.report.found("unproven", path.name, "a checkpoint of another log")
        elif root != checkpoint.root and {LEAVES, HASHES} <= self.changed:
            self.report.not_checked.append(f"{path.name}: the leaves are not as they were")
        elif root != checkpoint.root:
            detail = f"the first {checkpoint.size} leaves were others when this was published"
            self.report.found("changed", path.name, detail, leaf_index=checkpoint.size)

    def _judge_end(self, reader: _Tree | None, wanted: list[tuple[Path, Checkpoint]]) -> None:
        report, whole = self.report, not self.changed and self.parts.torn is None
        to_its_end = self._read_to_its_end()
        for path, checkpoint in wanted:
            if reader and to_its_end:
                detail = f"of {checkpoint.size} leaves: later than the bundle, which cannot be measured by it"
                report.found("missing", path.name, detail, leaf_index=report.size)
            else:
                report.not_checked.append(f"{path.name}: the bundle could not be read up to its leaves")
        if reader and whole and report.size is not None and reader.rest() != report.size:
            report.found("added", LEAVES, "leaves behind the last checkpoint", leaf_index=report.size)
        if (
            whole
            and self.manifest
            and (self.manifest.origin, self.manifest.size) != (report.origin, report.size)
        ):
            report.found("unproven", MANIFEST, "names another log or size than the last checkpoint")
        if to_its_end:
            self._judge_company()

    def _read_to_its_end(self) -> bool:
        """Whether nothing is wrong with the checkpoints: of others it cannot be said what is not among them."""
        there = CHECKPOINTS in self.parts.named and CHECKPOINTS not in self.changed
        return there and self.parts.torn is None and not self.report.blames(CHECKPOINTS)

    def _judge_company(self) -> None:
        """Who else must have signed, as the auditor says."""
        if not self.last_given:
            detail = "the last checkpoint is signed by none of the keys given"
            self.report.found("unproven", CHECKPOINTS, detail)
        for witness in self.known.witnesses:
            if str(witness) not in self.report.cosigned:
                self.report.found("unproven", CHECKPOINTS, f"no checkpoint is cosigned by {witness.name}")

    def _compare_lines(self, leaves: Part | None, hashes: Part | None) -> bool:
        """Leaves beside their hashes: what every leaf says of itself; whether all are the same."""
        if leaves is None or hashes is None:
            return False
        told = iter(hashes.lines())
        same, number, offset = True, 0, 0
        for number, line in enumerate(leaves.lines(), 1):
            leaf = line.removesuffix(b"\n")
            same &= next(told, b"") == leaf_hash(leaf).hex().encode() + b"\n" and leaf != line
            if same and LEAVES not in self.changed:
                self._judge_leaf(leaf, number, offset)
            offset += len(line)
            if not number & 0x3FFF:
                self.progress(offset, 2 * leaves.length)
        self.report.leaves = number
        self.progress(offset, 2 * leaves.length)
        same &= next(told, None) is None
        if not same:
            self._locate(leaves, hashes)
        return not same

    def _judge_leaf(self, leaf: bytes, number: int, offset: int) -> None:
        event = EVENT.fullmatch(leaf)
        position, before = int(event[1]) if event else None, self.report.last_position
        if position is None and not DIGEST.fullmatch(leaf):
            detail = "neither an event nor a digest as it is written"
        elif position is not None and before is not None and position <= before:
            detail = f"an event of position {position} behind one of {before}"
        else:
            self.report.last_position = before if position is None else position
            return
        where = {"line": number, "offset": offset, "leaf_index": number - 1, "position": position}
        self.report.found("unproven", LEAVES, detail, **where)

    def _to_blame(self, leaves: Part | None, hashes: Part | None) -> set[str]:
        """Of leaves and hashes that differ, those that are not what they were."""
        if self.vouched or leaves is None or hashes is None:
            return self.changed & {LEAVES, HASHES}
        kept = self._last_checkpoint()
        if kept is None:
            return {LEAVES, HASHES}
        size, root = kept.checkpoint.size, kept.checkpoint.root
        right = [part.name for part in (leaves, hashes) if _Tree(part, _in_silence).root_at(size) == root]
        return {LEAVES, HASHES} - set(right[:1])

    def _locate(self, leaves: Part, hashes: Part) -> None:
        """Line by line, in the file that is not what it was; takes memory for all hashes."""
        blamed = self._to_blame(leaves, hashes)
        of_leaves = [leaf_hash(line.removesuffix(b"\n")).hex().encode() for line in leaves.lines()]
        of_hashes = [line.removesuffix(b"\n") for line in hashes.lines()]
        part = hashes if HASHES in blamed and LEAVES not in blamed else leaves
        expected, found = (of_hashes, of_leaves) if part is leaves else (of_leaves, of_hashes)
        beside = " or of its hash" if blamed == {LEAVES, HASHES} else ""
        odd = list(differences(expected, found))
        offsets, last = _offsets(part, {one[3] for one in odd} | {len(found) - 1})
        if not last.endswith(b"\n") and not any(one[4] >= len(found) for one in odd):
            odd.append(("changed", len(found) - 1, len(found), len(found) - 1, len(found)))
        # a file that grew or shrank in a container ends elsewhere than it did: only the first place is certain
        for what, begins, ends, line, last_line in odd[:1] if self.parts.torn == part.name else odd:
            detail = f"leaves {begins} to {ends - 1}" if ends > begins + 1 else "not what was sealed" + beside
            self.report.found(
                what,
                part.name,
                detail,
                line=line + 1,
                last_line=max(line + 1, last_line),
                offset=offsets.get(line, part.length),
                leaf_index=begins,
            )

    # Time stamps

    def _read_stamps(self) -> None:
        stamps = [
            name for name in sorted(self.parts.named) if STAMP.fullmatch(name) and name not in self.changed
        ]
        if not stamps:
            return
        check = _stamps_checked_by(self.known.authorities)
        if isinstance(check, str):
            self.report.not_checked.append(f"{len(stamps)} time stamps: {check}")
            return
        sizes = {place_of(name)[1] for name in stamps}
        notes = ((one.checkpoint.size, one.note) for one in self._checkpoints(lambda *_: None))
        kept = {size: note for size, note in notes if size in sizes}
        for name in stamps:
            note = kept.get(place_of(name)[1])
            if note is None:
                self.report.found("unproven", name, "stamps a checkpoint that is not in the bundle")
            elif detail := check(self.parts.named[name].read(), stamped(note, self.keys)):
                self.report.found("unproven", name, detail)


def earlier_ones(
    report: Report, known: Known, keys: Sequence[VerifierKey], all_known: bool
) -> list[tuple[Path, Checkpoint]]:
    """What was published before and kept elsewhere."""
    kept = []
    for path in known.earlier:
        try:
            note = Note.parse(path.read_bytes())
            checkpoint = Checkpoint.parse(note.text)
            kept.append((path, checkpoint))
            if [key for key in keys if note.signed_by(key)]:
                continue
            if all_known:
                raise Broken("signed by no key that is known")
            report.not_checked.append(f"{path.name}: by whom it is signed, the keys not being as they were")
        except Broken as error:
            report.found("unproven", path.name, str(error))
    return kept


def stamped(note: Note, keys: Iterable[VerifierKey]) -> bytes:
    """What a time stamp is over: a note with the log's own signatures alone, as it was before any witness."""
    log = {(key.name, key.id) for key in keys}
    own = tuple(one for one in note.signatures if (one.name, one.id) in log)
    return str(Note(note.text, own)).encode()


def _has_place(name: str) -> bool:
    try:
        return bool(place_of(name))
    except ValueError:
        return False


def _offsets(part: Part, wanted: set[int]) -> tuple[dict[int, int], bytes]:
    """The first byte of each line that is asked for, counted from 0; and the last line."""
    offsets, at, line = {}, 0, b"\n"
    for number, line in enumerate(part.lines()):
        if number in wanted:
            offsets[number] = at
        at += len(line)
    return offsets, line


class _Tree:
    """The tree of a file of leaves, or of their hashes, that grows as it is asked for roots."""

    def __init__(self, part: Part, progress: Progress) -> None:
        self._part, self._progress = part, progress
        self._lines, self._read = part.lines(), 0
        self._hashed = part.name == HASHES
        self._peaks = Peaks()

    def root_at(self, size: int) -> bytes | None:
        """None when there are not so many leaves; sizes are asked for in their order."""
        while self._peaks.size < size and self._add():
            pass
        return self._peaks.root() if self._peaks.size == size else None

    def rest(self) -> int:
        while self._add():
            pass
        return self._peaks.size

    def _add(self) -> bool:
        line = next(self._lines, None)
        if line is None:
            return False
        leaf = line.removesuffix(b"\n")
        self._read += len(line)
        if not self._peaks.size & 0x3FFF:
            self._progress(self._part.length + self._read, 2 * self._part.length)
        if not self._hashed:
            self._peaks.add(leaf_hash(leaf))
        else:
            whole = re.fullmatch(rb"[0-9a-f]{64}", leaf)
            self._peaks.add(bytes.fromhex(leaf.decode()) if whole else b"")
        return True


def _stamps_checked_by(authorities: Path | None) -> Callable[[bytes, bytes], str | None] | str:
    """A check that says what is wrong with a stamp over a message; or why there is none."""
    if authorities is None:
        return "no authority to trust was given (--tsa-root)"
    try:
        import rfc3161_client
    except ImportError:
        return "rfc3161_client is not installed"
    from cryptography import x509

    builder = rfc3161_client.VerifierBuilder()
    for certificate in x509.load_pem_x509_certificates(authorities.read_bytes()):
        builder = builder.add_root_certificate(certificate)
    verifier = builder.build()

    def check(token: bytes, message: bytes) -> str | None:
        try:
            verifier.verify_message(rfc3161_client.decode_timestamp_response(token), message)
        except (rfc3161_client.VerificationError, ValueError) as error:
            return f"the time stamp does not hold: {error}"
        return None

    return check


# A dossier ----------------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """The one form in which JSON is signed: keys in their order, nothing between, no escapes that need not be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def signed_text(rest: Mapping[str, Any]) -> str:
    """What the log signs of a dossier, its member `signature` left out."""
    return f"{DOSSIER}\n{hashlib.sha256(canonical(rest)).hexdigest()}\n"


PROVEN = {"proofs", "checkpoint", "keys"}
"""What a file without a signature may hold: each of them proves itself."""
PROOF = {"leaf", "leaf_index", "tree_size", "path"}


def judge_dossier(path: Path, known: Known) -> Report:
    """A JSON file with `proofs` and a `checkpoint`; with a `signature`, over every byte of it."""
    report, written = Report(str(path)), path.read_bytes()
    try:
        value = json.loads(written)
        proofs, note = value["proofs"], Note.parse(value["checkpoint"].encode())
        checkpoint = Checkpoint.parse(note.text)
        named = [VerifierKey.parse(key) for key in value.get("keys", ())]
        if not isinstance(proofs, list):
            raise Broken("no dossier with proofs")
        keys = [key for key in dict.fromkeys((*known.keys, *named)) if key.kind == SIGNATURE]
        signed = _signers(note, keys, checkpoint.origin)
        if not signed:
            raise Broken("the checkpoint is signed by no key of the log")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Broken) as error:
        report.found(
            "changed", path.name, str(error) if isinstance(error, Broken) else "no dossier with proofs"
        )
        return report
    report.origin, report.size, report.root = checkpoint.origin, checkpoint.size, checkpoint.root.hex()
    report.leaves, report.checkpoints = len(proofs), 1
    if not _given(signed, known):
        report.found("unproven", path.name, "the checkpoint is signed by none of the keys given")
    for number, proof in enumerate(proofs):
        _judge_proof(report, path.name, number, proof, checkpoint)
    if "signature" in value:
        _judge_signature(report, path.name, value, written, (keys, checkpoint.origin, known))
    else:
        _judge_unsigned(report, path.name, value)
    _judge_company(report, path.name, note, checkpoint, (keys, known))
    return report


def _signers(note: Note, keys: Iterable[VerifierKey], origin: str) -> list[VerifierKey]:
    return [key for key in keys if key.name == origin and note.signed_by(key)]


def _given(signed: Iterable[VerifierKey], known: Known) -> bool:
    """Whether the auditor's own keys say so; keys that came with a file are enough when there are none."""
    return not known.keys or any(key in known.keys for key in signed)


def _judge_proof(report: Report, file: str, number: int, proof: Any, checkpoint: Checkpoint) -> None:
    index = None
    try:
        if type(proof["leaf_index"]) is not int:
            raise Broken("no proof as it is written")
        index = proof["leaf_index"]
        leaf = proof["leaf"].encode()
        path = [bytes.fromhex(step) for step in proof["path"]]
        if proof["tree_size"] != checkpoint.size or [step.hex() for step in path] != proof["path"]:
            raise Broken("the proof is of another tree, or not written as it has to be")
        if root_by_inclusion(leaf_hash(leaf), index, checkpoint.size, path) != checkpoint.root:
            raise Broken("the leaf is not what was sealed")
    except (ValueError, KeyError, TypeError, AttributeError, Broken) as error:
        detail = str(error) if isinstance(error, Broken) else "no proof as it is written"
        report.found("changed", file, f"proof {number}: {detail}", leaf_index=index)


def _judge_signature(
    report: Report,
    file: str,
    value: dict[str, Any],
    written: bytes,
    by: tuple[list[VerifierKey], str, Known],
) -> None:
    keys, origin, known = by
    try:
        note = Note.parse(str(value["signature"]).encode())
        rest = {name: one for name, one in value.items() if name != "signature"}
        signed = _signers(note, keys, origin)
        if note.text != signed_text(rest) or not signed or canonical(value) != written:
            raise Broken("not what was signed")
        strangers = _strangers(note, keys)
    except (ValueError, RecursionError, Broken) as error:
        report.found(
            "changed", file, str(error) if isinstance(error, Broken) else "no JSON that could be signed"
        )
        return
    if not _given(signed, known):
        report.found("unproven", file, "signed by none of the keys given")
    if strangers:
        report.not_checked.append(f"{strangers} signatures by keys that nobody named")
    if not value["proofs"]:
        report.not_checked.append("whether anything of it was sealed: there is no proof in it")


def _strangers(note: Note, keys: Sequence[VerifierKey]) -> int:
    """How many signatures are by keys that are not known; Broken when one of them is by a known key all the same.

    Around the change of a key an older list of keys may lack the newest one.
    """
    ids = [(one.name, one.id) for one in note.signatures]
    strange = [one for one in note.signatures if (one.name, one.id) not in {(k.name, k.id) for k in keys}]
    text = note.text.encode()
    if len(set(ids)) < len(ids) or any(key.holds(text, one.value) for key in keys for one in strange):
        raise Broken("not signed as it has to be")
    return len(strange)


def _judge_unsigned(report: Report, file: str, value: dict[str, Any]) -> None:
    """Proofs speak for themselves; whatever stands beside them must be signed."""
    if not value["proofs"]:
        report.found("missing", file, "no proof and no signature: nothing in it is proven")
    if value.keys() - PROVEN or any(isinstance(one, dict) and one.keys() - PROOF for one in value["proofs"]):
        report.found("missing", file, "no signature over what stands beside the proofs")
    report.not_checked.append("whether there were more proofs: the file has no signature")


def _judge_company(
    report: Report, file: str, note: Note, checkpoint: Checkpoint, by: tuple[list[VerifierKey], Known]
) -> None:
    """Beside what the auditor brought along: witnesses, checkpoints that were kept, authorities."""
    keys, known = by
    for witness in known.witnesses:
        try:
            cosigned = note.signed_by(witness)
        except Broken as error:
            report.found("changed", file, str(error))
            continue
        if cosigned:
            report.cosigned[str(witness)] = checkpoint.size
        else:
            report.found("unproven", file, f"the checkpoint is not cosigned by {witness.name}")
    for path, kept in earlier_ones(report, known, (*keys, *known.witnesses), all_known=True):
        if kept.origin != checkpoint.origin:
            report.found("unproven", path.name, "a checkpoint of another log")
        elif kept.size != checkpoint.size:
            sizes = f"of {kept.size} leaves, and the dossier of {checkpoint.size}"
            report.not_checked.append(
                f"{path.name}: {sizes}; only a bundle tells whether one continues the other"
            )
        elif kept.root != checkpoint.root:
            detail = f"the {kept.size} leaves were others when this was published"
            report.found("changed", path.name, detail, leaf_index=kept.size)
    if known.authorities is not None:
        report.not_checked.append("time stamps: a dossier carries none, a bundle does")


# The command line ---------------------------------------------------------------------------------


def verify(path: Path, known: Known | None = None, progress: Progress = _in_silence) -> Report:
    """A bundle (a folder, or a file that ends in `.tar`) or a dossier (`.json`), judged."""
    known = known or Known()
    if path.is_dir() or path.suffix == ".tar":
        report = Bundle(path, known, progress).judge()
    else:
        report = judge_dossier(path, known)
    if not known.keys:
        report.not_checked.append(
            "whose keys these are: compare those in the file with the published ones (--key)"
        )
    return report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a bundle (folder or .tar) or a dossier (.json)"
    )
    parser.add_argument(
        "--key", action="append", default=[], metavar="VKEY|FILE", help="the log's published key"
    )
    parser.add_argument(
        "--witness", action="append", default=[], metavar="VKEY|FILE", help="who must have cosigned"
    )
    parser.add_argument(
        "--checkpoint", action="append", default=[], type=Path, metavar="FILE", help="an earlier one"
    )
    parser.add_argument(
        "--tsa-root", type=Path, metavar="PEM", help="time stamp authorities that are trusted"
    )
    parser.add_argument("--json", action="store_true")


def known_of(args: argparse.Namespace) -> Known:
    """Broken when a key is none."""
    keys = [key for given in args.key for key in _keys_given(given)]
    witnesses = [key for given in args.witness for key in _keys_given(given)]
    if {key.kind for key in keys} - {SIGNATURE} or {key.kind for key in witnesses} - {COSIGNATURE}:
        raise Broken("a key of a log is no key of a witness, nor the other way round")
    return Known(
        tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(witnesses)), tuple(args.checkpoint), args.tsa_root
    )


def _keys_given(given: str) -> list[VerifierKey]:
    lines = Path(given).read_text("utf-8").splitlines() if Path(given).is_file() else [given]
    return [VerifierKey.parse(line) for line in lines if line]


def told(report: Report) -> str:
    """For people; French words are in the documentation."""
    if report.right:
        head = f"all right: {report.leaves} leaves, {report.checkpoints} checkpoints of {report.origin}"
    else:
        head = f"NOT right: {len(report.findings) + report.more} findings"
    lines = [head, *map(str, report.findings)]
    lines += [f"... and {report.more} more"] if report.more else []
    lines += [
        f"cosigned up to {size} leaves by {key.partition('+')[0]}" for key, size in report.cosigned.items()
    ]
    return "\n".join([*lines, *(f"not checked: {one}" for one in report.not_checked)])


def facts(report: Report) -> dict[str, Any]:
    """For programs."""
    return {"right": report.right, **asdict(report)}


def run(args: argparse.Namespace, progress: Progress = _in_silence) -> int:
    """The command: 0 when everything is right, 1 with what is not."""
    try:
        report = verify(args.path, known_of(args), progress)
    except (Broken, OSError) as error:
        print(f"cannot be verified: {error}", file=sys.stderr)
        return 1
    print(json.dumps(facts(report), ensure_ascii=False) if args.json else told(report))
    return 0 if report.right else 1


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verify a bundle or a dossier of the watchlist, offline.")
    add_arguments(parser)
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
