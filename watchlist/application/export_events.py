"""Write what is sealed into a bundle that is verified without us: events, digests, checkpoints, stamps (T4).

Nothing personal is in it: events hold codes, dates, random ids and commitments.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from watchlist.audit import bundle
from watchlist.audit.bundle import Content, LogSigner
from watchlist.audit.verifier import Broken, Checkpoint, Note, require_consistent
from watchlist.ports.seal import Published, SealedLeaves, SealedLog

AT_ONCE = 1000


class BundleThere(Exception):
    """A bundle is never written over something."""


class NothingSealed(Exception):
    """There is no checkpoint to export up to."""


class NotWhatWasSealed(Exception):
    """The leaves that the database gives do not have the root that was published, or nobody who seals published it."""


class NoRoom(Exception):
    """The disk filled up; nothing is left of the bundle."""


@dataclass(frozen=True, slots=True)
class Exported:
    origin: str
    size: int
    root: bytes
    position: int


Progress = Callable[[int, int], None]


def export_events(
    log: SealedLog,
    leaves: SealedLeaves,
    signer: LogSigner,
    path: Path,
    *,
    until: int | None = None,
    witnesses: Sequence[str] = (),
    progress: Progress = lambda done, total: None,
) -> Exported:
    """Up to the last checkpoint, or the last of at most `until` leaves; in a folder, or in one file (`.tar`).

    Written beside and renamed at its end: what is half written never has the name of a bundle.
    """
    if path.exists():
        raise BundleThere(f"{path} is there already: name another, or take it away first")
    last = _last(log, until)
    _require_signed(log, last, signer)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.unfinished-", dir=path.parent))
    try:
        exported = _write(log, leaves, signer, beside, last, witnesses, progress)
        whole = beside / "bundle"
        if path.suffix == ".tar":
            bundle.pack(beside / "bundle", beside / "bundle.tar")
            whole = beside / "bundle.tar"
        if path.exists():
            raise BundleThere(f"{path} has come meanwhile: nothing is written")
        whole.rename(path)
        _on_disk(path.parent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom(f"no room for the bundle beside {path}: nothing is left of it") from None
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return exported


def _last(log: SealedLog, until: int | None) -> Published:
    last = log.latest()
    if until is not None and last is not None and last.size > until:
        last = None
        for one in _published(log, until):
            last = one
    if last is None:
        raise NothingSealed("nothing is sealed so far, or not so little: `watchlist seal` makes a checkpoint")
    return last


def _require_signed(log: SealedLog, last: Published, signer: LogSigner) -> None:
    """By a key that signs the manifest: itself, or, when those that signed it were dropped, the last one published."""
    if _is_signed(last, signer):
        return
    latest = log.latest()
    if latest is None or latest.size == last.size or not _is_signed(latest, signer):
        raise NotWhatWasSealed(f"the checkpoint of {last.size} leaves is not signed by a key that is held")
    try:
        path = log.consistency(last.size, latest.size)
        require_consistent(last.size, last.root, latest.size, latest.root, path)
    except (Broken, LookupError):
        raise NotWhatWasSealed(f"what is signed does not continue the {last.size} leaves") from None


def _is_signed(one: Published, signer: LogSigner) -> bool:
    try:
        note = Note.parse(one.note.encode())
        said = Checkpoint.parse(note.text)
        return (said.size, said.root) == (one.size, one.root) and any(
            key.name == said.origin and note.signed_by(key) for key in signer.keys
        )
    except Broken:
        return False


def _published(log: SealedLog, until: int) -> Iterator[Published]:
    """Checkpoints of at most so many leaves, by size."""
    after = 0
    while page := log.published(after, AT_ONCE):
        yield from takewhile(lambda one: one.size <= until, page)
        after = page[-1].size
        if after > until:
            return


def _write(
    log: SealedLog,
    leaves: SealedLeaves,
    signer: LogSigner,
    beside: Path,
    last: Published,
    witnesses: Sequence[str],
    progress: Progress,
) -> Exported:
    (beside / "bundle").mkdir()
    origin = Checkpoint.parse(Note.parse(last.note.encode()).text).origin
    content = Content(
        origin,
        last.size,
        [*log.keys(), *map(str, reversed(signer.keys)), *witnesses],
        (one.note for one in _published(log, last.size)),
        _stamps(log, last.size),
        _leaves(leaves, last.size, progress),
    )
    root = bundle.write(beside / "bundle", content, signer)
    if root != last.root:
        raise NotWhatWasSealed(
            f"the {last.size} leaves that the database gives do not have the root that was published: "
            "`watchlist seal --check` names what differs"
        )
    return Exported(origin, last.size, root, last.position)


def _stamps(log: SealedLog, until: int) -> Iterator[tuple[int, bytes]]:
    after = 0
    while page := log.stamps(after, AT_ONCE):
        # a page may end among the stamps of one size: those are asked for again, whole
        whole = page if len(page) < AT_ONCE else [one for one in page if one.size < page[-1].size]
        yield from ((one.size, one.token) for one in whole or page if one.size <= until)
        if len(page) < AT_ONCE or page[-1].size > until:
            return
        after = (whole or page)[-1].size


def _leaves(log: SealedLeaves, size: int, progress: Progress) -> Iterator[bytes]:
    done = 0
    while done < size and (page := log.leaves(done, min(AT_ONCE, size - done))):
        yield from page
        done += len(page)
        progress(done, size)


def _on_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
