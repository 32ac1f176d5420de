"""Read an existing list: CSV as people and spreadsheets write it, each line a value or its refusals (L7).

No message shows a value; a line is numbered as a person sees it in the file, where it starts.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from watchlist.domain import identifiers, refusals
from watchlist.domain.identifiers import Identifier, MalformedIdentifier, looks_like_nir
from watchlist.domain.identity import Identity, Organisation, Person
from watchlist.domain.import_line import ImportLine, LineProcedure
from watchlist.domain.inscription import Ground, require_grounds, require_term
from watchlist.domain.procedure import FURTHEST_YEAR, Kind
from watchlist.domain.retention import LONGEST_TERM
from watchlist.domain.subject import Role, SubjectKind

T = TypeVar("T")
C = TypeVar("C", bound=StrEnum)

LONGEST_NAME = 200
LONGEST_TEXT = 2000

IDENTIFIERS = ("rpps", "adeli", "finess", "siren", "siret")
OF_PERSONS = ("family_name", "usage_name", "given_names", "birth_date", "birth_place")
PROCEDURE = ("procedure_kind", "procedure_court", "procedure_reference", "procedure_opened_on")
REQUIRED = ("kind", "role", "case_reference", "grounds", "inscribed_on", "term_months")
COLUMNS = (
    "kind", "role", *OF_PERSONS, "name", *IDENTIFIERS,
    "case_reference", "grounds", "inscribed_on", "term_months", *PROCEDURE,
)  # fmt: skip


# What refuses the whole file ------------------------------------------------------------------


class FileNotUtf8(refusals.Malformed):
    """The file is not UTF-8 text; save it as CSV UTF-8.

    fr: Le fichier n'est pas du texte UTF-8 ; enregistrez-le en CSV UTF-8.
    """


class FileNotCsv(refusals.Malformed):
    """The file cannot be read as CSV: a quotation mark is not closed, or a cell is far too long.

    fr: Le fichier ne se lit pas comme un CSV : un guillemet n'est pas fermé, ou une cellule est bien
    trop longue.
    """


class FileWithoutHeader(refusals.Malformed):
    """The file is empty; its first line names the columns.

    fr: Le fichier est vide ; sa première ligne nomme les colonnes.
    """


class ColumnMissing(refusals.Malformed):
    """The header lacks this column; the names of the columns are exact.

    fr: Il manque cette colonne à l'en-tête ; les noms des colonnes sont exacts.
    """


class ColumnUnknown(refusals.Malformed):
    """The header has a column that is not one of the import file, or has one twice.

    fr: L'en-tête a une colonne qui n'est pas celle d'un fichier d'import, ou en répète une.
    """


class NirRefused(refusals.Malformed):
    """The social security number (NIR) is neither stored nor accepted: remove it (S4).

    fr: Le numéro de sécurité sociale (NIR) n'est ni conservé ni accepté : retirez-le (S4).
    """


# What refuses a line --------------------------------------------------------------------------


class CellsMissing(refusals.Malformed):
    """The line has not as many cells as the header has columns.

    fr: La ligne n'a pas autant de cellules que l'en-tête a de colonnes.
    """


class FieldMissing(refusals.Malformed):
    """Fill in this cell.

    fr: Remplissez cette cellule.
    """


class FieldNotForKind(refusals.Malformed):
    """Leave this cell empty: it is not for a subject of this kind.

    fr: Laissez cette cellule vide : elle ne concerne pas ce genre de personne.
    """


class FieldTooLong(refusals.Malformed):
    """The text is too long: 200 characters for a name, 2000 for another text.

    fr: Le texte est trop long : 200 caractères pour un nom, 2000 pour un autre texte.
    """


class FormulaRefused(refusals.Malformed):
    """The text begins as a spreadsheet's formula does (=, +, -, @); write the text itself.

    fr: Le texte commence comme une formule de tableur (=, +, -, @) ; écrivez le texte même.
    """


class ControlCharacter(refusals.Malformed):
    """The text has a character that cannot be shown; type it again.

    fr: Le texte a un caractère qui ne s'affiche pas ; saisissez-le à nouveau.
    """


class UnknownCode(refusals.Malformed):
    """The cell is not one of the codes of this column.

    fr: La cellule n'est pas un des codes de cette colonne.
    """


class DateMalformed(refusals.Malformed):
    """Write the date as 2024-02-29 or 29/02/2024.

    fr: Écrivez la date 2024-02-29 ou 29/02/2024.
    """


class ProcedureIncomplete(refusals.Malformed):
    """A procedure has its kind, court, reference and opening date, or none of them.

    fr: Une procédure a sa nature, sa juridiction, sa référence et sa date d'ouverture, ou aucune d'elles.
    """


class Refused(Struct, frozen=True):
    """Why a line was not taken: a code and what to do, never a value."""

    line: int
    field: str | None
    code: str
    detail: str

    @classmethod
    def of(cls, line: int, refusal: refusals.Refusal) -> Refused:
        return cls(line, refusal.field, refusal.code, refusal.detail)


@dataclass(frozen=True, slots=True)
class ReadFile:
    lines: tuple[ImportLine, ...]
    refused: tuple[Refused, ...]


def read_file(content: bytes) -> ReadFile:
    """Every line of the file, or why not; a Malformed for a file that is none."""
    lines: list[ImportLine] = []
    refused: list[Refused] = []
    for number, cells in _records(_text(content)):
        found = _Cells(cells)
        line = found.line(number)
        if line is None:
            refused += [_reported(number, field, problem) for field, problem in found.problems]
        else:
            lines.append(line)
    return ReadFile(tuple(lines), tuple(refused))


def _reported(line: int, field: str | None, problem: refusals.Refusal | MalformedIdentifier) -> Refused:
    return Refused(line, field, problem.code, problem.detail)


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # The cause is dropped on purpose: it would carry the whole file into a log.
        raise FileNotUtf8("file") from None
    if "\0" in text:
        raise FileNotUtf8("file")
    return text


def _records(text: str) -> Iterator[tuple[int, dict[str, str] | None]]:
    """The physical line where each record starts, and its cells by column (None: not as many as columns)."""
    rows = _rows(text)
    _, header = next(rows, (1, []))
    columns = _checked_header(header)
    for number, row in rows:
        if any(cell.strip() for cell in row):
            yield number, dict(zip(columns, row, strict=True)) if len(row) == len(columns) else None


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before = 0
    try:
        for row in reader:
            yield before + 1, row
            before = reader.line_num
    except csv.Error:
        detail = f"{FileNotCsv.english.rstrip('.')}, from line {before + 1} on."
        raise FileNotCsv("file", detail=detail) from None


def _checked_header(header: list[str]) -> list[str]:
    if not any(header):
        raise FileWithoutHeader("file")
    for place, column in enumerate(header, 1):
        if column not in COLUMNS or column in header[: place - 1]:
            raise _unknown_column(column, place)
    for column in REQUIRED:
        if column not in header:
            raise ColumnMissing(column)
    return header


def _unknown_column(column: str, place: int) -> refusals.Refusal:
    """Named by its place: in a file without a header, its name would be a person's."""
    try:
        identifiers.parse(column, "")
    except MalformedIdentifier as error:
        if error.code == "nir_refused":
            return NirRefused("header")
    return ColumnUnknown("header", detail=f"{ColumnUnknown.english} It is column {place}.")


class _Cells:
    """The cells of one line; each that is wrong is noted, so that all are told at once."""

    def __init__(self, cells: Mapping[str, str] | None) -> None:
        self.problems: list[tuple[str | None, refusals.Refusal | MalformedIdentifier]] = []
        if cells is None:
            self.problems.append((None, CellsMissing()))
        self._cells = {column: " ".join(cell.split()) for column, cell in (cells or {}).items()}

    def line(self, number: int) -> ImportLine | None:
        """None if there are problems."""
        if self.problems:
            return None
        role = self._code("role", Role)
        identity = self._identity()
        reference = self._required("case_reference", LONGEST_TEXT)
        grounds = self._noted("grounds", self._grounds)
        inscribed_on = self._date("inscribed_on", required=True)
        months = self._noted("term_months", self._months)
        procedure = self._procedure()
        if self.problems or not (role and identity and reference and grounds and inscribed_on and months):
            return None
        return ImportLine(number, role, identity, reference, grounds, inscribed_on, months, procedure)

    def _identity(self) -> Identity | None:
        kind = self._code("kind", SubjectKind)
        if kind is None:
            return None
        numbers = tuple(self._identifiers())
        if kind is SubjectKind.ORGANISATION:
            self._refuse_filled(OF_PERSONS)
            name = self._required("name", LONGEST_NAME)
            return Organisation(name, numbers) if name else None
        self._refuse_filled(("name",))
        return self._person(numbers)

    def _person(self, numbers: tuple[Identifier, ...]) -> Person | None:
        family_name = self._required("family_name", LONGEST_NAME)
        given_names = self._required("given_names", LONGEST_NAME)
        usage_name = self._optional("usage_name", LONGEST_NAME)
        birth_date = self._date("birth_date", required=not numbers)
        birth_place = self._optional("birth_place", LONGEST_NAME)
        if family_name is None or given_names is None:
            return None
        return Person(family_name, given_names, birth_date, usage_name, birth_place, numbers)

    def _identifiers(self) -> Iterator[Identifier]:
        for scheme in IDENTIFIERS:
            value = self._cell(scheme)
            if not value:
                continue
            try:
                yield identifiers.parse(scheme, value)
            except MalformedIdentifier as error:
                self.problems.append((scheme, error))

    def _procedure(self) -> LineProcedure | None:
        if not any(self._cell(column) for column in PROCEDURE):
            return None
        empty = [column for column in PROCEDURE if not self._cell(column)]
        self.problems += [(column, ProcedureIncomplete(column)) for column in empty]
        if empty:
            return None
        kind = self._code("procedure_kind", Kind)
        court = self._required("procedure_court", LONGEST_TEXT)
        reference = self._required("procedure_reference", LONGEST_TEXT)
        opened_on = self._date("procedure_opened_on", required=True)
        if kind is None or court is None or reference is None or opened_on is None:
            return None
        return LineProcedure(kind, court, reference, opened_on)

    def _grounds(self) -> tuple[Ground, ...]:
        codes = (code.strip() for code in self._cell("grounds").split("|"))
        return require_grounds(code for code in codes if code)

    def _months(self) -> int:
        """L1: 60 unless a shorter term was decided."""
        cell = self._cell("term_months")
        if not cell:
            return LONGEST_TERM
        return require_term(int(cell) if re.fullmatch("[0-9]{1,3}", cell) else 0)

    # One cell ---------------------------------------------------------------------------------

    def _cell(self, column: str) -> str:
        return self._cells.get(column, "")

    def _noted(self, column: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except refusals.Refusal as refusal:
            self.problems.append((column, refusal))
            return None

    def _optional(self, column: str, longest: int) -> str | None:
        return self._noted(column, lambda: _text_of(self._cell(column), longest)) or None

    def _required(self, column: str, longest: int) -> str | None:
        if not self._cell(column):
            self.problems.append((column, FieldMissing(column)))
            return None
        return self._optional(column, longest)

    def _code(self, column: str, codes: type[C]) -> C | None:
        cell = self._cell(column)
        if cell in codes.__members__.values():
            return codes(cell)
        self.problems.append((column, UnknownCode(column) if cell else FieldMissing(column)))
        return None

    def _date(self, column: str, *, required: bool) -> date | None:
        cell = self._cell(column)
        if not cell:
            self.problems += [(column, FieldMissing(column))] if required else []
            return None
        return self._noted(column, lambda: _date_of(cell))

    def _refuse_filled(self, columns: Iterable[str]) -> None:
        self.problems += [(column, FieldNotForKind(column)) for column in columns if self._cell(column)]


def _text_of(cell: str, longest: int) -> str:
    """S4 too: a name has no digits of its own; in a reference, only a number with a right key is refused."""
    if len(cell) > longest:
        raise FieldTooLong()
    if cell.startswith(("=", "+", "-", "@")):
        raise FormulaRefused()
    if any(unicodedata.category(character) == "Cc" for character in cell):
        raise ControlCharacter()
    if looks_like_nir(cell) and (longest == LONGEST_NAME or sum(c.isalnum() for c in cell) > 13):
        raise NirRefused()
    return cell


EARLIEST_YEAR = 1850
"""No date of a person or of a procedure is older; a slip of the keyboard is."""
_ISO = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})")
_FRENCH = re.compile("([0-9]{2})/([0-9]{2})/([0-9]{4})")


def _date_of(cell: str) -> date:
    iso, french = _ISO.fullmatch(cell), _FRENCH.fullmatch(cell)
    parts = iso.groups() if iso else french.groups()[::-1] if french else ("0", "0", "0")
    try:
        day = date(*map(int, parts))
    except ValueError:
        raise DateMalformed() from None
    if not EARLIEST_YEAR <= day.year < FURTHEST_YEAR:
        raise refusals.DateOutOfRange()
    return day
