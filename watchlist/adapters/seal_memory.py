"""What was signed last, remembered apart from the database, whose owner the seal is to bind (T4)."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import msgspec

from watchlist.audit.verifier import Broken, Checkpoint, Note
from watchlist.domain.refusals import NoSealMemory
from watchlist.ports.seal import Published

FILE = "seal.signed"


class GivenSealMemory:
    """Keeps the port SealMemory for as long as a process lives: for a house that nobody keeps."""

    def __init__(self) -> None:
        self._last: Published | None = None

    def last(self) -> Published | None:
        return self._last

    def keep(self, signed: Published | None) -> None:
        self._last = signed


class _Line(msgspec.Struct, frozen=True):
    at: datetime
    position: int
    note: str


class FileSealMemory:
    """Keeps the port SealMemory with a file of a folder; nothing in it is secret."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def last(self) -> Published | None:
        try:
            line = msgspec.json.decode(self._path.read_bytes(), type=_Line)
            said = Checkpoint.parse(Note.parse(line.note.encode()).text)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, Broken):
            raise NoSealMemory() from None
        return Published(said.size, said.root, line.at, line.position, line.note)

    def keep(self, signed: Published | None) -> None:
        """On disk when this returns; at no instant is the file half of one."""
        try:
            if signed is None:
                self._path.unlink(missing_ok=True)
            else:
                self._replace(msgspec.json.encode(_Line(signed.at, signed.position, signed.note)) + b"\n")
            _on_disk(self._path.parent)
        except OSError:
            raise NoSealMemory() from None

    def _replace(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}")
        with draft.open("wb") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def _on_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
