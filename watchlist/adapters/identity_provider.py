"""Identity providers: tokens verified by the keys that each issuer publishes (OpenID Connect discovery, JWKS).

The keys are fetched when a token first needs them, and again in the background while they are used, so that a key
that the issuer withdrew stops. An issuer that is down changes nothing for a day; a token of an unknown key has them
fetched anew, at most so often, so that nobody makes this service knock at the issuer's door.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
from jwt.types import SigOptions

from watchlist.domain.passport import (
    Claims,
    Issuer,
    NotAdmitted,
    Passport,
    Reason,
    passport_of,
    require_header,
    serves,
)
from watchlist.domain.refusals import IssuerUnavailable
from watchlist.ports.clock import Clock

DISCOVERY = "/.well-known/openid-configuration"
REFRESHED_EVERY = 600.0
"""Seconds: for so long at most a key that the issuer withdrew is believed while the issuer answers."""
ASKED_AGAIN_AFTER = 30.0
"""Seconds between two attempts, whatever unknown keys tokens name, and while the issuer is down."""
KEPT_WITHOUT_ISSUER = 86_400.0
"""Seconds for which keys are believed while the issuer does not answer."""
TIMEOUT_SECONDS = 5.0
LARGEST_DOCUMENT = 256 * 1024
_ITSELF = {"localhost", "127.0.0.1", "::1"}
_SIGNATURES = jwt.PyJWS(options=SigOptions(verify_signature=True, enforce_minimum_key_length=True))
log = logging.getLogger("watchlist.identity")


class IdentityProviders:
    """Keeps the port Passports; used by one event loop."""

    def __init__(
        self,
        issuers: Sequence[Issuer],
        clock: Clock,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """`elapsed` counts seconds: a test's may go faster."""
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False)
        self._providers = {one.url: _Provider(one, self._client, elapsed) for one in issuers}

    async def passport(self, token: bytes) -> Passport:
        header, claims = _unverified(token)
        named = claims.get("iss")
        provider = self._providers.get(named) if isinstance(named, str) else None
        if provider is None:
            raise NotAdmitted(Reason.ISSUER)
        return passport_of(await provider.verified(token, header), provider.issuer, self._clock.now())

    async def answering(self) -> dict[str, bool]:
        """Of each issuer, whether its keys can be had; closes."""
        found = {url: await provider.answers() for url, provider in self._providers.items()}
        await self.close()
        return found

    async def close(self) -> None:
        for provider in self._providers.values():
            await provider.close()
        await self._client.aclose()


class _Provider:
    """One issuer, and its keys as they were fetched last."""

    def __init__(self, issuer: Issuer, client: httpx.AsyncClient, elapsed: Callable[[], float]) -> None:
        self.issuer = issuer
        self._client, self._elapsed = client, elapsed
        self._keys: list[dict[str, Any]] = []
        self._fetched_at = self._asked_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def verified(self, token: bytes, header: Claims) -> Claims:
        """The claims of a token, its signature verified; NotAdmitted, IssuerUnavailable."""
        algorithm = require_header(header, self.issuer)
        key = await self._key(header.get("kid"), algorithm)
        try:
            made = jwt.PyJWK(key, algorithm)
            payload = _SIGNATURES.decode_complete(token, made, algorithms=[algorithm])["payload"]
        except jwt.PyJWTError:
            raise NotAdmitted(Reason.SIGNATURE) from None
        return _object(payload)

    async def answers(self) -> bool:
        await self._fetch()
        return bool(self._keys)

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    # Keys -------------------------------------------------------------------------------------

    async def _key(self, kid: object, algorithm: str) -> dict[str, Any]:
        if self._age() > KEPT_WITHOUT_ISSUER:
            self._keys = []
        if not self._keys:
            await self._fetch()
        elif self._age() > REFRESHED_EVERY:
            self._begin_fetching()
        found = self._found(kid, algorithm)
        if found is None and self._keys:
            await self._fetch()
            found = self._found(kid, algorithm)
        if not self._keys:
            raise IssuerUnavailable()
        if found is None:
            raise NotAdmitted(Reason.UNKNOWN_KID)
        return found

    def _found(self, kid: object, algorithm: str) -> dict[str, Any] | None:
        """The key of that id; without an id, the only one that serves."""
        fitting = [key for key in self._keys if serves(key, algorithm)]
        if kid is not None:
            fitting = [key for key in fitting if key.get("kid") == kid]
        return fitting[0] if len(fitting) == 1 else None

    def _age(self) -> float:
        return self._elapsed() - self._fetched_at

    async def _fetch(self) -> None:
        """However many ask, one fetches."""
        self._begin_fetching()
        if self._fetching is not None:
            await asyncio.shield(self._fetching)

    def _begin_fetching(self) -> None:
        if self._fetching is not None or self._elapsed() - self._asked_at < ASKED_AGAIN_AFTER:
            return
        self._asked_at = self._elapsed()
        self._fetching = asyncio.create_task(self._fetch_now())
        self._fetching.add_done_callback(self._fetched)

    def _fetched(self, task: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _fetch_now(self) -> None:
        try:
            async with asyncio.timeout(2 * TIMEOUT_SECONDS):
                published = _listed(await self._document(await self._place()))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, _Unusable) as error:
            log.warning("the keys of an identity provider cannot be had: %s", type(error).__name__)
            return
        self._keys = published
        self._fetched_at = self._elapsed()

    async def _place(self) -> str:
        if self.issuer.jwks_url is not None:
            return self.issuer.jwks_url
        found = await self._document(self.issuer.url.rstrip("/") + DISCOVERY)
        place = found.get("jwks_uri")
        if found.get("issuer") != self.issuer.url or not isinstance(place, str):
            raise _Unusable
        return place

    async def _document(self, url: str) -> dict[str, Any]:
        if not is_protected(url):
            raise _Unusable
        async with self._client.stream("GET", url, headers={"Accept": "application/json"}) as answer:
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if answer.status_code != 200 or len(body) > LARGEST_DOCUMENT:
                    raise _Unusable
        if answer.status_code != 200:
            raise _Unusable
        try:
            return _object(body)
        except NotAdmitted:
            raise _Unusable from None


class _Unusable(Exception):
    """What the issuer answered is not what was asked for."""


def is_protected(url: str) -> bool:
    """Nobody on the way can put another key in its place: over TLS, or on this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _ITSELF)
    )


def _listed(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The keys of a key set; one that is empty is the issuer's mistake, not the end of its keys."""
    listed = document.get("keys")
    keys = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
    if not keys:
        raise _Unusable
    return keys


def _unverified(token: bytes) -> tuple[Claims, Claims]:
    """The header, and the claims that say where to look: nothing of them is believed yet."""
    try:
        read = _SIGNATURES.decode_complete(token, options=SigOptions(verify_signature=False))
    except (jwt.PyJWTError, ValueError):
        raise NotAdmitted(Reason.MALFORMED) from None
    return read["header"], _object(read["payload"])


def _object(text: bytes) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAdmitted(Reason.MALFORMED) from None
    if not isinstance(read, dict):
        raise NotAdmitted(Reason.MALFORMED)
    return read
