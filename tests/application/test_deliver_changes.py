"""Changes reach webhooks: at least once, signed, in the order of each entry, whoever fails or is killed (S8)."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from standardwebhooks import Webhook as Verifier

from tests.receiver import Message, Receiver, a_receiver
from tests.stories import ANNE, MASTER, MONDAY, a_house
from watchlist.adapters.clock import ManualClock, SystemClock
from watchlist.adapters.postman import HttpPostman
from watchlist.application.deliver_changes import CLAIMED_FOR, Courier, Delivered
from watchlist.application.webhooks import (
    NewSecret,
    add_secret,
    add_webhook,
    remove_webhook,
    replay_changes,
    retire_secret,
)
from watchlist.bootstrap import House, build
from watchlist.domain import refusals
from watchlist.domain.webhook import GIVEN_UP_AFTER, WebhookState

PAYER = "TPG"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY)


@pytest.fixture
def house(database_url: str, clock: ManualClock) -> Iterator[House]:
    with a_house(database_url, clock, private_webhooks=True) as house:
        yield house


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def tell(
    house: House, *entries: int, organisation: str = PAYER, question: tuple[UUID, str] | None = None
) -> None:
    """One change of each of these entries, in this order, as the write transaction numbers them."""
    with house.pool.connection() as conn, conn.transaction():
        for entry in entries:
            row = conn.execute(
                "INSERT INTO change_sequences AS s VALUES (%b, 1) ON CONFLICT (organisation) DO UPDATE"
                " SET last = s.last + 1 RETURNING last",
                (organisation,),
            ).fetchone()
            assert row is not None
            conn.execute(
                "INSERT INTO changes VALUES (%b, %b, %b, 'stopped', %b, %b, %b)",
                (
                    organisation,
                    row["last"],
                    house.clock.now(),
                    *(question or (uuid4(), f"q{row['last']}")),
                    UUID(int=entry),
                ),
            )


def a_webhook(house: House, url: str, organisation: str = PAYER) -> tuple[UUID, NewSecret]:
    requests = house.desk.lookups.now.requests
    made, secret = add_webhook(house.webhooks, house.clock, requests, organisation, ANNE, url, None, True)
    return made.webhook_id, secret


def deliver(house: House, postman: HttpPostman | None = None) -> Delivered:
    requests = house.desk.lookups.now.requests
    return Courier(house.webhooks, postman or HttpPostman(True), house.clock, requests).run_once()


def state(house: House, webhook_id: UUID) -> WebhookState:
    webhook = house.webhooks.webhook(PAYER, webhook_id)
    assert webhook is not None
    return webhook.state


# Sent ------------------------------------------------------------------------------------------


def test_each_change_is_sent_once_when_it_is_taken(house: House, receiver: Receiver) -> None:
    webhook_id, _ = a_webhook(house, receiver.url)
    tell(house, 1, 2, 3)
    assert deliver(house) == Delivered(3, 0)
    assert deliver(house) == Delivered(0, 0)
    assert sorted(receiver.taken) == ["1", "2", "3"]
    assert house.webhooks.unsent(webhook_id) == 0


def test_it_is_a_cloud_event_that_holds_the_change_of_the_feed(house: House, receiver: Receiver) -> None:
    a_webhook(house, receiver.url)
    tell(house, 1)
    deliver(house)
    (message,), (change,) = receiver.messages, house.feed.changes(PAYER, 0, 10)
    assert message.headers["content-type"] == "application/cloudevents+json"
    assert message.event == {
        "specversion": "1.0",
        "id": "1",
        "source": "/v1/changes#TPG",
        "type": "watchlist.change.stopped",
        "time": change.at.isoformat().replace("+00:00", "Z"),
        "subject": f"{change.screening_id}/q1",
        "datacontenttype": "application/json",
        "data": {
            "id": "1",
            "at": change.at.isoformat().replace("+00:00", "Z"),
            "kind": "stopped",
            "screening_id": str(change.screening_id),
            "key": "q1",
        },
    }


def test_a_webhook_is_sent_what_comes_after_it_and_another_organisations_never(
    house: House, receiver: Receiver
) -> None:
    tell(house, 1, 2)
    a_webhook(house, receiver.url)
    tell(house, 3)
    tell(house, 4, organisation="ANOTHER")
    deliver(house)
    assert receiver.taken == ["3"]


# Signed ----------------------------------------------------------------------------------------


def test_the_library_of_standard_webhooks_verifies_every_live_secret(
    database_url: str, receiver: Receiver
) -> None:
    with a_house(database_url, SystemClock(), private_webhooks=True) as house:
        webhook_id, first = a_webhook(house, receiver.url)
        requests = house.desk.lookups.now.requests
        second = add_secret(house.webhooks, house.clock, requests, PAYER, webhook_id)
        tell(house, 1)
        deliver(house)
        (message,) = receiver.messages
        for secret in (first, second):
            assert Verifier(secret.shown).verify(message.body, message.headers) == message.event
        assert message.headers["webhook-signature"].count("v1,") == 2
        retire_secret(house.webhooks, house.clock, PAYER, webhook_id, first.number)
        tell(house, 2)
        deliver(house)
        last = receiver.messages[-1]
        assert Verifier(second.shown).verify(last.body, last.headers) == last.event
        with pytest.raises(Exception, match="No matching signature"):
            Verifier(first.shown).verify(last.body, last.headers)


def test_a_secret_is_in_no_table_and_the_same_after_a_restart(database_url: str, receiver: Receiver) -> None:
    clock = SystemClock()
    with build(database_url, MASTER, clock, private_webhooks=True) as house:
        webhook_id, secret = a_webhook(house, receiver.url)
        assert secret.shown not in repr(secret)
        with house.pool.connection() as conn:
            found = conn.execute("SELECT encode(salt, 'base64') AS salt FROM webhook_secrets").fetchall()
        assert all(row["salt"] not in secret.shown for row in found)
    with build(database_url, MASTER, clock, private_webhooks=True) as house:
        tell(house, 1)
        deliver(house)
    (message,) = receiver.messages
    assert Verifier(secret.shown).verify(message.body, message.headers)
    assert webhook_id


def test_two_secrets_are_live_at_most_and_one_at_least(house: House, receiver: Receiver) -> None:
    webhook_id, first = a_webhook(house, receiver.url)
    requests = house.desk.lookups.now.requests
    with pytest.raises(refusals.LastSecret):
        retire_secret(house.webhooks, house.clock, PAYER, webhook_id, first.number)
    second = add_secret(house.webhooks, house.clock, requests, PAYER, webhook_id)
    with pytest.raises(refusals.TooManySecrets):
        add_secret(house.webhooks, house.clock, requests, PAYER, webhook_id)
    at = retire_secret(house.webhooks, house.clock, PAYER, webhook_id, first.number)
    assert retire_secret(house.webhooks, house.clock, PAYER, webhook_id, first.number) == at
    with pytest.raises(refusals.LastSecret):
        retire_secret(house.webhooks, house.clock, PAYER, webhook_id, second.number)
    with pytest.raises(refusals.NoSuchSecret):
        retire_secret(house.webhooks, house.clock, PAYER, webhook_id, 9)


# Failing ---------------------------------------------------------------------------------------


def test_what_fails_is_tried_again_later_and_later(
    house: House, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.answer = lambda message: 500
    webhook_id, _ = a_webhook(house, receiver.url)
    tell(house, 1)
    waits = []
    for _ in range(6):
        before = clock.now()
        assert deliver(house).failed == 1
        assert deliver(house).failed == 0
        with house.pool.connection() as conn:
            (row,) = conn.execute("SELECT due_at FROM webhook_deliveries").fetchall()
        waits.append(row["due_at"] - before)
        clock.move_to(row["due_at"])
    assert waits == sorted(waits)
    assert timedelta(seconds=5) <= waits[0] <= timedelta(seconds=7)
    assert waits[-1] > timedelta(hours=1)
    receiver.answer = lambda message: 200
    deliver(house)
    assert receiver.taken == ["1"]
    log = house.webhooks.attempts(webhook_id, UUID(int=0), 100)
    assert [(row["attempt"], row["status"], row["failure"]) for row in log] == [
        *((n, 500, "status") for n in range(1, 7)),
        (7, 200, None),
    ]


def test_a_change_that_fails_holds_up_its_own_entry_only(
    house: House, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.answer = lambda message: 500 if message.id == "1" else 204
    a_webhook(house, receiver.url)
    tell(house, 1, 1, 2, 3, 2)
    deliver(house)
    deliver(house)
    assert sorted(receiver.taken) == ["3", "4", "5"]
    assert receiver.taken.index("3") < receiver.taken.index("5")
    receiver.answer = lambda message: 204
    clock.advance(minutes=1)
    deliver(house)
    assert receiver.taken[3:] == ["1", "2"]


def test_a_question_is_told_in_order_even_when_its_changes_are_of_two_entries(
    house: House, receiver: Receiver
) -> None:
    receiver.answer = lambda message: 500 if message.id == "1" else 204
    a_webhook(house, receiver.url)
    tell(house, 1, 2, question=(uuid4(), "q"))
    deliver(house)
    deliver(house)
    assert receiver.taken == []


def test_after_three_days_it_is_given_up_on_until_a_replay(
    house: House, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.answer = lambda message: 503
    webhook_id, _ = a_webhook(house, receiver.url)
    tell(house, 1, 2)
    deliver(house)
    clock.advance(seconds=GIVEN_UP_AFTER.total_seconds())
    assert state(house, webhook_id) is WebhookState.LIVE
    deliver(house)
    assert state(house, webhook_id) is WebhookState.FAILING
    assert house.webhooks.stands(clock.now()).failing == 1
    tell(house, 3)
    clock.advance(days=30)
    assert deliver(house) == Delivered(0, 0)
    receiver.answer = lambda message: 204
    replay_changes(house.webhooks, clock, PAYER, webhook_id, 3)
    deliver(house)
    assert sorted(receiver.taken) == ["1", "2", "3"]
    assert state(house, webhook_id) is WebhookState.LIVE


def test_who_answers_gone_is_sent_nothing_more(house: House, receiver: Receiver, clock: ManualClock) -> None:
    receiver.answer = lambda message: 410
    webhook_id, _ = a_webhook(house, receiver.url)
    tell(house, 1, 1)
    deliver(house)
    assert state(house, webhook_id) is WebhookState.DISABLED
    clock.advance(days=1)
    assert deliver(house) == Delivered(0, 0)
    assert len(receiver.messages) == 1


def test_a_redirect_is_no_success_and_is_not_followed(house: House, receiver: Receiver) -> None:
    receiver.answer = lambda message: 307
    webhook_id, _ = a_webhook(house, receiver.url)
    tell(house, 1)
    assert deliver(house) == Delivered(0, 1)
    assert len(receiver.messages) == 1
    assert house.webhooks.attempts(webhook_id, UUID(int=0), 9)[0]["failure"] == "status"


def test_one_that_hangs_delays_no_other(house: House, receiver: Receiver) -> None:
    with a_receiver() as slow:
        slow.answer = lambda message: time.sleep(4) or 204
        hanging, _ = a_webhook(house, slow.url)
        a_webhook(house, receiver.url)
        tell(house, *range(20))
        began = time.monotonic()
        done = deliver(house, postman=HttpPostman(True, seconds=2))
        assert time.monotonic() - began < 8
    assert sorted(map(int, receiver.taken)) == list(range(1, 21))
    assert done.failed == 16
    assert house.webhooks.attempts(hanging, UUID(int=0), 9)[0]["failure"] == "timeout"


def test_it_goes_on_looking_until_it_is_stopped(house: House, receiver: Receiver) -> None:
    """Also while another receiver hangs: that one is waited for, and not by the others."""
    stopped = threading.Event()
    courier = Courier(
        house.webhooks, HttpPostman(True, seconds=3), house.clock, house.desk.lookups.now.requests
    )
    with a_receiver() as slow, ThreadPoolExecutor(1) as pool:
        slow.answer = lambda message: time.sleep(5) or 204
        a_webhook(house, slow.url)
        a_webhook(house, receiver.url)
        tell(house, 1)
        running = pool.submit(courier.run_for, 60, stopped.is_set)
        _soon(lambda: receiver.taken == ["1"])
        tell(house, 2)
        _soon(lambda: receiver.taken == ["1", "2"])
        stopped.set()
        assert running.result(10).sent == 2


def _soon(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


# Again -----------------------------------------------------------------------------------------


def test_a_replay_sends_again_what_is_behind_an_id(house: House, receiver: Receiver) -> None:
    webhook_id, _ = a_webhook(house, receiver.url)
    tell(house, 1, 2, 1, 2)
    deliver(house)
    _, again = replay_changes(house.webhooks, house.clock, PAYER, webhook_id, 2)
    assert again == 2
    deliver(house)
    assert sorted(receiver.taken[:4]) == ["1", "2", "3", "4"]
    assert sorted(receiver.taken[4:]) == ["3", "4"]


def test_a_replay_also_sends_what_came_before_the_webhook(house: House, receiver: Receiver) -> None:
    tell(house, 1, 2)
    webhook_id, _ = a_webhook(house, receiver.url)
    replay_changes(house.webhooks, house.clock, PAYER, webhook_id, 0)
    deliver(house)
    assert sorted(receiver.taken) == ["1", "2"]


def test_what_is_being_sent_during_a_replay_does_not_end_before_what_is_before_it(
    house: House, receiver: Receiver
) -> None:
    webhook_id, _ = a_webhook(house, receiver.url)
    tell(house, 1, 1)
    receiver.answer = lambda message: (
        (
            message.id == "2"
            and len(receiver.messages) == 2
            and replay_changes(house.webhooks, house.clock, PAYER, webhook_id, 0)
            and 204
        )
        or 204
    )
    deliver(house)
    assert receiver.taken == ["1", "2", "1", "2"]


def test_a_removed_webhook_is_sent_nothing(house: House, receiver: Receiver) -> None:
    webhook_id, _ = a_webhook(house, receiver.url)
    tell(house, 1)
    remove_webhook(house.webhooks, PAYER, webhook_id)
    assert deliver(house) == Delivered(0, 0)
    with pytest.raises(refusals.NoSuchWebhook):
        remove_webhook(house.webhooks, PAYER, webhook_id)


def test_an_organisation_has_ten_webhooks_at_most(house: House, receiver: Receiver) -> None:
    for _ in range(10):
        a_webhook(house, receiver.url)
    with pytest.raises(refusals.TooManyWebhooks):
        a_webhook(house, receiver.url)
    a_webhook(house, receiver.url, organisation="ANOTHER")


# Several, and killed ---------------------------------------------------------------------------


def test_several_couriers_send_each_change_once_and_in_order(house: House, receiver: Receiver) -> None:
    a_webhook(house, receiver.url)
    tell(house, *(n % 7 for n in range(120)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: deliver(house), range(4)))
    deliver(house)
    assert sorted(map(int, receiver.taken)) == list(range(1, 121))
    _in_order(receiver.taken, lambda id: (id - 1) % 7)


def test_nothing_is_lost_when_it_is_killed_between_sending_and_recording(
    database_url: str, receiver: Receiver, clock: ManualClock, house: House
) -> None:
    """Again and again, each time in the middle of a message: taken, and never recorded."""
    a_webhook(house, receiver.url)
    tell(house, *(n % 3 for n in range(24)))
    spawned = multiprocessing.get_context("spawn")
    for n in range(4):
        pids = spawned.Queue()
        killed_at = len(receiver.messages) + 3

        def kill(message: Message, at: int = killed_at, pids=pids) -> int:
            if len(receiver.messages) == at:
                os.kill(pids.get(), signal.SIGKILL)
            return 204

        receiver.answer = kill
        process = spawned.Process(target=deliver_elsewhere, args=(database_url, clock.now(), pids))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, n
        clock.advance(seconds=CLAIMED_FOR.total_seconds() + 1)
    receiver.answer = lambda message: 204
    deliver(house)
    assert {int(id) for id in receiver.taken} == set(range(1, 25))
    assert len(receiver.taken) > 24
    _in_order(list(dict.fromkeys(receiver.taken)), lambda id: (id - 1) % 3)


def deliver_elsewhere(database_url: str, now, pids) -> None:
    pids.put(os.getpid())
    with build(database_url, MASTER, ManualClock(now), private_webhooks=True) as house:
        deliver(house)


def _in_order(ids: list[str], entry_of) -> None:
    by_entry = defaultdict(list)
    for id in map(int, ids):
        by_entry[entry_of(id)].append(id)
    assert all(found == sorted(found) for found in by_entry.values())
