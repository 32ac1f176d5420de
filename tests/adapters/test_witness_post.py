"""What leaves for a witness or an authority goes to the address that was configured, and comes back bounded."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.receiver import Receiver, a_receiver
from watchlist.adapters.witness_post import MOST_READ, HttpWitnessPost
from watchlist.ports.witness import Reply, Unanswered


@contextmanager
def answering(parts: list[bytes], pause: float = 0) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(409)
            self.end_headers()
            try:
                for part in parts:
                    self.wfile.write(part)
                    time.sleep(pause)
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def test_the_answer_comes_back_with_its_status():
    with answering([b"12", b"\n"]) as url:
        assert HttpWitnessPost().add_checkpoint(url, b"body") == Reply(409, b"12\n")


def test_it_is_posted_below_the_address(receiver):
    receiver.answer = lambda _: 409
    assert HttpWitnessPost().add_checkpoint(receiver.url + "/", b"old 0\n").status == 409
    (message,) = receiver.messages
    assert message.body == b"old 0\n"
    assert message.headers["user-agent"] == "watchlist"


def test_a_redirect_is_not_followed(receiver):
    receiver.answer = lambda _: 307
    assert HttpWitnessPost().add_checkpoint(receiver.url, b"body").status == 307
    assert len(receiver.messages) == 1


def test_proxies_of_the_environment_are_not_used(receiver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    receiver.answer = lambda _: 409
    assert HttpWitnessPost().add_checkpoint(receiver.url, b"body").status == 409


def test_an_answer_is_bounded():
    with answering([b"x" * MOST_READ, b"x"]) as url, pytest.raises(Unanswered, match="too long"):
        HttpWitnessPost().add_checkpoint(url, b"body")


def test_an_answer_that_drips_is_given_up():
    with answering([b"x"] * 50, pause=0.05) as url, pytest.raises(Unanswered, match="in time"):
        HttpWitnessPost(seconds=0.3).add_checkpoint(url, b"body")


def test_whoever_is_not_there_or_silent_is_unanswered():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unanswered, match="Timeout"):
            HttpWitnessPost(seconds=0.2).add_checkpoint(url, b"body")
    with pytest.raises(Unanswered, match="ConnectError"):
        HttpWitnessPost().add_checkpoint(url, b"body")
    with pytest.raises(Unanswered):
        HttpWitnessPost().add_checkpoint("http://[nonsense", b"body")
