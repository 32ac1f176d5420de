"""Two tables of the same shape, compared both ways: which rows are missing, unexpected, or different."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from watchlist.adapters.postgres.easel_schema import LIVE, NEXT, Owner
from watchlist.application.replay import KEYS
from watchlist.ports.easel import Differences

SHOWN = 20
"""Rows of one picture that are shown of those that differ."""
DIGESTS = ("digest", "given")
OF_ONE_GENERATION = ("subject_tokens", "stolen_tokens", "answerable")
UNEQUAL = SQL("""
SELECT CASE WHEN l.here IS NULL THEN 'missing' WHEN n.here IS NULL THEN 'unexpected' ELSE 'different' END AS kind,
       json_build_object({shown}) AS keys,
       CASE WHEN l.here AND n.here THEN array_remove(ARRAY[{which}], NULL) ELSE '{{}}' END AS columns
FROM (SELECT true AS here, * FROM {live} {of_one}) l FULL JOIN (SELECT true AS here, * FROM {next}) n ON {on}
WHERE l.here IS NULL OR n.here IS NULL OR {differ}""")


def compared(conn: Owner, table: str, columns: Sequence[str], generation: int) -> Differences:
    """Look-ups of another generation than the one that is asked are what a rotation left: they are not compared."""
    found = Differences(table)
    of_one = SQL("WHERE generation = {}").format(generation) if table in OF_ONE_GENERATION else SQL("")
    unequal = _unequal(table, columns, of_one)
    counted = SQL("SELECT kind, count(*) AS rows FROM ({}) d GROUP BY kind").format(unequal)
    for row in conn.execute(counted).fetchall():
        setattr(found, row["kind"], row["rows"])
    if found.rows:
        shown = SQL("SELECT * FROM ({}) d LIMIT {}").format(unequal, SHOWN)
        found.samples = [dict(row) for row in conn.execute(shown).fetchall()]
    return found


def _unequal(table: str, columns: Sequence[str], of_one: Composable) -> Composed:
    keys = KEYS[table]
    others = [column for column in columns if column not in keys]
    which = [SQL("CASE WHEN {} THEN {} END").format(_differs(c), Literal(c)) for c in others]
    shown = [part for key in keys for part in (Literal(key), _shown(key))]
    return UNEQUAL.format(
        shown=SQL(", ").join(shown),
        which=SQL(", ").join(which) if which else SQL("NULL::text"),
        live=Identifier(LIVE, table),
        next=Identifier(NEXT, table),
        of_one=of_one,
        on=SQL(" AND ").join(_same(key) for key in keys),
        differ=SQL(" OR ").join(map(_differs, others)) if others else SQL("false"),
    )


def _differs(column: str) -> Composed:
    return SQL("l.{0} IS DISTINCT FROM n.{0}").format(Identifier(column))


def _same(key: str) -> Composed:
    """Given names are null for an exact identifier, and null equals nothing."""
    equal = "coalesce(l.{0}, '') = coalesce(n.{0}, '')" if key == "given" else "l.{0} = n.{0}"
    return SQL(equal).format(Identifier(key))


def _shown(key: str) -> Composed:
    """Ids and instants as they are, keyed digests in hexadecimal."""
    form = "encode(coalesce(l.{0}, n.{0}), 'hex')" if key in DIGESTS else "coalesce(l.{0}, n.{0})::text"
    return SQL(form).format(Identifier(key))
