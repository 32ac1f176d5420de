"""Tokens of an identity provider: who comes in, as whom, in which role; and who does not, without a trace of theirs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from api.doorkeeper import Doorkeeper
from api.main import create_app
from api.operator import LONGEST_HEADER, STREAMS_ASK_EVERY, authenticate, still_admitted
from tests.api.conftest import NOON, Office, Somebody
from tests.issuer import AnIssuer, an_issuer, unsigned
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.identity_provider import IdentityProviders
from watchlist.application import operators as verbs
from watchlist.bootstrap import House, build
from watchlist.domain.operator import Role

EVERY_ROLE = {role.value: role for role in Role}


@pytest.fixture
def issuer() -> Iterator[AnIssuer]:
    with an_issuer("RS256") as issuer:
        yield issuer


@pytest.fixture
def house(database_url: str, clock: ManualClock, issuer: AnIssuer) -> Iterator[House]:
    with a_house(database_url, clock, issuer) as house:
        yield house


def a_house(database_url: str, clock: ManualClock, issuer: AnIssuer) -> House:
    house = build(database_url, b"k" * 32, clock)
    organisations = {"GRPM": "GRPM", "PROBTP": "PROBTP"}
    house.issuers = (issuer.settings(organisations=organisations, roles=EVERY_ROLE),)
    return house


def somebody(client: TestClient, issuer: AnIssuer, *roles: str, **claims: Any) -> Somebody:
    return Somebody(client, issuer.token(NOON, roles=roles or ["investigator"], **claims))


def asked(client: TestClient, *tokens: str, path: str = "/v1/me") -> httpx.Response:
    return client.get(path, headers=[("Authorization", f"Bearer {token}") for token in tokens])


# Let in ---------------------------------------------------------------------------------------


def test_whoever_comes_with_a_token_works_as_with_a_key(client: TestClient, issuer: AnIssuer) -> None:
    office = Office(
        lambda role, name, organisation: somebody(client, issuer, role, sub=name, name=name), "GRPM"
    )
    _, _, inscription = office.entry()
    assert office.supervisor.get(f"/inscriptions/{inscription}").json()["state"] == "active"


def test_me_tells_who_came_with_a_token(client: TestClient, issuer: AnIssuer) -> None:
    me = somebody(client, issuer, "investigator", "supervisor").get("/me").json()
    assert me.pop("operator_id")
    assert me.pop("expires_at").startswith("2026-03-02T12:05")
    assert me == {
        "organisation": "GRPM",
        "role": "investigator",
        "roles": ["investigator", "supervisor"],
        "key_id": None,
        "scopes": None,
        "sandbox": False,
    }


def test_a_command_is_recorded_by_the_operator_and_names_nobody(
    client: TestClient, office: Office, issuer: AnIssuer
) -> None:
    camille = somebody(client, issuer, sub="c.roche@groupama.example")
    subject = office.subject()
    body = {"raised_on": "2026-02-20", "source": "control", "summary": "x", "subject_ids": [subject]}
    case = camille.made("/cases", body)["id"]
    history = camille.get(f"/cases/{case}/history").text
    assert camille.get("/me").json()["operator_id"] in history
    log = office.auditor.get("/audit/events").text
    assert "c.roche" not in history + log
    assert "Camille" not in history + log


def test_four_eyes_holds_between_a_key_and_a_token_of_one_person(
    client: TestClient, office: Office, issuer: AnIssuer
) -> None:
    subject = office.subject()
    inscription = office.proposal(office.case(subject), subject)
    same = somebody(client, issuer, "supervisor", name="Investigator  of grpm")
    answer = same.post(f"/inscriptions/{inscription}/approval", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")
    other = somebody(client, issuer, "supervisor", sub="sacha", name="Sacha")
    assert other.post(f"/inscriptions/{inscription}/approval", {}).status_code == 200


def test_four_eyes_holds_for_who_is_both_investigator_and_supervisor(
    client: TestClient, issuer: AnIssuer
) -> None:
    both = somebody(client, issuer, "investigator", "supervisor")
    office = Office(lambda role, name, organisation: both, "GRPM")
    subject = office.subject()
    inscription = office.proposal(office.case(subject), subject)
    assert both.post(f"/inscriptions/{inscription}/approval", {}).json()["code"] == "four_eyes"


def test_a_repeated_command_is_known_again_under_a_renewed_token(
    client: TestClient, office: Office, issuer: AnIssuer
) -> None:
    body = {"raised_on": "2026-02-20", "source": "control", "summary": "x", "subject_ids": [office.subject()]}
    first = somebody(client, issuer).post("/cases", body, Idempotency_Key="one")
    renewed = somebody(client, issuer, jti="another").post("/cases", body, Idempotency_Key="one")
    assert first.json()["id"] == renewed.json()["id"]


def test_another_organisations_case_is_not_there_for_a_token(
    client: TestClient, office: Office, issuer: AnIssuer
) -> None:
    case = office.case()
    assert somebody(client, issuer).get(f"/cases/{case}").status_code == 200
    assert somebody(client, issuer, organisation="PROBTP").get(f"/cases/{case}").status_code == 404


# Roles ----------------------------------------------------------------------------------------


def test_of_several_roles_the_one_that_fits_acts_and_one_may_be_named(
    client: TestClient, other_office: Office, issuer: AnIssuer
) -> None:
    other_office.entry()
    several = somebody(client, issuer, "investigator", "auditor")
    assert several.get("/list").json()["items"] == []
    assert len(several.get("/list", Watchlist_Role="auditor").json()["items"]) == 1
    assert several.get("/audit/events").status_code == 200
    assert several.get("/audit/events", Watchlist_Role="investigator").json()["code"] == "role_not_allowed"


def test_a_role_that_one_does_not_have_is_refused(
    client: TestClient, office: Office, issuer: AnIssuer
) -> None:
    for asker in (somebody(client, issuer, "investigator", "dpo"), office.investigator):
        for named in ("supervisor", "", "INVESTIGATOR", "investigator,dpo"):
            answer = asker.get("/cases", Watchlist_Role=named)
            assert (answer.status_code, answer.json()["code"]) == (403, "role_not_held"), named
        assert asker.get("/cases", Watchlist_Role="investigator").status_code == 200


def test_every_role_of_a_token_opens_what_it_names_and_no_more(client: TestClient, issuer: AnIssuer) -> None:
    for role, path in {
        "admin": "/keys",
        "dpo": "/rights-requests",
        "auditor": "/audit/events",
        "supervisor": "/cases",
    }.items():
        assert somebody(client, issuer, role, sub=role, name=role).get(path).status_code == 200
        others = (
            set(EVERY_ROLE) - {role} - ({"investigator", "auditor", "dpo"} if path == "/cases" else set())
        )
        without = somebody(client, issuer, *sorted(others), sub="many", name="many")
        assert without.get(path).status_code == 403


# Refused --------------------------------------------------------------------------------------


def forged_with_the_public_key(issuer: AnIssuer) -> str:
    body = unsigned({"typ": "JWT", "kid": "key-1", "alg": "HS256"}, issuer.claims(NOON)).rpartition(".")[0]
    mac = hmac.new(issuer.public_pem("key-1"), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def wrong_tokens(issuer: AnIssuer, other: AnIssuer) -> dict[str, tuple[str, str]]:
    """What is wrong -> the token, and the reason that the log gives."""
    right = issuer.token(NOON)
    ago, ahead = int(NOON.timestamp()) - 31, int(NOON.timestamp()) + 31
    return {
        "expired": (issuer.token(NOON, exp=ago), "expired"),
        "without expiry": (issuer.token(NOON, exp=None), "claim"),
        "not yet": (issuer.token(NOON, nbf=ahead), "not_yet_valid"),
        "issued in the future": (issuer.token(NOON, iat=ahead), "not_yet_valid"),
        "of another issuer": (other.token(NOON), "issuer"),
        "of another issuer under our name": (other.token(NOON, iss=issuer.url), "signature"),
        "without issuer": (issuer.token(NOON, iss=None), "issuer"),
        "of no algorithm": (unsigned({"alg": "none", "kid": "key-1"}, issuer.claims(NOON)), "algorithm"),
        "signed with the public key": (forged_with_the_public_key(issuer), "algorithm"),
        "for another audience": (issuer.token(NOON, aud="another"), "audience"),
        "for nobody": (issuer.token(NOON, aud=None), "audience"),
        "oversized": (issuer.token(NOON, padding="x" * LONGEST_HEADER), "oversized"),
        "malformed": ("a.b.c", "malformed"),
        "of two dots": ("..", "malformed"),
        "cut short": (right.rpartition(".")[0] + ".", "signature"),
        "changed": (right.replace(".", ".e", 1), "malformed"),
        "of an unknown key": (issuer.token(NOON, headers={"kid": "unknown"}), "unknown_kid"),
        "with a critical extension": (
            unsigned({"alg": "RS256", "kid": "key-1", "crit": ["x"], "x": 1}, issuer.claims(NOON)),
            "malformed",
        ),
        "of another kind": (issuer.token(NOON, headers={"typ": "logout+jwt"}), "type"),
        "without subject": (issuer.token(NOON, sub=None), "claim"),
        "without role": (issuer.token(NOON, roles=[]), "role"),
        "of a role that is none": (issuer.token(NOON, roles=["chief"]), "role"),
        "without organisation": (issuer.token(NOON, organisation=None), "organisation"),
        "of an organisation that is not its own": (issuer.token(NOON, organisation="OTHER"), "organisation"),
        "without name": (issuer.token(NOON, name=None), "name"),
    }


def test_every_wrong_token_is_a_401_and_one_line_without_it(
    client: TestClient, issuer: AnIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert asked(client, issuer.token(NOON)).status_code == 200
    with an_issuer("RS256") as other:
        wrong = wrong_tokens(issuer, other)
    for what, (token, reason) in wrong.items():
        caplog.clear()
        for _ in range(2):  # the second time from what is kept
            answer = asked(client, token)
            assert answer.status_code == 401, what
            assert answer.headers["www-authenticate"].startswith("Bearer"), what
            assert answer.json()["code"] == "unauthenticated", what
        lines = [one.getMessage() for one in caplog.records if one.name == "watchlist.door"]
        assert lines == [f"not admitted: {reason}"] * 2, what
        parts = [part for part in token.split(".") if len(part) > 3]
        assert not [part for part in parts if part in caplog.text], what


def test_what_is_no_bearer_is_a_401_and_one_line_too(
    client: TestClient, office: Office, issuer: AnIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    key, token = office.investigator.key, issuer.token(NOON)
    prefix = key.partition(".")[0]
    wrong: list[tuple[list[str], str]] = [
        ([], "missing"),
        (["Bearer "], "missing"),
        (["Bearer"], "missing"),
        ([f"Basic {key}"], "scheme"),
        ([f"Bearer {key}", f"Bearer {key}"], "repeated"),
        ([f"Bearer {key}", f"Bearer {token}"], "repeated"),
        ([f"Bearer {key} {token}"], "malformed"),
        ([f"Bearer {'0' * 16}.{'A' * 43}"], "unknown_key"),
        ([f"Bearer {prefix}.{'A' * 43}"], f"wrong, key {prefix}"),
        (["Bearer " + "A" * LONGEST_HEADER], "oversized"),
    ]
    for headers, reason in wrong:
        caplog.clear()
        answer = client.get("/v1/me", headers=[("Authorization", header) for header in headers])
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), headers
        assert answer.headers["www-authenticate"].startswith("Bearer")
        lines = [one.getMessage() for one in caplog.records if one.name == "watchlist.door"]
        assert lines == [f"not admitted: {reason}"], headers
        assert key.partition(".")[2] not in caplog.text


def test_without_an_issuer_no_token_opens(database_url: str, clock: ManualClock, issuer: AnIssuer) -> None:
    with build(database_url, b"k" * 32, clock) as house, TestClient(create_app(house)) as client:
        assert asked(client, issuer.token(NOON)).status_code == 401


def test_an_issuer_that_cannot_be_asked_is_a_503_and_keys_go_on_opening(
    client: TestClient, office: Office, issuer: AnIssuer
) -> None:
    issuer.down = True
    answer = asked(client, issuer.token(NOON))
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unavailable")
    assert answer.headers["retry-after"]
    assert office.investigator.get("/me").status_code == 200


def test_an_issuer_that_is_down_later_changes_nothing(client: TestClient, issuer: AnIssuer) -> None:
    assert asked(client, issuer.token(NOON)).status_code == 200
    issuer.down = True
    assert asked(client, issuer.token(NOON, sub="sacha", name="Sacha")).status_code == 200


def test_a_token_stops_at_its_instant(client: TestClient, issuer: AnIssuer, clock: ManualClock) -> None:
    token = issuer.token(NOON)
    assert asked(client, token).status_code == 200
    clock.move_to(NOON + timedelta(minutes=6))
    time.sleep(1)
    assert asked(client, token).status_code == 401


# Everywhere within a second (T2) --------------------------------------------------------------


def test_a_leaver_and_a_revoked_key_stop_in_every_process_within_a_second(
    database_url: str, clock: ManualClock, client: TestClient, office: Office, issuer: AnIssuer
) -> None:
    token, key = issuer.token(NOON), office.investigator.key
    with ExitStack() as open_too:
        house = open_too.enter_context(a_house(database_url, clock, issuer))
        other = open_too.enter_context(TestClient(create_app(house)))
        for one in (client, other):
            assert asked(one, token).status_code == asked(one, key).status_code == 200
        operator = asked(other, token).json()["operator_id"]
        office.admin.made(f"/operators/{operator}/leaving", None, 200)
        office.admin.made(f"/keys/{asked(other, key).json()['key_id']}/revocation", None, 200)
        gone = time.monotonic()
        while time.monotonic() - gone < 1:
            for one in (client, other):
                asked(one, token)
                asked(one, key)
        for one in (client, other):
            assert asked(one, token).status_code == asked(one, key).status_code == 401
        assert asked(other, issuer.token(NOON, sub="another account")).status_code == 401


def test_an_open_stream_ends_within_a_second_for_a_leaver(
    house: House, office: Office, issuer: AnIssuer
) -> None:
    """What a stream asks as it goes: for a token of several roles, for a key, and once they are gone."""
    app: Any = office.admin.client.app

    async def told(presented: str, role: Role, leave: bool) -> tuple[bool, float]:
        scope = {"type": "http", "app": app, "headers": [(b"authorization", f"Bearer {presented}".encode())]}
        request = Request(scope)
        asker = replace(await authenticate(request), role=role)
        assert await still_admitted(request, asker)
        if leave:
            verbs.leave(house.operators, house.clock, asker.operator_id)
        began = time.monotonic()
        while await still_admitted(request, asker) and time.monotonic() - began < 2:
            await asyncio.sleep(STREAMS_ASK_EVERY)
            if not leave:
                return True, 0.0
        return False, time.monotonic() - began

    token = issuer.token(NOON, roles=["investigator", "integrator"])
    for presented, role in ((token, Role.INTEGRATOR), (office.integrator.key, Role.INTEGRATOR)):
        still, lasted = asyncio.run(_with_a_door(app, house, told(presented, role, False)))
        assert still
        still, lasted = asyncio.run(_with_a_door(app, house, told(presented, role, True)))
        assert not still
        assert lasted < 1


async def _with_a_door(app: Any, house: House, story: Any) -> Any:
    """A door of this event loop's own."""
    app.state.doorkeeper = door = Doorkeeper(house.operators, house.clock)
    passports = IdentityProviders(house.issuers, house.clock)
    door.open(passports, lambda: house.desk.lookups.now.requests)
    try:
        return await story
    finally:
        await door.close()


def test_the_last_use_of_a_token_is_shown_to_the_admin(
    client: TestClient, office: Office, issuer: AnIssuer, clock: ManualClock
) -> None:
    token = issuer.token(NOON, exp=int(NOON.timestamp()) + 7200)
    operator = asked(client, token).json()["operator_id"]
    clock.advance(minutes=10)
    time.sleep(1)
    asked(client, token)
    for _ in range(100):
        items = office.admin.get("/operators").json()["items"]
        found = next(item for item in items if item["operator_id"] == operator)
        if found["last_used_at"].startswith("2026-03-02T12:10"):
            break
        time.sleep(0.02)
    assert found["last_used_at"].startswith("2026-03-02T12:10")
    assert (found["roles"], found["live_keys"]) == (["investigator"], 0)
