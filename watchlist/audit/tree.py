"""The tree of the log in tiles: it grows by what is new, and a proof reads a few tiles of it (RFC 9162).

A tile of level 0 holds 256 hashes of leaves; one of level n the roots of 256 complete subtrees of 256^n leaves each.
Only complete subtrees are ever stored: what is stored never changes, a tile only gets longer, and a tree of any
earlier size is still in it. What is not complete at the right edge of a tree is folded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from watchlist.audit.verifier import EMPTY_ROOT, HASH_BYTES, node_hash

WIDTH_BITS = 8
WIDTH = 1 << WIDTH_BITS
"""Hashes in a full tile."""
KEPT_ROOTS = 4096
"""Some megabytes."""


class Place(NamedTuple):
    """Where a tile stands."""

    level: int
    tile: int


class Span(NamedTuple):
    """The subtree over these leaves: from `begin` until before `end`."""

    begin: int
    end: int


Tiles = Mapping[Place, bytes]


def split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


# What is new ----------------------------------------------------------------------------------


class Frontier:
    """The right edge of the tree: of each level the last tile, as far as it is not full."""

    def __init__(self, unfilled: Sequence[bytes] = ()) -> None:
        """From the hashes of these tiles, level by level; they alone tell the size and the root of the tree."""
        self._levels = [split(hashes) for hashes in unfilled]
        self.size = sum(len(hashes) << WIDTH_BITS * level for level, hashes in enumerate(self._levels))
        self.grown: dict[tuple[int, int], bytes] = {}
        """The tiles that got longer or are new, whole."""

    @staticmethod
    def places(size: int) -> list[Place]:
        """The tiles at the right edge of a tree; one that is full belongs to it no more."""
        return [Place(level, size >> WIDTH_BITS * (level + 1)) for level in range(_levels(size))]

    def add(self, leaves: Sequence[bytes]) -> None:
        """The next leaves, by their hashes."""
        level, new = 0, list(leaves)
        while new:
            new = self._extend(level, new)
            level += 1
        self.size += len(leaves)

    def _extend(self, level: int, new: list[bytes]) -> list[bytes]:
        """The next hashes of a level; the roots of the tiles that they filled belong to the level above."""
        if level == len(self._levels):
            self._levels.append([])
        hashes = self._levels[level] + new
        tile = self.size >> WIDTH_BITS * (level + 1)
        roots: list[bytes] = []
        for begin in range(0, len(hashes) - WIDTH + 1, WIDTH):
            full = hashes[begin : begin + WIDTH]
            self.grown[Place(level, tile + len(roots))] = b"".join(full)
            roots.append(_perfect_root(full))
        rest = hashes[len(roots) * WIDTH :]
        if rest:
            self.grown[Place(level, tile + len(roots))] = b"".join(rest)
        self._levels[level] = rest
        return roots

    def root(self) -> bytes:
        peaks = [peak for hashes in reversed(self._levels) for peak in _peaks(hashes)]
        return _folded(peaks) if peaks else EMPTY_ROOT


def _levels(size: int) -> int:
    return max(1, -(-size.bit_length() // WIDTH_BITS))


def _perfect_root(hashes: list[bytes]) -> bytes:
    """Of a power of two of them."""
    while len(hashes) > 1:
        pairs = iter(hashes)
        hashes = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)]
    return hashes[0]


def _peaks(hashes: list[bytes]) -> Iterable[bytes]:
    """The roots of the largest complete subtrees, from the left."""
    begin = 0
    while begin < len(hashes):
        width = 1 << (len(hashes) - begin).bit_length() - 1
        yield _perfect_root(hashes[begin : begin + width])
        begin += width


def _folded(peaks: list[bytes]) -> bytes:
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


# Proofs: first which subtrees, then from which tiles --------------------------------------------


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The subtrees whose roots are the inclusion proof of a leaf, from the leaf upward (RFC 9162, 2.1.3.1)."""
    spans: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _half(end - begin)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(begin, middle))
            begin = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """Those that prove that the tree of `new` leaves begins with that of `old` (RFC 9162, 2.1.4.1)."""
    if old in (0, new):
        return []
    spans: list[Span] = []
    begin, end = 0, new
    while end != old:
        middle = begin + _half(end - begin)
        if old <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(begin, middle))
            begin = middle
    if begin:
        spans.append(Span(begin, end))
    return spans[::-1]


def _half(leaves: int) -> int:
    """The largest power of two below their number."""
    return 1 << (leaves - 1).bit_length() - 1


def places_of(spans: Iterable[Span]) -> set[Place]:
    """The tiles that their roots are computed from."""
    return {
        place for span in spans for height, number in _complete(span) for place in [_at(height, number)[0]]
    }


def root_of_span(span: Span, tiles: Tiles) -> bytes:
    """KeyError or IndexError: a tile lacks what it should hold."""
    return _folded([_complete_root(height, number, tiles) for height, number in _complete(span)])


def proof(spans: Iterable[Span], read: Callable[[set[Place]], Tiles]) -> tuple[bytes, ...]:
    """Their roots, the tiles read at once."""
    wanted = list(spans)
    tiles = read(places_of(wanted)) if wanted else {}
    return tuple(root_of_span(span, tiles) for span in wanted)


def _complete(span: Span) -> Iterable[tuple[int, int]]:
    """The complete subtrees that it consists of, from the left: height, and number among those of that height."""
    begin, end = span
    while begin < end:
        height = (end - begin).bit_length() - 1
        yield height, begin >> height
        begin += 1 << height


def _at(height: int, number: int) -> tuple[Place, int, int]:
    """The tile that a complete subtree is computed from; where in it, and how many hashes."""
    level, rest = divmod(height, WIDTH_BITS)
    first = number << rest
    return Place(level, first >> WIDTH_BITS), first % WIDTH, 1 << rest


def _complete_root(height: int, number: int, tiles: Tiles) -> bytes:
    place, first, count = _at(height, number)
    held = tiles[place][first * HASH_BYTES : (first + count) * HASH_BYTES]
    if len(held) != count * HASH_BYTES:
        raise IndexError(place)
    return _known_root(held)


@lru_cache(KEPT_ROOTS)
def _known_root(hashes: bytes) -> bytes:
    """By what it is computed from, so that it is never out of date; proofs share all but the subtrees by their leaf."""
    return _perfect_root(split(hashes))
