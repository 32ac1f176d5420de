"""The identity providers as the settings name them: one by variables, or several in a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from watchlist.domain.operator import ORGANISATION_CODE, Role
from watchlist.domain.passport import ALGORITHMS, USUAL_ALGORITHMS, USUAL_ROLES, Issuer

PARTS = (
    "issuer",
    "audience",
    "jwks_url",
    "algorithms",
    "role_claim",
    "roles",
    "organisation_claim",
    "organisations",
    "name_claim",
)
"""What is said of an issuer, in the file by these names; a variable for each is in settings.py."""
_LOOPBACK = ("http://localhost", "http://127.0.0.1", "http://[::1]")


class IssuerError(Exception):
    """What is said of an identity provider cannot be meant; the message says what to write."""


def issuer_of(said: Any) -> Issuer:
    """One issuer, as texts and lists of texts describe it; raises IssuerError."""
    if not isinstance(said, Mapping):
        raise IssuerError(f"a table is expected, of {', '.join(PARTS)}")
    unknown = set(said) - set(PARTS)
    if unknown:
        raise IssuerError(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(PARTS)}")
    audiences = frozenset(_texts(said.get("audience")))
    if not audiences:
        raise IssuerError("audience: name whom its tokens are for, so that those for others are refused")
    named = {
        name: _text(said[name])
        for name in ("role_claim", "organisation_claim", "name_claim")
        if said.get(name)
    }
    return Issuer(
        url=_address("issuer", said.get("issuer")),
        audiences=audiences,
        jwks_url=_address("jwks_url", said["jwks_url"]) if said.get("jwks_url") else None,
        algorithms=_algorithms(_texts(said.get("algorithms"))),
        roles=_roles(_texts(said.get("roles"))),
        organisations=_organisations(_texts(said.get("organisations"))),
        **named,
    )


def issuers_in(path: Path) -> tuple[Issuer, ...]:
    """Those of a TOML file, each under [[issuer]]; raises IssuerError."""
    try:
        read = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise IssuerError(f"{path} cannot be read ({type(error).__name__})") from None
    tables = read.get("issuer")
    if set(read) != {"issuer"} or not isinstance(tables, list):
        raise IssuerError(f"{path} holds one table [[issuer]] for each, and nothing else")
    issuers = tuple(issuer_of(table) for table in tables)
    if len({issuer.url for issuer in issuers}) < len(issuers):
        raise IssuerError(f"{path} names an issuer twice")
    _require_apart(issuers)
    return issuers


def _require_apart(issuers: tuple[Issuer, ...]) -> None:
    """Of several each says for whom it speaks: one without a list could speak for an organisation of another's."""
    unnamed = [issuer.url for issuer in issuers if not issuer.organisations]
    if len(issuers) > 1 and unnamed:
        raise IssuerError(
            f"organisations: each of several issuers names its own; not so {', '.join(unnamed)}"
        )


def shown_parts(issuer: Issuer | None) -> dict[str, str]:
    """For people; no part is a secret."""
    shown = dict.fromkeys(PARTS, "(none)")
    if issuer is not None:
        values = (
            issuer.url,
            ", ".join(sorted(issuer.audiences)),
            issuer.jwks_url or "(by discovery)",
            ", ".join(sorted(issuer.algorithms)),
            issuer.role_claim,
            _told(issuer.roles),
            issuer.organisation_claim,
            _told(issuer.organisations) or "(those that are known)",
            issuer.name_claim,
        )
        shown = dict(zip(PARTS, values, strict=True))
    return shown


def _told(pairs: Mapping[str, str]) -> str:
    return ", ".join(f"{said}={meant}" for said, meant in pairs.items())


def _algorithms(names: tuple[str, ...]) -> frozenset[str]:
    if unknown := set(names) - set(ALGORITHMS):
        raise IssuerError(f"algorithms: {', '.join(sorted(unknown))} is none of {', '.join(ALGORITHMS)}")
    return frozenset(names or USUAL_ALGORITHMS)


def _roles(texts: tuple[str, ...]) -> Mapping[str, Role]:
    """`role`, or `what the claim says=role`; several may mean one."""
    pairs = _pairs(texts)
    try:
        return {said: Role(meant) for said, meant in pairs.items()} or dict(USUAL_ROLES)
    except ValueError:
        raise IssuerError(
            f"roles: each means one of {', '.join(Role)}, as in `fraud-team=investigator`"
        ) from None


def _organisations(texts: tuple[str, ...]) -> Mapping[str, str]:
    """`CODE`, or `what the claim says=CODE`."""
    pairs = _pairs(texts)
    if any(not ORGANISATION_CODE.fullmatch(code) for code in pairs.values()):
        raise IssuerError("organisations: each means a code in capitals, as in `groupama.example=GRPM`")
    return pairs


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    """At the last `=`: what a claim says may hold others."""
    parted = ((text.rpartition("=")[0] or text, text.rpartition("=")[2]) for text in texts)
    return {said.strip(): meant.strip() for said, meant in parted}


def _address(name: str, said: Any) -> str:
    url = _text(said).strip()
    if not url.startswith(("https://", *_LOOPBACK)):
        raise IssuerError(f"{name}: an https address (http on this machine alone)")
    return url


def _texts(said: Any) -> tuple[str, ...]:
    """Apart by commas in a variable, a list in the file."""
    if said is None:
        return ()
    if isinstance(said, list):
        return tuple(_text(one).strip() for one in said)
    return tuple(part.strip() for part in _text(said).split(",") if part.strip())


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise IssuerError("texts, or lists of texts, are expected")
    return said
