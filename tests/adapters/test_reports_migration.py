"""0019 and 0022: the columns of the reports come beside a version that goes on, and are painted by the one after."""

from __future__ import annotations

from datetime import date

import psycopg
from psycopg import sql

from tests.application.test_rebuild import rebuilt
from tests.letters import CONTACTS
from tests.stories import ANNE, BRUNO, Story, a_person, a_story, ask, rpps
from watchlist.adapters.letter_press import TypstPress
from watchlist.adapters.postgres.late_letters import paint_late_letters
from watchlist.adapters.postgres.migrate import migrate
from watchlist.application.letters import Posting, Writing, record_sent
from watchlist.application.open_case import close_case
from watchlist.application.replay import check
from watchlist.domain.case_events import ClosingOutcome
from watchlist.domain.correspondence import Channel

COLUMNS = {
    "inscriptions": ["last_amended_by", "approved_by"],
    "letters": ["last_day"],
    "cases": ["data_due_at"],
}
AS_IT_WAS = """
ALTER TABLE watchlist.inscriptions DROP COLUMN last_amended_by, DROP COLUMN approved_by;
ALTER TABLE watchlist.letters DROP COLUMN last_day;
ALTER TABLE watchlist.cases DROP COLUMN data_due_at;
DELETE FROM public.watchlist_migrations WHERE name IN ('0019_reports.sql', '0022_reports_read.sql');
"""
WRITTEN = """
SELECT 'inscription' AS what, inscription_id AS id, xmin::text AS by FROM inscriptions
UNION ALL SELECT 'letter', letter_id, xmin::text FROM letters UNION ALL SELECT 'case', case_id, xmin::text FROM cases
ORDER BY 1, 2"""
"""Which transaction wrote each row."""
PAINTED_BEFORE = """
INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, (
    SELECT json_agg(to_jsonb(t) - %s::text[]) FROM kept t))"""
"""How the version before writes a row: it knows none of the new columns."""


def some_of_each(story: Story) -> None:
    story.listed(a_person("Lettre"))
    story.listed(a_person("Due"))
    first = story.rows("SELECT letter_id FROM letters LIMIT 1")[0]["letter_id"]
    posting = Posting(date(2021, 3, 15), Channel.POST)
    record_sent(story.desk, Writing(TypstPress(), CONTACTS), ask(), first, posting)
    story.alert(story.subject(a_person("Alerte")))
    close_case(story.desk, ask(), story.case(story.subject(a_person("Clos"))), ClosingOutcome.SETTLED)


def test_the_columns_are_painted_when_an_older_house_is_opened_and_not_while_it_is_migrated(
    database_url: str,
) -> None:
    with a_story(database_url) as story:
        some_of_each(story)
    with psycopg.connect(database_url) as conn:
        conn.execute(AS_IT_WAS)
    with a_story(database_url) as story:
        written = story.rows(WRITTEN)
        assert migrate(database_url) == ["0019_reports.sql", "0022_reports_read.sql"]
        assert story.rows(WRITTEN) == written
    with a_story(database_url) as story:
        assert paint_late_letters(story.house.register, story.house.pool) == story.count("cases") == 4
        assert check(story.desk, story.house.snapshots)[1] == []
        assert {row["approved_by"] for row in story.rows("SELECT approved_by FROM inscriptions")} == {BRUNO}
        assert {row["by"] for row in story.rows("SELECT last_amended_by AS by FROM inscriptions")} == {ANNE}


def test_what_the_version_before_records_meanwhile_is_recorded_and_a_rebuild_paints_the_rest(
    database_url: str,
) -> None:
    with a_story(database_url) as story:
        some_of_each(story)
        story.listed(a_person("Entre", "Temps", rpps(3)))
        with psycopg.connect(database_url) as conn:
            conn.execute("SET search_path = watchlist")
            for table, unknown in COLUMNS.items():
                named = sql.Identifier(table)
                conn.execute(sql.SQL("CREATE TEMP TABLE kept AS SELECT * FROM {}").format(named))
                conn.execute(sql.SQL("DELETE FROM {}").format(named))
                conn.execute(sql.SQL(PAINTED_BEFORE).format(table=named), (unknown,))
                conn.execute("DROP TABLE kept")
        wrong = check(story.desk, story.house.snapshots)[1]
        assert {(one.table, one.columns) for one in wrong} >= {
            ("inscriptions", ("last_amended_by", "approved_by")),
            ("letters", ("last_day",)),
        }
        assert rebuilt(story, database_url).swapped
        assert check(story.desk, story.house.snapshots)[1] == []
