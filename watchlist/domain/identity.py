"""Who a subject is, and the form in which identities are compared (S3).

Comparison here is equality after normalisation, what a payment operator's hit rests on. Typing errors
and phonetics are resemblance, for investigators, and live elsewhere.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import TypeVar

from watchlist.domain.identifiers import Identifier, listed_keys

Form = TypeVar("Form", str, bytes)


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """A natural person as one organisation knows them; its repr shows nothing."""

    family_name: str
    given_names: str
    birth_date: date | None = None
    usage_name: str | None = None
    birth_place: str | None = None
    identifiers: tuple[Identifier, ...] = ()

    def __repr__(self) -> str:
        return "Person(sealed)"


@dataclass(frozen=True, slots=True, repr=False)
class Organisation:
    """A legal person as one organisation knows it; its repr shows nothing."""

    name: str
    identifiers: tuple[Identifier, ...] = ()

    def __repr__(self) -> str:
        return "Organisation(sealed)"


Identity = Person | Organisation

_PARTICLES = frozenset(
    {"DE", "DU", "DES", "D", "LA", "LE", "LES", "L", "DEL", "DELLA", "DI", "DA", "DAS", "DO", "DOS",
     "VAN", "VON", "DEN", "DER", "TER", "TEN", "T", "EL", "AL", "BEN", "BIN", "IBN", "MAC", "MC", "O"}
)  # fmt: skip
_SAINT = frozenset({"ST", "STE", "SAINT", "SAINTE"})

# Latin letters that Unicode does not decompose into a base letter and an accent.
_LIGATURES = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h", "ŧ": "t",
     "ŋ": "n", "ı": "i", "ĸ": "k"}
)  # fmt: skip
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Signs of the block of modifier letters are letters to Unicode; in names they are typed as apostrophes.
_APOSTROPHES = re.compile("['`\u00b4\u2018-\u201b\u2032\u2035\u02b0-\u02ff\ua78b\ua78c\uff07]")
_ACCENT_CLASS = 10


def normalised(text: str) -> str:
    """The form in which texts are compared: A-Z, 0-9 and single spaces (S3).

    Accents, case and ligatures are undone; hyphens, apostrophes and any punctuation become one space;
    Saint, Sainte, St and Ste become one word. Letters of other scripts are kept, in upper case.
    """
    return " ".join(_tokens(text))


def family_forms(name: str) -> frozenset[str]:
    """The forms of a family name: two names are equal when their forms intersect (S3).

    Joined, so that "Delatour" is "De La Tour"; then without each leading particle in turn, and without
    any, so that "La Tour" is too. A particle that ends a name is not one: "Le" and "Van" are names.
    """
    tokens = _tokens(name)
    if len(tokens) < 2:
        return frozenset(tokens)
    forms = {"".join(tokens), "".join([*(t for t in tokens[:-1] if t not in _PARTICLES), tokens[-1]])}
    while len(tokens) > 1 and tokens[0] in _PARTICLES:
        tokens = tokens[1:]
        forms.add("".join(tokens))
    return frozenset(forms)


def given_forms(given_names: str) -> frozenset[str]:
    """Each given name alone, compounds split; an apostrophe joins, so that "N'Golo" is "Ngolo" (S3)."""
    return frozenset(_tokens(_APOSTROPHES.sub("", given_names)))


def given_names_agree(a: frozenset[Form], b: frozenset[Form]) -> bool:
    """Whether the given names of one are all among those of the other; none never agree (S3).

    Compared as forms, or as the keyed digests of those forms.
    """
    return bool(a) and bool(b) and (a <= b or b <= a)


def same_person(a: Person, b: Person) -> bool:
    """Whether S3 takes these for one person: a birth or usage name equal, given names that agree, and
    the same full birth date. Never by name alone; identifiers are asked apart."""
    return (
        a.birth_date is not None
        and a.birth_date == b.birth_date
        and given_names_agree(given_forms(a.given_names), given_forms(b.given_names))
        and not _all_family_forms(a).isdisjoint(_all_family_forms(b))
    )


def is_identified(identity: Identity) -> bool:
    """Whether the subject is identified enough to be inscribed (L6): by an identifier that is a key, or,
    for a person, by family name, given names and full birth date. An AMC member is no key (S4)."""
    if any(listed_keys(identifier) for identifier in identity.identifiers):
        return True
    return (
        isinstance(identity, Person)
        and identity.birth_date is not None
        and bool(_all_family_forms(identity))
        and bool(given_forms(identity.given_names))
    )


def encode(identity: Identity) -> bytes:
    """The identity as the vault keeps it: compact JSON, sorted, what is absent left out."""
    known = {name: _plain(value) for name, value in _named(identity).items() if value not in (None, ())}
    # ASCII only: a lone surrogate would fail to encode, with the name in the message of the failure.
    return json.dumps(known, sort_keys=True, separators=(",", ":")).encode("ascii")


def decode(encoded: bytes) -> Identity:
    """The identity that `encode` wrote. ValueError, showing nothing of it, if it is not one."""
    try:
        known = json.loads(encoded)
        kind = _KINDS[known.pop("kind")]
        if "birth_date" in known:
            known["birth_date"] = date.fromisoformat(known["birth_date"])
        pairs = known.pop("identifiers", ())
        return kind(identifiers=tuple(Identifier(scheme, value) for scheme, value in pairs), **known)
    except (ValueError, TypeError, KeyError, AttributeError):
        # The cause is dropped on purpose: it would carry the person's data into a log.
        raise ValueError("this is not an encoded identity, or a newer version wrote it") from None


def changed_fields(before: Identity, after: Identity) -> frozenset[str]:
    """The names of the fields whose values differ; `kind` among them if a person became an organisation."""
    old, new = _named(before), _named(after)
    return frozenset(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


_KINDS: dict[str, type[Person] | type[Organisation]] = {"person": Person, "organisation": Organisation}


def _named(identity: Identity) -> dict[str, object]:
    kind = "person" if isinstance(identity, Person) else "organisation"
    return {"kind": kind} | {field.name: getattr(identity, field.name) for field in fields(identity)}


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [[identifier.scheme, identifier.value] for identifier in value]
    return value


def _all_family_forms(person: Person) -> frozenset[str]:
    return family_forms(person.family_name) | family_forms(person.usage_name or "")


def _tokens(text: str) -> list[str]:
    words = _folded(text).split()
    return words if _SAINT.isdisjoint(words) else ["SAINT" if word in _SAINT else word for word in words]


def _folded(text: str) -> str:
    """Letter by letter from a table where that is the same: names of a Latin alphabet are asked by the million."""
    if text.isascii() or max(text) < _COMBINING:
        return text.translate(_ALONE)
    return "".join(_kept(_undone(text)))


def _undone(text: str) -> str:
    # Decomposed first: some letters come apart into a letter and an apostrophe.
    spaced = _APOSTROPHES.sub(" ", unicodedata.normalize("NFKD", _INVISIBLE.sub("", text)))
    folded = spaced.casefold().translate(_LIGATURES)
    return unicodedata.normalize("NFKD", folded.upper())


def _kept(text: str) -> Iterable[str]:
    for character in text:
        if character.isalnum():
            yield character
        elif not unicodedata.category(character).startswith("M"):
            yield " "
        elif unicodedata.combining(character) < _ACCENT_CLASS:
            # Vowel signs and voicing marks of other scripts are letters there, not accents.
            yield character


_COMBINING = "\u0300"
"""Before the first mark that combines with its neighbours, each character folds as it does alone."""
_ALONE = {code: "".join(_kept(_undone(chr(code)))) for code in range(ord(_COMBINING))}


OWN_SCHEMES = {"Person": ("rpps", "adeli"), "Organisation": ("finess", "siren", "siret")}
"""By which identifier one subject is told from all others: several persons share a clinic's FINESS or SIREN."""


def own_keys(identity: Identity) -> list[Identifier]:
    """The identifiers that are this subject's alone, by which it is known again (C6)."""
    own = OWN_SCHEMES[type(identity).__name__]
    return [identifier for identifier in identity.identifiers if identifier.scheme in own]


def contradict(a: Identity, b: Identity) -> bool:
    """Whether these cannot be one subject, whatever identifier they share (a clinic's FINESS, say)."""
    if type(a) is not type(b):
        return True
    if isinstance(a, Person) and isinstance(b, Person) and _differ(a.birth_date, b.birth_date):
        return True
    return any(_differ(_value(a, scheme), _value(b, scheme)) for scheme in ("rpps", "siren"))


def _value(identity: Identity, scheme: str) -> str | None:
    return next((i.value for i in identity.identifiers if i.scheme == scheme), None)


def _differ(a: object, b: object) -> bool:
    return a is not None and b is not None and a != b
