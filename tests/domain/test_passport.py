"""A passport: what a verified token must say, and what of it is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watchlist.domain.operator import Role
from watchlist.domain.passport import (
    ALGORITHMS,
    LEEWAY_SECONDS,
    Issuer,
    NotAdmitted,
    Reason,
    at_path,
    passport_of,
    require_header,
    serves,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECONDS = NOW.timestamp()
ISSUER = Issuer("https://idp.example", frozenset({"watchlist"}))
CLAIMS = {
    "iss": "https://idp.example",
    "aud": "watchlist",
    "sub": "camille",
    "name": "Camille Roche",
    "roles": ["investigator"],
    "organisation": "GRPM",
    "exp": SECONDS + 300,
}


def refused(issuer: Issuer = ISSUER, **changes: Any) -> Reason:
    with pytest.raises(NotAdmitted) as raised:
        passport_of({**CLAIMS, **changes}, issuer, NOW)
    return raised.value.reason


def read(issuer: Issuer = ISSUER, **changes: Any) -> Any:
    return passport_of({**CLAIMS, **changes}, issuer, NOW)


def test_a_token_says_who_comes_for_whom_in_which_roles_and_until_when():
    passport = read()
    assert (passport.subject, passport.name, passport.organisation) == ("camille", "Camille Roche", "GRPM")
    assert passport.roles == {Role.INVESTIGATOR}
    assert passport.expires_at == NOW + timedelta(seconds=300 + LEEWAY_SECONDS)


@pytest.mark.parametrize("said", [None, "", "https://idp.example/", "https://other.example", 7, []])
def test_a_token_of_another_issuer_is_refused(said):
    assert refused(iss=said) is Reason.ISSUER


@pytest.mark.parametrize("said", [None, "", "other", ["other"], [], {"watchlist": 1}, "watchlist-2"])
def test_a_token_for_another_audience_is_refused(said):
    assert refused(aud=said) is Reason.AUDIENCE


def test_one_audience_of_several_suffices():
    assert read(aud=["other", "watchlist"])


@pytest.mark.parametrize(
    ("exp", "reason"),
    [
        (SECONDS - LEEWAY_SECONDS, Reason.EXPIRED),
        (0, Reason.EXPIRED),
        (None, Reason.CLAIM),
        ("tomorrow", Reason.CLAIM),
        (True, Reason.CLAIM),
        (float("nan"), Reason.CLAIM),
        (float("inf"), Reason.CLAIM),
        (10**400, Reason.CLAIM),
        (-1, Reason.CLAIM),
    ],
)
def test_a_token_says_when_it_expires_and_has_not(exp, reason):
    assert refused(exp=exp) is reason


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_of_the_future_is_refused_but_for_the_leeway(claim):
    assert read(**{claim: SECONDS + LEEWAY_SECONDS})
    assert refused(**{claim: SECONDS + LEEWAY_SECONDS + 1}) is Reason.NOT_YET_VALID
    assert refused(**{claim: "now"}) is Reason.CLAIM


@pytest.mark.parametrize("said", [None, "", 7, "x" * 256])
def test_a_token_names_its_holder(said):
    assert refused(sub=said) is Reason.CLAIM


@pytest.mark.parametrize("said", [None, "", [], ["chief"], {"investigator": True}, 7])
def test_without_a_role_that_means_something_here_nobody_comes_in(said):
    assert refused(roles=said) is Reason.ROLE


def test_admins_and_auditors_are_believed_only_when_the_settings_name_them():
    assert refused(roles=["admin"]) is Reason.ROLE
    assert read(roles=["admin", "auditor", "dpo"]).roles == {Role.DPO}
    named = Issuer(ISSUER.url, ISSUER.audiences, roles={"root": Role.ADMIN, "control": Role.AUDITOR})
    assert read(named, roles=["root", "control"]).roles == {Role.ADMIN, Role.AUDITOR}
    assert refused(named, roles=["investigator"]) is Reason.ROLE


def test_roles_and_organisation_stand_where_the_settings_say():
    issuer = Issuer(
        ISSUER.url,
        ISSUER.audiences,
        role_claim="resource_access.watchlist.roles",
        organisation_claim="https://claims.example/organisation",
        organisations={"groupama.example": "GRPM"},
    )
    said = {"resource_access": {"watchlist": {"roles": ["dpo"]}}, "roles": ["supervisor"]}
    passport = read(issuer, **said, **{"https://claims.example/organisation": "groupama.example"})
    assert (passport.roles, passport.organisation) == ({Role.DPO}, "GRPM")


def test_a_whole_name_comes_before_a_path_and_a_path_through_nothing_leads_nowhere():
    assert at_path({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert at_path({"a": {"b": {"c": 3}}}, "a.b.c") == 3
    assert at_path({"a": [1]}, "a.b.c") is None
    assert at_path({}, "a") is None


@pytest.mark.parametrize("said", [None, "", "grpm", ["GRPM", "PROBTP"], [], 7, "x" * 40])
def test_a_token_is_for_one_organisation_in_its_right_form(said):
    assert refused(organisation=said) is Reason.ORGANISATION


def test_an_issuer_speaks_for_the_organisations_that_are_its_own():
    issuer = Issuer(ISSUER.url, ISSUER.audiences, organisations={"GRPM": "GRPM"})
    assert read(issuer).organisation_is_named
    assert not read().organisation_is_named
    assert refused(issuer, organisation="PROBTP") is Reason.ORGANISATION


@pytest.mark.parametrize("said", [None, "", "  ", "x" * 201, "Camille\nRoche", ["Camille"], 7])
def test_a_token_names_a_person_as_operators_are_named(said):
    assert refused(name=said) is Reason.NAME


# Header ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "HS512"},
        {"alg": "RS512"},
        {"alg": ["RS256"]},
        {"alg": None},
    ],
)
def test_only_the_algorithms_of_the_list_are_accepted(header):
    with pytest.raises(NotAdmitted) as raised:
        require_header(header, ISSUER)
    assert raised.value.reason is Reason.ALGORITHM


def test_no_setting_can_allow_none_or_a_shared_secret():
    assert not any(name.lower() == "none" or name.startswith("HS") for name in ALGORITHMS)
    generous = Issuer(ISSUER.url, ISSUER.audiences, algorithms=frozenset({"none", "HS256"}))
    for algorithm in ("none", "HS256"):
        with pytest.raises(NotAdmitted):
            require_header({"alg": algorithm}, generous)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_an_access_token_is_accepted_whatever_it_calls_itself(typ):
    assert require_header({"alg": "RS256", "typ": typ}, ISSUER) == "RS256"


@pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", "secevent+jwt", "", 7])
def test_a_token_of_another_kind_is_refused(typ):
    with pytest.raises(NotAdmitted) as raised:
        require_header({"alg": "RS256", "typ": typ}, ISSUER)
    assert raised.value.reason is Reason.TYPE


@pytest.mark.parametrize("more", [{"crit": ["b64"]}, {"crit": []}, {"b64": False}, {"crit": ["exp"]}])
def test_what_must_be_understood_and_is_not_is_refused(more):
    with pytest.raises(NotAdmitted) as raised:
        require_header({"alg": "RS256", **more}, ISSUER)
    assert raised.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("jwk", "algorithm", "fits"),
    [
        ({"kty": "RSA"}, "RS256", True),
        ({"kty": "RSA", "alg": "RS256", "use": "sig"}, "RS256", True),
        ({"kty": "RSA", "alg": "PS256"}, "RS256", False),
        ({"kty": "RSA", "use": "enc"}, "RS256", False),
        ({"kty": "oct"}, "RS256", False),
        ({"kty": "EC", "crv": "P-256"}, "ES256", True),
        ({"kty": "EC", "crv": "P-384"}, "ES256", False),
        ({"kty": "EC", "crv": "secp256k1"}, "ES256", False),
        ({"kty": "OKP", "crv": "Ed25519"}, "EdDSA", True),
        ({"kty": "OKP", "crv": "X25519"}, "EdDSA", False),
        ({}, "RS256", False),
    ],
)
def test_a_key_serves_the_algorithm_of_its_kind_and_curve(jwk, algorithm, fits):
    assert serves(jwk, algorithm) is fits
