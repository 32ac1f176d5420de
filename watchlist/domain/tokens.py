"""Tokens: the keyed forms in which a subject is found, without its name or number being kept (S3).

A token is the HMAC-SHA256, cut to 16 bytes, of one form under the look-up key. A name counts only together
with the full birth date; its given names are compared as sets of such digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from msgspec import Struct

from watchlist.domain.identifiers import Identifier, asked_keys, listed_keys
from watchlist.domain.identity import (
    Identity,
    Person,
    family_forms,
    given_forms,
    given_names_agree,
    normalised,
    own_keys,
)

DIGEST_BYTES = 16


class Token(Struct, frozen=True, gc=False):
    """One look-up: `given` is None for an exact identifier, else the joined digests of the given names."""

    digest: bytes
    given: bytes | None = None
    answers: bool = True
    """Whether a listed subject answers under it; a family name alone never does (S3)."""
    generation: int = 1
    """Of the look-up key it was made under."""
    entry: UUID | None = None
    """Which entry answers under it, where a screening found it."""
    dismissed_by: frozenset[bytes] = frozenset()
    """S7: the pairs that no longer hit on that entry, as `pair` writes them."""


class Named(Struct, frozen=True, gc=False):
    """A person as a question names them, in the forms in which names are compared (S3); its repr shows nothing."""

    family: frozenset[str]
    given: frozenset[str]
    birth_date: date

    @staticmethod
    def of(family_name: str, given_names: str, birth_date: date) -> Named:
        return Named(family_forms(family_name), given_forms(given_names), birth_date)

    def __repr__(self) -> str:
        return "Named(sealed)"


class Question(Struct, frozen=True, gc=False):
    """One subject as a screening asks for it: any of these digests, and for a name these given names."""

    identifiers: tuple[bytes, ...] = ()
    names: tuple[bytes, ...] = ()
    given: frozenset[bytes] = frozenset()
    asked: tuple[Identifier, ...] = ()
    """The identifiers that were asked, for as long as the question is; see domain/unusual_use.py."""

    @property
    def digests(self) -> tuple[bytes, ...]:
        return self.identifiers + self.names

    def is_met_by(self, found: Iterable[Token]) -> bool:
        """S3: an exact identifier, or the name with given names one contained in the other; either hits."""
        return any(map(self.is_met_by_one, found))

    def is_met_by_one(self, token: Token) -> bool:
        return token.given is None or given_names_agree(self.given, apart(token.given))


def pair(organisation: str, question: bytes) -> bytes:
    """S7: one organisation and one question, as what it dismissed is remembered on an entry."""
    return organisation.encode() + question


def apart(given: bytes) -> frozenset[bytes]:
    """The digests that were joined."""
    return frozenset(given[i : i + DIGEST_BYTES] for i in range(0, len(given), DIGEST_BYTES))


class Tokenizer:
    """Makes tokens under one look-up key."""

    def __init__(self, key: bytes, generation: int = 1) -> None:
        """The two states of HMAC-SHA256 under the key are made once: a third of the time of one call a digest."""
        block = key.ljust(hashlib.sha256().block_size, b"\0")
        self.generation = generation
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def __repr__(self) -> str:
        return "Tokenizer(sealed)"

    def digest(self, *parts: str) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update("\0".join(parts).encode())
        outer.update(inner.digest())
        return outer.digest()[:DIGEST_BYTES]

    def of_identifier(self, identifier: Identifier) -> bytes:
        return self.digest("identifier", identifier.scheme, identifier.value)

    def of_own(self, identifier: Identifier) -> bytes:
        """The registry's key to the one subject that an identifier is told apart by."""
        return self.digest("own", identifier.scheme, identifier.value)

    def of_names(self, family_name: str, birth_date: date) -> tuple[bytes, ...]:
        day = birth_date.isoformat()
        return tuple(self.digest("name", form, day) for form in sorted(family_forms(family_name)))

    def of_given(self, given_names: str, birth_date: date) -> frozenset[bytes]:
        day = birth_date.isoformat()
        return frozenset(self.digest("given", form, day) for form in given_forms(given_names))

    def of_subject(self, identity: Identity) -> tuple[Token, ...]:
        """Everything under which a subject is found, by the registry and, where it `answers`, by screening."""
        keys = {key for identifier in identity.identifiers for key in listed_keys(identifier)}
        tokens = {self._token(self.of_identifier(key)) for key in keys}
        tokens |= {self._token(self.of_own(key), answers=False) for key in own_keys(identity)}
        if isinstance(identity, Person):
            tokens |= self._of_person(identity)
        else:
            tokens.add(self._token(self.digest("trade name", normalised(identity.name)), answers=False))
        return tuple(sorted(tokens, key=lambda token: token.digest))

    def _token(self, digest: bytes, given: bytes | None = None, answers: bool = True) -> Token:
        return Token(digest, given, answers, self.generation)

    def _of_person(self, person: Person) -> set[Token]:
        names = [name for name in (person.family_name, person.usage_name) if name]
        forms = {form for name in names for form in family_forms(name)}
        tokens = {self._token(self.of_family(form), answers=False) for form in forms}
        if person.birth_date is None:
            return tokens
        given = b"".join(sorted(self.of_given(person.given_names, person.birth_date)))
        return tokens | {
            self._token(digest, given) for name in names for digest in self.of_names(name, person.birth_date)
        }

    def of_family(self, form: str) -> bytes:
        return self.digest("family", form)

    def covers(self, known: Identity, other: Identity) -> bool:
        """Whether whoever is found as `other` would be found under what is known."""
        answering = [
            {token.digest for token in self.of_subject(one) if token.answers} for one in (known, other)
        ]
        return answering[1] <= answering[0]

    def question(self, identifiers: Iterable[Identifier] = (), person: Named | None = None) -> Question:
        """What is asked of the list: these identifiers, and whoever is named so."""
        asked = tuple(identifiers)
        exact = tuple([self.of_identifier(key) for given in asked for key in asked_keys(given)])
        if person is None:
            return Question(exact, asked=asked)
        day = person.birth_date.isoformat()
        names = tuple([self.digest("name", form, day) for form in sorted(person.family)])
        given = frozenset([self.digest("given", form, day) for form in person.given])
        return Question(exact, names, given, asked)
