"""The press that letters are printed with."""

from __future__ import annotations

from typing import Protocol

from watchlist.domain.dossier_paper import DossierPaper
from watchlist.domain.letter import Letter


class LetterPress(Protocol):
    """Prints letters."""

    def print(self, letter: Letter) -> bytes:
        """The PDF: the same bytes for the same letter; LettersUnavailable when there is no press here."""
        ...

    def print_dossier(self, paper: DossierPaper) -> bytes:
        """The same for a dossier."""
        ...
