"""An example of whom a case tool looks for, in the open convention of matching: a schema, and properties of texts.

Names of schemas and properties are the convention's (FollowTheMoney); what is read of them are this register's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from watchlist.domain.identifiers import Identifier, MalformedIdentifier, looks_like_nir, parse
from watchlist.domain.identity import Identity, Person, normalised

PERSON = "Person"
SCHEMAS = {
    PERSON: PERSON,
    "LegalEntity": "LegalEntity",
    "Organization": "Organization",
    "Company": "Organization",
    "PublicBody": "Organization",
}
"""The schemas that may be asked for, and what each is taken for; a LegalEntity may be a person or not."""
FAMILY = ("lastName",)
GIVEN = ("firstName", "secondName", "middleName")
WHOLE = ("name", "alias", "previousName", "weakAlias")
BORN = ("birthDate",)
NUMBERS = ("idNumber", "registrationNumber", "taxNumber", "licenseNumber")
MOST_VALUES = 20
LONGEST_VALUE = 200
MOST_WORDS = 8
"""Of a whole name; a longer one is cut apart nowhere else."""
TOLD_APART = ("rpps", "finess", "siren", "siret")
"""The schemes that a bare number can be recognised by: their length and their check."""


class UnreadableExample(ValueError):
    """An example that cannot be looked for: which property, and why."""

    def __init__(self, code: str, field: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.field, self.detail = code, field, detail


class Example(Struct, frozen=True):
    """Whom one looks for."""

    schema: str
    properties: Mapping[str, Sequence[str]]

    def values(self, *names: str) -> list[str]:
        return [value for name in names for value in self.properties.get(name, ())]


def read(query: Mapping[str, Any]) -> Example:
    """An example as it was sent, a single text being a list of one; raises UnreadableExample."""
    schema, properties = query.get("schema"), query.get("properties")
    if not isinstance(schema, str) or not isinstance(properties, dict):
        raise UnreadableExample(
            "malformed", "properties", "A query is a schema and properties, lists of texts."
        )
    lists = {name: [value] if isinstance(value, str) else value for name, value in properties.items()}
    for name, values in lists.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            field = f"properties.{name}" if name in KNOWN else "properties"
            raise UnreadableExample("malformed", field, "A property is a list of texts.")
    example = Example(schema, lists)
    require_readable(example)
    return example


def require_readable(example: Example) -> None:
    """Refuse an unknown schema, too many or too long values, and the NIR (S4) in any of them."""
    if example.schema not in SCHEMAS:
        raise UnreadableExample(
            "unknown_schema", "schema", f"Ask for one of {', '.join(SCHEMAS)}; others are not held here."
        )
    for name, values in example.properties.items():
        field = f"properties.{name}" if name in KNOWN else "properties"
        if len(values) > MOST_VALUES or any(len(value) > LONGEST_VALUE for value in values):
            detail = f"Give at most {MOST_VALUES} values of {LONGEST_VALUE} characters."
            raise UnreadableExample("too_long", field, detail)
        if any(map(looks_like_nir, values)):
            detail = (
                "The social security number (NIR) is neither stored nor accepted as a key; remove it (S4)."
            )
            raise UnreadableExample("nir_refused", field, detail)


def names(example: Example) -> tuple[tuple[str, str | None], ...]:
    """Of a person: family names, each with its given names.

    As given; or read from a whole name, of which either end may be the family name and the rest goes with it.
    """
    given = " ".join(example.values(*GIVEN)) or None
    told = example.values(*FAMILY)
    if told:
        return tuple((name, given) for name in told)
    return tuple(
        (family, given or rest) for name in example.values(*WHOLE) for family, rest in _readings(name)
    )


def _readings(name: str) -> Iterator[tuple[str, str | None]]:
    words = name.split()[:MOST_WORDS]
    for at in range(len(words)):
        yield " ".join(words[at:]), " ".join(words[:at]) or None
    for at in range(1, len(words)):
        yield " ".join(words[:at]), " ".join(words[at:])


def birth_date(example: Example) -> date | None:
    """The first full date; a part of one says too little."""
    for value in example.values(*BORN):
        try:
            return date.fromisoformat(value)
        except ValueError:
            continue
    return None


def identifiers(example: Example) -> tuple[Identifier, ...]:
    """Numbers written `scheme:value`, or recognised by their length and check; those of others are passed over."""
    found = (one for value in example.values(*NUMBERS) for one in _numbers(value))
    return tuple(dict.fromkeys(found))


def _numbers(value: str) -> Iterator[Identifier]:
    scheme, colon, number = value.partition(":")
    tried = [(scheme.strip().lower(), number)] if colon else [(scheme, value) for scheme in TOLD_APART]
    for scheme, number in tried:
        try:
            yield parse(scheme, number)
        except MalformedIdentifier:
            continue


def properties_of(identity: Identity) -> dict[str, list[str]]:
    """What is known of a subject, in the convention's properties."""
    numbers = [f"{one.scheme}:{one.value}" for one in identity.identifiers]
    known: dict[str, list[str]] = {"name": [caption(identity)], "idNumber": numbers}
    if isinstance(identity, Person):
        known["firstName"] = [identity.given_names]
        known["lastName"] = [name for name in (identity.family_name, identity.usage_name) if name]
        known["birthDate"] = [] if identity.birth_date is None else [identity.birth_date.isoformat()]
        known["birthPlace"] = [identity.birth_place] if identity.birth_place else []
    return {name: values for name, values in known.items() if values}


def schema_of(identity: Identity) -> str:
    return PERSON if isinstance(identity, Person) else "Organization"


def caption(identity: Identity) -> str:
    """The line under which a person reads of it."""
    if isinstance(identity, Person):
        return f"{identity.given_names} {identity.usage_name or identity.family_name}"
    return identity.name


def fits(example: Example, identity: Identity) -> bool:
    """Whether what was found is of a kind that was asked for."""
    wanted = SCHEMAS[example.schema]
    return wanted in ("LegalEntity", schema_of(identity))


def says_something(example: Example) -> bool:
    """Whether there is anything to look for."""
    names = any(normalised(name) for name in example.values(*FAMILY, *WHOLE))
    return names or bool(identifiers(example))


KNOWN = frozenset({*FAMILY, *GIVEN, *WHOLE, *BORN, *NUMBERS})
