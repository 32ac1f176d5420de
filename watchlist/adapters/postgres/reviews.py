"""The reviews of hits in PostgreSQL (S7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.beside_log import beside_log
from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.application.work import Work
from watchlist.domain.aggregate import Aggregate
from watchlist.domain.commitment import Sealed
from watchlist.domain.review import HitTold, LastReview, Review, ReviewOutcome, dismisses
from watchlist.ports.log import VersionConflict

SQL = queries("reviews.sql")


class PostgresReviews:
    """Keeps the port Reviews."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def hit(self, organisation: str, screening_id: UUID, key: str, at: datetime) -> tuple[HitTold, ...]:
        which = {"organisation": organisation, "screening_id": screening_id, "key": key, "at": at}
        return tuple(HitTold(**row) for row in self._rows("hit", which))

    def last(self, organisation: str, screening_id: UUID, key: str) -> LastReview | None:
        which = {"organisation": organisation, "screening_id": screening_id, "key": key}
        found = self._rows("last", which)
        if not found:
            return None
        row = found[0]
        return LastReview(
            row["review_id"], ReviewOutcome(row["outcome"]), row["subject_id"], sealed_note(row)
        )

    def record(self, review: Review, subjects: Sequence[Aggregate], work: Work, position: int) -> None:
        """Alone: no hit is told, and nothing else recorded, between what was found and what it changes."""
        entries = [hit.inscription_id for hit in review.hits]
        whose = {
            "organisation": work.act.organisation,
            "screening_id": review.screening_id,
            "key": review.key,
        }
        with beside_log(self._pool, work, subjects, position, alone=True) as conn:
            conn.execute(SQL["require_last"], {**whose, "entries": entries, "last": review.after})
            conn.execute(SQL["record"], {**whose, **_written(review, work), "entries": entries})
            if dismisses(review.outcome):
                conn.execute(SQL["dismiss"], {**whose, "review_id": review.id})
            else:
                _require_standing(conn.execute(SQL["take_back"], {**whose, "at": work.act.at}).fetchall())

    def of_screening(
        self, organisation: str | None, screening_id: UUID, after: UUID, limit: int
    ) -> list[DictRow]:
        whose = {"organisation": organisation, "screening_id": screening_id}
        return self._rows("of_screening", {**whose, "after": after, "limit": limit})

    def unreviewed(self, organisation: str | None) -> int:
        waiting: int = self._rows("unreviewed", {"organisation": organisation})[0]["n"]
        return waiting

    def _rows(self, name: str, params: Any) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params).fetchall()


def sealed_note(row: DictRow) -> Sealed | None:
    """Where the note of a row is, taken out of it."""
    ref, commitment = row.pop("note_ref"), row.pop("note_commitment")
    return None if ref is None else Sealed(ref, bytes(commitment))


def _require_standing(taken_back: Sequence[DictRow]) -> None:
    """Whether one of the hits that were dismissed stands again; when none does, an entry ended meanwhile."""
    if taken_back and not any(row["stands"] for row in taken_back):
        raise VersionConflict("changed_meanwhile")


def _written(review: Review, work: Work) -> dict[str, Any]:
    return {
        "review_id": review.id,
        "at": work.act.at,
        "operator_id": work.act.by,
        "outcome": review.outcome,
        "disclosures": [hit.disclosure_id for hit in review.hits],
        "subjects": [hit.subject_id for hit in review.hits],
        "refs": [None if note is None else note.ref for note in review.notes],
        "commitments": [None if note is None else note.commitment for note in review.notes],
    }
