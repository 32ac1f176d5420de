"""Methods, types, sizes and headers: what HTTP expects of every address."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi.testclient import TestClient

from api.envelope import LARGEST_HEADERS, LONGEST_ADDRESS
from api.main import create_app
from api.protocol import LARGEST_HEAD, BoundedHead
from tests.api.conftest import Office
from watchlist.bootstrap import House


def test_head_is_answered_as_get_without_a_body(office: Office, client: TestClient) -> None:
    for path in ("/me", "/cases", "/list"):
        head, get = office.supervisor.ask("HEAD", path), office.supervisor.get(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-length"):
            assert head.headers[name] == get.headers[name]
    assert client.head("/v1/me").status_code == 401
    assert client.head("/nowhere").status_code == 404
    assert office.auditor.ask("HEAD", "/audit/events").status_code == 200


def test_options_names_every_method_of_an_address_to_anybody(client: TestClient) -> None:
    for path, allowed in [
        ("/v1/cases", "GET, HEAD, OPTIONS, POST"),
        ("/v1/inscriptions/7f3e2a54-3b0e-4f0e-9d6e-0c5a9a3f1b7d", "GET, HEAD, OPTIONS, PATCH"),
        ("/v1/screenings", "OPTIONS, POST"),
        ("/livez", "GET, HEAD, OPTIONS"),
    ]:
        answer = client.options(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["allow"] == allowed
    assert client.options("/nowhere").status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "BREW"])
def test_another_method_is_405_and_names_those_there_are(client: TestClient, method: str) -> None:
    answer = client.request(method, "/v1/cases")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_no_other_site_may_ask(office: Office) -> None:
    asked = office.investigator.get("/me", Origin="https://elsewhere.example")
    preflight = office.investigator.ask(
        "OPTIONS", "/me", Origin="https://elsewhere.example", Access_Control_Request_Method="GET"
    )
    for answer in (asked, preflight):
        assert [name for name in answer.headers if name.startswith("access-control")] == []
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"


def test_clients_are_told_to_keep_to_tls_where_there_is_tls(house: House, client: TestClient) -> None:
    assert "strict-transport-security" not in client.get("/livez").headers
    with TestClient(create_app(house, behind_tls=True)) as behind:
        assert "max-age=" in behind.get("/livez").headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("text/html, application/*;q=0.8", 200),
        ("application/problem+json", 200),
        ("application/xml", 406),
        ("image/png, text/html", 406),
    ],
)
def test_who_accepts_nothing_that_is_spoken_here_is_told_so(office: Office, accept: str, status: int) -> None:
    answer = office.investigator.get("/me", Accept=accept)
    assert answer.status_code == status
    if status == 406:
        assert answer.json()["code"] == "not_acceptable"


def test_an_address_and_headers_have_limits(client: TestClient) -> None:
    long = client.get("/v1/cases", params={"cursor": "x" * LONGEST_ADDRESS})
    assert (long.status_code, long.json()["code"]) == (414, "address_too_long")
    large = client.get("/v1/cases", headers={"X-Large": "x" * LARGEST_HEADERS})
    assert (large.status_code, large.json()["code"]) == (431, "headers_too_large")


@pytest.fixture
def port(house: House) -> Iterator[int]:
    config = uvicorn.Config(create_app(house), port=0, http=BoundedHead, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def test_a_head_without_an_end_is_not_read_for_ever(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nx-large: ")
        sent = 0
        while sent < 4 * LARGEST_HEAD:
            try:
                sent += connection.send(b"x" * 8192)
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(0.005)
        assert sent < 4 * LARGEST_HEAD


def test_a_large_body_is_no_large_head(port: int) -> None:
    body = b"x" * 500_000
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"POST /v1/imports HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body))
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
