"""Webhooks: where an organisation has its changes sent, which addresses are refused, when it is tried again (S8)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from msgspec import Struct

from watchlist.domain.change import Change
from watchlist.domain.refusals import WebhookAddressRefused

LONGEST_URL = 2000
MOST_WEBHOOKS = 10
"""Of one organisation."""
MOST_SECRETS = 2
"""Live at once: while the receiver changes from one to the other."""
FIRST_DELAY, LONGEST_DELAY, FACTOR = timedelta(seconds=5), timedelta(hours=8), 4
GIVEN_UP_AFTER = timedelta(days=3)
GONE = 410
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NAT64 = IPv6Network("64:ff9b::/96")


class WebhookState(StrEnum):
    LIVE = "live"
    FAILING = "failing"
    """Given up on after three days: nothing is sent until somebody asks for a replay."""
    DISABLED = "disabled"
    """Its receiver answered 410 Gone; until somebody asks for a replay."""


class Failure(StrEnum):
    """Why an attempt had no answer, or not a good one."""

    STATUS = "status"
    """An answer that is not 2xx; a redirect is one, and is not followed."""
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    UNKNOWN_HOST = "unknown_host"
    ADDRESS_REFUSED = "address_refused"
    """The name leads to an address that is not public."""
    CERTIFICATE = "certificate"


class Webhook(Struct, frozen=True):
    webhook_id: UUID
    organisation: str
    url: str
    description: str | None
    made_at: datetime
    made_by: UUID
    """It is the organisation's, and stays when who made it has left: it is for the others to look at (T2)."""
    state: WebhookState
    state_since: datetime


class SigningSecret(Struct, frozen=True):
    """What a live secret is derived from; the secret itself is kept nowhere."""

    number: int
    salt: bytes


class Parcel(Struct, frozen=True):
    """One change on its way to one webhook."""

    webhook_id: UUID
    url: str
    organisation: str
    change: Change
    secrets: Sequence[SigningSecret]
    attempt: int
    tried_since: datetime
    claim: UUID


class Outcome(Struct, frozen=True):
    """How one attempt ended."""

    status: int | None
    failure: Failure | None
    milliseconds: int


class Next(Struct, frozen=True):
    """What follows from it: when it is due again (None: delivered), and how the webhook stands."""

    due_at: datetime | None
    state: WebhookState


def after(parcel: Parcel, outcome: Outcome, at: datetime, jitter: float) -> Next:
    """S8: at least once. `jitter` from 0 to 1 spreads those that failed together."""
    if outcome.failure is None:
        return Next(None, WebhookState.LIVE)
    again = at + delay_after(parcel.attempt, jitter)
    if outcome.status == GONE:
        return Next(again, WebhookState.DISABLED)
    if at - parcel.tried_since >= GIVEN_UP_AFTER:
        return Next(again, WebhookState.FAILING)
    return Next(again, WebhookState.LIVE)


def delay_after(attempts: int, jitter: float) -> timedelta:
    """Longer after each attempt: seconds, minutes, then hours; up to a quarter more by chance."""
    factor: int = FACTOR ** min(attempts - 1, 20)
    delay = min(LONGEST_DELAY, FIRST_DELAY * factor)
    return delay * (1 + jitter / 4)


def require_address(url: str, private_allowed: bool) -> str:
    """The address, if a webhook may have it: https, no user, and no number of a machine that is not public."""
    if len(url) > LONGEST_URL or not _PRINTABLE.fullmatch(url):
        raise WebhookAddressRefused("url")
    parts = _parts(url)
    schemes = ("https", "http") if private_allowed else ("https",)
    if parts.scheme not in schemes or not parts.hostname or parts.username is not None or "#" in url:
        raise WebhookAddressRefused("url")
    if not private_allowed and not _may_be_public(parts.hostname):
        raise WebhookAddressRefused("url")
    return url


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.port != 0:
            return parts
    except ValueError:
        pass
    raise WebhookAddressRefused("url")


def _may_be_public(host: str) -> bool:
    """A name is looked up when something is sent, each time: what it leads to may change."""
    try:
        return is_public(ip_address(host))
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost") and "." in host.strip(".")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is a machine of the public network: also the IPv4 address that an IPv6 one may carry."""
    if isinstance(address, IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and address in _NAT64:
            carried = IPv4Address(int(address) & 0xFFFF_FFFF)
        if address.teredo is not None or (carried is not None and not is_public(carried)):
            return False
    return address.is_global and not address.is_multicast
