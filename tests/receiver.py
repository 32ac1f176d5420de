"""Somebody else's server, which changes are sent to: real HTTP, and answers as it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Message:
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


def thanks(message: Message) -> int:
    return 204


@dataclass
class Receiver:
    port: int = 0
    messages: list[Message] = field(default_factory=list)
    """All that came, also what was not taken."""
    taken: list[str] = field(default_factory=list)
    """The ids that were answered with 2xx, in order."""
    answer: Callable[[Message], int] = thanks

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def hear(self, message: Message) -> int:
        self.messages.append(message)
        status = self.answer(message)
        if 200 <= status < 300:
            self.taken.append(message.id)
        return status


@contextmanager
def a_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            message = Message({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(receiver.hear(message))
            self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
