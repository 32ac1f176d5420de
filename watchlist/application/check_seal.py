"""Compare everything that is sealed with everything that is recorded (T4): what differs is named by its position.

The hashes of the leaves are recomputed from the log and from the registers, the tiles above from those hashes, each
checkpoint from them too, and its signatures are checked. A database in which all of it was rewritten is consistent with
itself: that is found by whoever kept an earlier checkpoint, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct

from watchlist.audit.leaf import digest_line
from watchlist.audit.tree import Frontier, Place, split
from watchlist.audit.verifier import Broken, Checkpoint, Note, Peaks, VerifierKey, leaf_hash
from watchlist.ports.seal import Digest, Examination, Published

Progress = Callable[[int], None]


class Difference(Struct, frozen=True, omit_defaults=True):
    """What is not as it was sealed."""

    what: str
    """event_changed, event_missing, event_added, digest_changed, register_differs, month_dropped, leaf_unreadable,
    tile_differs, checkpoint_differs, checkpoint_missing, checkpoint_unsigned."""
    position: int | None = None
    """Of an event."""
    leaf_index: int | None = None
    tree_size: int | None = None
    """Of a checkpoint."""
    where: str | None = None


def check_seal(
    examined: Examination,
    held: Sequence[VerifierKey],
    kept_since: date,
    progress: Progress = lambda done: None,
) -> list[Difference]:
    """All differences; `held`: the keys that sign now (none: they are elsewhere), `kept_since`: of accesses."""
    published, keys = examined.published(), examined.keys()
    found = list(_signatures(published, [VerifierKey.parse(key) for key in keys], held))
    digests = examined.digests()
    found += _leaves(examined, digests, published, progress)
    found += _registers(examined, digests, kept_since)
    return found


# Leaves, tiles, roots -------------------------------------------------------------------------


def _leaves(
    examined: Examination, digests: Mapping[int, Digest], published: Sequence[Published], progress: Progress
) -> Iterator[Difference]:
    tree, peaks, roots = Frontier(), Peaks(), _Roots(published)
    last = 0
    for sources, hashes in examined.leaves():
        known = split(hashes)
        if len(known) != len(sources):
            yield Difference("leaf_unreadable", leaf_index=tree.size)
            known = known[: len(sources)] + [b""] * (len(sources) - len(known))
        until = max((source for source in sources if source > 0), default=last)
        now = {position: leaf_hash(line) for position, line in examined.events(last, until)}
        for index, (source, sealed) in enumerate(zip(sources, known, strict=True), tree.size):
            if source < 0:
                yield from _digest(index, digests.get(-source), sealed)
            else:
                yield from _event(index, source, now.pop(source, None), sealed)
            peaks.add(sealed)
            yield from roots.compare(peaks, max(last, source))
            last = max(last, source)
        yield from (Difference("event_added", position=position) for position in now)
        tree.add(known)
        progress(tree.size)
    yield from roots.left()
    if tree.size > (published[-1].size if published else 0):
        yield Difference("checkpoint_missing", tree_size=tree.size)
    yield from _tiles(tree, examined.upper_tiles())


def _event(index: int, position: int, now: bytes | None, sealed: bytes) -> Iterator[Difference]:
    if now != sealed:
        what = "event_missing" if now is None else "event_changed"
        yield Difference(what, position=position, leaf_index=index)


def _digest(index: int, digest: Digest | None, sealed: bytes) -> Iterator[Difference]:
    if digest is None or leaf_hash(digest_line(digest)) != sealed:
        where = None if digest is None else f"{digest.register} of {digest.day}"
        yield Difference("digest_changed", leaf_index=index, where=where)


def _tiles(tree: Frontier, kept: Mapping[Place, bytes]) -> Iterator[Difference]:
    made = {Place(*place): hashes for place, hashes in tree.grown.items() if place[0]}
    for place in sorted(made.keys() | kept.keys()):
        if made.get(place) != kept.get(place):
            yield Difference("tile_differs", where=f"level {place.level}, tile {place.tile}")


class _Roots:
    """The checkpoints, compared one after the other while the tree grows."""

    def __init__(self, published: Sequence[Published]) -> None:
        self._published = list(reversed(published))

    def compare(self, peaks: Peaks, position: int) -> Iterator[Difference]:
        while self._published and self._published[-1].size <= peaks.size:
            one = self._published.pop()
            if (one.size, one.root, one.position) != (peaks.size, peaks.root(), position):
                yield Difference("checkpoint_differs", tree_size=one.size)

    def left(self) -> Iterator[Difference]:
        yield from (Difference("checkpoint_differs", tree_size=one.size) for one in reversed(self._published))


# Signatures, registers ------------------------------------------------------------------------


def _signatures(
    published: Sequence[Published], keys: Sequence[VerifierKey], held: Sequence[VerifierKey]
) -> Iterator[Difference]:
    for one in published:
        trusted = held if held and one is published[-1] else keys
        if not _signed(one, keys[0].name if keys else "", trusted):
            yield Difference("checkpoint_unsigned", tree_size=one.size)


def _signed(published: Published, origin: str, keys: Sequence[VerifierKey]) -> bool:
    try:
        note = Note.parse(published.note.encode())
        said = Checkpoint.parse(note.text)
        signed = [note.signed_by(key) for key in keys]
    except Broken:
        return False
    return said == Checkpoint(origin, published.size, published.root) and any(signed)


def _registers(
    examined: Examination, digests: Mapping[int, Digest], kept_since: date
) -> Iterator[Difference]:
    """As far as they are kept: months of accesses that were dropped in time break nothing. One that is gone as a whole
    and should not be is told as that: it was dropped in time if fewer months were kept then."""
    for register in sorted({digest.register for digest in digests.values()}):
        sealed = {digest.day: digest for digest in digests.values() if digest.register == register}
        days = min(sealed), max(sealed)
        gone = examined.dropped(*days) if register == "accesses" else ()
        missed = set[date]()
        for now in examined.days(register, *days):
            if now == sealed.get(now.day) or (
                register == "accesses" and now.day < kept_since and not now.rows
            ):
                continue
            if (month := now.day.replace(day=1)) in gone:
                missed.add(month)
            else:
                yield Difference("register_differs", where=f"{register} of {now.day}")
        yield from (
            Difference("month_dropped", where=f"{register} of {month:%Y-%m}") for month in sorted(missed)
        )
