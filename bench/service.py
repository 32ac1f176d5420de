"""Processes of the bench: the service that is asked, and the load that asks it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

PATIENCE = 60.0
HOST = "127.0.0.1"


class Asked(Struct, frozen=True):
    """What one run of load came to; times in seconds."""

    requests: int
    seconds: float
    hits: int
    refused: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class Load:
    """The load process, told line by line what to do."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._asking: IO[str] = process.stdin
        self._answers: IO[str] = process.stdout

    def keep(self, name: str, path: str, headers: Mapping[str, str], bodies: Sequence[str]) -> None:
        self._tell({"keep": name, "path": path, "headers": headers, "bodies": bodies})

    def run(self, name: str, seconds: float, connections: int) -> Asked:
        asked = Asked(**self._tell({"run": name, "seconds": seconds, "connections": connections}))
        if asked.refused:
            raise RuntimeError(
                f"{asked.refused} of {asked.requests} requests {name!r} were not answered with 200"
            )
        return asked

    def _tell(self, document: Mapping[str, Any]) -> dict[str, Any]:
        self._asking.write(json.dumps(document) + "\n")
        self._asking.flush()
        line = self._answers.readline()
        if not line:
            raise RuntimeError("the load process ended: a connection was closed, or it failed above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(
    environment: Mapping[str, str], *command: str, log: IO[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A Python process of ours, ended in order by SIGTERM; what it says to people goes to `log` if there is one."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def load_on(port: int, environment: Mapping[str, str]) -> Iterator[Load]:
    with running(environment, "-m", "bench.load", str(port)) as process:
        yield Load(process)


def wait_until_alive(port: int, process: subprocess.Popen[str]) -> None:
    """Until /livez answers 200; the sooner it is noticed the better, it may be timed."""
    deadline = time.monotonic() + PATIENCE
    while not _alive(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the service did not start (status {process.poll()})")
        time.sleep(0.005)


def _alive(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def resident_megabytes(process: subprocess.Popen[str]) -> float:
    """The memory that a process holds now (VmRSS)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(kilobytes) / 1024
