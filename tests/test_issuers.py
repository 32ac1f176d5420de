"""Identity providers as the settings name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watchlist.domain.operator import Role
from watchlist.domain.passport import USUAL_ALGORITHMS, USUAL_ROLES
from watchlist.settings import Settings, SettingsError

ONE = {"WATCHLIST_OIDC_ISSUER": "https://idp.example", "WATCHLIST_OIDC_AUDIENCE": "watchlist"}


def issuers(**env: str) -> Any:
    return Settings.from_environment(env).issuers


def test_without_a_word_no_token_is_accepted() -> None:
    assert issuers() == ()


def test_an_issuer_and_an_audience_suffice() -> None:
    (issuer,) = issuers(**ONE)
    assert (issuer.url, issuer.audiences, issuer.jwks_url) == ("https://idp.example", {"watchlist"}, None)
    assert issuer.algorithms == set(USUAL_ALGORITHMS)
    assert dict(issuer.roles) == USUAL_ROLES
    assert (issuer.role_claim, issuer.organisation_claim, issuer.name_claim) == (
        "roles",
        "organisation",
        "name",
    )


def test_every_part_can_be_said() -> None:
    (issuer,) = issuers(
        **ONE,
        WATCHLIST_OIDC_JWKS_URL="https://idp.example/keys",
        WATCHLIST_OIDC_ALGORITHMS="ES256, EdDSA",
        WATCHLIST_OIDC_ROLE_CLAIM="resource_access.watchlist.roles",
        WATCHLIST_OIDC_ROLES="fraud=investigator, cn=chief=supervisor, dpo",
        WATCHLIST_OIDC_ORGANISATION_CLAIM="iss",
        WATCHLIST_OIDC_ORGANISATIONS="https://idp.example=GRPM, PROBTP",
        WATCHLIST_OIDC_NAME_CLAIM="employee",
    )
    assert issuer.algorithms == {"ES256", "EdDSA"}
    assert issuer.roles["fraud"] is Role.INVESTIGATOR
    assert issuer.roles["cn=chief"] is Role.SUPERVISOR
    assert issuer.roles["dpo"] is Role.DPO
    assert dict(issuer.organisations) == {"https://idp.example": "GRPM", "PROBTP": "PROBTP"}
    assert issuer.name_claim == "employee"


@pytest.mark.parametrize(
    "changed",
    [
        {"WATCHLIST_OIDC_ISSUER": ""},
        {"WATCHLIST_OIDC_AUDIENCE": ""},
        {"WATCHLIST_OIDC_ISSUER": "http://idp.example"},
        {"WATCHLIST_OIDC_ISSUER": "idp.example"},
        {"WATCHLIST_OIDC_JWKS_URL": "http://idp.example/keys"},
        {"WATCHLIST_OIDC_JWKS_URL": "file:///etc/passwd"},
        {"WATCHLIST_OIDC_ALGORITHMS": "none"},
        {"WATCHLIST_OIDC_ALGORITHMS": "RS256,HS256"},
        {"WATCHLIST_OIDC_ROLES": "fraud=chief"},
        {"WATCHLIST_OIDC_ORGANISATIONS": "groupama"},
        {"WATCHLIST_OIDC_ISSUERS": "/nowhere.toml"},
        {"WATCHLIST_HABILITATION_REVIEW_MONTHS": "0"},
        {"WATCHLIST_HABILITATION_REVIEW_MONTHS": "yearly"},
    ],
)
def test_what_cannot_be_meant_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="WATCHLIST_"):
        issuers(**{**ONE, **changed})


def test_several_issuers_are_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text(
        """
        [[issuer]]
        issuer = "https://groupama.example"
        audience = ["watchlist", "watchlist-test"]
        organisations = ["GRPM"]
        roles = ["fraud=investigator"]

        [[issuer]]
        issuer = "https://probtp.example"
        audience = "watchlist"
        organisations = "PROBTP"
        """
    )
    first, second = issuers(WATCHLIST_OIDC_ISSUERS=str(file))
    assert first.audiences == {"watchlist", "watchlist-test"}
    assert dict(first.organisations) == {"GRPM": "GRPM"}
    assert second.url == "https://probtp.example"
    shown = Settings.from_environment({"WATCHLIST_OIDC_ISSUERS": str(file)}).shown()
    assert shown["WATCHLIST_OIDC_ISSUERS"] == ["https://groupama.example", "https://probtp.example"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[issuer]\nissuer = 'https://a.example'\naudience = 'x'",
        "[[issuer]]\nissuer = 'https://a.example'",
        "[[issuer]]\nissuer = 'https://a.example'\naudience = 7",
        "[[issuer]]\nissuer = 'https://a.example'\naudience = 'x'\nsecret = 'y'",
        "[[issuer]]\nissuer = 'https://a.example'\naudience = 'x'\n" * 2,
        "[[issuer]]\nissuer = 'https://a.example'\naudience = 'x'\n[more]",
        "issuer = [7]",
        "not toml",
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match="WATCHLIST_OIDC"):
        issuers(WATCHLIST_OIDC_ISSUERS=str(file))


@pytest.mark.parametrize("silent", [(0,), (1,), (0, 1)])
def test_of_several_issuers_none_may_speak_for_organisations_it_does_not_name(
    tmp_path: Path, silent: tuple[int, ...]
) -> None:
    tables = [
        f"[[issuer]]\nissuer = 'https://{place}.example'\naudience = 'x'\n"
        + ("" if place in silent else f"organisations = 'ORG{place}'\n")
        for place in (0, 1)
    ]
    file = tmp_path / "issuers.toml"
    file.write_text("".join(tables))
    with pytest.raises(SettingsError, match=rf"organisations: .*https://{silent[0]}\.example"):
        issuers(WATCHLIST_OIDC_ISSUERS=str(file))
    file.write_text(tables[silent[0]])
    assert len(issuers(WATCHLIST_OIDC_ISSUERS=str(file))) == 1


def test_what_is_in_force_is_shown() -> None:
    shown = Settings.from_environment(ONE).shown()
    assert shown["WATCHLIST_OIDC_ISSUER"] == "https://idp.example"
    assert shown["WATCHLIST_OIDC_JWKS_URL"] == "(by discovery)"
    assert Settings().shown()["WATCHLIST_OIDC_ISSUER"] == "(none)"
