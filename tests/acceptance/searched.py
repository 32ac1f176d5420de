"""Searches everything that was written for values that nobody may read there, however they are encoded.

`traces_of(values, roots)` reads every file under the folders given, and every bytes given. It finds a value in both
cases, without its accents, decomposed; as UTF-8, UTF-16, Latin-1; in base64 wherever it begins, hex, percent- and
JSON-escapes; dates also as 29/02/2024 and 20240229. Not looked for: what is compressed or encrypted, and a date as
PostgreSQL's four bytes (`pg_dump` shows those as text).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""Bytes: anything shorter is found by chance in megabytes of ciphertext."""
_ZEROS = re.compile(rb"\0{64,}")

Place = Path | bytes


class Trace(NamedTuple):
    """A value that was found: as what, and where."""

    value: str
    encoding: str
    place: str


def traces_of(values: Iterable[str], roots: Place | Iterable[Place]) -> list[Trace]:
    """Every value that was found, once for each way and place. A value too short to be told from chance is refused."""
    needles = [needle for value in dict.fromkeys(values) for needle in _needles(value)]
    places = [roots] if isinstance(roots, Path | bytes) else list(roots)
    return [trace for place, data in _read(places) for trace in _found(needles, place, data)]


class _Needle(NamedTuple):
    value: str
    encoding: str
    raw: bytes


def _found(needles: Iterable[_Needle], place: str, data: bytes) -> Iterator[Trace]:
    for needle in needles:
        if needle.raw in data:
            yield Trace(needle.value, needle.encoding, place)


# What is read ---------------------------------------------------------------------------------


def _read(places: Iterable[Place]) -> Iterator[tuple[str, bytes]]:
    """Each different content once, in lower case: a cluster has three copies of its system tables."""
    seen: set[bytes] = set()
    for place, raw in _contents(places):
        digest = hashlib.sha256(raw).digest()
        if digest not in seen:
            seen.add(digest)
            yield place, _ZEROS.sub(b"\0" * 64, raw).lower()


def _contents(places: Iterable[Place]) -> Iterator[tuple[str, bytes]]:
    for number, place in enumerate(places):
        if isinstance(place, bytes):
            yield f"bytes {number}", place
            continue
        for file in sorted(path for path in _files(place) if path.is_file() and not path.is_symlink()):
            yield f"name of {file}", str(file).encode()
            try:
                yield str(file), file.read_bytes()
            except FileNotFoundError:  # a running server removes some
                continue


def _files(place: Path) -> Iterable[Path]:
    return place.rglob("*") if place.is_dir() else [place]


# What is looked for ---------------------------------------------------------------------------


def _needles(value: str) -> Iterator[_Needle]:
    if len(value.encode()) < SHORTEST:
        raise ValueError(f"{value!r} is too short to be told from chance")
    made: dict[bytes, _Needle] = {}
    for spelling in _spellings(value):
        for encoding, raw in _encoded(spelling):
            # What is read is in lower case; base64 loses its case too, and is long enough for that.
            if len(raw) >= SHORTEST:
                made.setdefault(raw.lower(), _Needle(value, encoding, raw.lower()))
    yield from made.values()


def _spellings(value: str) -> set[str]:
    """Cases, accents, and a date as it is written in France."""
    told = {value, *_dates(value)}
    told |= {unicodedata.normalize(form, one) for one in told for form in ("NFC", "NFD")}
    told |= {
        "".join(c for c in unicodedata.normalize("NFD", one) if not unicodedata.combining(c)) for one in told
    }
    return {cased for one in told for cased in (one, one.upper(), one.lower())}


def _dates(value: str) -> list[str]:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return []
    day = date.fromisoformat(value)
    return [day.strftime("%d/%m/%Y"), day.strftime("%Y%m%d"), day.strftime("%d.%m.%Y")]


def _encoded(text: str) -> Iterator[tuple[str, bytes]]:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
        try:
            raw = text.encode(encoding)
        except UnicodeEncodeError:
            continue
        yield encoding, raw
        yield f"hex of {encoding}", raw.hex().encode()
        yield from _base64(encoding, raw)
    yield from _escaped(text)


def _base64(encoding: str, raw: bytes) -> Iterator[tuple[str, bytes]]:
    """The characters that do not depend on what stands before and after, for each of the three ways to begin."""
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw)
        part = whole[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
        yield f"base64 of {encoding}, offset {offset}", part
        yield f"base64url of {encoding}, offset {offset}", part.translate(bytes.maketrans(b"+/", b"-_"))


def _escaped(text: str) -> Iterator[tuple[str, bytes]]:
    yield "percent", quote(text, safe="").encode()
    yield "percent, plus", quote_plus(text).encode()
    yield "percent, everything", "".join(f"%{byte:02x}" for byte in text.encode()).encode()
    yield "json", json.dumps(text)[1:-1].encode()
    yield "json, everything", "".join(f"\\u{ord(c):04x}" for c in text).encode()
    yield "repr of bytes", repr(text.encode())[2:-1].encode()
    yield "repr of latin-1", text.encode("unicode_escape")
    yield "bytea", "".join(chr(b) if b < 128 else f"\\{b:03o}" for b in text.encode()).encode()
    yield "html", text.encode("ascii", "xmlcharrefreplace")
