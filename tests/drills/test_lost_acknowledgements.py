"""The answer to a commit is lost on its way, for every kind of command: the client gets the right answer, and what it
asked for was done once (the library's retry would report a false conflict; the command id tells)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from psycopg.conninfo import make_conninfo

from tests.acceptance.marked import Told, every_command
from tests.acceptance.service import Office, Service, service
from tests.drills.proxy import Proxy, a_proxy

NOT_AGAIN = re.compile(
    r"/(screenings|screenings/bulk|search|draft|draft/pdf)$|^/v1/(operators|keys|webhooks)(/|$)"
)
"""What takes no Idempotency-Key: it changes nothing, or is logged each time, or answers a secret that nobody keeps."""
OF_MANY_SAVES = "POST /imports/{}/approval"
"""Takes effect in as many saves as it needs: given again, it tells where it began instead of where it ended."""
WITHOUT_A_COMMAND = {"POST /changes/{}/acknowledgement"}
"""Kept once by what it acknowledges."""
COUNTED = (
    "commands", "vault", "disclosures", "reviews", "detail_requests", "change_acknowledgements", "webhooks",
    "webhook_secrets", "operators", "api_keys", "habilitation_reviews",
)  # fmt: skip
"""What commands leave beside the log."""


@dataclass
class Sent:
    """One command, sent twice under one key."""

    route: str
    lost: bool
    """Whether the acknowledgement of its commit was lost, the first time."""
    first: httpx.Response
    again: httpx.Response

    @property
    def answers_agree(self) -> bool:
        first, again = self.first.json(), self.again.json()
        if self.route == OF_MANY_SAVES:
            first.pop("position"), again.pop("position")
        return (self.first.status_code, first) == (self.again.status_code, again)


class Unlucky(httpx.Client):
    """A client whose commands meet a database that loses its acknowledgement, and who then loses the answer too."""

    def __init__(self, url: str, proxy: Proxy, *, losing: bool) -> None:
        super().__init__(base_url=url, timeout=30)
        self.proxy, self.losing = proxy, losing
        self.sent: list[Sent] = []

    def request(self, method: str, url: Any, *, headers: Any = None, **more: Any) -> httpx.Response:
        path = str(url).partition("?")[0]
        if method == "GET" or NOT_AGAIN.search(path):
            return super().request(method, url, headers=headers, **more)
        keyed = {**(headers or {}), "Idempotency-Key": str(uuid4())}
        lost = self.proxy.lost
        self.proxy.armed = self.losing
        first = super().request(method, url, headers=keyed, **more)
        self.proxy.armed = False
        again = super().request(method, url, headers=keyed, **more)
        self.sent.append(Sent(f"{method} {_route(path)}", self.proxy.lost > lost, first, again))
        return first


@dataclass
class Life:
    """A register in which everything was done once."""

    sent: list[Sent]
    topics: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def test_an_acknowledgement_lost_after_the_commit_is_no_false_conflict_whatever_the_command(
    cluster: str, crossable_folder: Path, drill_report: Callable[..., None]
) -> None:
    with _a_proxied_service(cluster, crossable_folder) as (running, url, proxy):
        lucky = _lived(running, url, proxy, losing=False)
    with _a_proxied_service(cluster, crossable_folder) as (running, url, proxy):
        unlucky = _lived(running, url, proxy, losing=True)
    kinds = Counter(one.route for one in unlucky.sent if one.lost)
    drill_report(
        "an acknowledgement is lost after the commit",
        commands=len(unlucky.sent),
        acknowledgements_lost=sum(kinds.values()),
        kinds_of_command=len(kinds),
        wrong_answers=sum(
            a.first.status_code != b.first.status_code for a, b in zip(lucky.sent, unlucky.sent, strict=True)
        ),
        events=len(unlucky.topics),
        lost=len(Counter(lucky.topics) - Counter(unlucky.topics)),
        duplicated=len(Counter(unlucky.topics) - Counter(lucky.topics)),
    )
    assert [(one.route, one.first.status_code) for one in unlucky.sent] == [
        (one.route, one.first.status_code) for one in lucky.sent
    ]
    assert unlucky.topics == lucky.topics
    assert unlucky.counts == lucky.counts
    for life in (lucky, unlucky):
        assert [
            (one.route, one.first.text, one.again.text) for one in life.sent if not one.answers_agree
        ] == []
    done = {one.route for one in unlucky.sent if one.first.is_success}
    assert done - kinds.keys() == WITHOUT_A_COMMAND
    assert len(kinds) > 30


def _lived(running: Service, url: str, proxy: Proxy, *, losing: bool) -> Life:
    client = Unlucky(running.url, proxy, losing=losing)
    running.http.close()
    running.http = client
    office = Office.hired(running)
    every_command(running, office, running.hire("dpo"), running.hire("admin"), Told())
    assert running.run("replay", "--check").status == 0
    with psycopg.connect(url) as conn:
        topics = conn.execute("SELECT topic FROM watchlist.events ORDER BY notification_id").fetchall()
        counts = {
            name: conn.execute(f"SELECT count(*) FROM watchlist.{name}".encode()).fetchone()
            for name in COUNTED
        }
    return Life(client.sent, [topic for (topic,) in topics], {n: row[0] for n, row in counts.items() if row})


@contextmanager
def _a_proxied_service(cluster: str, folder: Path) -> Iterator[tuple[Service, str, Proxy]]:
    """A service, the connection string that leads past the proxy, and the proxy that the service speaks through."""
    within = folder / uuid4().hex[:8]
    within.mkdir()
    name = f"drill_{uuid4().hex}"
    with psycopg.connect(cluster, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
    with (
        a_proxy(make_conninfo(cluster, dbname=name), within) as (proxy, proxied),
        service(DATABASE_URL=proxied, WATCHLIST_WEBHOOK_PRIVATE_ADDRESSES="0") as made,
    ):
        assert made.run("migrate").status == 0
        yield made.start("--no-scheduler"), make_conninfo(cluster, dbname=name), proxy
    with psycopg.connect(cluster, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _route(path: str) -> str:
    """Its ids and numbers left out."""
    return re.sub(r"/[0-9a-f]{8}[0-9a-f-]+|/\d+", "/{}", path.removeprefix("/v1"))
