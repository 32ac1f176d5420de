"""The access log and the register of disclosures, read by those who answer for them (T1, T3, S8, P3).

And what is written to them without haste: a communication made by hand, the months of the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.beside_log import NOT_AS_DECIDED, decided_on
from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.adapters.postgres.queries import queries
from watchlist.application.work import Work
from watchlist.domain.commitment import Sealed
from watchlist.domain.operator import Role
from watchlist.domain.subject import Subject
from watchlist.domain.trace import ByHand, Reading, Telling
from watchlist.ports.log import AlreadyDone, VersionConflict
from watchlist.ports.registry import FIRST

SQL = queries("registers.sql")
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MONTHS_AHEAD = 2
Place = tuple[datetime, UUID]
"""Of an access among them: its instant, its id."""
FIRST_PLACE: Place = (EARLIEST, FIRST)


class PostgresRegisters:
    """Keeps the port Registers, and answers the routes that read them."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    # The port ---------------------------------------------------------------------------------

    def disclosed_of(self, subject_ids: Sequence[UUID]) -> list[Telling]:
        rows = self._rows("disclosed_of", (list(subject_ids),))
        return [Telling(told=_sealed(row), **row) for row in rows]

    def consulted_of(self, subject_ids: Sequence[UUID]) -> list[Reading]:
        rows = self._rows("consulted_of", (list(subject_ids),))
        return [Reading(row["at"], row["organisation"], Role(row["role"]), row["purpose"]) for row in rows]

    def disclose(self, subject: Subject, told: ByHand, work: Work, position: int) -> None:
        """Under the lock of those who record: no erasure of the subject is decided meanwhile."""
        try:
            with borrowed(self._pool) as conn, conn.transaction():
                conn.execute(SQL["settle"], (WRITE_LOCK,))
                conn.execute(SQL["require_unchanged"], decided_on([subject]))
                conn.execute(SQL["disclose"], _written(subject, told, work, position))
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name in NOT_AS_DECIDED:
                raise VersionConflict(error.diag.constraint_name) from None
            if error.diag.constraint_name == "commands_pkey":
                done = self._rows("answered", (work.ask.command_id,))[0]
                raise AlreadyDone(bytes(done["mac"]), bytes(done["answer"]), done["position"]) from None
            raise

    def disclosure(self, disclosure_id: UUID) -> tuple[DictRow, Sealed | None] | None:
        """One disclosure; and of one made by hand, where what was told is sealed."""
        found = self._rows("disclosure", (disclosure_id,))
        if not found:
            return None
        return found[0], _sealed(found[0])

    # What people look at ----------------------------------------------------------------------

    def accesses(
        self,
        organisation: str | None,
        filters: Mapping[str, Any],
        since: datetime | None,
        until: datetime | None,
        after: Place,
        limit: int,
    ) -> list[DictRow]:
        """In their order: those of one organisation or of all (None), or, given a `subject`, all to that person."""
        page = {"since": since or EARLIEST, "until": until or LATEST, "at": after[0], "after": after[1]}
        query = "accesses" if filters["subject"] is None else "accesses_about"
        return self._rows(query, {**filters, **page, "organisation": organisation, "limit": limit})

    def disclosures(
        self,
        owner: str | None,
        filters: Mapping[str, Any],
        since: datetime | None,
        until: datetime | None,
        after: UUID,
        limit: int,
    ) -> list[DictRow]:
        """By id, which is by time: what was told of the subjects of one organisation, or of all (None)."""
        page = {"since": since or EARLIEST, "until": until or LATEST, "after": after, "limit": limit}
        return self._rows("disclosures", {**filters, **page, "owner": owner})

    # The months of the log --------------------------------------------------------------------

    def make_months(self, now: datetime) -> int:
        """This month and the next ones, as far as they are not there; how many were made."""
        made: int = self._rows("make_months", (now, MONTHS_AHEAD))[0]["n"]
        return made

    def forget_months(self, before: datetime) -> int:
        """Drop the months that were over by then; how many there were."""
        dropped: int = self._rows("forget_months", (before,))[0]["n"]
        return dropped

    def _rows(self, name: str, params: Any) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params).fetchall()


def _sealed(row: DictRow) -> Sealed | None:
    """Where the words of a row are, taken out of it."""
    ref, commitment = row.pop("told_ref"), row.pop("told_commitment")
    return None if ref is None else Sealed(ref, bytes(commitment))


def _written(subject: Subject, told: ByHand, work: Work, position: int) -> dict[str, Any]:
    (sealed,) = work.sealed
    return {
        "disclosure_id": told.id,
        "at": work.act.at,
        "recipient": told.recipient,
        "owner": work.act.organisation,
        "operator_id": work.act.by,
        "subject_id": subject.id,
        "case_id": told.case_id,
        "told_on": told.told_on,
        "ref": sealed.ref,
        "commitment": told.told.commitment,
        "field": sealed.field,
        "ciphertext": sealed.ciphertext,
        "command_id": work.ask.command_id,
        "mac": work.ask.mac,
        "answer": work.answer,
        "position": position,
    }
