"""What is told of a hit that was reviewed as a homonym (S7, S8): nothing while it is one, and that it resumed after."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.application.test_reviews import HOMONYM, reviewed
from tests.stories import BRUNO, PAYER, Story, a_person, a_story, ask, rpps, screened_hits
from watchlist.application.delist import restrict
from watchlist.application.register_subject import rectify_subject


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def changes(story: Story) -> set[tuple[str, str, UUID]]:
    rows = story.rows("SELECT organisation, kind, screening_id FROM changes")
    return {(row["organisation"], row["kind"], row["screening_id"]) for row in rows}


def test_every_hit_of_the_pair_is_told_to_have_resumed_once_the_identity_changes(story: Story) -> None:
    subject, _, _ = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    first, second = screened_hits(story, rpps(1), rpps(1))
    reviewed(story, first, HOMONYM)
    assert changes(story) == set()
    rectify_subject(story.desk, ask(), subject, a_person("Lefèvre", "Anne-Marie", rpps(1)), "prénom", 1)
    assert changes(story) == {(PAYER, "resumed", first), (PAYER, "resumed", second)}


def test_nothing_is_told_of_an_end_to_whoever_it_was_no_hit_for(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (first,) = screened_hits(story, rpps(1))
    reviewed(story, first, HOMONYM)
    restrict(story.desk, ask(BRUNO), entry, "contesté")
    assert changes(story) == set()
