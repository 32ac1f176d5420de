"""The questions about hits and their answers in PostgreSQL (C6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.beside_log import beside_log
from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.application.ordered_id import ordered_id
from watchlist.application.work import Work
from watchlist.domain.aggregate import Aggregate
from watchlist.domain.detail_request import DetailAnswer, DetailQuestion, DetailState
from watchlist.ports.log import VersionConflict

SQL = queries("detail_requests.sql")


class PostgresDetailRequests:
    """Keeps the port DetailRequests."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def ask(self, question: DetailQuestion, subjects: Sequence[Aggregate], work: Work, position: int) -> None:
        with beside_log(self._pool, work, subjects, position) as conn:
            if conn.execute(SQL["ask"], _asked(question, work)).rowcount < len(question.asked):
                raise VersionConflict("a hit is gone")

    def answer(
        self, answer: DetailAnswer, decided_on: Sequence[Aggregate], work: Work, position: int
    ) -> None:
        with beside_log(self._pool, work, decided_on, position) as conn:
            if conn.execute(SQL["answer"], _answered(answer, work)).rowcount == 0:
                raise VersionConflict("answered meanwhile")
            if answer.state is DetailState.ANSWERED:
                conn.execute(SQL["tell"], {"disclosure_id": ordered_id(), "detail_id": answer.detail_id})

    def one(self, detail_id: UUID) -> DictRow | None:
        found = self._rows("one", {"detail_id": detail_id})
        return found[0] if found else None

    def of_screening(
        self, organisation: str | None, screening_id: UUID, after: UUID, limit: int
    ) -> list[DictRow]:
        whose = {"organisation": organisation, "screening_id": screening_id}
        return self._rows("of_screening", {**whose, "after": after, "limit": limit})

    def of_owner(
        self, owner: str | None, state: DetailState | None, after: UUID, limit: int
    ) -> list[DictRow]:
        page = {"owner": owner, "state": state, "after": after, "limit": limit}
        return self._rows("of_owner", page)

    def _rows(self, name: str, params: Any) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params).fetchall()


def _asked(question: DetailQuestion, work: Work) -> dict[str, Any]:
    asked = question.asked
    return {
        "request_id": question.id,
        "at": work.act.at,
        "organisation": work.act.organisation,
        "operator_id": work.act.by,
        "screening_id": question.screening_id,
        "key": question.key,
        "due_at": question.due_at,
        "details": [one.id for one in asked],
        "disclosures": [one.hit.disclosure_id for one in asked],
        "owners": [one.hit.owner for one in asked],
        "subjects": [one.hit.subject_id for one in asked],
        "cases": [one.hit.case_id for one in asked],
        "entries": [one.hit.inscription_id for one in asked],
        "refs": [one.question.ref for one in asked],
        "commitments": [one.question.commitment for one in asked],
    }


def _answered(answer: DetailAnswer, work: Work) -> dict[str, Any]:
    return {
        "detail_id": answer.detail_id,
        "state": answer.state,
        "at": work.act.at,
        "by": work.act.by,
        "subject_id": answer.subject_id,
        "ref": None if answer.words is None else answer.words.ref,
        "commitment": None if answer.words is None else answer.words.commitment,
    }
