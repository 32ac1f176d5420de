"""0009: a death that was recorded before it is reviewed as the log says."""

from __future__ import annotations

from datetime import UTC, date, datetime

import psycopg

from tests.stories import a_story, ask
from watchlist.adapters.postgres.migrate import migrate
from watchlist.application.register_subject import record_death
from watchlist.application.replay import check

AS_IT_WAS = """
ALTER TABLE watchlist.subjects DROP COLUMN death_review_at CASCADE;
CREATE INDEX subjects_deceased ON watchlist.subjects (subject_id) WHERE deceased;
CREATE VIEW watchlist.due_death_review AS
    SELECT 'death_review' AS kind, i.organisation, i.inscribed_at AS due_at, i.inscription_id AS id, i.case_id,
           i.inscription_id, i.subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.inscriptions i JOIN watchlist.subjects s USING (subject_id)
    WHERE i.state = 'active' AND s.deceased;
GRANT SELECT ON watchlist.due_death_review TO watchlist_service;
DELETE FROM public.watchlist_migrations WHERE name = '0009_late.sql';
"""


def test_a_death_that_was_recorded_before_is_reviewed_a_month_after_its_record(database_url: str) -> None:
    with a_story(database_url) as story:
        story.clock.move_to(datetime(2021, 1, 30, 23, 30, tzinfo=UTC))
        subject_id, _, entry = story.listed()
        record_death(story.desk, ask(), subject_id, date(2021, 1, 30))
        story.listed()
    with psycopg.connect(database_url) as conn:
        conn.execute(AS_IT_WAS)
    assert migrate(database_url) == ["0009_late.sql"]
    with a_story(database_url) as story:
        due = story.rows("SELECT id, due_at FROM due_death_review")
        assert due == [{"id": entry, "due_at": datetime(2021, 2, 28, 23, tzinfo=UTC)}]
        assert check(story.desk, story.house.snapshots)[1] == []
