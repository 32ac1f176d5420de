"""Load on a service: kept-alive connections that ask again as soon as they are answered, in a process of its own.

`python -m bench.load PORT` reads one JSON document a line and answers each with one:
`{"keep": NAME, "path", "headers", "bodies"}` makes requests ready, `{"run": NAME, "seconds", "connections"}`
sends them in turns. It parses no more of an answer than its length, status and hits.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import Any, cast

import uvloop

HOST = "127.0.0.1"
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_HIT = b'"hit":true'


@dataclass
class Tally:
    """What one run came to; times in seconds."""

    times: list[float] = field(default_factory=list)
    hits: int = 0
    refused: int = 0
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        ordered = sorted(self.times)
        return {
            "requests": len(ordered),
            "seconds": self.seconds,
            "hits": self.hits,
            "refused": self.refused,
            "p50": ordered[len(ordered) // 2],
            "p99": ordered[len(ordered) * 99 // 100],
        }


class Connection(asyncio.Protocol):
    """Asks, waits for the whole answer, asks again; until the time is over."""

    def __init__(self, requests: Iterator[bytes], tally: Tally, until: float) -> None:
        self._requests, self._tally, self._until = requests, tally, until
        self._buffer = b""
        self._expected = 0
        self._asked_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self) -> None:
        self._asked_at = perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._expected:
            self._expected = _length_of(self._buffer)
        if self._expected and len(self._buffer) >= self._expected:
            self._answered(self._buffer)
            self._buffer, self._expected = b"", 0

    def _answered(self, answer: bytes) -> None:
        now = perf_counter()
        self._tally.times.append(now - self._asked_at)
        self._tally.hits += answer.count(_HIT)
        self._tally.refused += answer[9:12] != b"200"
        if now < self._until:
            self.ask()
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("the service closed a connection"))


def _length_of(answer: bytes) -> int:
    """Of head and body together; 0 while the head is not all there."""
    end = answer.find(_END)
    if end < 0:
        return 0
    at = answer.index(_LENGTH) + len(_LENGTH)
    return end + len(_END) + int(answer[at : answer.index(b"\r\n", at)])


async def _run(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> Tally:
    loop = asyncio.get_running_loop()
    tally, feed = Tally(), cycle(requests)
    until = perf_counter() + seconds
    opened = [
        (await loop.create_connection(lambda: Connection(feed, tally, until), HOST, port))[1]
        for _ in range(connections)
    ]
    began = perf_counter()
    for connection in opened:
        connection.ask()
    await asyncio.gather(*(connection.done for connection in opened))
    tally.seconds = perf_counter() - began
    return tally


def request(path: str, headers: Mapping[str, str], body: str) -> bytes:
    content = body.encode()
    head = {"host": HOST, "content-type": "application/json", "content-length": str(len(content)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + content


def main(port: int) -> None:
    kept: dict[str, list[bytes]] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "keep" in asked:
            kept[asked["keep"]] = [request(asked["path"], asked["headers"], body) for body in asked["bodies"]]
            answer: dict[str, Any] = {}
        else:
            answer = uvloop.run(
                _run(port, kept[asked["run"]], asked["seconds"], asked["connections"])
            ).document()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
