"""Whether a text names somebody: by a name or a number, in the forms in which identities are compared (P6, S3).

Rather too often than too seldom: whoever redacts reads the text, and a family name may be a common word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from watchlist.domain.identity import Identity, Person, family_forms, normalised

LONGEST_NAME = 8
"""Words of one name, however it is cut in the text."""


def is_named_in(text: str, identity: Identity) -> bool:
    """Whether the text holds a name or an identifier of that identity."""
    words = normalised(text).split()
    return _holds_number(words, identity) or not _forms(identity).isdisjoint(_joined(words))


def named_in(texts: Iterable[str], identities: Iterable[Identity]) -> bool:
    """Whether any of the texts names any of them."""
    known = list(identities)
    return any(is_named_in(text, identity) for text in texts for identity in known)


def _forms(identity: Identity) -> frozenset[str]:
    if not isinstance(identity, Person):
        return frozenset({normalised(identity.name).replace(" ", "")} - {""})
    return family_forms(identity.family_name) | family_forms(identity.usage_name or "")


def _joined(words: list[str]) -> Iterator[str]:
    """Every run of up to LONGEST_NAME words, written as one: "de la Tour" is "Delatour"."""
    for first in range(len(words)):
        for last in range(first + 1, min(first + LONGEST_NAME, len(words)) + 1):
            yield "".join(words[first:last])


def _holds_number(words: list[str], identity: Identity) -> bool:
    """Wherever spaces, dots or hyphens stand in it."""
    run = "".join(words)
    return any(normalised(i.value).replace(" ", "") in run for i in identity.identifiers)
