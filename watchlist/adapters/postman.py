"""The postman: HTTP to addresses that others chose, so that it reaches nothing it should not (S8).

The name is looked up for each message, once, or together with others on their way to it; every address it leads to is
checked, and the connection goes to one that was: between the check and the connection nobody can answer otherwise.
Proxies of the environment are not used.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from ipaddress import ip_address

import httpx

from watchlist.adapters.name_lookups import NameLookups
from watchlist.domain.webhook import Failure, Outcome, is_public

SECONDS = 10.0
MOST_READ = 16 * 1024
"""Of an answer: what is left of it is not worth a connection."""
AGENT = "watchlist-webhooks"


class Refused(Exception):
    """The attempt ends here; why is told by its failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class HttpPostman:
    """Keeps the port Postman."""

    def __init__(
        self, private_allowed: bool = False, seconds: float = SECONDS, trusted: ssl.SSLContext | None = None
    ) -> None:
        """`trusted` is another set of authorities than the machine's."""
        self._private_allowed, self._seconds = private_allowed, seconds
        self._trusted = trusted or ssl.create_default_context()
        self._lookups = NameLookups()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        began = time.monotonic()
        status: int | None = None
        failure: Failure | None = None
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._posted(httpx.URL(url), headers, body)
            failure = None if 200 <= status < 300 else Failure.STATUS
        except Refused as refused:
            failure = refused.failure
        except (TimeoutError, httpx.TimeoutException):
            failure = Failure.TIMEOUT
        except httpx.ConnectError as error:
            failure = Failure.CERTIFICATE if _of_tls(error) else Failure.UNREACHABLE
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            failure = Failure.UNREACHABLE
        return Outcome(status, failure, round((time.monotonic() - began) * 1000))

    async def _posted(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> int:
        """By a client of its own: a kept connection could serve another name that leads to the same address."""
        addresses = await self._addresses(url)
        async with httpx.AsyncClient(
            verify=self._trusted, trust_env=False, follow_redirects=False, timeout=self._seconds
        ) as client:
            return await _sent_to_first(client, addresses, url, headers, body)

    async def _addresses(self, url: httpx.URL) -> list[str]:
        """All that the name leads to; none of them, when one is refused."""
        try:
            addresses = await self._lookups.addresses(url.host)
        except (socket.gaierror, UnicodeError):
            raise Refused(Failure.UNKNOWN_HOST) from None
        if not self._private_allowed and not all(is_public(ip_address(one)) for one in addresses):
            raise Refused(Failure.ADDRESS_REFUSED)
        return addresses


async def _sent_to_first(
    client: httpx.AsyncClient, addresses: list[str], url: httpx.URL, headers: Mapping[str, str], body: bytes
) -> int:
    """To the first that can be connected to: as itself, while its certificate and Host are those of the name."""
    named = {"host": url.netloc.decode("ascii"), "user-agent": AGENT, "accept-encoding": "identity"}
    for address in addresses[:-1]:
        try:
            return await _sent(client, url.copy_with(host=address), {**headers, **named}, body, url.host)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
    return await _sent(client, url.copy_with(host=addresses[-1]), {**headers, **named}, body, url.host)


async def _sent(
    client: httpx.AsyncClient, url: httpx.URL, headers: Mapping[str, str], body: bytes, name: str
) -> int:
    """The status; what is answered is dropped."""
    request = client.build_request(
        "POST", url, headers=headers, content=body, extensions={"sni_hostname": name}
    )
    answer = await client.send(request, stream=True)
    try:
        read = 0
        async for part in answer.aiter_raw():
            read += len(part)
            if read > MOST_READ:
                break
    finally:
        await answer.aclose()
    return answer.status_code


def _of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
