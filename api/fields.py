"""The fields of bodies, each kind once: how it is written, how long it may be, and an example of it.

Lax conversions are refused: a number is not a text, a date is not an instant, and nothing is cut to fit.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from watchlist.domain.identifiers import looks_like_nir

EARLIEST, LATEST = date(1850, 1, 1), date(2199, 12, 31)
"""No date of a person or of a procedure lies outside; a slip of the keyboard does."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LINE_BREAKS = "\n\r\t"


class Asked(BaseModel):
    """A body as it must be: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Answered(BaseModel):
    """A body as it is answered."""

    model_config = ConfigDict(extra="forbid")


def _day(value: Any) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("date_expected", "Write a date as 2024-02-29.")


def _plausible(day: date) -> date:
    if EARLIEST <= day <= LATEST:
        return day
    raise PydanticCustomError("date_out_of_range", "Check the year.")


def _instant(value: Any) -> datetime:
    """RFC 3339, its offset said."""
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise PydanticCustomError("instant_expected", "Write an instant as 2024-02-29T12:00:00Z.")


def _id(value: Any) -> Any:
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise PydanticCustomError("id_expected", "Write an identifier as this service gave it.")


def _printable(text: str, allowed: str) -> str:
    """No control characters, no lone surrogates, no code points that are no characters."""
    if all(c in allowed or unicodedata.category(c) not in ("Cc", "Cs", "Cn") for c in text):
        return text
    raise PydanticCustomError("characters_refused", "Remove control characters.")


def _line(text: str) -> str:
    return _printable(text, "")


def _prose(text: str) -> str:
    return _printable(text, _LINE_BREAKS)


NIR_REFUSED = "The social security number (NIR) is neither stored nor accepted: remove it."


def _no_nir(text: str) -> str:
    """S4: a name has no such digits of its own."""
    if looks_like_nir(text):
        raise PydanticCustomError("nir_refused", NIR_REFUSED)
    return text


def _no_nir_with_its_key(text: str) -> str:
    """S4: nearly half of all numbers of 13 digits have the form; one of 15 with a right key is none by chance."""
    return _no_nir(text) if sum(map(str.isalnum, text)) > 13 else text


Id = Annotated[UUID, BeforeValidator(_id), Field(examples=["7f3e2a54-3b0e-4f0e-9d6e-0c5a9a3f1b7d"])]
Day = Annotated[date, BeforeValidator(_day), AfterValidator(_plausible), Field(examples=["2024-02-29"])]
Instant = Annotated[datetime, BeforeValidator(_instant), Field(examples=["2024-02-29T12:00:00Z"])]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_line),
    AfterValidator(_no_nir),
]
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_line),
    AfterValidator(_no_nir_with_its_key),
]
Prose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000),
    AfterValidator(_prose),
    Field(examples=["Actes facturés non réalisés, constatés sur pièces."]),
]
Organisation = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9_-]{0,31}$"),
    Field(examples=["GRPM"]),
]
Version = Annotated[int, Field(ge=1, examples=[3])]
Position = Annotated[int, Field(ge=0, examples=[1204])]
