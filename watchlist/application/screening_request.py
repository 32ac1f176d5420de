"""What a payment operator asks: read strictly as a whole, and leniently line by line (S5).

The envelope is right or refused; a malformed line is an error for that line, and the others are answered.
Decoded with msgspec and checked by hand, because this is the one path that answers thousands of questions a second.
"""

from __future__ import annotations

import json
import re
from datetime import date
from enum import StrEnum
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from watchlist.domain import refusals
from watchlist.domain.identifiers import Identifier, MalformedIdentifier, parse
from watchlist.domain.identity import family_forms, given_forms
from watchlist.domain.tokens import Question, Tokenizer

LARGEST_BATCH = 10_000
MOST_IDENTIFIERS = 20


class Purpose(StrEnum):
    """Why the list is asked (S6)."""

    THIRD_PARTY_PAYMENT = "third_party_payment"
    CLAIM_CONTROL = "claim_control"
    PARTNERSHIP_ADMISSION = "partnership_admission"


class AskedIdentifier(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    scheme: str
    value: str


class AskedSubject(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One subject: identifiers, or family name, given names and full birth date, or both (S3)."""

    kind: Literal["person", "organisation"] | UnsetType = UNSET
    family_name: str | UnsetType = UNSET
    given_names: str | UnsetType = UNSET
    birth_date: date | UnsetType = UNSET
    birth_place: str | UnsetType = UNSET
    identifiers: list[AskedIdentifier] | UnsetType = UNSET


class Envelope(Struct, frozen=True, forbid_unknown_fields=True):
    purpose: Purpose
    file_reference: str
    subjects: dict[str, Raw]


class LineError(Exception):
    """One line cannot be asked; the others are answered."""

    def __init__(self, code: str, field: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.field, self.detail = code, field, detail

    def body(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "field": self.field, "detail": self.detail}}


class RepeatedKey(refusals.Malformed):
    """A key stands twice in `subjects`; give each subject its own.

    fr: Une clé figure deux fois dans « subjects » ; donnez à chaque personne la sienne.
    """


class MalformedKey(refusals.Malformed):
    """A key of `subjects` has 1 to 64 characters of A-Z, a-z, 0-9, _ and -.

    fr: Une clé de « subjects » compte 1 à 64 caractères parmi A-Z, a-z, 0-9, _ et -.
    """


class BatchSize(refusals.Malformed):
    """A batch asks for 1 to 10,000 subjects; split a larger one.

    fr: Un lot interroge 1 à 10 000 personnes ; divisez-le s'il est plus grand.
    """


class MalformedScreening(refusals.Malformed):
    """A screening is `{"purpose","file_reference","subjects"}` and nothing else.

    fr: Une interrogation est `{"purpose","file_reference","subjects"}` et rien d'autre.
    """


_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFERENCE = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_envelope = msgspec.json.Decoder(Envelope)
_subject = msgspec.json.Decoder(AskedSubject)


def read_envelope(body: bytes) -> Envelope:
    """The envelope, its lines still raw; refused as a whole when it is not right."""
    try:
        envelope = _envelope.decode(body)
    except msgspec.ValidationError as error:
        raise MalformedScreening(_place(error)) from None
    except (ValueError, RecursionError):
        raise MalformedScreening("body") from None
    if not _REFERENCE.fullmatch(envelope.file_reference):
        raise MalformedScreening("file_reference")
    if not 1 <= len(envelope.subjects) <= LARGEST_BATCH:
        raise BatchSize("subjects")
    if not all(map(_KEY.fullmatch, envelope.subjects)):
        raise MalformedKey("subjects")
    _refuse_repeated_keys(body, envelope)
    return envelope


def _refuse_repeated_keys(body: bytes, envelope: Envelope) -> None:
    """A decoder keeps the last of two equal keys; a question that nobody answers is not to be lost so.

    Without escapes a string has two quotes, a key too: as many quotes in the body as in what was kept of it
    means that nothing was dropped. Only when the count is off is the body read exactly.
    """
    kept = b"".join(map(bytes, envelope.subjects.values())).count(b'"')
    strings = len(envelope.subjects) + len(envelope.__struct_fields__) + 2
    if b"\\" not in body and body.count(b'"') == kept + 2 * strings:
        return
    try:
        pairs = json.loads(body, object_pairs_hook=list)
    except (ValueError, RecursionError):
        raise MalformedScreening("body") from None
    if _repeats(pairs) or _repeats(dict(pairs)["subjects"]):
        raise RepeatedKey("subjects")


def _repeats(pairs: list[tuple[str, Any]]) -> bool:
    return len({key for key, _ in pairs}) != len(pairs)


def question(tokenizer: Tokenizer, raw: Raw | bytes) -> Question:
    """What one line asks; raises LineError when it cannot be asked (S3, S4, S5)."""
    try:
        asked = _subject.decode(raw)
    except msgspec.ValidationError as error:
        field = _place(error)
        raise LineError("malformed", field, "This field is unknown, missing or of the wrong type.") from None
    except (ValueError, RecursionError):
        raise LineError("malformed", "body", "This line is not a JSON object.") from None
    _refuse_repeated_fields(bytes(raw), asked)
    identifiers = _identifiers(asked)
    person = _person(asked)
    asks = tokenizer.question(identifiers, person)
    if not asks.digests:
        raise _not_enough(identifiers)
    return asks


def canonical(requests: Tokenizer, raw: Raw | bytes) -> bytes:
    """S7: one line that can be asked, under the key that does not rotate: the same however it is spelled or ordered."""
    asked = _subject.decode(raw)
    parts = {f"{given.scheme} {given.value}" for given in _identifiers(asked)}
    person = _person(asked)
    if person is not None:
        family_name, given_names, birth_date = person
        parts |= {f"family {form}" for form in family_forms(family_name)}
        parts |= {f"given {form}" for form in given_forms(given_names)}
        parts.add(f"born {birth_date.isoformat()}")
    return requests.digest("question", *sorted(parts))


def _refuse_repeated_fields(line: bytes, asked: AskedSubject) -> None:
    """A field given twice would be asked once; counted as above, and read exactly only when the count is off."""
    strings = 2 * (
        (asked.kind is not UNSET)
        + (asked.family_name is not UNSET)
        + (asked.given_names is not UNSET)
        + (asked.birth_date is not UNSET)
        + (asked.birth_place is not UNSET)
    )
    if asked.identifiers is not UNSET:
        strings += 1 + 4 * len(asked.identifiers)
    if line.count(b'"') == 2 * strings and b"\\" not in line:
        return
    try:
        json.loads(line, object_pairs_hook=_each_once)
    except RepeatedKey:
        raise LineError("malformed", "body", "A field is given twice; give it once.") from None
    except (ValueError, RecursionError):
        raise LineError("malformed", "body", "This line is not a JSON object.") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if _repeats(pairs):
        raise RepeatedKey()
    return dict(pairs)


def _identifiers(asked: AskedSubject) -> list[Identifier]:
    if asked.identifiers is UNSET:
        return []
    if len(asked.identifiers) > MOST_IDENTIFIERS:
        raise LineError(
            "malformed", "identifiers", f"Give at most {MOST_IDENTIFIERS} identifiers of one subject."
        )
    found = []
    for place, given in enumerate(asked.identifiers):
        try:
            found.append(parse(given.scheme, given.value))
        except MalformedIdentifier as error:
            raise LineError(error.code, f"identifiers[{place}]", error.detail) from None
    return found


def _person(asked: AskedSubject) -> tuple[str, str, date] | None:
    """S3: never by name alone; family name, given names and the full birth date go together."""
    if asked.family_name is UNSET and asked.given_names is UNSET and asked.birth_date is UNSET:
        return None
    given = (asked.family_name, asked.given_names, asked.birth_date)
    for field, value in zip(("family_name", "given_names", "birth_date"), given, strict=True):
        if value is UNSET:
            raise LineError(
                "incomplete_person", field, "Family name, given names and full birth date are asked together."
            )
    family_name, given_names, birth_date = given
    assert isinstance(family_name, str)
    assert isinstance(given_names, str)
    assert isinstance(birth_date, date)
    if asked.kind == "organisation":
        raise LineError("malformed", "kind", "An organisation is asked by its identifiers.")
    if len(family_name) > 200 or not family_forms(family_name):
        raise LineError(
            "malformed", "family_name", "Give a family name of 1 to 200 characters with a letter in it."
        )
    if len(given_names) > 200 or not given_forms(given_names):
        raise LineError(
            "malformed", "given_names", "Give given names of 1 to 200 characters with a letter in them."
        )
    return family_name, given_names, birth_date


def _not_enough(identifiers: list[Identifier]) -> LineError:
    if identifiers:
        detail = "An AMC member number covers a family: add family name, given names and full birth date."
        return LineError("key_not_alone", "identifiers", detail)
    detail = "Give an identifier, or family name, given names and full birth date."
    return LineError("nothing_asked", "identifiers", detail)


_PLACE = re.compile(r"at `\$\.?([^`]*)`")
_UNKNOWN = re.compile(r"unknown field")
_MISSING = re.compile(r"missing required field `(\w+)`")


def _place(error: msgspec.ValidationError) -> str:
    """The field that a validation speaks of; never an unknown field's own name, which anyone may have chosen."""
    text = str(error)
    missing = _MISSING.search(text)
    if missing:
        return missing[1]
    place = _PLACE.search(text)
    return place[1] if place and not _UNKNOWN.search(text) else "body"
