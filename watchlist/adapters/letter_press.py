"""The press: letters printed as PDF/A-2a and PDF/UA-1 with typst, the same bytes for the same letter.

typst is the extra `letters`; it is loaded when the first letter is printed. It gets no clock, no fonts but its own and
no file but the templates; a letter comes in as JSON and is shown as text, never evaluated.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import msgspec

from watchlist.domain.dossier_paper import TEMPLATE, DossierPaper
from watchlist.domain.letter import Letter
from watchlist.domain.refusals import LettersUnavailable

TEMPLATES = Path(__file__).with_name("letters")
STANDARDS = ["a-2a", "ua-1"]
LATIN_1 = 0xFF
PROBE = b'#set document(title: sys.inputs.c)\n#set text(lang: "fr")\n#sys.inputs.c'
_REORDERING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that make what follows read in another order: in a name, they would change what a sentence seems to say."""


class TypstPress:
    """Keeps the port LetterPress."""

    def print(self, letter: Letter) -> bytes:
        """The PDF; LettersUnavailable without the extra."""
        return _printed(letter.template.value, letter)

    def print_dossier(self, paper: DossierPaper) -> bytes:
        """The same of a dossier, by its own template."""
        return _printed(TEMPLATE, paper)


def _printed(template: str, content: msgspec.Struct) -> bytes:
    typst = _engine()
    document = _REORDERING.sub(_code_point, msgspec.json.encode(content).decode())
    for spelling in _spellings(document):
        try:
            return _compiled(typst, template, spelling)
        except typst.TypstError as error:
            unprintable = error
    raise unprintable


def _spellings(document: str) -> Iterator[str]:
    """As it is; then, where no font has a character (an archive may show no empty box), by code points: those
    characters, the marks that combine with others too, and at last all that is not plain."""
    yield document
    strange = {character for character in document if not character.isascii()}
    lacking = {character for character in strange if not _is_printable(character)}
    yield _by_code_point(document, lacking)
    lacking |= {character for character in strange if unicodedata.category(character).startswith("M")}
    yield _by_code_point(document, lacking)
    yield _by_code_point(document, {character for character in strange if ord(character) > LATIN_1})


def _by_code_point(document: str, characters: set[str]) -> str:
    return document.translate({ord(character): f"[U+{ord(character):04X}]" for character in characters})


def version() -> str | None:
    """The engine's version; None when the extra is missing."""
    try:
        return str(_engine().__version__)
    except LettersUnavailable:
        return None


def _engine() -> ModuleType:
    try:
        import typst
    except ImportError:
        raise LettersUnavailable() from None
    return typst


def _compiled(typst: ModuleType, template: str, document: str) -> bytes:
    printed: bytes = typst.compile(
        str(TEMPLATES / f"{template}.typ"),
        root=str(TEMPLATES),
        format="pdf",
        ignore_system_fonts=True,
        pdf_standards=STANDARDS,
        sys_inputs={"letter": document},
    )
    return printed


@cache
def _is_printable(character: str) -> bool:
    """Whether the fonts have it: tried on the engine itself, by a page of that character alone."""
    if unicodedata.category(character) in ("Co", "Cn", "Cs"):
        return False
    typst = _engine()
    try:
        typst.compile(
            PROBE,
            format="pdf",
            ignore_system_fonts=True,
            pdf_standards=STANDARDS,
            sys_inputs={"c": character},
        )
    except typst.TypstError:
        return False
    return True


def _code_point(found: re.Match[str]) -> str:
    return f"[U+{ord(found[0]):04X}]"
