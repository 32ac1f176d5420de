"""The folder of a witness: its key, and the last checkpoint of each log that it cosigned.

One process at a time has it, by a lock that ends with the process. What is kept is written beside, brought to the disk
and renamed, so that a crash leaves the one before or the new one, and never half of one. A note in it is the very one
that is published, with the witness's own line: one that was changed or damaged is refused rather than begun anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from watchlist.audit.verifier import Broken, Checkpoint, Note
from watchlist.audit.witness import WitnessKey

KEY = "witness.key"
LOCK = "witness.lock"
MOST_KEPT = 100
"""Of each kind and log: whoever runs it and rewrote it may sign any number."""
CONTRADICTIONS, DOUBTED = "contradictions", "doubted"
"""Apart: what anybody can send is never in the way of what proves something."""


class WitnessFolderUnusable(Exception):
    """The folder of a witness cannot be used; the message says why, and what to do."""


class WitnessFolder:
    """Keeps the port WitnessMemory; opened with its `with`, by one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise WitnessFolderUnusable(
                f"a witness already runs on {self.folder}: two on one folder could cosign two histories"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    # Its key ----------------------------------------------------------------------------------

    def has_key(self) -> bool:
        return (self.folder / KEY).exists()

    def key(self, name: str | None = None) -> WitnessKey:
        """The key of the folder; made there, under that name or one of chance, when nothing was cosigned yet."""
        path = self.folder / KEY
        if not self.has_key():
            return self._made(path, name)
        try:
            key = WitnessKey.parse(path.read_text("utf-8"))
        except (Broken, UnicodeDecodeError):
            raise WitnessFolderUnusable(f"{path} is not the key of a witness: restore it") from None
        if name is not None and name != key.name:
            raise WitnessFolderUnusable(f"the witness of {self.folder} is named {key.name} already")
        return key

    def _made(self, path: Path, name: str | None) -> WitnessKey:
        if any(self.folder.glob("*.note")):
            raise WitnessFolderUnusable(
                f"{path} is missing and this witness has cosigned: restore it, or begin another in a new folder"
            )
        key = WitnessKey.made(name or f"witness.invalid/{secrets.token_hex(8)}")
        _write(path, key.written().encode())
        return key

    # What it cosigned -------------------------------------------------------------------------

    def last(self, origin: str) -> str | None:
        path = self._note(origin)
        if not path.exists():
            return None
        try:
            written = path.read_bytes()
            note = Note.parse(written)
            if Checkpoint.parse(note.text).origin != origin or note.signed_by(self.key().public) is None:
                raise Broken("not its own")
        except (Broken, ValueError):
            raise WitnessFolderUnusable(
                f"{path} is not what this witness wrote: do not restore or remove it; begin another witness"
                " in a new folder, and tell whoever trusts this one"
            ) from None
        return str(note)

    def keep(self, origin: str, note: str) -> None:
        _write(self._note(origin), note.encode())
        (self._evidence(origin, DOUBTED) / _file(Note.parse(note.encode()).text)).unlink(missing_ok=True)

    # What it refused --------------------------------------------------------------------------

    def keep_contradiction(self, origin: str, checkpoint: str, request: bytes) -> None:
        self._keep_refused(origin, CONTRADICTIONS, checkpoint, request, self.last(origin))

    def keep_doubted(self, origin: str, checkpoint: str, request: bytes) -> None:
        self._keep_refused(origin, DOUBTED, checkpoint, request, None)

    def contradictions(self, origin: str) -> Sequence[str]:
        return _kept(self._evidence(origin, CONTRADICTIONS))

    def doubted(self, origin: str) -> Sequence[str]:
        return _kept(self._evidence(origin, DOUBTED))

    def _keep_refused(
        self, origin: str, kind: str, checkpoint: str, request: bytes, seen: str | None
    ) -> None:
        """By the text that the log signed: a request can be written in any number of ways, a text of its cannot."""
        folder = self._evidence(origin, kind)
        folder.mkdir(exist_ok=True, mode=0o700)
        path = folder / _file(checkpoint)
        if path.exists() or len(_kept(folder)) >= MOST_KEPT:
            return
        if seen is not None:
            _write(path.with_suffix(".seen"), seen.encode())
        _write(path, request)

    def _evidence(self, origin: str, kind: str) -> Path:
        return self.folder / f"{_file(origin)}.{kind}"

    def _note(self, origin: str) -> Path:
        return self.folder / f"{_file(origin)}.note"


def _file(text: str) -> str:
    """An origin, or a checkpoint, is any text; a file's name is not."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*") if not path.suffix)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and there after a power cut."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
