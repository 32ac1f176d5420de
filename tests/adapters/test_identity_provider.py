"""Tokens verified by published keys: fetched, kept, withdrawn, and asked for no more often than needed."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.issuer import AnIssuer, an_issuer, unsigned
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.identity_provider import (
    ASKED_AGAIN_AFTER,
    KEPT_WITHOUT_ISSUER,
    LARGEST_DOCUMENT,
    REFRESHED_EVERY,
    IdentityProviders,
    is_protected,
)
from watchlist.domain.passport import NotAdmitted, Passport, Reason
from watchlist.domain.refusals import IssuerUnavailable

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Watch:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def issuer() -> Iterator[AnIssuer]:
    with an_issuer("ES256") as issuer:
        yield issuer


@pytest.fixture
def watch() -> Watch:
    return Watch()


Story = Callable[[IdentityProviders], Awaitable[None]]


def told(issuer: AnIssuer, watch: Watch, story: Story, **settings: Any) -> None:
    async def tell() -> None:
        providers = IdentityProviders([issuer.settings(**settings)], ManualClock(NOW), watch)
        try:
            await story(providers)
        finally:
            await providers.close()

    asyncio.run(tell())


async def refusal(providers: IdentityProviders, token: str | bytes) -> Reason:
    with pytest.raises(NotAdmitted) as raised:
        await passport(providers, token)
    return raised.value.reason


async def passport(providers: IdentityProviders, token: str | bytes) -> Passport:
    return await providers.passport(token if isinstance(token, bytes) else token.encode())


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_is_read_with_the_key_that_its_issuer_publishes(algorithm, watch):
    async def story(providers):
        assert (await passport(providers, issuer.token(NOW))).name == "Camille Roche"
        assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]

    with an_issuer(algorithm) as issuer:
        told(issuer, watch, story)


def test_the_place_of_the_keys_may_be_configured(issuer, watch):
    async def story(providers):
        assert await passport(providers, issuer.token(NOW))
        assert issuer.asked == ["/keys"]

    told(issuer, watch, story, jwks_url=f"{issuer.url}/keys")


def test_what_is_no_token_is_malformed_and_nobody_is_asked(issuer, watch):
    header = {"alg": "ES256", "kid": "key-1"}
    wrong = [
        b"",
        b"..",
        b"a.b.c",
        b"a.b",
        b"\xff.\xff.\xff",
        issuer.token(NOW).encode()[:-40] + b"!!" * 20,
        unsigned(header, []).encode(),
        base64.urlsafe_b64encode(b"[" * 4000) + b".e30.e30",
        unsigned({**header, "kid": 7}, issuer.claims(NOW)).encode(),
        unsigned({**header, "crit": ["x"], "x": 1}, issuer.claims(NOW)).encode(),
    ]

    async def story(providers):
        for token in wrong:
            assert await refusal(providers, token) is Reason.MALFORMED, token
        assert issuer.asked == []

    told(issuer, watch, story)


def test_only_a_signature_of_the_list_opens(watch):
    """Never none, and never the public key taken for a shared secret."""
    import hashlib
    import hmac

    async def story(providers):
        header, claims = {"typ": "JWT", "kid": "key-1"}, issuer.claims(NOW)
        assert await refusal(providers, unsigned({**header, "alg": "none"}, claims)) is Reason.ALGORITHM
        body = unsigned({**header, "alg": "HS256"}, claims).rpartition(".")[0]
        mac = hmac.new(issuer.public_pem("key-1"), body.encode(), hashlib.sha256).digest()
        forged = f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        assert await refusal(providers, forged) is Reason.ALGORITHM
        right = issuer.token(NOW).rpartition(".")
        assert await refusal(providers, f"{right[0]}.{'A' * len(right[2])}") is Reason.SIGNATURE
        assert await refusal(providers, f"{right[0]}.") is Reason.SIGNATURE
        assert issuer.asked.count("/keys") == 1

    with an_issuer("RS256") as issuer:
        told(issuer, watch, story)


def test_changed_claims_do_not_fit_their_signature(issuer, watch):
    async def story(providers):
        header, _, signature = issuer.token(NOW).split(".")
        claims = issuer.claims(NOW, roles=["dpo"])
        changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        assert await refusal(providers, f"{header}.{changed}.{signature}") is Reason.SIGNATURE

    told(issuer, watch, story)


def test_another_issuers_token_is_refused_though_its_key_has_the_same_name(issuer, watch):
    async def story(providers):
        assert await refusal(providers, other.token(NOW)) is Reason.ISSUER
        assert await refusal(providers, other.token(NOW, iss=issuer.url)) is Reason.SIGNATURE
        assert other.asked == []

    with an_issuer("ES256") as other:
        told(issuer, watch, story)


def test_of_several_issuers_each_token_is_read_with_its_own_keys(issuer):
    async def tell() -> None:
        settings = [
            issuer.settings(organisations={"GRPM": "GRPM"}),
            other.settings(organisations={"PROBTP": "PROBTP"}),
        ]
        providers = IdentityProviders(settings, ManualClock(NOW))
        assert (await passport(providers, issuer.token(NOW))).organisation == "GRPM"
        assert (await passport(providers, other.token(NOW, organisation="PROBTP"))).organisation == "PROBTP"
        assert await refusal(providers, other.token(NOW)) is Reason.ORGANISATION
        await providers.close()

    with an_issuer("ES256") as other:
        asyncio.run(tell())


# Keys over time -------------------------------------------------------------------------------


def test_a_new_key_is_fetched_when_a_token_names_it(issuer, watch):
    async def story(providers):
        assert await passport(providers, issuer.token(NOW))
        issuer.adopt("key-2")
        watch.seconds += ASKED_AGAIN_AFTER
        assert await passport(providers, issuer.token(NOW, "key-2"))
        assert await passport(providers, issuer.token(NOW, "key-1"))
        assert issuer.asked.count("/keys") == 2

    told(issuer, watch, story)


def test_unknown_keys_make_nobody_knock_at_the_issuers_door(issuer, watch):
    async def story(providers):
        await passport(providers, issuer.token(NOW))
        for number in range(50):
            token = issuer.token(NOW, "key-1", {"kid": f"unknown-{number}"})
            assert await refusal(providers, token) is Reason.UNKNOWN_KID
        assert issuer.asked.count("/keys") == 1
        watch.seconds += ASKED_AGAIN_AFTER
        tokens = [issuer.token(NOW, "key-1", {"kid": f"unknown-{number}"}) for number in range(50)]
        await asyncio.gather(*(refusal(providers, token) for token in tokens))
        assert issuer.asked.count("/keys") == 2

    told(issuer, watch, story)


def test_however_many_come_at_once_the_keys_are_fetched_once(issuer, watch):
    async def story(providers):
        await asyncio.gather(*(passport(providers, issuer.token(NOW)) for _ in range(50)))
        assert issuer.asked.count("/keys") == 1

    told(issuer, watch, story)


def test_a_key_that_the_issuer_withdrew_stops(issuer, watch):
    async def story(providers):
        old = issuer.token(NOW, "key-1")
        assert await passport(providers, old)
        issuer.adopt("key-2")
        issuer.published.remove("key-1")
        watch.seconds += REFRESHED_EVERY + 1
        assert await passport(providers, old)  # still: the keys are fetched in the background
        await _until(lambda: issuer.asked.count("/keys") == 2)
        assert await refusal(providers, old) is Reason.UNKNOWN_KID

    told(issuer, watch, story)


def test_while_the_issuer_is_down_its_keys_are_believed_for_a_day(issuer, watch):
    async def story(providers):
        await passport(providers, issuer.token(NOW))
        issuer.down = True
        for _ in range(3):
            watch.seconds += KEPT_WITHOUT_ISSUER / 4
            assert await passport(providers, issuer.token(NOW))
            await asyncio.sleep(0.02)
        watch.seconds += KEPT_WITHOUT_ISSUER
        with pytest.raises(IssuerUnavailable):
            await passport(providers, issuer.token(NOW))
        issuer.down = False
        watch.seconds += ASKED_AGAIN_AFTER
        assert await passport(providers, issuer.token(NOW))

    told(issuer, watch, story)


def test_an_issuer_that_never_answered_is_no_refusal_of_the_token(issuer, watch):
    async def story(providers):
        issuer.down = True
        for _ in range(5):
            with pytest.raises(IssuerUnavailable):
                await passport(providers, issuer.token(NOW))
        assert len(issuer.asked) == 1

    told(issuer, watch, story)


@pytest.mark.parametrize(
    "says",
    [
        {"/.well-known/openid-configuration": {"issuer": "https://other.example", "jwks_uri": "/keys"}},
        {"/.well-known/openid-configuration": {"issuer": "", "jwks_uri": None}},
        {"/.well-known/openid-configuration": b"<html>"},
        {"/.well-known/openid-configuration": b"[]"},
        {"/keys": {"keys": []}},
        {"/keys": {"keys": {}}},
        {"/keys": {}},
        {"/keys": b"[" * 5000},
        {"/keys": b" " * (LARGEST_DOCUMENT + 1)},
        {"/keys": None},
    ],
)
def test_what_the_issuer_should_not_say_is_not_believed(issuer, watch, says):
    async def story(providers):
        issuer.says = says
        with pytest.raises(IssuerUnavailable):
            await passport(providers, issuer.token(NOW))

    told(issuer, watch, story)


def test_an_empty_answer_later_takes_no_key_away(issuer, watch):
    async def story(providers):
        await passport(providers, issuer.token(NOW))
        issuer.says = {"/keys": {"keys": []}}
        watch.seconds += REFRESHED_EVERY + 1
        assert await passport(providers, issuer.token(NOW))
        await _until(lambda: issuer.asked.count("/keys") == 2)
        assert await passport(providers, issuer.token(NOW))

    told(issuer, watch, story)


def test_keys_that_discovery_places_where_anybody_could_change_them_are_not_fetched(issuer, watch):
    async def story(providers):
        place = {"issuer": issuer.url, "jwks_uri": "http://idp.example/keys"}
        issuer.says = {"/.well-known/openid-configuration": place}
        with pytest.raises(IssuerUnavailable):
            await passport(providers, issuer.token(NOW))

    told(issuer, watch, story)


@pytest.mark.parametrize(
    ("url", "protected"),
    [
        ("https://idp.example/x", True),
        ("http://localhost:8080/x", True),
        ("http://127.0.0.1/x", True),
        ("http://[::1]/x", True),
        ("http://idp.example/x", False),
        ("http://localhost.example/x", False),
        ("file:///etc/passwd", False),
        ("ftp://idp.example", False),
        ("", False),
    ],
)
def test_keys_come_over_tls_or_from_this_machine(url, protected):
    assert is_protected(url) is protected


def test_a_token_without_a_key_id_is_read_with_the_only_key_that_serves(issuer, watch):
    async def story(providers):
        anonymous = issuer.token(NOW, "key-1", {"kid": None})
        assert await passport(providers, anonymous)
        issuer.adopt("key-2")
        watch.seconds += REFRESHED_EVERY + 1
        await passport(providers, anonymous)
        await _until(lambda: issuer.asked.count("/keys") == 2)
        assert await refusal(providers, anonymous) is Reason.UNKNOWN_KID

    told(issuer, watch, story)


def test_whether_an_issuer_answers_can_be_asked(issuer):
    with an_issuer() as other:
        other.down = True
        providers = IdentityProviders([issuer.settings(), other.settings()], ManualClock(NOW))
        assert asyncio.run(providers.answering()) == {issuer.url: True, other.url: False}


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not done():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
