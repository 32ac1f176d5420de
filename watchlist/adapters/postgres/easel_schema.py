"""Tables that are the same as the live ones in all but their rows: made beside them, and swapped with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.rows import DictRow

from watchlist.adapters.postgres.locks import place_alone
from watchlist.adapters.postgres.queries import queries

Owner = psycopg.Connection[DictRow]

LIVE, NEXT, OLD = "watchlist", "watchlist_next", "watchlist_old"
LOOK_UPS = ("subject_tokens", "stolen_tokens", "answerable")
"""Tables under whose keyed digests persons are found."""

OWNED = """
SELECT bool_and(pg_has_role(c.relowner, 'USAGE'))
       AND has_database_privilege(current_database(), 'CREATE') AS owned
FROM pg_class c WHERE c.relnamespace = 'watchlist'::regnamespace AND c.relname = ANY(%b)"""
CONSTRAINTS = """
SELECT quote_ident(conname) AS name, pg_get_constraintdef(oid) AS is FROM pg_constraint
WHERE conrelid = %(live)s::regclass AND contype IN ('p', 'u', 'x', 'f')
  AND conname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = %(next)s::regclass)
ORDER BY contype <> 'p', conname"""
INDEXES = """
SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS is FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %s::regclass AND NOT EXISTS (SELECT FROM pg_constraint x WHERE x.conindid = i.indexrelid
                                                AND x.conrelid = i.indrelid) ORDER BY 1"""
INDEX_COMMENTS = """
SELECT c.relname AS name, quote_literal(d.description) AS is FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
WHERE i.indrelid = %s::regclass"""
RIGHTS = """
SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS whom,
       a.privilege_type AS what, a.is_grantable AS further, NULL::text AS column
FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = %(live)s::regclass AND a.grantee <> c.relowner
UNION ALL
SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
       a.privilege_type, a.is_grantable, quote_ident(t.attname)
FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = %(live)s::regclass AND NOT t.attisdropped"""
ABOUT = """
SELECT array_to_string(c.reloptions, ', ') AS options, quote_literal(obj_description(c.oid, 'pg_class')) AS comment,
       quote_ident(pg_get_userbyid(c.relowner)) AS owner
FROM pg_class c WHERE c.oid = %s::regclass"""
TRIGGERS = """
SELECT pg_get_triggerdef(oid) AS is, quote_ident(tgname) AS name, tgenabled AS enabled FROM pg_trigger
WHERE tgrelid = %s::regclass AND NOT tgisinternal ORDER BY tgname"""
VIEWS = """
SELECT DISTINCT v.relname AS name, pg_get_viewdef(v.oid) AS is FROM pg_depend d
JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
WHERE d.refclassid = 'pg_class'::regclass
  AND d.refobjid IN (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'watchlist'::regnamespace
                     AND c.relname = ANY(%b))
ORDER BY 1"""
ENABLED = {"O": "ENABLE", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


def left_by_rebuilds(conn: psycopg.Connection[Any]) -> list[str]:
    """What stands beside the register because a rebuild was never finished, runs, or kept what it replaced.

    Unless it was kept, it holds keyed look-ups, of persons who were erased since too (P6).
    """
    there = conn.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s) ORDER BY 1", ([NEXT, OLD],)
    )
    return [name for row in there for name in (row.values() if isinstance(row, dict) else row)]


def look_ups_beside(conn: psycopg.Connection[Any]) -> list[str]:
    """Those of them in which an erased person may still be found (P6)."""
    there = conn.execute(
        "SELECT DISTINCT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = ANY(%s) AND c.relname = ANY(%s) ORDER BY 1",
        ([NEXT, OLD], list(LOOK_UPS)),
    )
    return [name for row in there for name in (row.values() if isinstance(row, dict) else row)]


def drop_what_rebuilds_left(conninfo: str) -> list[str]:
    """As the owner, and while none runs; what is still there."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        free = conn.execute(
            "SELECT pg_try_advisory_lock(%s::int, %s::int)", place_alone("rebuild")
        ).fetchone()
        if free == (True,):
            for name in left_by_rebuilds(conn):
                with suppress(psycopg.errors.InsufficientPrivilege):
                    run(conn, f"DROP SCHEMA {name} CASCADE")
        return left_by_rebuilds(conn)


def may_rebuild(conn: Owner, tables: Sequence[str]) -> bool:
    """Whether this login owns the pictures and may make a schema."""
    row = conn.execute(OWNED, (list(tables),)).fetchone()
    return bool(row and row["owned"])


def copy_shape(conn: Owner, table: str) -> None:
    """The columns, without indexes: rows come sooner without them."""
    run(conn, f"CREATE TABLE {NEXT}.{table} (LIKE {LIVE}.{table} INCLUDING ALL EXCLUDING INDEXES)")


def dress(conn: Owner, table: str) -> None:
    """Everything of the live table that is not a row, under the same names."""
    for statement in [*_indexes(conn, table), *_manners(conn, table), f"ANALYZE {NEXT}.{table}"]:
        run(conn, statement)


def run(conn: psycopg.Connection[Any], statement: str) -> None:
    conn.execute(statement.encode())


def _indexes(conn: Owner, table: str) -> Iterator[str]:
    here, there = f"{LIVE}.{table}", f"{NEXT}.{table}"
    for row in conn.execute(CONSTRAINTS, {"live": here, "next": there}).fetchall():
        yield f"ALTER TABLE {there} ADD CONSTRAINT {row['name']} {row['is']}"
    for row in conn.execute(INDEXES, (here,)).fetchall():
        yield row["is"].replace(f" ON {here} ", f" ON {there} ", 1)
    for row in conn.execute(INDEX_COMMENTS, (here,)).fetchall():
        yield f"COMMENT ON INDEX {NEXT}.{row['name']} IS {row['is']}"
    for row in conn.execute(TRIGGERS, (here,)).fetchall():
        yield row["is"].replace(f" ON {here} ", f" ON {there} ", 1)
        yield f"ALTER TABLE {there} {ENABLED[row['enabled']]} TRIGGER {row['name']}"


def _manners(conn: Owner, table: str) -> Iterator[str]:
    """What a table is beside its columns: owner, options, comment, and who may do what with it."""
    here, there = f"{LIVE}.{table}", f"{NEXT}.{table}"
    about = conn.execute(ABOUT, (here,)).fetchone() or {}
    yield f"ALTER TABLE {there} OWNER TO {about['owner']}"
    if about["options"]:
        yield f"ALTER TABLE {there} SET ({about['options']})"
    if about["comment"]:
        yield f"COMMENT ON TABLE {there} IS {about['comment']}"
    for right in conn.execute(RIGHTS, {"live": here}).fetchall():
        what = f"{right['what']} ({right['column']})" if right["column"] else right["what"]
        further = " WITH GRANT OPTION" if right["further"] else ""
        yield f"GRANT {what} ON {there} TO {right['whom']}{further}"


def views_of(conn: Owner, tables: Sequence[str]) -> dict[str, str]:
    """What looks at these tables: views follow tables, not names, and are told again when those are swapped."""
    return {row["name"]: row["is"] for row in conn.execute(VIEWS, (list(tables),)).fetchall()}


def swap(conn: Owner, tables: Sequence[str], views: Mapping[str, str], seconds: float) -> bool:
    """In one commit and one trip; False, and everything given back, when somebody reads for longer than `seconds`.

    All locks are one statement, so that its time is that of all of them together. The views keep their rights.
    """
    all_of_them = ", ".join(f"{LIVE}.{name}" for name in [*tables, *views])
    try:
        with conn.pipeline(), conn.transaction():
            run(conn, f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            run(conn, f"LOCK TABLE {all_of_them} IN ACCESS EXCLUSIVE MODE")
            run(conn, "SET LOCAL statement_timeout = 0")
            _swap(conn, tables, views)
    except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
        return False
    return True


def _swap(conn: Owner, tables: Sequence[str], views: Mapping[str, str]) -> None:
    run(conn, f"DROP INDEX {NEXT}.letters_hit")
    for table in tables:
        run(conn, f"ALTER TABLE {LIVE}.{table} SET SCHEMA {OLD}")
        run(conn, f"ALTER TABLE {NEXT}.{table} SET SCHEMA {LIVE}")
    for name, told in views.items():
        run(conn, f"CREATE OR REPLACE VIEW {LIVE}.{name} AS {told}")
    conn.execute(queries("easel.sql")["swapped"])
