"""The feed of changes as its clients meet it: as pages, as a stream, as webhooks; the same ids in all three (S8)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.event_stream import MOST_STREAMS
from api.main import create_app
from tests.api.conftest import PERSON, Hire, Office, Somebody
from tests.receiver import Receiver, a_receiver
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.postman import HttpPostman
from watchlist.application.deliver_changes import Courier
from watchlist.application.operators import issue_key
from watchlist.bootstrap import House, build
from watchlist.domain.operator import Role

SCREENED = {
    "purpose": "third_party_payment",
    "file_reference": "LOT-1",
    "subjects": {
        "number": {"identifiers": PERSON["identifiers"]},
        "name": {key: PERSON[key] for key in ("family_name", "given_names", "birth_date")},
        "nobody": {"identifiers": [{"scheme": "rpps", "value": "10000000009"}]},
    },
}


@pytest.fixture
def payer(hire: Hire) -> Somebody:
    return hire("integrator", "payer", "TPG")


def screened(payer: Somebody) -> str:
    """Hits by number and by name; the id of the screening."""
    answer = payer.made("/screenings", SCREENED, 200)
    assert [answer["results"][key].get("hit") for key in ("number", "name")] == [True, True]
    return str(answer["screening_id"])


def restrict(office: Office, entry: str) -> None:
    office.supervisor.made(f"/inscriptions/{entry}/restriction", {"reason": "contested"}, 200)


def lift(office: Office, entry: str) -> None:
    office.supervisor.made(f"/inscriptions/{entry}/restriction/lifting", {"reason": "settled"}, 200)


# Pages -----------------------------------------------------------------------------------------


def test_whoever_received_a_hit_is_told_that_it_stopped_and_that_it_resumed(
    office: Office, payer: Somebody
) -> None:
    _, _, entry = office.entry()
    screening_id = screened(payer)
    assert payer.get("/changes").json() == {"items": [], "next": None}
    restrict(office, entry)
    lift(office, entry)
    items = payer.get("/changes").json()["items"]
    assert [(i["id"], i["kind"], i["screening_id"], i["key"]) for i in items] == [
        ("1", "stopped", screening_id, "name"),
        ("2", "stopped", screening_id, "number"),
        ("3", "resumed", screening_id, "name"),
        ("4", "resumed", screening_id, "number"),
    ]
    assert all(item.keys() == {"id", "at", "kind", "screening_id", "key"} for item in items)


def test_a_rectification_tells_what_it_changed_and_nothing_else(office: Office, payer: Somebody) -> None:
    subject, _, _ = office.entry()
    screened(payer)
    version = office.investigator.get(f"/subjects/{subject}").headers["ETag"]
    changed = {"reason": "another number", "identifiers": []}
    answer = office.investigator.ask("PATCH", f"/subjects/{subject}", changed, If_Match=version)
    assert answer.status_code == 200, answer.text
    assert [(i["kind"], i["key"]) for i in payer.get("/changes").json()["items"]] == [("stopped", "number")]


def test_an_erasure_is_told_and_what_was_told_stays(office: Office, payer: Somebody, house: House) -> None:
    subject, _, _ = office.entry()
    screened(payer)
    asked = {"kind": "erasure", "subject_id": subject, "received_on": "2026-03-02"}
    request = office.dpo.made("/rights-requests", asked)["id"]
    on = f"/rights-requests/{request}"
    office.dpo.made(f"{on}/decision", {"granted": True, "reason": "no ground left"}, 200)
    assert {i["kind"] for i in payer.get("/changes").json()["items"]} == {"stopped"}
    answered = office.dpo.post(f"{on}/answer", {})
    assert answered.status_code == 200, answered.text
    assert house.pictures.certificate(UUID(subject)) is not None
    assert [i["id"] for i in payer.get("/changes").json()["items"]] == ["1", "2"]
    with house.pool.connection() as conn:
        assert conn.execute("SELECT FROM hits").fetchall() == []


def test_a_cursor_goes_through_all_of_them(office: Office, payer: Somebody) -> None:
    _, _, entry = office.entry()
    screened(payer)
    for _ in range(2):
        restrict(office, entry)
        lift(office, entry)
    seen: list[str] = []
    path = "/changes?limit=3"
    while path:
        answer = payer.get(path)
        seen += [item["id"] for item in answer.json()["items"]]
        link = answer.links.get("next")
        assert bool(link) == bool(answer.json()["next"])
        path = link["url"].removeprefix("/v1") if link else ""
    assert seen == [str(n) for n in range(1, 9)]
    assert payer.get("/changes?after=8").json()["items"] == []
    for wrong in ("x", "-1", "", "01", "9223372036854775808"):
        assert payer.get(f"/changes?after={wrong}").status_code == 422, wrong


def test_nobody_is_told_what_another_organisation_received(
    office: Office, payer: Somebody, hire: Hire
) -> None:
    _, _, entry = office.entry()
    screened(payer)
    restrict(office, entry)
    other = hire("integrator", "other", "MUTUELLE")
    assert other.get("/changes").json()["items"] == []
    assert other.post("/changes/1/acknowledgement").status_code == 404


def test_a_change_is_acknowledged_and_only_that_one(
    office: Office, payer: Somebody, clock: ManualClock, hire: Hire
) -> None:
    _, _, entry = office.entry()
    screened(payer)
    restrict(office, entry)
    first = payer.made("/changes/2/acknowledgement", {}, 200)
    assert first["id"] == "2"
    clock.advance(days=4)
    assert payer.made("/changes/2/acknowledgement", None, 200)["acknowledged_at"] == first["acknowledged_at"]
    due = hire("dpo", "dpo of TPG", "TPG").get("/deadlines").json()["items"]
    assert [(one["kind"], one["rule"], one["overdue"]) for one in due] == [
        ("change_unacknowledged", "S8", True)
    ]
    assert payer.post("/changes/3/acknowledgement").status_code == 404
    assert payer.post("/changes/x/acknowledgement").status_code == 422


# Streams ---------------------------------------------------------------------------------------


@dataclass
class Address:
    url: str
    server: uvicorn.Server
    house: House

    def payer(self, name: str = "payer") -> tuple[str, str]:
        issued = issue_key(self.house.operators, self.house.clock, name, Role.INTEGRATOR, "TPG")
        return issued.presented, issued.key.key_id


class Stopping(uvicorn.Server):
    """As `watchlist serve` has it: streams end before they are waited for."""

    app: FastAPI

    async def shutdown(self, sockets: Any = None) -> None:
        self.app.state.closing.set()
        await super().shutdown(sockets)


@pytest.fixture
def address(database_url: str, clock: ManualClock) -> Iterator[Address]:
    """Another process of the service: what is committed by the one rings in the other."""
    with build(database_url, b"k" * 32, clock) as house:
        app = create_app(house)
        server = Stopping(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=10))
        server.app = app
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Address(f"http://127.0.0.1:{port}/v1", server, house)
        server.should_exit = True
        thread.join()


@dataclass
class Heard:
    """What a stream said, while it is open."""

    ids: list[str] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    comments: int = 0
    opened: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 8.0) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, (self.ids, self.ended.is_set())
            time.sleep(0.02)


@contextmanager
def listening(address: Address, key: str, **more: str) -> Iterator[Heard]:
    heard = Heard()
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream", **more}
    stop = threading.Event()

    def listen() -> None:
        with httpx.stream("GET", f"{address.url}/changes", headers=headers, timeout=30) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            heard.opened.set()
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    heard.ids.append(value)
                elif name == "data":
                    heard.items.append(json.loads(value))
                elif line.startswith(":"):
                    heard.comments += 1
                if stop.is_set():
                    break
        heard.ended.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert heard.opened.wait(10)
    yield heard
    stop.set()


@pytest.fixture
def matter(house: House, client: TestClient, office: Office, payer: Somebody) -> str:
    """An entry that was hit, twice."""
    _, _, entry = office.entry()
    screened(payer)
    return entry


def test_a_stream_tells_what_was_and_what_comes_at_once(
    address: Address, office: Office, matter: str
) -> None:
    key, _ = address.payer()
    restrict(office, matter)
    with listening(address, key) as heard:
        heard.wait_for(lambda: heard.ids == ["1", "2"])
        time.sleep(0.3)
        began = time.monotonic()
        lift(office, matter)
        heard.wait_for(lambda: heard.ids == ["1", "2", "3", "4"])
        assert time.monotonic() - began < 2, "it was rung for, and not only found by looking now and then"
    page = httpx.get(f"{address.url}/changes", headers={"Authorization": f"Bearer {key}"}).json()
    assert heard.items == page["items"]


def test_a_stream_resumes_behind_the_id_that_was_seen_last(
    address: Address, office: Office, matter: str
) -> None:
    key, _ = address.payer()
    restrict(office, matter)
    lift(office, matter)
    with listening(address, key, **{"Last-Event-ID": "3"}) as heard:
        heard.wait_for(lambda: heard.ids == ["4"])
    wrong = httpx.get(
        f"{address.url}/changes",
        headers={
            "Authorization": f"Bearer {key}",
            "Accept": "text/event-stream",
            "Last-Event-ID": "x",
        },
    )
    assert wrong.status_code == 422


def test_a_stream_ends_when_its_key_is_revoked(address: Address, house: House, matter: str) -> None:
    key, key_id = address.payer()
    with listening(address, key) as heard:
        assert not heard.ended.wait(0.5)
        house.operators.revoke(key_id, house.clock.now())
        assert heard.ended.wait(3)


def test_one_organisation_takes_a_quarter_of_the_streams(address: Address, matter: str) -> None:
    key, _ = address.payer()
    shares = address.server.app.state.streams.shares
    with ExitStack() as running:
        for _ in range(MOST_STREAMS // 4 - 1):
            running.enter_context(shares.one("TPG"))
        with listening(address, key):
            headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
            assert httpx.get(f"{address.url}/changes", headers=headers).status_code == 503
            shares.require("GRPM")


def test_the_service_stops_with_streams_open(address: Address, matter: str) -> None:
    key, _ = address.payer()
    with listening(address, key) as heard:
        time.sleep(0.3)
        began = time.monotonic()
        address.server.should_exit = True
        assert heard.ended.wait(5)
        assert time.monotonic() - began < 5


def test_nothing_is_lost_when_nobody_rings(address: Address, office: Office, matter: str) -> None:
    """The connection that listens is lost, again and again."""
    key, _ = address.payer()
    with listening(address, key) as heard:
        time.sleep(0.3)
        with address.house.pool.connection() as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
                " AND datname = current_database()"
            )
        restrict(office, matter)
        heard.wait_for(lambda: heard.ids == ["1", "2"])


def test_whoever_takes_anything_gets_a_page(payer: Somebody) -> None:
    for accept in ("*/*", "application/json", "text/event-stream;q=0"):
        answer = payer.get("/changes", Accept=accept)
        assert answer.headers["content-type"] == "application/json", accept


# Webhooks --------------------------------------------------------------------------------------


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def deliver(house: House) -> None:
    Courier(house.webhooks, HttpPostman(True), house.clock, house.desk.lookups.now.requests).run_once()


def test_the_ids_and_items_are_the_same_in_all_three(
    address: Address, office: Office, matter: str, payer: Somebody, receiver: Receiver, house: House
) -> None:
    house.private_webhooks = True
    made = payer.made("/webhooks", {"url": receiver.url, "description": "trial"})
    assert made["secret"].startswith("whsec_")
    restrict(office, matter)
    lift(office, matter)
    deliver(house)
    items = payer.get("/changes").json()["items"]
    with listening(address, payer.key) as heard:
        heard.wait_for(lambda: len(heard.ids) == 4)
    assert [message.event["data"] for message in receiver.messages] == items == heard.items
    assert [message.event["id"] for message in receiver.messages] == heard.ids
    assert [message.id for message in receiver.messages] == heard.ids


def test_a_webhook_is_added_read_and_removed(payer: Somebody, hire: Hire) -> None:
    made = payer.made("/webhooks", {"url": "https://payer.example/hooks"})
    assert made.keys() == {"id", "version", "position", "url", "number", "secret"}
    path = f"/webhooks/{made['id']}"
    read = payer.get(path).json()
    assert (read["state"], read["unsent"], [s["number"] for s in read["secrets"]]) == ("live", 0, [1])
    assert made["secret"] not in payer.get(path).text + payer.get("/webhooks").text
    assert [one["webhook_id"] for one in payer.get("/webhooks").json()["items"]] == [made["id"]]
    other = hire("integrator", "other", "MUTUELLE")
    assert other.get("/webhooks").json()["items"] == []
    for method, below in (("GET", ""), ("GET", "/deliveries"), ("POST", "/removal"), ("POST", "/secrets")):
        assert other.ask(method, path + below).status_code == 404, below
    assert other.post(f"{path}/replay", {"after": "0"}).status_code == 404
    payer.made(f"{path}/removal", {}, 200)
    assert payer.get(path).status_code == 404
    assert payer.post(f"{path}/removal").status_code == 404


def test_secrets_are_changed_one_after_the_other(payer: Somebody) -> None:
    path = f"/webhooks/{payer.made('/webhooks', {'url': 'https://payer.example/hooks'})['id']}"
    assert payer.post(f"{path}/secrets/1/retirement").json()["code"] == "last_secret"
    second = payer.made(f"{path}/secrets", {})
    assert second["number"] == 2
    assert payer.post(f"{path}/secrets").json()["code"] == "too_many_secrets"
    payer.made(f"{path}/secrets/1/retirement", None, 200)
    assert payer.post(f"{path}/secrets/7/retirement").status_code == 404
    assert [s["retired_at"] is None for s in payer.get(path).json()["secrets"]] == [False, True]


@pytest.mark.parametrize(
    "url",
    [
        "http://payer.example/hooks",
        "https://127.0.0.1/hooks",
        "https://[::1]/hooks",
        "https://169.254.169.254/latest",
        "https://10.1.2.3/",
        "https://[::ffff:10.1.2.3]/",
        "https://localhost/hooks",
        "https://intranet/hooks",
        "https://user:secret@payer.example/hooks",
        "https://payer.example/hooks#part",
        "https://payer.example:0/",
        "https://payer.example:99999/",
        "ftp://payer.example/",
        "https:///hooks",
        "https://payer.example/é",
    ],
)
def test_addresses_that_are_not_public_are_refused_at_once(payer: Somebody, url: str) -> None:
    answer = payer.post("/webhooks", {"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook_address_refused")
    assert "secret" not in answer.text


def test_the_delivery_log_tells_how_it_went_and_a_replay_sends_again(
    office: Office, matter: str, payer: Somebody, receiver: Receiver, house: House, clock: ManualClock
) -> None:
    house.private_webhooks = True
    path = f"/webhooks/{payer.made('/webhooks', {'url': receiver.url})['id']}"
    receiver.answer = lambda message: 503
    restrict(office, matter)
    deliver(house)
    receiver.answer = lambda message: 204
    clock.advance(minutes=1)
    deliver(house)
    log = payer.get(f"{path}/deliveries").json()["items"]
    assert [(row["change_id"], row["status"], row["failure"]) for row in log] == [
        ("1", 503, "status"),
        ("1", 204, None),
        ("2", 204, None),
    ]
    assert payer.made(f"{path}/replay", {"after": "1"}, 200)["changes"] == 1
    deliver(house)
    assert receiver.taken == ["1", "2", "2"]
    first = payer.get(f"{path}/deliveries?limit=2").json()
    rest = payer.get(f"{path}/deliveries?limit=2&cursor={first['next']}").json()
    assert len(first["items"] + rest["items"]) == 4
