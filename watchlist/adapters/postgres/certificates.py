"""The certificates of erasures, and where the journal says the same: what a lost journal is written again from (P6)."""

from __future__ import annotations

from datetime import UTC

from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.domain.erasure import ErasureKind
from watchlist.ports.erasure_journal import WriteJournal

# What was purged before there was a journal had none: it comes first.
JOURNALLED = b"""SELECT kind, owner, completed_at FROM erasures WHERE completed_at IS NOT NULL
ORDER BY journal_sequence NULLS FIRST, completed_at, owner"""
JOURNALLED_AS = b"""UPDATE erasures e SET journal_sequence = j.sequence, journal_digest = j.digest
FROM unnest(%b::uuid[], %b::bigint[], %b::text[]) AS j (owner, sequence, digest) WHERE e.owner = j.owner"""


class PostgresCertificates:
    """Keeps the port Certificates."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def journal_again(self, write: WriteJournal) -> int:
        with borrowed(self._pool) as conn, conn.transaction():
            # Under the lock of those who record: no erasure is recorded between the two.
            conn.execute("SELECT pg_advisory_xact_lock(%b)", (WRITE_LOCK,))
            rows = conn.execute(JOURNALLED).fetchall()
            entries = write(
                [
                    (ErasureKind(row["kind"]), row["owner"], row["completed_at"].astimezone(UTC))
                    for row in rows
                ]
            )
            conn.execute(
                JOURNALLED_AS,
                (
                    [entry.owner for entry in entries],
                    [entry.sequence for entry in entries],
                    [entry.digest for entry in entries],
                ),
            )
        return len(entries)
