"""Webhooks and their outbox in PostgreSQL: what is due, who is sending it, and how it went (S8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.queries import queries
from watchlist.application.ordered_id import ordered_id
from watchlist.domain.change import Change, ChangeKind
from watchlist.domain.webhook import Next, Outcome, Parcel, SigningSecret, Webhook, WebhookState
from watchlist.ports.feed import SendingStands

SQL = queries("webhooks.sql")
WINDOW = 1_000
"""Changes of one webhook that are looked at together: so many that wait for a delay keep those behind them waiting."""


class PostgresWebhooks:
    """Keeps the port Webhooks."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    # Kept -------------------------------------------------------------------------------------

    def add(self, webhook: Webhook, secret: SigningSecret, most: int) -> bool:
        with borrowed(self._pool) as conn, conn.transaction():
            conn.execute(SQL["one_at_a_time"], (webhook.organisation,))
            made = conn.execute(
                SQL["add"],
                {
                    "webhook": webhook.webhook_id,
                    "organisation": webhook.organisation,
                    "url": webhook.url,
                    "description": webhook.description,
                    "at": webhook.made_at,
                    "by": webhook.made_by,
                    "most": most,
                },
            ).rowcount
            if made:
                secrets = (webhook.webhook_id, secret.number, secret.salt, webhook.made_at)
                conn.execute(SQL["first_secret"], secrets)
        return bool(made)

    def webhooks(self, organisation: str, after: UUID, limit: int) -> list[Webhook]:
        return [_webhook(row) for row in self._rows("webhooks", (organisation, after, limit))]

    def webhook(self, organisation: str, webhook_id: UUID) -> Webhook | None:
        return next(map(_webhook, self._rows("webhook", (organisation, webhook_id))), None)

    def unsent(self, webhook_id: UUID) -> int:
        unsent: int = self._rows("unsent", {"webhook": webhook_id})[0]["unsent"]
        return unsent

    def remove(self, organisation: str, webhook_id: UUID) -> bool:
        return bool(self._do("remove", (organisation, webhook_id)))

    # Their secrets ----------------------------------------------------------------------------

    def secrets(self, webhook_id: UUID) -> list[tuple[int, datetime, datetime | None]]:
        rows = self._rows("secrets", (webhook_id,))
        return [(row["number"], row["made_at"], row["retired_at"]) for row in rows]

    def add_secret(self, webhook_id: UUID, salt: bytes, at: datetime, most: int) -> int | None:
        with borrowed(self._pool) as conn, conn.transaction():
            conn.execute(SQL["one_secret_at_a_time"], (webhook_id,))
            row = conn.execute(
                SQL["add_secret"], {"webhook": webhook_id, "salt": salt, "at": at, "most": most}
            ).fetchone()
        return row["number"] if row else None

    def retire_secret(self, webhook_id: UUID, number: int, at: datetime) -> datetime | None:
        named = {"webhook": webhook_id, "number": number}
        with borrowed(self._pool) as conn, conn.transaction():
            conn.execute(SQL["one_secret_at_a_time"], (webhook_id,))
            conn.execute(SQL["retire_secret"], named | {"at": at})
            row = conn.execute(SQL["retired"], named).fetchone()
        return row["retired_at"] if row else None

    # Sending ----------------------------------------------------------------------------------

    def attempts(self, webhook_id: UUID, after: UUID, limit: int) -> list[dict[str, Any]]:
        return self._rows("attempts", (webhook_id, after, limit))

    def replay(self, webhook_id: UUID, after: int, at: datetime) -> int:
        params = {"webhook": webhook_id, "after": after, "at": at}
        with borrowed(self._pool) as conn, conn.transaction():
            conn.execute(SQL["revive"], params)
            return conn.execute(SQL["replay"], params).rowcount

    def take_up(self, at: datetime) -> list[UUID]:
        self._do("take_up", {"at": at})
        return [row["webhook_id"] for row in self._rows("due", (at,))]

    def claim(self, webhook_id: UUID, at: datetime, until: datetime, limit: int) -> list[Parcel]:
        params = {
            "webhook": webhook_id,
            "at": at,
            "until": until,
            "limit": limit,
            "claim": uuid4(),
            "window": WINDOW,
        }
        rows = self._rows("claim", params)
        return [_parcel(row) for row in sorted(rows, key=lambda row: int(row["sequence"]))]

    def record(self, parcel: Parcel, outcome: Outcome, then: Next, at: datetime) -> None:
        self._do(
            "record",
            {
                "webhook": parcel.webhook_id,
                "sequence": parcel.change.sequence,
                "claim": parcel.claim,
                "due_at": then.due_at,
                "state": then.state.value,
                "at": at,
                "attempt_id": ordered_id(),
                "attempt": parcel.attempt,
                "status": outcome.status,
                "failure": outcome.failure and outcome.failure.value,
                "milliseconds": outcome.milliseconds,
            },
        )

    def stands(self, due_before: datetime) -> SendingStands:
        return SendingStands(**self._rows("stands", {"before": due_before})[0])

    def forget_attempts(self, before: datetime) -> int:
        return self._do("forget_attempts", (before,))

    def _do(self, name: str, params: Any) -> int:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params).rowcount

    def _rows(self, name: str, params: Any) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params, prepare=True).fetchall()


def _webhook(row: DictRow) -> Webhook:
    return Webhook(**row | {"state": WebhookState(row["state"])})


def _parcel(row: Mapping[str, Any]) -> Parcel:
    change = Change(
        row["sequence"], row["changed_at"], ChangeKind(row["kind"]), row["screening_id"], row["key"]
    )
    secrets = [SigningSecret(*pair) for pair in zip(row["numbers"], map(bytes, row["salts"]), strict=True)]
    return Parcel(
        row["webhook_id"],
        row["url"],
        row["organisation"],
        change,
        secrets,
        row["attempts"],
        row["tried_since"],
        row["claim"],
    )
