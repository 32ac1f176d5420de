"""A socket between the service and PostgreSQL that loses, when it is told to, the answer to a commit.

What the service sends reaches the server and is done; what the server answers to the next commit of a command, and
all that follows on that connection, reaches nobody.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

RECORDS = b"INSERT INTO commands"
"""Whatever records a command has this in its text."""
COMMITTED = b"C\0\0\0\x0bCOMMIT\0"
"""PostgreSQL's CommandComplete of a commit."""
AT_ONCE = 1 << 16


@dataclass
class Proxy:
    """Listens where a client looks for PostgreSQL's socket, and passes everything on to the server's own."""

    folder: Path
    server: str
    port: str
    lost: int = 0
    """How many acknowledgements."""
    armed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        return f".s.PGSQL.{self.port}"

    def listen(self, listener: socket.socket) -> None:
        """Until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(f"{self.server}/{self.name}")
                connection = Connection(self, client, server)
                for direction in (connection.ask, connection.answer):
                    threading.Thread(target=direction, daemon=True).start()

    def loses_this(self) -> bool:
        """Whether it was told to lose one; it does so once."""
        with self._lock:
            losing, self.armed = self.armed, False
            self.lost += losing
            return losing


@dataclass
class Connection:
    proxy: Proxy
    client: socket.socket
    server: socket.socket
    recording: bool = False
    """Whether a command was asked to be recorded, and its commit not answered yet."""
    statements: set[bytes] = field(default_factory=set)
    """The names under which this connection prepared what records a command."""

    def ask(self) -> None:
        """What the client says, message by message, after its first one."""
        with suppress(OSError, EOFError):
            (length,) = struct.unpack("!I", first := _exactly(self.client, 4))
            self.server.sendall(first + _exactly(self.client, length - 4))
            while True:
                kind = _exactly(self.client, 1)
                (length,) = struct.unpack("!I", size := _exactly(self.client, 4))
                body = _exactly(self.client, length - 4)
                self._notice(kind, body)
                self.server.sendall(kind + size + body)
        self._close()

    def _notice(self, kind: bytes, body: bytes) -> None:
        """Parse names a statement and has its text; Bind has a portal and the name of a statement."""
        if kind == b"P":
            name, _, text = body.partition(b"\0")
            (self.statements.add if RECORDS in text else self.statements.discard)(name)
        if kind == b"B" and body.split(b"\0", 2)[1] in self.statements:
            self.recording = True

    def answer(self) -> None:
        with suppress(OSError):
            while said := self.server.recv(AT_ONCE):
                before, commit, _ = said.partition(COMMITTED)
                if commit and self.recording:
                    self.recording = False
                    if self.proxy.loses_this():
                        self.client.sendall(before)
                        break
                self.client.sendall(said)
        self._close()

    def _close(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _exactly(end: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        more = end.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return bytes(found)


@contextmanager
def a_proxy(conninfo: str, folder: Path) -> Iterator[tuple[Proxy, str]]:
    """The proxy before that server, and the connection string that leads to it."""
    given = conninfo_to_dict(conninfo)
    proxy = Proxy(folder, str(given["host"]), str(given.get("port") or 5432))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / proxy.name))
        listener.listen(64)
        threading.Thread(target=proxy.listen, args=(listener,), daemon=True).start()
        yield proxy, make_conninfo(conninfo, host=str(folder))
        listener.shutdown(socket.SHUT_RDWR)
