"""The master key: it wraps the keys of the keyring, and never touches what those seal.

It comes from a setting, from the output of a command (how a key service hands it out), or from a file in the data
folder when neither is configured. Each may give several, one a line: the first wraps, the others only open. To rotate
is to put a new one first, to wrap every key again, and to take the old ones away. Once an old one is destroyed, every
copy that is wrapped under it (backups, the dead rows of the database) is unreadable.
"""

from __future__ import annotations

import base64
import fcntl
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from watchlist.adapters import ciphers
from watchlist.adapters.ciphers import KEY_BYTES, KEY_ID_BYTES, Tampered, new_key

FILE = "master.key"
HEADER_BYTES = 1 + KEY_ID_BYTES
_VERSION = b"\x01"
_BARE_BYTES = 60
"""Length of a key that was wrapped before there was a header."""
COMMAND_SECONDS = 30.0


class MasterKeyMissing(Exception):
    """The database holds keys wrapped by a master key that is not here; one is never made again silently."""


class MasterKeyUnavailable(Exception):
    """The command that hands out the master key did not; what it printed is never shown."""


def header_of(master: bytes) -> bytes:
    """What every key wrapped under this one begins with: a version, and an id that tells nothing of it."""
    return _VERSION + ciphers.key_id(master, b"master key")


class MasterKeys:
    """Keeps the port MasterKey."""

    def __init__(
        self,
        keys: Sequence[bytes],
        stamp: Callable[[], object] | None = None,
        again: Callable[[], Sequence[bytes]] | None = None,
    ) -> None:
        """With `stamp` and `again`, they are read again whenever the stamp of their source is another."""
        self._stamp, self._again = stamp, again
        self._seen = stamp() if stamp else None
        self._take(keys)

    def __repr__(self) -> str:
        return f"MasterKeys({len(self._ring)}, sealed)"

    def _take(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"the master key has {KEY_BYTES} bytes")
        self._ring = {header_of(key): key for key in keys}

    def _read_again(self) -> None:
        if self._stamp is None or self._again is None:
            return
        stamp = self._stamp()
        if stamp is not None and stamp != self._seen:
            self._take(self._again())
            self._seen = stamp

    @property
    def headers(self) -> list[bytes]:
        """Of all that open, the one that wraps first."""
        self._read_again()
        return list(self._ring)

    def wrap(self, key: bytes, purpose: bytes) -> bytes:
        self._read_again()
        header, master = next(iter(self._ring.items()))
        return header + ciphers.wrap(master, key, header + purpose)

    def unwrap(self, wrapped: bytes, purpose: bytes) -> bytes:
        if len(wrapped) == _BARE_BYTES:
            return self._unwrap_bare(wrapped, purpose)
        header = wrapped[:HEADER_BYTES]
        if header not in self._ring:
            self._read_again()
        master = self._ring.get(header)
        if master is None:
            raise Tampered("a key does not open under this master key")
        return ciphers.unwrap(master, wrapped[HEADER_BYTES:], header + purpose)

    def _unwrap_bare(self, wrapped: bytes, purpose: bytes) -> bytes:
        for master in self._ring.values():
            with suppress(Tampered):
                return ciphers.unwrap(master, wrapped, purpose)
        raise Tampered("a key does not open under this master key")


# Of a command ---------------------------------------------------------------------------------


def printed_by(command: str, seconds: float = COMMAND_SECONDS) -> str:
    """What a command prints, run without a shell; whatever else it does, nothing of it is shown."""
    name = "WATCHLIST_MASTER_KEY_COMMAND"
    try:
        process = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError, IndexError) as error:
        raise MasterKeyUnavailable(f"{name} cannot be started ({type(error).__name__})") from None
    with process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):  # with all that it started: they may hold its output open
                os.killpg(process.pid, signal.SIGKILL)
            raise MasterKeyUnavailable(f"{name} did not end within {seconds:g} seconds") from None
    if process.returncode:
        raise MasterKeyUnavailable(f"{name} ended with status {process.returncode}")
    return output.decode("ascii", "replace")


# In the data folder ---------------------------------------------------------------------------


def master_key(folder: Path, database_has_keys: bool) -> str:
    """The keys in base64, one a line: read from the folder, or made there for a database that has no keys yet."""
    path = folder / FILE
    try:
        return path.read_text("ascii")
    except FileNotFoundError:
        if database_has_keys:
            raise MasterKeyMissing(
                f"{path} is missing and the database holds keys: restore it, or set WATCHLIST_MASTER_KEY_FILE"
            ) from None
    return make(path)


def stamp_of(folder: Path) -> object:
    """Another one whenever the file is another; None while it cannot be seen."""
    try:
        seen = (folder / FILE).stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_ino


def changed_seconds_ago(folder: Path, now: float) -> float:
    return now - (folder / FILE).stat().st_mtime


def put_first(folder: Path, file: str = FILE) -> None:
    """A new key before the others: from now on it wraps."""
    with _alone_in(folder):
        text = (folder / file).read_text("ascii")
        _replace(folder / file, _new_line() + text)


def keep_first(folder: Path, file: str = FILE) -> int:
    """Drop all but the first; how many. They are gone for good."""
    with _alone_in(folder):
        first, *others = (folder / file).read_text("ascii").split()
        if others:
            _replace(folder / file, first + "\n")
        return len(others)


def _new_line() -> str:
    return base64.b64encode(new_key()).decode() + "\n"


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Of several who change the file at once, one after the other."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
        os.fsync(held)
    finally:
        os.close(held)


def _replace(path: Path, text: str) -> None:
    """At no instant is the file missing, or half of one."""
    draft = _draft(path, text)
    owner = path.stat()
    if os.geteuid() == 0:
        os.chown(draft, owner.st_uid, owner.st_gid)
    os.replace(draft, path)


def _draft(path: Path, text: str) -> Path:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft


def make(path: Path) -> str:
    """A new key in a file, whole or not at all; a second process that makes one at the same time reads the first's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _new_line()
    draft = _draft(path, text)
    try:
        os.link(draft, path)
    except FileExistsError:
        text = path.read_text("ascii")
    finally:
        draft.unlink()
    return text
