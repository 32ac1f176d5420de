"""An access export put in words for the letter: what the JSON says in structure, a person reads in French (P3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from watchlist.domain.access import Withheld
from watchlist.domain.access_tables import AsWritten, label
from watchlist.domain.letter import instant_in_french

OF_THE_FILE = frozenset({"made_at", "format"})
"""What is of the export, not of the person; the letter has its own day."""
WITHHELD = {
    Withheld.THIRD_PARTY: "non communiqué : ce texte concerne une autre personne",
    Withheld.ERASED: "effacé",
}
WRITTEN = frozenset({"usage_name", "birth_place"})
"""Names that stand as plain values."""
LATER = "communiqué plus tard"
REGISTERS = frozenset({"recipients", "consultations"})
"""Parts that are a register of their own: where there is none, silence would read as nobody."""
NOT_RECORDED = "non enregistré : ce registre n'en a pas gardé la trace"
_TEXT, _DEFERRED = {"text", "withheld"}, {"deferred", "reason", "review_on"}
_WORDS, _RETENTION, _LETTER = {"fr", "en", "code"}, {"rule", "fr", "en", "ends_at"}, {"title", "sections"}


def readable(export: Mapping[str, Any]) -> dict[str, Any]:
    """For `tables_of`: nothing of it is left out but what is not held; of what was not recorded that is said."""
    told = {name: _read(part, name) for name, part in export.items() if name not in OF_THE_FILE}
    silent = {name: AsWritten(NOT_RECORDED) for name in REGISTERS if told.get(name, ()) is None}
    return {name: part for name, part in (told | silent).items() if part is not None}


def _read(part: Any, name: str) -> Any:
    if isinstance(part, Mapping):
        return _of_a_mapping(part)
    if isinstance(part, list):
        return [label(one) if name == "changed" else _read(one, name) for one in part]
    return AsWritten(part) if name in WRITTEN else part


def _of_a_mapping(part: Mapping[str, Any]) -> Any:
    names = part.keys()
    if names == _TEXT:
        return AsWritten(WITHHELD[part["withheld"]] if part["text"] is None else part["text"])
    if names == _DEFERRED:
        return LATER
    if names == _WORDS:
        return AsWritten(part["fr"])
    if names == _RETENTION:
        return AsWritten(_retention(part))
    if names >= _LETTER:
        return AsWritten("\n".join(_words_of(part)))
    return {name: _read(value, name) for name, value in part.items() if value is not None}


def _retention(part: Mapping[str, Any]) -> str:
    if part["ends_at"] is None:
        return str(part["fr"])
    return f"{part['fr']} (jusqu'au {instant_in_french(datetime.fromisoformat(part['ends_at']))})"


def _words_of(letter: Mapping[str, Any]) -> Iterator[str]:
    """A letter that was sent, without its tables: those of an earlier access answer tell what is told here again."""
    yield letter["title"]
    yield from letter["opening"]
    yield from (f"{name} : {value}" for name, value in letter["summary"])
    for section in letter["sections"]:
        yield section["heading"]
        yield from (*section["paragraphs"], *section["items"], *section["after"])
