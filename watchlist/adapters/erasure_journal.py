"""The erasure journal: a file of its own, outside the stores that it outlives; and its twin in memory.

One JSON line for each erasure, with random ids only, each with the digest of the line before. Several processes append
under a lock of the file. What a crash left of a last line is no line, and the next append writes over it; whatever
else is not as it was appended is refused, with its place.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import msgspec

from watchlist.domain.erasure import ErasureKind, JournalEntry
from watchlist.ports.erasure_journal import JournalDamaged, JournalLine, JournalThere

BEGINNING = "0" * 64
"""What the first line follows."""
LONGEST_LINE = 1024
_encode = msgspec.json.Encoder().encode


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As it is written."""

    sequence: int
    kind: ErasureKind
    owner: UUID
    at: datetime
    previous: str


def _line(entry: Line) -> tuple[bytes, JournalEntry]:
    raw = _encode(entry)
    return raw + b"\n", JournalEntry(entry.sequence, entry.kind, entry.owner, entry.at, _digest(raw))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _chained(
    owners: Sequence[tuple[ErasureKind, UUID]], at: datetime, sequence: int, previous: str
) -> tuple[bytes, list[JournalEntry]]:
    return _following([(kind, owner, at) for kind, owner in owners], sequence, previous)


def _following(
    given: Sequence[JournalLine], sequence: int, previous: str
) -> tuple[bytes, list[JournalEntry]]:
    """The lines that follow a line, and what they say."""
    lines, entries = [], []
    for kind, owner, at in given:
        raw, entry = _line(Line(sequence + 1, kind, owner, at, previous))
        lines.append(raw)
        entries.append(entry)
        sequence, previous = entry.sequence, entry.digest
    return b"".join(lines), entries


class FileErasureJournal:
    """Keeps the port ErasureJournal in one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, owners: Sequence[tuple[ErasureKind, UUID]], at: datetime) -> list[JournalEntry]:
        if not owners:
            return []
        with self._locked() as file:
            end, sequence, previous = self._last(file)
            raw, entries = _chained(owners, at, sequence, previous)
            file.seek(end)
            file.truncate()
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        return entries

    def begin(self, lines: Sequence[JournalLine]) -> list[JournalEntry]:
        """What a crash left of the very same lines is gone on from."""
        raw, entries = _following(lines, 0, BEGINNING)
        with self._locked() as file:
            if not raw.startswith(file.read()):
                raise JournalThere(
                    f"there is an erasure journal, {self.path}: it is not written over; if it is not this "
                    "register's whole journal, move it away first"
                )
            file.seek(0)
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        return entries

    def after(self, sequence: int = 0) -> Iterator[JournalEntry]:
        """Read up to what was whole when it began."""
        if not self.path.exists():
            return
        with self._locked() as file:
            end, _, _ = self._last(file)
        with open(self.path, "rb") as file:
            yield from (entry for entry in self._read(file, end) if entry.sequence > sequence)

    def length(self) -> int:
        if not self.path.exists():
            return 0
        with self._locked() as file:
            return self._last(file)[1]

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """The file, for one process at a time; a new one is in its folder for good before it is used."""
        is_new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_new:
                _keep_name(self.path.parent)
            yield file

    def _last(self, file: BinaryIO) -> tuple[int, int, str]:
        """Where the last whole line ends, its sequence and its digest."""
        size = file.seek(0, os.SEEK_END)
        begin = max(0, size - 2 * LONGEST_LINE)
        file.seek(begin)
        whole = file.read(size - begin).rpartition(b"\n")[0]
        if not whole:
            if begin:
                raise self._damaged("its last line is too long", begin)
            return 0, 0, BEGINNING
        raw = whole.rpartition(b"\n")[2]
        end = begin + len(whole) + 1
        return end, self._decoded(raw, end - len(raw) - 1).sequence, _digest(raw)

    def _read(self, file: BinaryIO, end: int) -> Iterator[JournalEntry]:
        place, sequence, previous = 0, 0, BEGINNING
        while place < end:
            raw = file.readline(LONGEST_LINE)
            line = self._decoded(raw.removesuffix(b"\n"), place)
            if line.sequence != sequence + 1 or line.previous != previous:
                raise self._damaged(f"line {sequence + 1} does not follow the one before", place)
            sequence, previous = line.sequence, _digest(raw.removesuffix(b"\n"))
            place += len(raw)
            yield JournalEntry(line.sequence, line.kind, line.owner, line.at, previous)

    def _decoded(self, raw: bytes, place: int) -> Line:
        try:
            return msgspec.json.decode(raw, type=Line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._damaged("a line cannot be read", place) from None

    def _damaged(self, how: str, place: int) -> JournalDamaged:
        return JournalDamaged(
            f"the erasure journal {self.path} is damaged at byte {place} ({how}): restore it from its own backup"
        )


def _keep_name(folder: Path) -> None:
    """A new file's name outlives a crash too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class MemoryErasureJournal:
    """The same, gone with its process: for tests, and for a house that keeps nothing."""

    def __init__(self) -> None:
        self._entries: list[JournalEntry] = []

    def append(self, owners: Sequence[tuple[ErasureKind, UUID]], at: datetime) -> list[JournalEntry]:
        previous = self._entries[-1].digest if self._entries else BEGINNING
        _, entries = _chained(owners, at, len(self._entries), previous)
        self._entries += entries
        return entries

    def begin(self, lines: Sequence[JournalLine]) -> list[JournalEntry]:
        _, entries = _following(lines, 0, BEGINNING)
        if entries[: len(self._entries)] != self._entries:
            raise JournalThere("there is an erasure journal")
        self._entries = list(entries)
        return entries

    def after(self, sequence: int = 0) -> Iterator[JournalEntry]:
        yield from self._entries[sequence:]

    def length(self) -> int:
        return len(self._entries)
