"""A witness as somebody runs it elsewhere: a process of its own, with a key and a memory of its own (T4)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.acceptance.service import PASSED_ON, PATIENCE, ROOT, free_port, soon
from tests.sealed import ORIGIN, MemorySealedLog
from tests.stories import MONDAY
from watchlist.audit.verifier import Note, VerifierKey
from watchlist.audit.witness import Request

ENVIRONMENT = {
    **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
    "PATH": "/usr/bin:/bin",
    "PYTHONPATH": str(ROOT),
    # it reads none of the service's settings: these would stop every other command
    "WATCHLIST_PORT": "none",
    "WATCHLIST_MASTER_KEY_FILE": "/nowhere",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
}


@pytest.fixture
def log() -> MemorySealedLog:
    log = MemorySealedLog()
    log.grow("a", "b", "c")
    log.publish(MONDAY)
    return log


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchlist", "witness", *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@contextmanager
def running(folder: Path, log: MemorySealedLog, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "watchlist", "witness", "serve", "--state", str(folder)),
            *("--log", str(log.signing[0].public), "--port", str(port)),
        ],
        env=ENVIRONMENT,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert soon(lambda: answers(port) or process.poll() is not None, PATIENCE)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
    except httpx.TransportError:
        return False


def ask(log: MemorySealedLog, old: int, port: int) -> httpx.Response:
    latest = log.latest()
    assert latest is not None
    body = Request.made(old, log.consistency(old, latest.size), latest.note.encode()).body()
    return httpx.post(f"http://127.0.0.1:{port}/add-checkpoint", content=body, timeout=10)


def test_a_witness_that_was_killed_still_refuses_a_rewritten_history(tmp_path, log):
    folder, port = tmp_path / "w", free_port()
    printed = command("key", "--state", str(folder), "--name", "witness.test/1")
    key = VerifierKey.parse(printed.stdout.strip())
    with running(folder, log, port) as process:
        line = ask(log, 0, port).text
        assert Note.parse((log.latest().note + line).encode()).signed_by(key) is not None
        assert command("key", "--state", str(folder)).stdout.strip() == str(key)
        second = command("serve", "--state", str(folder), "--log", str(log.signing[0].public), "--port", "0")
        assert (second.returncode, second.stderr.count("\n")) == (1, 1)
        assert "already runs" in second.stderr
        process.send_signal(signal.SIGKILL)
        process.wait()
    log.rewrite(0, "another a")
    log.grow("d")
    log.publish(MONDAY)
    with running(folder, log, port) as process:
        assert ask(log, 0, port).text == "3\n"
        assert ask(log, 3, port).status_code == 422
        published = httpx.get(f"http://127.0.0.1:{port}/checkpoint/{ORIGIN}").text
        assert Note.parse(published.encode()).signed_by(key) is not None
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("serve", "--log", "nonsense"), "is the public key of a log"),
        (("key", "--name", "a name"), "has no blanks"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path, arguments, said):
    done = command(*arguments, "--state", str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr
