"""CSV as programs and spreadsheets write it: `,` or `;`, quotation marks, line breaks within them."""

from __future__ import annotations

import re
from collections import deque
from datetime import date
from typing import Any

from msgspec import UNSET, UnsetType

from watchlist.application.bulk_stream import LONGEST_LINE, Asked, malformed_key, too_long
from watchlist.application.screening_request import KEY, AskedIdentifier, AskedSubject, LineError
from watchlist.domain import refusals

SCHEMES = ("rpps", "adeli", "finess", "siren", "siret")
COLUMNS = ("key", "kind", "family_name", "given_names", "birth_date", "birth_place", *SCHEMES)
ANSWERED = ("key", "hit", "error_code", "error_field")
MOST_LINES = 8
"""Over which one row may run, by line breaks within quotation marks."""


class UnreadableHeader(refusals.Malformed):
    """The first line of a CSV names its columns: `key`, and those of the questions, each once, as documented.

    fr: La première ligne d'un CSV nomme ses colonnes : « key » et celles des questions, chacune une fois,
    comme documenté.
    """


class Csv:
    """Reads rows and writes answers, with the separator that the header has."""

    media_type = "text/csv"

    def __init__(self) -> None:
        self._header: _Header | None = None
        self._pending: deque[bytes] = deque()

    def read(self, line: bytes | None) -> list[Asked]:
        """A row, when it is complete; raises UnreadableHeader."""
        if self._header is None:
            self._header = _Header(line or b"")
            return []
        if line is None:
            return [*self.end(), (None, too_long())]
        if not self._pending and b'"' not in line:
            return self._header.row(line.removesuffix(b"\r"))
        self._pending.append(line)
        return self._complete(ended=False)

    def end(self) -> list[Asked]:
        return self._complete(ended=True)

    def answer(self, asked: Asked, told: bool | LineError) -> str:
        assert self._header is not None
        key, subject = asked
        written = "" if key is None else _harmless(key)
        separator = self._header.separator
        if isinstance(told, LineError):
            return separator.join((written, "", told.code, _column(told.field, subject))) + "\n"
        return f"{written}{separator}{'true' if told else 'false'}{separator}{separator}\n"

    def heading(self) -> str:
        """Raises UnreadableHeader when there was none."""
        if self._header is None:
            raise UnreadableHeader("key")
        return self._header.separator.join(ANSWERED) + "\n"

    def _complete(self, *, ended: bool) -> list[Asked]:
        """The rows that the pending lines make. A quotation mark that nothing closes is an error for its own line
        alone: the lines after it are read for themselves, lest their questions be lost in a cell of another's."""
        found: list[Asked] = []
        while self._pending and self._header is not None:
            lines = self._lines_of_a_row(self._header)
            if lines is None and not ended and self._may_go_on():
                break
            text = b"\n".join(self._pending.popleft() for _ in range(lines or 1))
            found += self._header.row(text.removesuffix(b"\r"))
        return found

    def _lines_of_a_row(self, header: _Header) -> int | None:
        text = b""
        for lines, line in enumerate(self._pending, start=1):
            text = text + b"\n" + line if text else line
            try:
                cells = header.cells(text)
            except LineError:
                return 1
            if cells is not None:
                swallowed = lines > 1 and any("\n" in cell and header.separator in cell for cell in cells)
                return 1 if swallowed else lines
        return None

    def _may_go_on(self) -> bool:
        return len(self._pending) < MOST_LINES and sum(map(len, self._pending)) <= LONGEST_LINE


class _Header:
    """Which column is where."""

    def __init__(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        self.separator = ";" if ";" in text else ","
        names = [name.strip().strip('"') for name in text.split(self.separator)]
        if "key" not in names or not set(names) <= set(COLUMNS) or len(set(names)) < len(names):
            raise UnreadableHeader("key")
        self._width = len(names)
        at = {name: place for place, name in enumerate(names)}
        self._key, self._kind = at["key"], at.get("kind")
        self._family_name, self._given_names = at.get("family_name"), at.get("given_names")
        self._birth_date, self._birth_place = at.get("birth_date"), at.get("birth_place")
        self._schemes = [(scheme, at[scheme]) for scheme in SCHEMES if scheme in at]

    def row(self, text: bytes) -> list[Asked]:
        """One, or none where a spreadsheet left a line of empty cells."""
        key: str | None = None
        try:
            cells = self.cells(text)
            if cells is None:
                raise _malformed("A quotation mark is not closed.")
            if not any(cells) or not any(map(str.strip, cells)):
                return []
            if len(cells) != self._width:
                raise _malformed("The line has not as many cells as the header has columns.")
            given = cells[self._key].strip()
            if not KEY.fullmatch(given):
                raise malformed_key()
            key = given
            return [(key, self._subject(cells))]
        except LineError as error:
            return [(key or self._key_of(text), error)]

    def cells(self, text: bytes) -> list[str] | None:
        """None while a quotation mark is open; raises LineError when it is no CSV, or no UTF-8."""
        try:
            decoded = text.decode()
        except UnicodeDecodeError:
            raise _malformed("The line is not UTF-8.") from None
        if '"' not in decoded:
            return decoded.split(self.separator)
        return _quoted_cells(decoded.removesuffix("\r"), self.separator)

    def _key_of(self, text: bytes) -> str | None:
        """Of a line that cannot be read: what stands where its key should, if that can be told."""
        if self._key and b'"' in text:
            return None
        cells = text.split(self.separator.encode())
        given = cells[self._key].strip() if self._key < len(cells) else b""
        key = given.decode("ascii", "replace")
        return key if KEY.fullmatch(key) else None

    def _subject(self, cells: list[str]) -> AskedSubject:
        identifiers = [
            AskedIdentifier(scheme, cells[place]) for scheme, place in self._schemes if cells[place].strip()
        ]
        return AskedSubject(
            kind=_kind(_text(cells, self._kind)),
            family_name=_text(cells, self._family_name),
            given_names=_text(cells, self._given_names),
            birth_date=_date(_text(cells, self._birth_date)),
            birth_place=_text(cells, self._birth_place),
            identifiers=identifiers or UNSET,
        )


def _malformed(detail: str) -> LineError:
    return LineError("malformed", "line", detail)


def _text(cells: list[str], place: int | None) -> str | UnsetType:
    return UNSET if place is None else cells[place].strip() or UNSET


def _kind(text: str | UnsetType) -> Any:
    if text is UNSET or text in ("person", "organisation"):
        return text
    raise LineError("malformed", "kind", "person or organisation.")


_FRENCH = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _date(text: str | UnsetType) -> date | UnsetType:
    if isinstance(text, UnsetType):
        return text
    french = _FRENCH.fullmatch(text)
    try:
        if french:
            return date(int(french[3]), int(french[2]), int(french[1]))
        if _ISO.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise LineError("malformed", "birth_date", "Write a date as 2024-02-29 or 29/02/2024.")


def _quoted_cells(text: str, separator: str) -> list[str] | None:
    cells: list[str] = []
    at = 0
    while True:
        if not text.startswith('"', at):
            end = text.find(separator, at)
            cells.append(text[at:] if end < 0 else text[at:end])
        else:
            closing = _closing(text, at + 1)
            if closing is None:
                return None
            cells.append(text[at + 1 : closing].replace('""', '"'))
            end = -1 if closing + 1 == len(text) else closing + 1
            if end > 0 and text[end] != separator:
                raise _malformed("A quotation mark is closed within a cell.")
        if end < 0:
            return cells
        at = end + 1


def _closing(text: str, at: int) -> int | None:
    """The quotation mark that ends a cell; two of them are one of its characters."""
    while (end := text.find('"', at)) >= 0:
        if not text.startswith('""', end):
            return end
        at = end + 2
    return None


def _harmless(key: str) -> str:
    """A spreadsheet would calculate what begins with a sign: an apostrophe makes it a text."""
    return f"'{key}" if key.startswith("-") else key


def _column(field: str, asked: AskedSubject | LineError) -> str:
    """`identifiers[0]` is the column of its scheme."""
    if not field.startswith("identifiers[") or not isinstance(asked, AskedSubject) or not asked.identifiers:
        return field
    return asked.identifiers[int(field[len("identifiers[") : field.index("]")])].scheme
