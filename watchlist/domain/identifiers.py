"""Identifiers of health professionals, organisations and members: parse, check, normalise.

What is parsed here is exact or refused: a malformed identifier is an error for its line and never a
"no hit" (S5). No message and no repr shows a value. The social security number (NIR) is refused by
name (S4).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct
from stdnum.fr import siret
from stdnum.fr.nir import calc_check_digits as nir_check_digits

SCHEMES = ("rpps", "adeli", "finess", "siren", "siret", "amc_member")

_NIR_SCHEMES = frozenset({"nir", "nirpp", "nss", "nia", "ssn", "insee", "ins"})

_SPACES = " \t\r\n\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
_HYPHENS = r"\-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
_SEPARATORS = re.compile(f"[{_SPACES}{_HYPHENS}.]")

_NIR = re.compile(
    r"[1-478]"  # sex; 3, 4, 7 and 8 for provisional numbers
    r"[0-9]{2}"  # year of birth
    r"(?:0[1-9]|1[0-2]|20|3[0-9]|4[0-2]|[5-9][0-9])"  # month; from 20 on when the civil record is incomplete
    r"(?:0[1-9]|[1-9][0-9]|2[AB])"  # department; 99 born abroad
    r"[0-9]{6}"  # commune or country, then rank
    r"([0-9]{2})?"  # key
)


class Identifier(Struct, frozen=True, gc=False):
    """A checked identifier, in the one form in which it is stored and compared."""

    scheme: str
    value: str

    def __repr__(self) -> str:
        return f"Identifier({self.scheme}, sealed)"


class MalformedIdentifier(ValueError):
    """Not an identifier of its scheme; `code` says why, `detail` what to do. Neither has the value.

    | code | when |
    |---|---|
    | unknown_scheme | the scheme is none of SCHEMES |
    | nir_refused | it is, or would hold, a social security number (S4) |
    | malformed_identifier | wrong length or characters |
    | check_failed | the form is right, the check digit is not |
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    def __reduce__(self) -> tuple[type[MalformedIdentifier], tuple[str, str]]:
        return type(self), (self.code, self.detail)


@dataclass(frozen=True, slots=True)
class _Rule:
    form: re.Pattern[str]
    passes: Callable[[str], bool]
    wanted: str


def parse(scheme: str, value: str) -> Identifier:
    """The identifier written there: separators removed, upper case, form and check digit verified.

    Spaces (no-break ones too), dots and hyphens are accepted and never kept. MalformedIdentifier if it
    is not one (S5), or if it is a social security number (S4).
    """
    if scheme.strip().lower() in _NIR_SCHEMES:
        raise _nir_refused()
    if scheme not in SCHEMES:
        raise MalformedIdentifier("unknown_scheme", f"Use one of these schemes: {', '.join(SCHEMES)}.")
    compact = _compact(value)
    if scheme == "amc_member":
        return Identifier(scheme, _amc_member(compact))
    return Identifier(scheme, _checked(scheme, compact))


def looks_like_nir(text: str) -> bool:
    """Whether this has the form of a social security number: 13 characters, or 15 with a right key (S4).

    Form only: nearly half of all 13-digit numbers have it.
    """
    compact = _compact(text)
    found = _NIR.fullmatch(compact)
    return found is not None and (found[1] is None or found[1] == nir_check_digits(compact))


def asked_keys(identifier: Identifier) -> tuple[Identifier, ...]:
    """The keys that screening asks for this identifier: a SIRET also asks its SIREN (S3).

    None for an AMC member number, which covers a family and is never a key alone (S4).
    """
    if identifier.scheme == "siret":
        return identifier, Identifier("siren", identifier.value[:9])
    return listed_keys(identifier)


def listed_keys(identifier: Identifier) -> tuple[Identifier, ...]:
    """The keys under which an entry answers for this identifier: itself (S3); none for an AMC member (S4)."""
    return () if identifier.scheme == "amc_member" else (identifier,)


def _compact(value: str) -> str:
    compact = _SEPARATORS.sub("", value)
    # Upper case of some letters outside ASCII falls inside it (the dotless i): only ASCII is raised.
    return compact.upper() if compact.isascii() else compact


def _checked(scheme: str, compact: str) -> str:
    rule = _RULES[scheme]
    if len(compact) == 15 and looks_like_nir(compact):
        raise _nir_refused()
    # A row of zeros passes Luhn; as a key it would answer for every line that was filled in with zeros.
    if not rule.form.fullmatch(compact) or not compact.strip("0"):
        raise MalformedIdentifier("malformed_identifier", f"Check the length and characters: {rule.wanted}.")
    if not rule.passes(compact):
        raise MalformedIdentifier(
            "check_failed", f"Check the digits, one at least was mistyped: {rule.wanted} whose check passes."
        )
    return compact


def _amc_member(compact: str) -> str:
    # Padded with zeros to a fixed length, or without its AMC, a social security number is still one.
    member = compact.rpartition("/")[2]
    if looks_like_nir(member) or looks_like_nir(member.lstrip("0")):
        raise _nir_refused()
    if not _AMC_MEMBER.fullmatch(compact):
        raise MalformedIdentifier(
            "malformed_identifier",
            "Write an AMC member as AMC/MEMBER: an AMC number of 8 to 10 digits, a slash, then a member "
            "number of 1 to 20 letters and digits.",
        )
    return compact


def _nir_refused() -> MalformedIdentifier:
    return MalformedIdentifier(
        "nir_refused",
        "The social security number (NIR) is neither stored nor accepted as a key: remove it, and use a "
        "professional identifier, or the family name, given names and full birth date.",
    )


# stdnum's Luhn takes any alphabet and nine microseconds; screening checks thousands of numbers a second.
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def luhn_passes(digits: str) -> bool:
    """Whether the last of these ASCII digits is the Luhn check digit of the others."""
    ascii_digits = digits.encode()
    total = sum(ascii_digits[-1::-2]) + sum(ascii_digits[-2::-2].translate(_DOUBLED))
    return (total - ord("0") * len(ascii_digits)) % 10 == 0


def _finess_passes(value: str) -> bool:
    return luhn_passes(value.replace("2A", "21").replace("2B", "22"))


def _siret_passes(value: str) -> bool:
    """La Poste's establishments are the exception to Luhn; stdnum knows it."""
    return (luhn_passes(value) and luhn_passes(value[:9])) or siret.is_valid(value)


_AMC_MEMBER = re.compile(r"[0-9]{8,10}/[0-9A-Z]{1,20}")

_RULES = {
    "rpps": _Rule(re.compile(r"[0-9]{11}"), luhn_passes, "an RPPS number has 11 digits"),
    # Overseas departments are 97 and 98 or, in lists drawn from ADELI itself, 9A to 9F.
    "adeli": _Rule(
        re.compile(r"(?:0[1-9]|[1-9][0-9]|2[AB]|9[A-F])[0-9]{7}"),
        lambda _: True,
        "an ADELI number has 9 characters, the department (2A and 2B for Corsica) then 7 digits",
    ),
    "finess": _Rule(
        re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{7}"),
        _finess_passes,
        "a FINESS number has 9 characters, the department (2A and 2B for Corsica) then 7 digits",
    ),
    "siren": _Rule(re.compile(r"[0-9]{9}"), luhn_passes, "a SIREN number has 9 digits"),
    "siret": _Rule(re.compile(r"[0-9]{14}"), _siret_passes, "a SIRET number has 14 digits"),
}
