"""Screening in bulk over a real connection: both ways at once, one way after the other, and broken off (S9)."""

import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from api.main import create_app
from watchlist.application.operators import issue_key
from watchlist.bootstrap import House
from watchlist.domain.operator import Role
from watchlist.domain.refusals import Busy
from watchlist.domain.trace import Access

LINES = 20_000
UNKNOWN = "10000002120"


class Service:
    """On a port of its own, until it is stopped."""

    def __init__(self, house: House) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(create_app(house), loop="uvloop", http="httptools", log_config=None)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self.thread.start()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture
def service(house: House) -> Iterator[Service]:
    made = Service(house)
    yield made
    made.stop()


@pytest.fixture
def headers(house: House) -> dict[str, str]:
    key = issue_key(house.operators, house.clock, "TPG", Role.INTEGRATOR, "GRPM").presented
    return {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/x-ndjson",
        "Screening-Purpose": "third_party_payment",
        "Screening-File-Reference": "LOT-1",
    }


def line(place: int) -> bytes:
    asked = {"key": f"q{place}", "identifiers": [{"scheme": "rpps", "value": UNKNOWN}]}
    return json.dumps(asked).encode() + b"\n"


def body(lines: int) -> Iterator[bytes]:
    for start in range(0, lines, 100):
        yield b"".join(line(place) for place in range(start, min(start + 100, lines)))


def head(headers: dict[str, str], version: str = "1.1") -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /v1/screenings/bulk HTTP/{version}\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{lines}\r\n".encode()


def chunked(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


MORE_THAN_BUFFERS = 160_000
"""Lines whose answers are more than Linux ever holds for a connection that nobody reads (4 MB); a receive buffer much
smaller than this one would only make reading them slow."""


def test_a_client_may_send_all_before_it_reads(service: Service, headers: dict[str, str]) -> None:
    """More answers than buffers hold: they wait on disk, and neither waits for the other for ever."""
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        connection.settimeout(60)
        connection.sendall(head(headers))
        for piece in body(MORE_THAN_BUFFERS):
            connection.sendall(chunked(piece))
        connection.sendall(chunked(b""))
        answer = bytearray()
        while not answer.endswith(b"0\r\n\r\n"):
            answer += connection.recv(1 << 20)
    assert answer.count(b'"hit":false') == MORE_THAN_BUFFERS


def test_a_line_is_answered_before_the_next_is_sent(service: Service, headers: dict[str, str]) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.settimeout(10)
        connection.sendall(head(headers))
        for place in range(3):
            connection.sendall(chunked(line(place)))
            answer = b""
            while b"hit" not in answer:
                answer += connection.recv(65536)
            assert b'{"key":"q%d","hit":false}\n' % place in answer
        connection.sendall(chunked(b""))
        assert connection.recv(65536).endswith(b"0\r\n\r\n")


def test_answers_come_in_order_and_each_part_leaves_its_trace(
    service: Service, house: House, headers: dict[str, str]
) -> None:
    url = f"http://127.0.0.1:{service.port}/v1/screenings/bulk"
    answer = httpx.post(url, content=body(LINES), headers=headers, timeout=60)
    assert [json.loads(one)["key"] for one in answer.text.splitlines()] == [f"q{n}" for n in range(LINES)]
    with house.pool.connection() as conn:
        row = conn.execute(
            "SELECT sum(asked) AS asked, count(*) AS parts, array_agg(DISTINCT screening_id) AS ids FROM accesses"
        ).fetchone()
    assert row is not None
    assert row["asked"] == LINES
    assert row["parts"] < LINES / 10
    assert [str(one) for one in row["ids"]] == [answer.headers["Screening-Id"]]


def test_when_it_breaks_off_the_answer_has_no_end(
    service: Service, house: House, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The traces cannot be written any more: what is answered is true, and nobody takes it for the whole."""
    write, written = house.traces.write, 0

    async def at_first(access: Access) -> None:
        nonlocal written
        written += access.asked
        if written > LINES // 2:
            raise Busy()
        await write(access)

    monkeypatch.setattr(house.traces, "write", at_first)
    url = f"http://127.0.0.1:{service.port}/v1/screenings/bulk"
    told: list[bytes] = []

    def read() -> None:
        with httpx.stream("POST", url, content=body(LINES), headers=headers, timeout=60) as answer:
            told.extend(answer.iter_raw())

    with pytest.raises(httpx.TransportError):
        read()
    assert b"".join(told).count(b"\n") <= LINES // 2


def test_a_key_that_is_revoked_breaks_it_off_within_a_second(
    service: Service, house: House, headers: dict[str, str]
) -> None:
    key_id = headers["Authorization"].removeprefix("Bearer ").partition(".")[0]
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.settimeout(10)
        connection.sendall(head(headers))
        connection.sendall(chunked(line(0)))
        while b"hit" not in connection.recv(65536):
            pass
        house.operators.revoke(key_id, house.clock.now())
        time.sleep(1)
        connection.sendall(chunked(line(1)))
        assert connection.recv(65536) == b""


def test_when_it_breaks_off_before_the_first_answer_it_is_a_503(
    service: Service, house: House, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(access: Access) -> None:
        raise Busy()

    monkeypatch.setattr(house.traces, "write", never)
    url = f"http://127.0.0.1:{service.port}/v1/screenings/bulk"
    assert httpx.post(url, content=line(1), headers=headers, timeout=60).status_code == 503


def test_a_client_that_leaves_leaves_nothing_behind(
    service: Service, house: House, headers: dict[str, str]
) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            connection.sendall(head(headers))
            for piece in body(2_000):
                connection.sendall(chunked(piece))
    url = f"http://127.0.0.1:{service.port}/v1/screenings/bulk"
    assert httpx.post(url, content=line(1), headers=headers, timeout=60).status_code == 200


def test_an_answer_whose_end_could_not_be_told_is_refused(service: Service, headers: dict[str, str]) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.settimeout(10)
        connection.sendall(head({**headers, "Connection": "close"}, version="1.0"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 426")
