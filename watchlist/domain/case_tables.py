"""What a letter tells of cases, apart from the letter: it is kept as long as its case, and no longer (C2, P6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import structs

from watchlist.domain.access_tables import label
from watchlist.domain.letter import Letter, Section, Table

HEADING = label("cases")
KEPT_ELSEWHERE = (("Dossier", "ce que cette lettre en disait n'est conservé qu'avec le dossier"),)
"""What stands in the place of the tables of a case: in a letter whose case was purged, for good."""

Tables = tuple[Table, ...]


def taken_out(letter: Letter, numbers: Mapping[int, object]) -> tuple[Letter, dict[int, Tables]]:
    """The letter without the tables of the cases of these numbers, and those; a placeholder stands for each."""
    parts: dict[int, Tables] = {}

    def without(section: Section) -> Section:
        tables: list[Table] = []
        for table in section.tables:
            number = next((n for n in numbers if _is_of(table, n)), None)
            if number is None:
                tables.append(table)
                continue
            if number not in parts:
                tables.append(Table(_caption(number), KEPT_ELSEWHERE))
            parts[number] = (*parts.get(number, ()), table)
        return structs.replace(section, tables=tuple(tables))

    return _with_cases(letter, without), parts


def put_back(letter: Letter, parts: Mapping[int, Tables]) -> Letter:
    """The letter as it was, where nothing of it is gone."""
    placeholders = {Table(_caption(number), KEPT_ELSEWHERE): tables for number, tables in parts.items()}

    def whole(section: Section) -> Section:
        tables = (table for one in section.tables for table in placeholders.get(one, (one,)))
        return structs.replace(section, tables=tuple(tables))

    return _with_cases(letter, whole)


def has_gaps(letter: Letter) -> bool:
    """Whether something that it told is gone with its case."""
    return any(table.rows == KEPT_ELSEWHERE for section in letter.sections for table in section.tables)


def _with_cases(letter: Letter, change: Callable[[Section], Section]) -> Letter:
    sections = tuple(change(one) if one.heading == HEADING else one for one in letter.sections)
    return structs.replace(letter, sections=sections)


def _caption(number: int) -> str:
    return f"{HEADING} ({number})"


def _is_of(table: Table, number: int) -> bool:
    own = _caption(number)
    return table.caption == own or table.caption.startswith(f"{own}, ")
