"""Erasures, certified: what was forgotten, by which rule, and when no backup can bring it back (P6, C5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from msgspec import structs

from watchlist.application.desk import Desk
from watchlist.application.forget import forget
from watchlist.domain import refusals
from watchlist.domain.erasure import complete_on
from watchlist.ports.registry import FIRST, CertificateRow

BATCH = 500


@dataclass(frozen=True, slots=True)
class StandingOfErasures:
    complete: int
    awaiting: int
    """Carried out, while a backup may still hold the key, or a copy of the look-ups find the person."""
    complete_on: date | None
    """When the last of these is complete; None when that depends on the copy."""
    copied: bool = False
    """A rebuild that runs, or was never finished, holds look-ups beside the register: until then none is complete."""


def standing_of_erasures(desk: Desk, backups: timedelta) -> StandingOfErasures:
    """How many erasures are complete, and when the others will be."""
    now = desk.clock.now()
    complete, awaiting, last = desk.registry.erasures_standing(now - backups)
    if desk.registry.look_ups_beside():
        return StandingOfErasures(0, complete + awaiting, None, copied=True)
    return StandingOfErasures(
        complete, awaiting, complete_on(last, backups) if last is not None and awaiting else None
    )


def read_erasures(
    desk: Desk, scope: str | None, backups: timedelta, after: UUID = FIRST, limit: int = 100
) -> list[dict[str, Any]]:
    """The certificates of one organisation or of all, by id."""
    copied = desk.registry.look_ups_beside()
    return [_told(row, backups, copied) for row in desk.registry.certificates(scope, after, limit)]


def read_erasure(desk: Desk, erasure_id: UUID, scope: str | None, backups: timedelta) -> dict[str, Any]:
    """One certificate; its id is that of what was erased."""
    row = desk.registry.certificate(erasure_id)
    if row is None or scope not in (None, row.organisation):
        raise refusals.NoSuchErasure()
    return _told(row, backups, desk.registry.look_ups_beside())


def _told(row: CertificateRow, backups: timedelta, copied: bool) -> dict[str, Any]:
    facts = structs.asdict(row)
    destroyed_at = facts.pop("completed_at")
    return {
        "id": facts.pop("owner"),
        **{name: value for name, value in facts.items() if name != "journal_digest"},
        "destroyed_at": destroyed_at,
        "complete_on": None if destroyed_at is None or copied else complete_on(destroyed_at, backups),
    }


def finish_erasures(desk: Desk) -> int:
    """Carry out what was decided and interrupted; how many. Every opening has followed the journal before."""
    finished = 0
    for due in (desk.registry.due_purges, desk.registry.erasing_subjects):
        while ids := due(BATCH):
            done = len(forget(desk, ids))
            finished += done
            if not done:  # another process is faster
                break
    return finished
