"""People who do not exist, each told by a number: always the same, their RPPS with a right check digit."""

from __future__ import annotations

from datetime import date, timedelta

from stdnum import luhn

from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Person

UNKNOWN = 500_000_000
"""Numbers from here on are never seeded."""
NEWCOMERS = 700_000_000
"""Numbers from here on are registered by the measured commands."""

FAMILY_NAMES = (
    "Martin", "Bernard", "Thomas", "Petit", "Robert", "Richard", "Durand", "Dubois", "Moreau", "Laurent",
    "Simon", "Michel", "Lefèvre", "Leroy", "Roux", "David", "Bertrand", "Morel", "Fournier", "Girard",
    "Bonnet", "Dupont", "Lambert", "Fontaine", "Rousseau", "Vincent", "Muller", "Le Goff", "Faure", "André",
    "Mercier", "Blanc", "Guérin", "Boyer", "Garnier", "Chevalier", "François", "Legrand", "de La Tour",
    "Gauthier", "Garcia-Perrin", "Robin", "Clément", "Morin", "Nicolas", "Henry", "Roussel",
)  # fmt: skip
GIVEN_NAMES = (
    "Marie", "Jean", "Pierre", "Jeanne", "Françoise", "Michel", "Monique", "Jean-Pierre", "Anne", "Louis",
    "Catherine", "Philippe", "Nathalie", "Alain", "Isabelle", "Marie Claire", "Patrick", "Sylvie", "Nicolas",
    "Élodie", "Julien", "Chloé", "Thomas", "Léa", "Hugo", "Camille", "Noël",
)  # fmt: skip
_ELDEST = date(1940, 1, 1)
_BEFORE = timedelta(days=25_000)


def rpps(number: int) -> str:
    digits = str(1_000_000_000 + number)
    return digits + luhn.calc_check_digit(digits)


def person(number: int) -> Person:
    return Person(
        family_name=FAMILY_NAMES[number % len(FAMILY_NAMES)],
        given_names=GIVEN_NAMES[number // 7 % len(GIVEN_NAMES)],
        birth_date=_ELDEST + timedelta(days=number * 7919 % 20_011),
        identifiers=(Identifier("rpps", rpps(number)),),
    )


def namesake(number: int) -> Person:
    """Of the same name, and born before anyone seeded."""
    found = person(number)
    assert found.birth_date is not None
    return Person(found.family_name, found.given_names, found.birth_date - _BEFORE)
