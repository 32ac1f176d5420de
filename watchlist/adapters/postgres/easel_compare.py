"""Two tables of the same shape, compared both ways: which rows are missing, unexpected, or different."""

from __future__ import annotations

from collections.abc import Sequence

from watchlist.adapters.postgres.easel_schema import LIVE, NEXT, Owner
from watchlist.application.replay import KEYS
from watchlist.ports.easel import Differences

SHOWN = 20
"""Rows of one picture that are shown of those that differ."""
NULLABLE = {"given": "coalesce({}.given, '')"}
"""Keys that may be null, in the form in which they are compared."""
OF_ONE_GENERATION = ("subject_tokens", "stolen_tokens", "answerable")


def compared(conn: Owner, table: str, columns: Sequence[str], generation: int) -> Differences:
    """Look-ups of another generation than the one that is asked are what a rotation left: they are not compared."""
    found = Differences(table)
    of_one = f"WHERE generation = {generation}" if table in OF_ONE_GENERATION else ""
    unequal = _unequal(table, columns, of_one)
    counted = conn.execute(f"SELECT kind, count(*) AS rows FROM ({unequal}) d GROUP BY kind".encode())
    for row in counted.fetchall():
        setattr(found, row["kind"], row["rows"])
    if found.rows:
        shown = conn.execute(f"SELECT * FROM ({unequal}) d LIMIT {SHOWN}".encode()).fetchall()
        found.samples = [dict(row) for row in shown]
    return found


def _unequal(table: str, columns: Sequence[str], of_one: str) -> str:
    keys = KEYS[table]
    on = " AND ".join(f"{_key('l', key)} = {_key('n', key)}" for key in keys)
    others = [column for column in columns if column not in keys]
    differ = " OR ".join(f"l.{column} IS DISTINCT FROM n.{column}" for column in others) or "false"
    which = (
        ", ".join(f"CASE WHEN l.{c} IS DISTINCT FROM n.{c} THEN '{c}' END" for c in others) or "NULL::text"
    )
    shown = ", ".join(f"'{key}', {_shown(key)}" for key in keys)
    return f"""
        SELECT CASE WHEN l.here IS NULL THEN 'missing' WHEN n.here IS NULL THEN 'unexpected' ELSE 'different' END AS kind,
               json_build_object({shown}) AS keys,
               CASE WHEN l.here AND n.here THEN array_remove(ARRAY[{which}], NULL) ELSE '{{}}' END AS columns
        FROM (SELECT true AS here, * FROM {LIVE}.{table} {of_one}) l
        FULL JOIN (SELECT true AS here, * FROM {NEXT}.{table}) n ON {on}
        WHERE l.here IS NULL OR n.here IS NULL OR {differ}"""


def _key(side: str, key: str) -> str:
    return NULLABLE[key].format(side) if key in NULLABLE else f"{side}.{key}"


def _shown(key: str) -> str:
    """Ids and instants as they are, keyed digests in hexadecimal."""
    value = f"coalesce(l.{key}, n.{key})"
    return f"encode({value}, 'hex')" if key in ("digest", "given") else f"{value}::text"
