"""The service as a person runs it: real processes, in a folder and with an environment of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any, Self

import httpx

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
"""Seconds: a new cluster, on a busy machine."""
PASSED_ON = ("PG_BIN", "COVERAGE_PROCESS_CONFIG")
"""Of the environment of the tests, the only variables that the processes get."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """The answer of `--json`."""
        assert self.status == 0, self.err
        return json.loads(self.out)

    @property
    def line(self) -> str:
        """The one line of a command that could not do what was asked."""
        assert self.status == 1, (self.status, self.out, self.err)
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        return self.err.rstrip("\n")


@dataclass
class Service:
    """A data folder, a port and an environment; and the process that serves, while one does."""

    folder: Path
    more: dict[str, str] = field(default_factory=dict)
    """Further variables: given ones win."""
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = free_port()
        self.http = httpx.Client(base_url=self.url, timeout=30)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "serve.log"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "WATCHLIST_DATA": str(self.data),
            "WATCHLIST_PORT": str(self.port),
            "WATCHLIST_DEMO": "0",
            **self.more,
        }

    # Commands ---------------------------------------------------------------------------------

    def spawn(
        self, *arguments: str, module: str = "watchlist", output: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """One of our programs, started; what it says goes to a file."""
        with (output or self.log).open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def run(self, *arguments: str, **variables: str) -> Said:
        """One command, to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "watchlist", *arguments],
            env={**self.environment, **variables},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def hire(self, role: str, operator: str | None = None, organisation: str = "GRPM") -> Somebody:
        """Somebody with a new key of that role; by default of a name of its own."""
        given = ("--operator", operator or f"the {role}", "--role", role, "--organisation", organisation)
        issued = self.run("key", "issue", *given, "--json").told
        return Somebody(self.http, issued["key"], issued["id"])

    # The service ------------------------------------------------------------------------------

    def start(self, *arguments: str) -> Self:
        """`watchlist serve`, until it says that it is ready."""
        self.process = self.spawn("serve", *arguments)
        assert soon(lambda: self.is_ready() or self.has_ended(), PATIENCE), self.said()
        assert not self.has_ended(), self.said()
        return self

    def is_ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def end(self, number: int = signal.SIGINT) -> int:
        """Asked to end as by Ctrl-C, or by another signal; its status."""
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self.process = None
        return status

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def postmaster(self) -> int | None:
        """The number of the PostgreSQL server of this data folder, as its pid file says."""
        try:
            return int((self.data / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
        except FileNotFoundError:
            return None

    def leave(self) -> None:
        """Nothing of ours stays behind, whatever the test came to."""
        self.http.close()
        if not self.has_ended():
            try:
                self.end(signal.SIGTERM)
            except subprocess.TimeoutExpired:
                assert self.process is not None
                self.process.kill()
                self.process.wait()
        pid = self.postmaster()
        if pid is not None and os.fsencode(self.data) in _command(pid):
            os.kill(pid, signal.SIGQUIT)


@dataclass(frozen=True, slots=True)
class Somebody:
    """A client of the service, by one key."""

    http: httpx.Client
    key: str
    key_id: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.key}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self.http.request(method, f"/v1{path}", json=body, headers=sent)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.ask("POST", path, {} if body is None else body, **headers)

    def made(self, path: str, body: Any = None, status: int = 201) -> dict[str, Any]:
        answer = self.post(path, body)
        assert answer.status_code == status, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """The log, as the auditor reads it."""
        answer = self.ask("GET", f"/audit/events?after={after}")
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


# Processes ------------------------------------------------------------------------------------


@contextmanager
def crossable() -> Iterator[Path]:
    """A temporary folder that another system user may cross: root's PostgreSQL is one's."""
    with TemporaryDirectory(prefix="watchlist-acceptance-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@contextmanager
def service(**more: str) -> Iterator[Service]:
    """A service that is not started yet, in a folder of its own."""
    with crossable() as folder:
        made = Service(folder, more)
        try:
            yield made
        finally:
            made.leave()


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def soon(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it comes to be, in that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def family_of(pid: int) -> set[int]:
    """That process, and all that descend from it."""
    parents = {int(path.parent.name): _parent(path) for path in Path("/proc").glob("[0-9]*/stat")}
    found, fresh = set[int](), {pid}
    while fresh:
        found |= fresh
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
    return found


def lives(pid: int) -> bool:
    """Whether it runs; what waits for its parent to collect it does not."""
    try:
        return _fields(Path(f"/proc/{pid}/stat"))[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _parent(stat: Path) -> int:
    try:
        return int(_fields(stat)[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _fields(stat: Path) -> list[str]:
    """Those after the program's name, which may hold anything."""
    return stat.read_text(errors="replace").rpartition(")")[2].split()


ROLES = ("investigator", "supervisor", "integrator", "auditor")


@dataclass(frozen=True, slots=True)
class Office:
    """Somebody of each role."""

    investigator: Somebody
    supervisor: Somebody
    integrator: Somebody
    auditor: Somebody

    @classmethod
    def hired(cls, running: Service) -> Office:
        """One key a role, each issued by the command line while the service runs, and all at once."""
        with ThreadPoolExecutor(len(ROLES)) as commands:
            return cls(*commands.map(running.hire, ROLES))
