"""What is sealed in PostgreSQL is the tree of what was recorded, whole, and proves every event (T4)."""

from __future__ import annotations

import random

import pytest

from tests.stories import Story, a_person, a_story, rpps
from watchlist.audit.leaf import event_line
from watchlist.audit.verifier import (
    Checkpoint,
    Note,
    VerifierKey,
    leaf_hash,
    require_consistent,
    root_by_inclusion,
    root_of,
)


@pytest.fixture
def story(database_url):
    with a_story(database_url) as story:
        yield story


def lines(story: Story) -> list[bytes]:
    return [event_line(row) for row in story.house.pictures.events(0, 10**9, 10**6)]


def test_the_root_is_that_of_the_lines_of_all_events(story):
    story.listed()
    published = story.house.sealer.seal()
    assert published is not None
    assert (published.size, published.root) == (
        len(lines(story)), root_of(leaf_hash(line) for line in lines(story))
    )  # fmt: skip
    assert published.position == story.house.register.position()


def test_the_note_is_signed_by_a_key_that_is_published(story):
    story.listed()
    published = story.house.sealer.seal()
    note = Note.parse(published.note.encode())
    (key,) = map(VerifierKey.parse, story.house.sealed_log.keys())
    assert note.signed_by(key) is not None
    assert Checkpoint.parse(note.text) == Checkpoint(key.name, published.size, published.root)


def test_nothing_new_publishes_nothing(story):
    assert story.house.sealer.seal() is None
    story.listed()
    assert story.house.sealer.seal() is not None
    assert story.house.sealer.seal() is None
    assert story.count("checkpoints") == 1


def test_every_event_is_proven_in_every_tree_that_was_published_since(story):
    roots = {}
    for number in range(60):
        story.listed(a_person("Martin", "Anne", rpps(number)))
        published = story.house.sealer.seal()
        roots[published.size] = published.root
    positions = [row["position"] for row in story.house.pictures.events(0, 10**9, 10**6)]
    assert len(positions) > 256
    for size in random.Random(4).sample(sorted(roots), 10):
        for index in random.Random(size).sample(range(size), 10):
            found = story.house.sealed_log.inclusion(positions[index], size)
            assert (found.leaf_index, found.tree_size, found.leaf) == (index, size, lines(story)[index])
            assert root_by_inclusion(leaf_hash(found.leaf), index, size, found.path) == roots[size]
        for old in roots:
            if old <= size:
                path = story.house.sealed_log.consistency(old, size)
                require_consistent(old, roots[old], size, roots[size], path)
