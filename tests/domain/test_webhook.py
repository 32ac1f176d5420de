"""Where changes may be sent, and when it is tried again (S8)."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from uuid import uuid4

import pytest

from watchlist.domain.change import Change, ChangeKind
from watchlist.domain.refusals import WebhookAddressRefused
from watchlist.domain.webhook import (
    GIVEN_UP_AFTER,
    Failure,
    Next,
    Outcome,
    Parcel,
    WebhookState,
    after,
    delay_after,
    is_public,
    require_address,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANGE = Change(1, NOON, ChangeKind.STOPPED, uuid4(), "q1")


def a_parcel(attempt=1, tried_since=NOON):
    return Parcel(uuid4(), "https://x.example", "TPG", CHANGE, [], attempt, tried_since, uuid4())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1",
        "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:0a00:0001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)  # fmt: skip
def test_no_address_of_ones_own_network_is_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "193.252.19.3", "2a01:c910::1", "64:ff9b::1.1.1.1"])
def test_the_others_are(address):
    assert is_public(ip_address(address))


def test_an_address_is_https_unless_private_ones_are_allowed():
    assert require_address("https://payer.example:8443/hooks?x=1", False)
    assert require_address("http://127.0.0.1:9000/hooks", True)
    for url, allowed in (
        ("http://payer.example/", False),
        ("ftp://payer.example/", True),
        ("https://", True),
    ):
        with pytest.raises(WebhookAddressRefused):
            require_address(url, allowed)


def test_delays_grow_from_seconds_to_hours_and_no_further():
    delays = [delay_after(attempt, 0) for attempt in range(1, 60)]
    assert delays[0] == timedelta(seconds=5)
    assert delays[:7] == sorted(set(delays[:7]))
    assert delays[-1] == timedelta(hours=8)
    assert delay_after(1, 1) == timedelta(seconds=6.25)


def test_what_was_taken_is_delivered():
    assert after(a_parcel(), Outcome(204, None, 5), NOON, 0) == Next(None, WebhookState.LIVE)


def test_what_failed_is_tried_again_for_three_days():
    failed = Outcome(None, Failure.TIMEOUT, 10_000)
    assert after(a_parcel(), failed, NOON, 0) == Next(NOON + timedelta(seconds=5), WebhookState.LIVE)
    just_before = NOON + GIVEN_UP_AFTER - timedelta(seconds=1)
    assert after(a_parcel(20), failed, just_before, 0).state is WebhookState.LIVE
    assert after(a_parcel(20), failed, NOON + GIVEN_UP_AFTER, 0).state is WebhookState.FAILING


def test_gone_disables_at_once():
    assert after(a_parcel(), Outcome(410, Failure.STATUS, 5), NOON, 0).state is WebhookState.DISABLED
