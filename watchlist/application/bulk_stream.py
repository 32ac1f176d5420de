"""The lines of a screening in bulk, as they come in pieces: split in constant memory, each with its own reference.

Two forms, NDJSON and CSV. Whatever is wrong with one line is an error for that line (S5); only a header of CSV that
cannot be understood refuses the whole, before anything is answered.
"""

from __future__ import annotations

import codecs
from typing import Protocol

import msgspec
from msgspec import Struct

from watchlist.application.screening_request import KEY, AskedSubject, LineError, read_keyed_line

LONGEST_LINE = 16 * 1024
"""Bytes; a subject with twenty identifiers and the longest names takes less than a fifth."""
RECENT_KEYS = 1 << 20
"""Places in which the keys of a stream are remembered: 8 MiB for each stream, however long it is."""

Asked = tuple[str | None, AskedSubject | LineError]
"""One line: its key, unless it has none that can be read, and what it asks."""


class Form(Protocol):
    """How lines are written, and their answers."""

    media_type: str

    def read(self, line: bytes | None) -> list[Asked]:
        """The subjects that are complete with this line; None: a line that was too long to be kept."""
        ...

    def end(self) -> list[Asked]:
        """What was still waiting for more lines when there are no more."""
        ...

    def answer(self, asked: Asked, told: bool | LineError) -> str:
        """One line of the answer, its end included."""
        ...

    def heading(self) -> str:
        """What comes before all answers."""
        ...


class Lines:
    """Cuts what comes at the ends of lines. A line that grows too long is dropped, and told as None."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = self._dropping = False

    def feed(self, piece: bytes) -> list[bytes | None]:
        """The lines that are complete with this piece, without their ends."""
        held = self._rest + piece
        if not self._begun:
            if len(held) < len(codecs.BOM_UTF8) and codecs.BOM_UTF8.startswith(held):
                self._rest = held
                return []
            self._begun, held = True, held.removeprefix(codecs.BOM_UTF8)
        lines: list[bytes | None] = [*held.split(b"\n")]
        self._rest = lines.pop() or b""
        if self._dropping and lines:
            lines[0], self._dropping = None, False
        for place, line in enumerate(lines):
            if line is not None and len(line) > LONGEST_LINE:
                lines[place] = None
        if self._dropping or len(self._rest) > LONGEST_LINE:
            self._rest, self._dropping = b"", True
        return lines

    def end(self) -> list[bytes | None]:
        """The last line, when nothing ended it."""
        if self._dropping:
            return [None]
        return [self._rest] if self._rest else []


class Repetitions:
    """Whether a key was there before, in constant memory: of two keys that fall on one place the later is remembered.

    No key is ever wrongly taken for a repetition; one is missed the more easily the further apart they are, once in a
    hundred times at ten thousand lines.
    """

    def __init__(self) -> None:
        self._hashes = memoryview(bytearray(8 * RECENT_KEYS)).cast("q")

    def saw(self, key: str) -> bool:
        """And remembers it. Python's hash of a text has 64 bits and is keyed anew in each process."""
        known, place = hash(key), hash(key) & (RECENT_KEYS - 1)
        repeated = self._hashes[place] == known
        self._hashes[place] = known
        return repeated


_encode = msgspec.json.Encoder().encode


def too_long() -> LineError:
    return LineError("too_long", "line", f"A line has at most {LONGEST_LINE // 1024} KiB.")


def malformed_key() -> LineError:
    return LineError("malformed", "key", "A key has 1 to 64 characters of A-Z, a-z, 0-9, _ and -.")


def repeated_key() -> LineError:
    return LineError("repeated_key", "key", "This key stands on a line before; give each line its own.")


class _Key(Struct):
    key: str


_key_alone = msgspec.json.Decoder(_Key)


class JsonLines:
    """NDJSON: a subject a line, with `key`; and a line of answer for each."""

    media_type = "application/x-ndjson"

    def read(self, line: bytes | None) -> list[Asked]:
        if line is None:
            return [(None, too_long())]
        try:
            subject = read_keyed_line(line)
        except LineError as error:
            return [(_key_of(line), error)] if line.strip() else []
        if not KEY.fullmatch(subject.key):
            return [(None, malformed_key())]
        return [(subject.key, subject)]

    def end(self) -> list[Asked]:
        return []

    def answer(self, asked: Asked, told: bool | LineError) -> str:
        """A key has no character that JSON would escape."""
        key, _ = asked
        if isinstance(told, LineError):
            return _encode({"key": key, **told.body()}).decode() + "\n"
        return f'{{"key":"{key}","hit":true}}\n' if told else f'{{"key":"{key}","hit":false}}\n'

    def heading(self) -> str:
        return ""


def _key_of(line: bytes) -> str | None:
    """Of a line that cannot be asked: its key, where that much can be read."""
    try:
        key = _key_alone.decode(line).key
    except (ValueError, RecursionError):
        return None
    return key if KEY.fullmatch(key) else None
