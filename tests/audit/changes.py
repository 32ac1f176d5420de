"""Random changes of a bundle, and whether what the verifier says of one is where it was made.

A finding is rightly placed when it names the file that was changed and, if it names lines, one that was touched;
in a container what lies between two files is named by its bytes. Touched is what is left of a file without the
longest beginning and the longest end that it has in common with what it was, by its lines before or after; of two
lines that changed places, the two.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from watchlist.audit.verifier import Finding, Known, Part, Report, parts_of, verify

Span = tuple[int, int]


@dataclass(frozen=True)
class Change:
    kind: str
    file: str
    before: bytes
    after: bytes
    spans: tuple[tuple[Span, Span], ...]
    """Bytes that were touched: from and until, before and after."""


def flip_a_bit(chance: random.Random, old: bytes) -> bytes:
    at = chance.randrange(len(old))
    return old[:at] + bytes([old[at] ^ 1 << chance.randrange(8)]) + old[at + 1 :]


def replace_a_byte(chance: random.Random, old: bytes) -> bytes:
    at = chance.randrange(len(old))
    return old[:at] + chance.choice((chance.randbytes(1), b"\n", b" ", b"0")) + old[at + 1 :]


def insert(chance: random.Random, old: bytes) -> bytes:
    at = chance.randrange(len(old) + 1)
    new = chance.choice((chance.randbytes(chance.randint(1, 5)), b"\n", b" ", b"\0", b"a\n", b"\n\n"))
    return old[:at] + new + old[at:]


def delete(chance: random.Random, old: bytes) -> bytes:
    at = chance.randrange(len(old))
    return old[:at] + old[at + chance.randint(1, 5) :]


def truncate(chance: random.Random, old: bytes) -> bytes:
    return old[: chance.choice((chance.randrange(len(old)), len(old) - 1))]


def append(chance: random.Random, old: bytes) -> bytes:
    return old + chance.choice((chance.randbytes(3), b"\n", old[-20:], old.splitlines(True)[-1], bytes(512)))


def repeat_a_line(chance: random.Random, old: bytes) -> bytes:
    lines = old.splitlines(True)
    at = chance.randrange(len(lines))
    return b"".join((*lines[: at + 1], *lines[at:]))


def drop_a_line(chance: random.Random, old: bytes) -> bytes:
    lines = old.splitlines(True)
    at = chance.randrange(len(lines))
    return b"".join((*lines[:at], *lines[at + 1 :]))


KINDS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    flip_a_bit,
    flip_a_bit,
    replace_a_byte,
    insert,
    delete,
    truncate,
    append,
    repeat_a_line,
    drop_a_line,
)


def swap_lines(chance: random.Random, old: bytes) -> tuple[bytes, tuple[tuple[Span, Span], ...]]:
    """Two lines change places; what was touched is the two."""
    lines = old.split(b"\n")[:-1]
    if len(lines) < 2:
        return old, ()
    one, two = sorted(chance.sample(range(len(lines)), 2))
    swapped = [*lines]
    swapped[one], swapped[two] = lines[two], lines[one]
    spans = tuple((_line_span(lines, at), _line_span(swapped, at)) for at in (one, two))
    return b"".join(line + b"\n" for line in swapped), spans


def _line_span(lines: list[bytes], at: int) -> Span:
    start = sum(len(line) + 1 for line in lines[:at])
    return start, start + len(lines[at]) + 1


def touched(old: bytes, new: bytes) -> tuple[Span, Span]:
    first, shorter = 0, min(len(old), len(new))
    while first < shorter and old[first] == new[first]:
        first += 1
    last = 0
    while last < shorter - first and old[-1 - last] == new[-1 - last]:
        last += 1
    return (first, len(old) - last), (first, len(new) - last)


def a_change(chance: random.Random, file: str, old: bytes) -> Change:
    """One that does change something."""
    while True:
        if b"\0" not in old and chance.random() < 0.1:
            new, spans = swap_lines(chance, old)
            kind = "swap_lines"
        else:
            change = chance.choice(KINDS)
            new, kind = change(chance, old), change.__name__
            spans = (touched(old, new),)
        if new != old:
            return Change(kind, file, old, new, spans)


class Drawn:
    """A bundle that is changed again and again, and mended."""

    def __init__(self, bundle: Path, known: Known | None = None) -> None:
        self.bundle = bundle
        self.known = known
        self.parts = parts_of(bundle).named
        self.files = {name: part.path for name, part in self.parts.items()}
        if not bundle.is_dir():
            self.files = {bundle.name: bundle}

    def change(self, chance: random.Random) -> Change:
        file = chance.choice(list(self.files))
        if self.bundle.is_dir() or chance.random() < 0.3:
            return a_change(chance, file, self.files[file].read_bytes())
        return self._inside(chance, self.bundle.read_bytes())

    def _inside(self, chance: random.Random, whole: bytes) -> Change:
        """A change of a file in the container, which moves what follows."""
        part = chance.choice(list(self.parts.values()))
        end = part.start + part.length
        inner = a_change(chance, part.name, whole[part.start : end])
        spans = tuple(
            ((a + part.start, b + part.start), (c + part.start, d + part.start))
            for (a, b), (c, d) in inner.spans
        )
        return Change(
            inner.kind, self.bundle.name, whole, whole[: part.start] + inner.after + whole[end:], spans
        )

    def judged(self, change: Change) -> Report:
        path = self.files[change.file]
        path.write_bytes(change.after)
        try:
            return verify(self.bundle, self.known)
        finally:
            path.write_bytes(change.before)

    def misplaced(self, change: Change, report: Report) -> list[Finding]:
        return [one for one in report.findings if not self._rightly_placed(change, one)]

    def _rightly_placed(self, change: Change, finding: Finding) -> bool:
        if self.bundle.is_dir():
            part = Part(change.file, self.bundle, 0, len(change.before))
            return finding.file == change.file and self._in(part, change, finding)
        if finding.file == self.bundle.name:
            between = finding.offset, finding.last_offset
            return any(a <= between[1] and between[0] <= b for span in change.spans for a, b in span)
        return finding.file in self.parts and self._in(self.parts[finding.file], change, finding)

    def _in(self, part: Part, change: Change, finding: Finding) -> bool:
        """Whether the finding is about a stretch of that file that was touched."""
        end = part.start + part.length
        spans = [span for span in change.spans if span[0][0] <= end and span[0][1] >= part.start]
        if not spans or finding.line is None:
            return bool(spans)
        old, new = change.before[part.start :], change.after[part.start :]
        lines: set[int] = set()
        for (a, b), (c, d) in spans:
            amid = change.before[b - 1 : b] != b"\n" or change.after[d - 1 : d] != b"\n"
            for content, x, y in ((old, a, b), (new, c, d)):
                x, y = max(0, x - part.start), max(0, y - part.start)
                first, last = content[:x].count(b"\n"), content[: y if amid else max(x, y - 1)].count(b"\n")
                lines |= set(range(first + 1, last + 2))
        named = set(range(finding.line, (finding.last_line or finding.line) + 1))
        return bool(named & lines)
