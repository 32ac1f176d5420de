"""One stream of questions on a service, and its answers read while it goes; in a process of its own.

`python -m bench.bulk_load PORT` reads one JSON document a line, `{"file", "headers"}`, sends that file, and answers
with how many lines came back, how many of them were hits, and how long it took. It parses nothing.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

HOST = "127.0.0.1"
PATH = "/v1/screenings/bulk"
_END = b"\r\n0\r\n\r\n"
_HITS = (b'"hit":true', b",true,")


def _ask(port: int, file: Path, headers: Mapping[str, str]) -> dict[str, Any]:
    head = {"host": HOST, "content-length": str(file.stat().st_size), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    began = perf_counter()
    with socket.create_connection((HOST, port)) as connection, file.open("rb") as sent:
        connection.sendall(f"POST {PATH} HTTP/1.1\r\n{lines}\r\n".encode())
        sending = threading.Thread(target=connection.sendfile, args=(sent,))
        sending.start()
        answered, hits = _read(connection)
        sending.join()
    return {"lines": answered, "hits": hits, "seconds": perf_counter() - began}


def _read(connection: socket.socket) -> tuple[int, int]:
    """Answers and hits; the frames of HTTP have no line of ours in them but end in CRLF, and ours in LF."""
    lines = hits = 0
    tail = b""
    while not tail.endswith(_END):
        piece = connection.recv(1 << 18)
        if not piece:
            raise ConnectionError("the answer broke off")
        text = tail + piece
        lines += piece.count(b"\n") - text.count(b"\r\n") + tail.count(b"\r\n")
        hits += sum(text.count(hit) - tail.count(hit) for hit in _HITS)
        tail = text[-16:]
    return lines, hits


def main(port: int) -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(_ask(port, Path(asked["file"]), asked["headers"])), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
