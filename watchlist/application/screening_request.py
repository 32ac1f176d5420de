"""What a payment operator asks: read strictly as a whole, and leniently line by line (S5).

The envelope is right or refused; a malformed line is an error for that line, and the others are answered.
Decoded with msgspec and checked by hand, because this is the one path that answers thousands of questions a second.
"""

from __future__ import annotations

import json
import re
from datetime import date
from enum import StrEnum
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from watchlist.domain import refusals
from watchlist.domain.identifiers import Identifier, MalformedIdentifier, parse
from watchlist.domain.tokens import Named, Question, Tokenizer

LARGEST_BATCH = 10_000
MOST_IDENTIFIERS = 20
LONGEST = 200
"""Characters of a name."""


class Purpose(StrEnum):
    """Why the list is asked (S6)."""

    THIRD_PARTY_PAYMENT = "third_party_payment"
    CLAIM_CONTROL = "claim_control"
    PARTNERSHIP_ADMISSION = "partnership_admission"


class AskedIdentifier(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    scheme: str
    value: str

    def __repr__(self) -> str:
        return "AskedIdentifier(sealed)"


class AskedSubject(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One subject: identifiers, or family name, given names and full birth date, or both (S3)."""

    kind: Literal["person", "organisation"] | UnsetType = UNSET
    family_name: str | UnsetType = UNSET
    given_names: str | UnsetType = UNSET
    birth_date: date | UnsetType = UNSET
    birth_place: str | UnsetType = UNSET
    identifiers: list[AskedIdentifier] | UnsetType = UNSET

    def __repr__(self) -> str:
        return "AskedSubject(sealed)"

    @property
    def questions(self) -> int:
        """How many a quota counts: each identifier, or the name alone (S6)."""
        return max(1, 0 if self.identifiers is UNSET else len(self.identifiers))


class KeyedSubject(AskedSubject, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """A line of a screening in bulk: the same subject, with the asker's own reference beside it."""

    key: str


Subject = TypeVar("Subject", bound=AskedSubject)


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


KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
REFERENCE = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_envelope = msgspec.json.Decoder(Envelope)
_subject = msgspec.json.Decoder(AskedSubject)
_keyed_subject = msgspec.json.Decoder(KeyedSubject)


def read_envelope(body: bytes) -> Envelope:
    """The envelope, its lines still raw; refused as a whole when it is not right."""
    try:
        envelope = _envelope.decode(body)
    except msgspec.ValidationError as error:
        raise MalformedScreening(_place(error)) from None
    except (ValueError, RecursionError):
        raise MalformedScreening("body") from None
    if not REFERENCE.fullmatch(envelope.file_reference):
        raise MalformedScreening("file_reference")
    if not 1 <= len(envelope.subjects) <= LARGEST_BATCH:
        raise BatchSize("subjects")
    if not all(map(KEY.fullmatch, envelope.subjects)):
        raise MalformedKey("subjects")
    _refuse_repeated_keys(body, envelope)
    return envelope


def _refuse_repeated_keys(body: bytes, envelope: Envelope) -> None:
    """A decoder keeps the last of two equal keys; a question that nobody answers is not to be lost so.

    A string has two quotes, a key too: as many of them in the body as in what was kept of it means that nothing was
    dropped. Only when the count is off is the body read exactly, which takes ten times as long.
    """
    kept = _quotes(b"".join(map(bytes, envelope.subjects.values())))
    strings = len(envelope.subjects) + len(envelope.__struct_fields__) + 2
    if _quotes(body) == kept + 2 * strings:
        return
    try:
        pairs = json.loads(body, object_pairs_hook=list)
    except (ValueError, RecursionError):
        raise MalformedScreening("body") from None
    if _repeats(pairs) or _repeats(dict(pairs)["subjects"]):
        raise RepeatedKey("subjects")


def _quotes(text: bytes) -> int:
    """The quotes that begin or end a string: the others are behind a backslash."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"')


def _repeats(pairs: list[tuple[str, Any]]) -> bool:
    return len({key for key, _ in pairs}) != len(pairs)


def question(tokenizer: Tokenizer, line: Raw | bytes | AskedSubject) -> Question:
    """What one line asks, read already or not; raises LineError when it cannot be asked (S3, S4, S5)."""
    asked = line if isinstance(line, AskedSubject) else read_line(line)
    identifiers = _identifiers(asked)
    person = _person(asked)
    asks = tokenizer.question(identifiers, person)
    if not asks.digests:
        raise _not_enough(identifiers)
    return asks


def read_line(raw: Raw | bytes) -> AskedSubject:
    """One line that is JSON; raises LineError when it is not, or has not the fields of a subject."""
    return _read(_subject, raw)


def read_keyed_line(raw: Raw | bytes) -> KeyedSubject:
    """The same, of a screening in bulk."""
    return _read(_keyed_subject, raw)


def _read(decoder: msgspec.json.Decoder[Subject], raw: Raw | bytes) -> Subject:
    try:
        asked = decoder.decode(raw)
    except msgspec.ValidationError as error:
        field = _place(error)
        raise LineError("malformed", field, "This field is unknown, missing or of the wrong type.") from None
    except (ValueError, RecursionError):
        raise LineError("malformed", "body", "This line is not a JSON object.") from None
    _refuse_repeated_fields(bytes(raw), asked)
    return asked


def canonical(requests: Tokenizer, line: Raw | bytes | AskedSubject) -> bytes:
    """S7: one line that can be asked, under the key that does not rotate: the same however it is spelled or ordered."""
    asked = line if isinstance(line, AskedSubject) else _subject.decode(line)
    parts = {f"{given.scheme} {given.value}" for given in _identifiers(asked)}
    person = _person(asked)
    if person is not None:
        parts |= {f"family {form}" for form in person.family}
        parts |= {f"given {form}" for form in person.given}
        parts.add(f"born {person.birth_date.isoformat()}")
    return requests.digest("question", *sorted(parts))


def _refuse_repeated_fields(line: bytes, asked: AskedSubject) -> None:
    """A field given twice would be asked once; counted as above, and read exactly only when the count is off."""
    strings = 2 * (
        isinstance(asked, KeyedSubject)
        + (asked.kind is not UNSET)
        + (asked.family_name is not UNSET)
        + (asked.given_names is not UNSET)
        + (asked.birth_date is not UNSET)
        + (asked.birth_place is not UNSET)
    )
    if asked.identifiers is not UNSET:
        strings += 1 + 4 * len(asked.identifiers)
    if _quotes(line) == 2 * strings:
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


def _person(asked: AskedSubject) -> Named | None:
    """S3: never by name alone; family name, given names and the full birth date go together."""
    family_name, given_names, birth_date = asked.family_name, asked.given_names, asked.birth_date
    if family_name is UNSET and given_names is UNSET and birth_date is UNSET:
        return None
    if family_name is UNSET:
        raise _incomplete("family_name")
    if given_names is UNSET:
        raise _incomplete("given_names")
    if birth_date is UNSET:
        raise _incomplete("birth_date")
    if asked.kind == "organisation":
        raise LineError("malformed", "kind", "An organisation is asked by its identifiers.")
    person = Named.of(family_name[:LONGEST], given_names[:LONGEST], birth_date)
    if len(family_name) > LONGEST or not person.family:
        raise LineError(
            "malformed", "family_name", "Give a family name of 1 to 200 characters with a letter in it."
        )
    if len(given_names) > LONGEST or not person.given:
        raise LineError(
            "malformed", "given_names", "Give given names of 1 to 200 characters with a letter in them."
        )
    return person


def _incomplete(field: str) -> LineError:
    return LineError(
        "incomplete_person", field, "Family name, given names and full birth date are asked together."
    )


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
