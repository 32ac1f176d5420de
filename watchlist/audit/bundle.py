"""A bundle is written: what an auditor carries away, so that it can be verified without us (docs/verifying.md)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from watchlist.audit.verifier import (
    CHECKPOINTS,
    HASHES,
    KEYS,
    LEAVES,
    MANIFEST,
    STAMP,
    TAR_END,
    Entry,
    Manifest,
    Note,
    Part,
    Peaks,
    VerifierKey,
    leaf_hash,
    padding,
    place_of,
    tar_header,
)


class LogSigner(Protocol):
    """The keys of the log, the newest first; every one that is held signs."""

    @property
    def keys(self) -> Sequence[VerifierKey]: ...

    def sign(self, text: str) -> Note: ...


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into a bundle, as it comes."""

    origin: str
    size: int
    keys: Sequence[str]
    """Public keys of the log and of its witnesses, as notes name them."""
    checkpoints: Iterable[str]
    """Notes up to that size, by size."""
    stamps: Iterable[tuple[int, bytes]]
    """Size of the checkpoint and token, by size."""
    leaves: Iterable[bytes]


def write(folder: Path, content: Content, signer: LogSigner) -> bytes:
    """All files of a bundle, on disk when this returns; the root of the leaves that were written."""
    with _fresh(folder / KEYS) as file:
        file.writelines(f"{key}\n".encode() for key in dict.fromkeys(content.keys))
    with _fresh(folder / CHECKPOINTS) as file:
        for number, note in enumerate(content.checkpoints):
            file.write((b"\n" if number else b"") + note.encode())
    names = [KEYS, CHECKPOINTS, *_stamps(folder, content.stamps), HASHES, LEAVES]
    peaks = Peaks()
    with _fresh(folder / HASHES) as hashes, _fresh(folder / LEAVES) as leaves:
        for leaf in content.leaves:
            hashed = leaf_hash(leaf)
            peaks.add(hashed)
            hashes.write(hashed.hex().encode() + b"\n")
            leaves.write(leaf + b"\n")
    entries = [_entry(folder, name) for name in names]
    with _fresh(folder / MANIFEST) as file:
        file.write(str(signed_manifest(content.origin, peaks.size, entries, signer)).encode())
    return peaks.root()


def signed_manifest(origin: str, size: int, entries: Sequence[Entry], signer: LogSigner) -> Note:
    signers = tuple(key.numbered for key in signer.keys)
    return signer.sign(Manifest(origin, size, signers, tuple(entries)).text())


def pack(folder: Path, container: Path) -> None:
    """The files of a folder, the manifest first, in the one container that they have."""
    names = [one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()]
    with _fresh(container) as file:
        for name in (MANIFEST, *sorted((name for name in names if name != MANIFEST), key=place_of)):
            length = (folder / name).stat().st_size
            file.write(tar_header(name, length))
            for chunk in Part(name, folder / name, 0, length).chunks():
                file.write(chunk)
            file.write(padding(length))
        file.write(TAR_END)


def _stamps(folder: Path, stamps: Iterable[tuple[int, bytes]]) -> Iterator[str]:
    before, number = 0, 0
    for size, token in stamps:
        before, number = size, number + 1 if size == before else 1
        name = f"stamps/{size}-{number}.tsr"
        assert STAMP.fullmatch(name)
        (folder / name).parent.mkdir(exist_ok=True)
        with _fresh(folder / name) as file:
            file.write(token)
        yield name


def _entry(folder: Path, name: str) -> Entry:
    path = folder / name
    return Part(name, path, 0, path.stat().st_size).entry()


@contextmanager
def _fresh(path: Path) -> Iterator[BinaryIO]:
    """A file that there was not, on disk at the end."""
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
