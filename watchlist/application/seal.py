"""Seal the log (T4): what was recorded since goes into the tree, and a checkpoint of it is signed and published.

What is signed always begins with what was signed from here last, which is remembered apart from the database: its owner
can neither cut the log back nor begin it anew and have that signed. The tree that is kept must also be the one that was
published last, that checkpoint signed by a key that is held, and the last sealed event still what was sealed. Leaves
that lie deeper are not read again: those are compared by `check_seal`.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from watchlist.audit.leaf import digest_line
from watchlist.audit.signer import Signer
from watchlist.audit.tree import Frontier
from watchlist.audit.verifier import (
    Broken,
    Checkpoint,
    Note,
    VerifierKey,
    leaf_hash,
    require_consistent,
)
from watchlist.domain.refusals import NoSealKey, PastChanged
from watchlist.ports.clock import Clock
from watchlist.ports.log import Log
from watchlist.ports.seal import Extension, Growth, Published, Sealing, SealKeys, SealMemory

LARGEST = 1 << 20
"""Events that are sealed in one transaction; of more, the rest in the next."""
DAY_IS_OVER = timedelta(hours=1)
"""After midnight (UTC): whatever was asked or told that day is on disk by then."""
log = logging.getLogger("watchlist.seal")


@dataclass(frozen=True, slots=True)
class Sealer:
    """Who seals, with which keys; `origin` is what a new log is named."""

    log: Log
    sealing: Sealing
    keys: SealKeys
    memory: SealMemory
    clock: Clock
    origin: str | None = None

    def seal(self) -> Published | None:
        """All that is recorded, now; the last checkpoint that was published by it, None when nothing was new.

        Waits for another who does it; raises Busy, PastChanged, NoSealKey, NoSealMemory.
        """
        published = None
        while True:
            made, more = self._extend()
            published = made or published
            if not more:
                return published

    def seal_unless_busy(self) -> tuple[bool, Published | None]:
        """The same, unless another process is doing it: whether it was done here."""
        with self.log.alone("seal") as alone:
            return alone, self.seal() if alone else None

    def held(self, keys: Sequence[str]) -> list[VerifierKey]:
        """The public keys of those that sign now, for a log that was signed by `keys`; none when they are not here."""
        if not keys:
            return []
        with suppress(NoSealKey):
            return self.signer(keys).keys
        return []

    def known(self, keys: Sequence[str]) -> list[str]:
        """The public keys that signed, `keys`, and those that sign now and may not have signed yet; oldest first."""
        return list(dict.fromkeys([*keys, *map(str, reversed(self.held(keys)))]))

    def signer(self, keys: Sequence[str]) -> Signer:
        """Who signs now for a log that was signed by `keys`; raises NoSealKey."""
        return Signer(VerifierKey.parse(keys[0]).name, self.keys.seeds(begun=True))

    def begin_after_restore(self) -> tuple[Published | None, Published | None]:
        """Believe the log as it is published, whatever was signed of it before: what was remembered, and is now.

        For after a restore, or a failover that lost events; nothing else may ask for it.
        """
        with self.sealing.extend() as extension:
            before = self.memory.last()
            self.memory.keep(extension.last)
            log.warning("asked to seal on from %s, not from %s", _size(extension.last), _size(before))
            return before, extension.last

    def _extend(self) -> tuple[Published | None, bool]:
        """One checkpoint, and whether more waits than it covers."""
        with self.sealing.extend() as extension:
            signed = self.memory.last()
            signer = self._signer(extension, signed)
            tree = _require_unchanged(extension, signer, signed)
            # a crash came between: what was signed is published first, as it was
            pending = signed if signed and signed.size > tree.size else None
            now = pending.at if pending else min(self.clock.now(), extension.now())
            growth, more = _grown(extension, tree, now, pending.position if pending else None)
            if not tree.grown and not pending:
                return None, False
            published = _signed(extension, signer, tree, growth, now)
            if pending and (published.size, published.root) != (pending.size, pending.root):
                raise _changed("what was signed last cannot be made again")
            self.memory.keep(published)
            extension.publish(growth, published, list(map(str, signer.keys)))
        return published, more or pending is not None

    def _signer(self, extension: Extension, signed: Published | None) -> Signer:
        if extension.keys:
            return self.signer(extension.keys)
        origin = self.origin or f"watchlist.invalid/{uuid4().hex}"
        if signed is not None:
            origin = Checkpoint.parse(Note.parse(signed.note.encode()).text).origin
        return Signer(origin, self.keys.seeds(begun=signed is not None))


def _size(one: Published | None) -> str:
    return f"{one.size} leaves" if one else "nothing"


# What it grows by -----------------------------------------------------------------------------


def _grown(extension: Extension, tree: Frontier, now: datetime, until: int | None) -> tuple[Growth, bool]:
    """The tree with what is new in it, up to a position if there is one; and whether more waits."""
    positions, hashes = extension.events(extension.last.position if extension.last else 0, LARGEST)
    if until is not None:
        positions = positions[: bisect_right(positions, until)]
    more = len(positions) == LARGEST
    digests = [] if more else extension.digests((now - DAY_IS_OVER).date())
    tree.add([*hashes[: len(positions)], *(leaf_hash(digest_line(digest)) for digest in digests)])
    return Growth(positions, digests, tree.grown), more


def _signed(extension: Extension, signer: Signer, tree: Frontier, growth: Growth, now: datetime) -> Published:
    last = extension.last.position if extension.last else 0
    position = growth.positions[-1] if growth.positions else last
    root = tree.root()
    return Published(tree.size, root, now, position, str(signer.note(tree.size, root)))


# That it is the past that was signed ----------------------------------------------------------


def _require_unchanged(extension: Extension, signer: Signer, signed: Published | None) -> Frontier:
    """The tree as it is kept, if it is the very one that was published last, we signed it, and it has what was signed
    from here before; PastChanged otherwise."""
    tree = Frontier(extension.unfilled)
    last = extension.last
    if last is None:
        if tree.size or extension.keys:
            raise _changed("checkpoints are missing")
        return tree
    if (tree.size, tree.root()) != (last.size, last.root):
        raise _changed("the tree is not the one that was published last")
    if not _is_ours(last, signer):
        raise _changed("the last checkpoint is not signed by a key that is held")
    sealed = extension.last_leaf()
    if sealed is not None and sealed[0] != sealed[1]:
        raise _changed(f"the event at position {last.position} is not the one that was sealed")
    if signed is not None and not _continues(extension, last, signed):
        raise _changed(f"it does not continue the {signed.size} leaves that were signed last")
    return tree


def _changed(wrong: str) -> PastChanged:
    log.critical("nothing was sealed: %s; compare with `watchlist seal --check`", wrong)
    return PastChanged()


def _continues(extension: Extension, last: Published, signed: Published) -> bool:
    """Whether the tree that is published begins with what was signed; of what is longer than it that shows later."""
    if signed.size > last.size:
        return True
    try:
        path = extension.consistency(signed.size, last.size)
        require_consistent(signed.size, signed.root, last.size, last.root, path)
    except (Broken, LookupError):
        return False
    return True


def _is_ours(last: Published, signer: Signer) -> bool:
    try:
        note = Note.parse(last.note.encode())
        said = Checkpoint.parse(note.text)
    except Broken:
        return False
    return said == Checkpoint(signer.origin, last.size, last.root) and signer.signed(note)
