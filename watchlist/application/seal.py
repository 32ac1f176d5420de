"""Seal the log (T4): what was recorded since goes into the tree, and a checkpoint of it is signed and published.

Nothing is ever signed over a past that changed: before, the tree that is kept must be the one that was published last,
that checkpoint signed by a key that is held, and the last sealed event still what was sealed. What lies deeper is
compared by `check_seal`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from watchlist.audit.leaf import digest_line
from watchlist.audit.signer import Signer
from watchlist.audit.tree import Frontier
from watchlist.audit.verifier import Broken, Checkpoint, Note, VerifierKey, leaf_hash
from watchlist.domain.refusals import NoSealKey, PastChanged
from watchlist.ports.clock import Clock
from watchlist.ports.log import Log
from watchlist.ports.seal import Extension, Growth, Published, Sealing, SealKeys

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
    clock: Clock
    origin: str | None = None

    def seal(self) -> Published | None:
        """All that is recorded, now; the last checkpoint that was published by it, None when nothing was new.

        Waits for another who does it; raises Busy, PastChanged, NoSealKey.
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

    def signer(self, keys: Sequence[str]) -> Signer:
        """Who signs now for a log that was signed by `keys`; raises NoSealKey."""
        return Signer(VerifierKey.parse(keys[0]).name, self.keys.seeds(begun=True))

    def _extend(self) -> tuple[Published | None, bool]:
        """One checkpoint, and whether more waits than it covers."""
        now = self.clock.now()
        with self.sealing.extend() as extension:
            signer = Signer(
                _origin(extension) or self.origin or f"watchlist.invalid/{uuid4().hex}",
                self.keys.seeds(begun=bool(extension.keys)),
            )
            tree = _require_unchanged(extension, signer)
            positions, hashes = extension.events(extension.last.position if extension.last else 0, LARGEST)
            more = len(positions) == LARGEST
            digests = [] if more else extension.digests((now - DAY_IS_OVER).date())
            hashes += [leaf_hash(digest_line(digest)) for digest in digests]
            if not hashes:
                return None, False
            tree.add(hashes)
            last = positions[-1] if positions else extension.last.position if extension.last else 0
            root = tree.root()
            published = Published(tree.size, root, now, last, str(signer.note(tree.size, root)))
            extension.publish(Growth(positions, digests, tree.grown), published, list(map(str, signer.keys)))
        return published, more


def _origin(extension: Extension) -> str | None:
    return VerifierKey.parse(extension.keys[0]).name if extension.keys else None


def _require_unchanged(extension: Extension, signer: Signer) -> Frontier:
    """The tree as it is kept, if it is the very one that was published last and we signed it; PastChanged otherwise."""
    tree = Frontier(extension.unfilled)
    last = extension.last
    wrong = None
    if last is None:
        if tree.size or extension.keys:
            wrong = "checkpoints are missing"
    elif (tree.size, tree.root()) != (last.size, last.root):
        wrong = "the tree is not the one that was published last"
    elif not _is_ours(last, signer):
        wrong = "the last checkpoint is not signed by a key that is held"
    else:
        sealed = extension.last_leaf()
        if sealed is not None and sealed[0] != sealed[1]:
            wrong = f"the event at position {last.position} is not the one that was sealed"
    if wrong is not None:
        log.critical("nothing was sealed: %s; compare with `watchlist seal --check`", wrong)
        raise PastChanged()
    return tree


def _is_ours(last: Published, signer: Signer) -> bool:
    try:
        note = Note.parse(last.note.encode())
        said = Checkpoint.parse(note.text)
    except Broken:
        return False
    return said == Checkpoint(signer.origin, last.size, last.root) and signer.signed(note)
