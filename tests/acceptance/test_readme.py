"""The README's first session, run as it is written against a service started as a reader would."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from socket import socket

import pytest

ROOT = Path(__file__).parents[2]
SESSION = (ROOT / "README.md").read_text("utf-8").partition("## A first session")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```sh\n(.*?)^```", SESSION, re.DOTALL | re.MULTILINE)
PROMISED = "#=> "
PATIENCE = 180.0  # seconds: a new cluster and the demonstration, on a busy machine


@pytest.fixture
def service(crossable_folder: Path, pg_bin: Path | None) -> Iterator[dict[str, str]]:
    """A running service with the demonstration: what a shell needs to know of it."""
    port, data = _free_port(), crossable_folder / "data"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("WATCHLIST_")},
        "WATCHLIST_DATA": str(data),
        "WATCHLIST_PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("DATABASE_URL", None)
    if pg_bin:
        environment["PG_BIN"] = str(pg_bin)
    said = crossable_folder / "said"
    with said.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "watchlist", "serve"], env=environment, stdout=output, stderr=output
        )
    try:
        _wait_until_ready(port, running, said)
        yield {
            "PATH": os.environ["PATH"],
            "URL": f"http://127.0.0.1:{port}",
            "KEYS": str(data / "demo-keys.json"),
        }
    finally:
        running.terminate()
        running.wait(60)


@pytest.mark.slow
def test_the_first_session_answers_what_the_readme_says(service: dict[str, str]) -> None:
    script = "\n".join(BLOCKS)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=service,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    rest = run.stdout
    promises = [line.removeprefix(PROMISED) for line in script.splitlines() if line.startswith(PROMISED)]
    assert promises
    for promise in promises:
        kept = re.search(re.escape(promise).replace("…", ".*?"), rest)
        assert kept, f"the README promises {promise}, and what follows is:\n{rest}"
        rest = rest[kept.end() :]


def _wait_until_ready(port: int, running: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    running.terminate()
    raise AssertionError(f"the service does not answer: {said.read_text(errors='replace')}")


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
