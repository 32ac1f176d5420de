"""Everything is killed while the list changes: no change is lost, or told out of order (S8)."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.acceptance.moving import moved_whatever_is_killed
from tests.acceptance.service import Office, Service, service
from tests.receiver import Receiver, a_receiver


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with service(WATCHLIST_WEBHOOK_PRIVATE_ADDRESSES="1", WATCHLIST_DEMO="0") as made:
        yield made.start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def test_no_change_is_lost_or_out_of_order_whatever_is_killed(
    running: Service, office: Office, receiver: Receiver
) -> None:
    """Once here; in `make drill` more often, until the webhook has taken all of it."""
    assert len(moved_whatever_is_killed(running, office, receiver, killed=1)) > 10


def test_a_service_with_streams_open_stops_in_order(running: Service, office: Office) -> None:
    headers = {"Authorization": f"Bearer {office.integrator.key}", "Accept": "text/event-stream"}
    with httpx.stream("GET", f"{running.url}/v1/changes", headers=headers, timeout=30) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry:")
        began = time.monotonic()
        assert running.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 8
        with suppress(httpx.RemoteProtocolError):
            list(lines)
    running.start()
