"""The sandbox: test identifiers that answer by themselves, so that a client is tried without anybody being on a list.

Each passes its check as a real one does, and none is read from the list: whoever holds a key of the sandbox never
reaches it. What is not named here never hits.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from watchlist.domain.identifiers import Identifier

BORN = date(1970, 1, 31)
ENTRY = UUID(int=0)
"""What a hit of the sandbox is about: nobody."""
Person = tuple[str, str, date]

HITS = (
    Identifier("rpps", "10999999906"),
    Identifier("adeli", "759999990"),
    Identifier("finess", "759999006"),
    Identifier("siren", "999999907"),
    Identifier("siret", "99999990700010"),
)
NEVER = (
    Identifier("rpps", "10999999914"),
    Identifier("adeli", "759999991"),
    Identifier("finess", "759999014"),
    Identifier("siren", "999999915"),
    Identifier("siret", "99999991500013"),
)
"""What is not named never hits either; these are for whoever wants a number to write down."""
FAILS = (
    Identifier("rpps", "10999999922"),
    Identifier("adeli", "759999992"),
    Identifier("finess", "759999022"),
    Identifier("siren", "999999923"),
    Identifier("siret", "99999992300017"),
)
"""Answered as when the list cannot be asked: unknown, and never a no hit (S9)."""
MALFORMED = ("rpps", "10999999907")
"""Its check digit is wrong: refused for its line, as everywhere (S5)."""
PERSON_HITS: Person = ("Exemple", "Camille Dominique", BORN)
PERSON_NEVER: Person = ("Exemple", "Sacha", BORN)
PERSON_FAILS: Person = ("Panne", "Camille", BORN)
