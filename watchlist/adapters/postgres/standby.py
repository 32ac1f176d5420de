"""Whether a read replica may answer screenings: only as a synchronous standby whose every commit is applied."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.adapters.postgres.queries import queries

SQL = queries("standby.sql")
PATIENCE_SECONDS = 2


class Standing(StrEnum):
    """How a replica stands to the primary; one that is not `served` answers nobody."""

    SERVED = "served"
    UNKNOWN = "not_looked_at_yet"
    UNREACHABLE = "unreachable"
    PRIMARY_UNREACHABLE = "primary_unreachable"
    NOT_IN_RECOVERY = "not_in_recovery"
    ANOTHER_CLUSTER = "another_cluster"
    NOT_REMOTE_APPLY = "not_remote_apply"
    NOT_CONNECTED = "not_connected_to_the_primary"
    NAME_NOT_ITS_OWN = "name_not_its_own"
    NOT_SHOWN = "not_shown_to_the_service"
    NOT_SYNCHRONOUS = "not_synchronous"
    BEHIND = "behind"


REMEDIES = {
    Standing.UNREACHABLE: "is it running, and WATCHLIST_REPLICA_URL right?",
    Standing.NOT_IN_RECOVERY: "it is a primary itself: was it promoted? Then DATABASE_URL is to name it",
    Standing.ANOTHER_CLUSTER: "it is no copy of this register: WATCHLIST_REPLICA_URL is wrong",
    Standing.NOT_REMOTE_APPLY: "set synchronous_commit = remote_apply at the primary",
    Standing.NOT_CONNECTED: "no standby follows the primary under the replica's cluster_name",
    Standing.NAME_NOT_ITS_OWN: "several standbys follow under its cluster_name: give each its own",
    Standing.NOT_SHOWN: "as a superuser, at the primary: GRANT pg_read_all_stats TO watchlist_service",
    Standing.NOT_SYNCHRONOUS: "name its cluster_name first in synchronous_standby_names, as FIRST n (...)",
}
"""What to do about it, where somebody can do something."""


def standing_of(primary: str, replica: str) -> Standing:
    """Asked of both servers, over connections of its own; no server keeps it waiting for long."""
    try:
        its = _asked(replica, "replica")
    except psycopg.Error:
        return Standing.UNREACHABLE
    try:
        ours = _asked(primary, "primary", its["name"])
    except psycopg.Error:
        return Standing.PRIMARY_UNREACHABLE
    return judged(its, ours)


def judged(its: dict[str, Any], ours: dict[str, Any]) -> Standing:
    """Of what the replica says of itself, and the primary of it.

    Of a quorum (ANY n) any members will do, and this one may be among the others: it is not waited for.
    """
    if its["cluster"] != ours["cluster"]:
        return Standing.ANOTHER_CLUSTER
    if not its["recovering"]:
        return Standing.NOT_IN_RECOVERY
    if ours["waits_for"] != "remote_apply":
        return Standing.NOT_REMOTE_APPLY
    if ours["followers"] != 1:
        return Standing.NAME_NOT_ITS_OWN if ours["followers"] else Standing.NOT_CONNECTED
    if ours["sync_state"] is None:
        return Standing.NOT_SHOWN
    follows = ours["state"] == "streaming" and ours["sync_state"] == "sync"
    return Standing.SERVED if follows else Standing.NOT_SYNCHRONOUS


def _asked(conninfo: str, statement: str, *parameters: str) -> dict[str, Any]:
    patient = make_conninfo(
        service_conninfo(conninfo), connect_timeout=PATIENCE_SECONDS, tcp_user_timeout=PATIENCE_SECONDS * 1000
    )
    with psycopg.connect(patient, autocommit=True, row_factory=dict_row) as conn:
        row = conn.execute(SQL[statement], parameters).fetchone()
        assert row is not None
        return row
