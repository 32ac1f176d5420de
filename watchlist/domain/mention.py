"""Whether a text names somebody: what may not be told to others (P3), and what is redacted on erasure (P6).

Names and numbers are found in the forms in which identities are compared (identity.py), as whole words. It errs on
the side of finding: the text of a namesake is found too. Not found: a given name alone, initials, a typing error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from watchlist.domain.identity import Identity, Person, family_forms, given_forms, normalised

SHORTEST_ALONE = 4
"""A shorter name (Le, Or, Roy) is also a word or half of one: it names somebody only beside a given name or a title."""
SHORTEST_NUMBER = 6
"""A shorter member number is also an amount, or a year."""

_TITLES = frozenset(
    {"M", "MR", "MONSIEUR", "MME", "MADAME", "MLLE", "MADEMOISELLE", "DR", "DOCTEUR", "PR", "PROFESSEUR",
     "MAITRE", "ME", "MM", "MMES", "EPOUX", "EPOUSE", "VEUVE", "CONSORTS", "FAMILLE", "NOM"}
)  # fmt: skip
_LEGAL_FORMS = frozenset(
    {"SA", "SAS", "SASU", "SARL", "EURL", "SCI", "SCM", "SCP", "SNC", "SELARL", "SELAS", "SELASU", "SELAFA",
     "SISA", "GIE", "SOCIETE", "ASSOCIATION"}
)  # fmt: skip


def mentions(text: str, identity: Identity) -> bool:
    """Whether the text names this person or organisation, by a name or by a number."""
    words = normalised(text).split()
    return _has_number(words, identity) or _has_name(words, identity)


def mentions_any(text: str, identities: Iterable[Identity]) -> bool:
    """Whether it names one of them."""
    return any(mentions(text, identity) for identity in identities)


def _has_number(words: list[str], identity: Identity) -> bool:
    """However it is spaced or punctuated: only letters and digits are compared."""
    compact = "".join(words)
    return any(number in compact for number in _numbers(identity))


def _numbers(identity: Identity) -> Iterator[str]:
    for identifier in identity.identifiers:
        amc, _, member = identifier.value.partition("/")
        yield amc + member
        if len(member) >= SHORTEST_NUMBER:
            yield member


def _has_name(words: list[str], identity: Identity) -> bool:
    own = given_forms(identity.given_names) if isinstance(identity, Person) else _LEGAL_FORMS
    beside = _TITLES | own
    forms = _forms(identity)
    longest = max(map(len, forms), default=0)
    return any(
        word in forms and (len(word) >= SHORTEST_ALONE or _stands_beside(words, first, last, beside))
        for first, last, word in _joined(words, longest)
    )


def _forms(identity: Identity) -> frozenset[str]:
    if isinstance(identity, Person):
        return family_forms(identity.family_name) | family_forms(identity.usage_name or "")
    words = normalised(identity.name).split()
    told = [word for word in words if word not in _LEGAL_FORMS]
    return frozenset({"".join(words), "".join(told or words)}) - {""}


def _joined(words: list[str], longest: int) -> Iterator[tuple[int, int, str]]:
    """Every run of words written as one, so that "De La Tour" is found as "Delatour": where it begins and ends."""
    for first in range(len(words)):
        joined = ""
        for last in range(first, len(words)):
            joined += words[last]
            if len(joined) > longest:
                break
            yield first, last, joined


def _stands_beside(words: list[str], first: int, last: int, beside: frozenset[str]) -> bool:
    around = words[max(first - 1, 0) : first] + words[last + 1 : last + 2]
    return not beside.isdisjoint(around)
