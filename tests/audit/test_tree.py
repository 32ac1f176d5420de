"""The tiles give the trees and the proofs of RFC 9162, as its own words define them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache

import pytest

from watchlist.audit.tree import (
    Frontier,
    Place,
    Span,
    consistency_spans,
    inclusion_spans,
    places_of,
    proof,
    root_of_span,
)
from watchlist.audit.verifier import (
    EMPTY_ROOT,
    HASH_BYTES,
    leaf_hash,
    node_hash,
    require_consistent,
    root_by_inclusion,
)

LARGEST = 70_000
LEAVES = [leaf_hash(b"%d" % number) for number in range(LARGEST)]
SMALL = 600
PUBLIC = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
"""The leaves by which Certificate Transparency's own implementations are tested."""
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


# The oracle: RFC 9162, 2.1, word by word ------------------------------------------------------


@cache
def root(begin: int, end: int) -> bytes:
    if end == begin:
        return EMPTY_ROOT
    if end - begin == 1:
        return LEAVES[begin]
    k = largest_power_of_two_below(end - begin)
    return node_hash(root(begin, begin + k), root(begin + k, end))


def largest_power_of_two_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, begin: int, end: int) -> list[bytes]:
    if end - begin == 1:
        return []
    k = largest_power_of_two_below(end - begin)
    if m < k:
        return [*path(m, begin, begin + k), root(begin + k, end)]
    return [*path(m - k, begin + k, end), root(begin, begin + k)]


def subproof(m: int, begin: int, end: int, whole: bool) -> list[bytes]:
    if m == end - begin:
        return [] if whole else [root(begin, end)]
    k = largest_power_of_two_below(end - begin)
    if m <= k:
        return [*subproof(m, begin, begin + k, whole), root(begin + k, end)]
    return [*subproof(m - k, begin + k, end, False), root(begin, begin + k)]


# What is compared with it ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiles() -> dict[Place, bytes]:
    return grown([1] * SMALL + [LARGEST - SMALL])


def grown(steps: Iterable[int]) -> dict[Place, bytes]:
    """The tiles after the leaves came in such steps, each from what the steps before left behind."""
    kept: dict[Place, bytes] = {}
    size = 0
    for step in steps:
        frontier = Frontier([kept.get(place, b"") for place in Frontier.places(size)])
        assert (frontier.size, frontier.root()) == (size, root(0, size))
        frontier.add(LEAVES[size : size + step])
        for place, hashes in frontier.grown.items():
            before = kept.get(Place(*place), b"")
            assert hashes.startswith(before)
            assert len(before) < len(hashes) <= 256 * HASH_BYTES
            kept[Place(*place)] = hashes
        size += step
        assert (frontier.size, frontier.root()) == (size, root(0, size))
    return kept


def test_the_roots_are_the_publicly_known_ones() -> None:
    frontier = Frontier()
    assert frontier.root().hex() == ROOTS[0]
    for leaf, expected in zip(PUBLIC, ROOTS[1:], strict=True):
        frontier.add([leaf_hash(bytes.fromhex(leaf))])
        assert frontier.root().hex() == expected


def test_the_tiles_are_the_same_however_the_leaves_came(tiles: dict[Place, bytes]) -> None:
    assert grown([LARGEST]) == tiles
    assert grown([255, 1, 1, 65_279, 1, 1, LARGEST - 65_538]) == tiles


def test_every_small_tree_proves_every_leaf_and_every_tree_before_it(tiles: dict[Place, bytes]) -> None:
    for size in [*range(1, 40), 255, 256, 257, 513]:
        for index in range(size):
            made = proof(inclusion_spans(index, size), lambda places: {p: tiles[p] for p in places})
            assert list(made) == path(index, 0, size)
            assert root_by_inclusion(LEAVES[index], index, size, made) == root(0, size)
        for old in range(size + 1):
            made = proof(consistency_spans(old, size), lambda places: {p: tiles[p] for p in places})
            assert list(made) == (subproof(old, 0, size, True) if old else [])
            require_consistent(old, root(0, old), size, root(0, size), made)


def test_large_trees_prove_what_they_should(tiles: dict[Place, bytes]) -> None:
    chance = random.Random(9162)
    for size in [65_535, 65_536, 65_537, LARGEST, *(chance.randrange(1, LARGEST) for _ in range(40))]:
        index, old = chance.randrange(size), chance.randrange(1, size + 1)
        made = proof(inclusion_spans(index, size), lambda places: {p: tiles[p] for p in places})
        assert list(made) == path(index, 0, size)
        made = proof(consistency_spans(old, size), lambda places: {p: tiles[p] for p in places})
        assert list(made) == subproof(old, 0, size, True)


def test_a_proof_reads_a_tile_or_two_of_each_level() -> None:
    chance = random.Random(1)
    for size in (10**6, 10**7 + 12_345, 10**9 + 1):
        for _ in range(50):
            assert len(places_of(inclusion_spans(chance.randrange(size), size))) <= 8
            assert len(places_of(consistency_spans(chance.randrange(1, size), size))) <= 8


def test_a_tile_that_lacks_something_proves_nothing(tiles: dict[Place, bytes]) -> None:
    place = Place(0, 0)
    with pytest.raises(IndexError):
        root_of_span(Span(0, 256 - 128), {place: tiles[place][: 100 * HASH_BYTES]})
    with pytest.raises(KeyError):
        root_of_span(Span(0, 2), {})
