"""0003: what was registered, opened and purged before it is retained and certified as the log says."""

from __future__ import annotations

import psycopg
import pytest

from tests.stories import Story, a_person, a_story, ask
from watchlist.adapters.postgres.migrate import migrate
from watchlist.application.merge_subjects import merge_subjects
from watchlist.application.open_case import qualify_alert
from watchlist.application.replay import check

AS_IT_WAS = """
DROP VIEW watchlist.deadlines, watchlist.due_subject_erasure, watchlist.due_letter, watchlist.due_delisting_letter,
    watchlist.certificates;
DROP TABLE watchlist.erasures;
DROP FUNCTION watchlist.require_unnamed, watchlist.subject_data_end_at;
ALTER TABLE watchlist.cases DROP COLUMN purged_at;
ALTER TABLE watchlist.imports DROP COLUMN purged_at;
ALTER TABLE watchlist.subjects DROP COLUMN erasing, DROP COLUMN erased, DROP COLUMN unnamed_until,
    DROP COLUMN data_end_at;
DROP INDEX watchlist.inscriptions_brought, watchlist.imported_lines_of,
    watchlist.case_references_of;
DELETE FROM public.watchlist_migrations WHERE name = '0003_erasure.sql';
"""


@pytest.fixture
def before(database_url: str) -> str:
    """A database with a little of everything, as it was before this migration."""
    with a_story(database_url) as story:
        story.listed()
        story.subject(a_person("Petit", "Luc"))
        survivor, duplicate = story.subject(a_person("Durand")), story.subject(a_person("Durant"))
        dismissed, _ = story.alert(story.subject(a_person("Martin"))), story.alert(duplicate)
        merge_subjects(story.desk, ask(), survivor, duplicate, "doublon")
        qualify_alert(story.desk, ask(), dismissed, False, "rien")
    with psycopg.connect(database_url) as conn:
        conn.execute(AS_IT_WAS)
    return database_url


def test_what_was_there_before_is_retained_and_certified_as_the_log_says(before: str) -> None:
    assert migrate(before) == ["0003_erasure.sql"]
    with a_story(before) as story:
        assert check(story.desk, story.house.snapshots)[1] == []
        assert len(story.rows("SELECT FROM erasures WHERE completed_at IS NOT NULL")) == 1
        assert Story(story.house).listed(a_person("Nouveau"))
