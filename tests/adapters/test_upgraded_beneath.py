"""A later version's migration is applied while this one serves: it reads and records as before, on warm connections."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from importlib import resources

import psycopg
import pytest

from tests.stories import BRUNO, ORGANISATION, Story, a_person, a_story, ask, rpps, screened_hits
from watchlist.adapters.postgres.queries import queries
from watchlist.application.delist import delist
from watchlist.application.operators import add_operator
from watchlist.application.replay import check
from watchlist.application.reports import Page, read_report
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.report import Report
from watchlist.domain.standing import Moment
from watchlist.ports.registry import FIRST

PREPARED_AFTER = 6
"""A statement that a connection was asked so often is prepared, whoever said so or not."""
OF_THE_OWNER = {"easel.sql"}
"""Read by the command that makes these tables itself."""
STARS = re.compile(r"SELECT \*\s+FROM\s+([\w{}]+)\b(?!\()|(\w+)\.\*|SELECT \*(?=,)|RETURNING \*")


def _stars(statement: str) -> list[str]:
    """Of tables: what a function, a subquery or a part of the statement itself gives is as the statement says."""
    text = re.sub(r"--.*", "", statement)
    own = set(re.findall(r"(\w+) AS (?:MATERIALIZED )?\(", text))
    return [found[0] for found in STARS.finditer(text) if own.isdisjoint(found.groups())]


def test_no_statement_reads_the_columns_of_a_table_by_a_star() -> None:
    """A prepared one fails once the table has one more; a union of two shapes, or an insert of all, fails at once."""
    folder = resources.files("watchlist.adapters.postgres")
    files = {file.name for file in folder.iterdir() if file.name.endswith(".sql")} - OF_THE_OWNER
    found = [
        (file, name, star)
        for file in sorted(files)
        for name, statement in queries(file).items()
        for star in _stars(statement.decode())
    ]
    assert found == []
    assert len(files) > 10


@pytest.mark.parametrize(
    ("statement", "stars"),
    [
        ("SELECT * FROM cases WHERE", 1),
        ("SELECT *, 1 AS n FROM cases", 1),
        ("INSERT INTO a SELECT k.*, 1 FROM keys k RETURNING *", 2),
        ("WITH h AS MATERIALIZED (SELECT 1) SELECT h.*, count(*) FROM h", 0),
        ("SELECT * FROM unnest(%b::uuid[])", 0),
        ("SELECT * FROM (SELECT 1) x", 0),
    ],
)
def test_stars_are_found(statement: str, stars: int) -> None:
    assert len(_stars(statement)) == stars


EVERY_TABLE = """
DO $$ DECLARE one regclass; BEGIN
    FOR one IN SELECT oid FROM pg_class WHERE relnamespace = 'watchlist'::regnamespace
               AND relkind IN ('r', 'p') AND NOT relispartition LOOP
        EXECUTE format('ALTER TABLE %s {} COLUMN later {}', one);
    END LOOP;
END $$
"""
LATER = EVERY_TABLE.replace("{}", "ADD", 1).replace("{}", "integer NOT NULL DEFAULT 0")
"""The most that a later version may add: a column that older ones do not know, and that may not be empty."""
AS_IT_WAS = EVERY_TABLE.replace("{}", "DROP", 1).replace("{}", "")
ANYTHING = dict.fromkeys(("subject", "operator", "purpose", "of", "kind", "to", "inscription"))


def reads(story: Story) -> list[Callable[[], object]]:
    """What shows whole rows to people."""
    house, now = story.house, story.clock.now()
    pictures, standings, registers = house.pictures, house.standings, house.registers
    first, second = (Moment.as_we_knew_it(now + timedelta(days=days)) for days in (-1, 0))
    (known, *_) = story.rows("SELECT inscription_id, subject_id FROM inscriptions")
    about = ANYTHING | {"subject": known["subject_id"]}
    page = Page(None, now, FIRST, 100)
    return [
        lambda: pictures.inscriptions(None, None, now),
        lambda: pictures.cases(None, None),
        lambda: pictures.letters(ORGANISATION, None, now),
        lambda: pictures.imports(None),
        lambda: pictures.import_(None, known["inscription_id"]),
        lambda: pictures.rights_requests(ORGANISATION),
        lambda: pictures.deadlines(None, now + timedelta(days=9999)),
        lambda: pictures.certificates(None),
        lambda: pictures.certificate(known["subject_id"]),
        lambda: standings.listed(None, second),
        lambda: standings.differences(None, first, second),
        lambda: standings.of_subject(None, known["subject_id"], second),
        lambda: registers.accesses(None, ANYTHING, None, None, (now - timedelta(days=9), FIRST), 9),
        lambda: registers.accesses(None, about, None, None, (now - timedelta(days=9), FIRST), 9),
        lambda: registers.disclosures(None, ANYTHING, None, None, FIRST, 9),
        lambda: house.operators.keys(None, "", 9),
        lambda: house.operators.habilitations(None, now, FIRST, 9),
        *(lambda name=name: read_report(house.register, house.reports, name, page) for name in Report),
    ]


def goes_on(story: Story, number: int) -> None:
    """Everything that paints a whole row."""
    subject, case, entry = story.listed(a_person("Un", "Luc", rpps(number)))
    another = story.subject(a_person("Autre", "Luc", rpps(number + 1)))
    story.propose(story.case(another), another)
    screened_hits(story, rpps(number))
    story.end_procedure(case, story.open_procedure(case, subject))
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "remboursé")


def test_reads_and_commands_go_on_when_every_table_has_one_more_column(database_url: str) -> None:
    with a_story(database_url) as story:
        add_operator(story.house.operators, ORGANISATION, "Anne Martin")
        goes_on(story, 10)
        for _ in range(PREPARED_AFTER):
            was = [read() for read in reads(story)]
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute(LATER)
        assert [read() for read in reads(story)] == was
        assert any(was)
        goes_on(story, 20)
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute(AS_IT_WAS)
        assert check(story.desk, story.house.snapshots)[1] == []
