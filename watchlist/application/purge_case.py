"""Purge the data of a case that is over (C1, C2, C5)."""

from __future__ import annotations

from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.forget import forget
from watchlist.application.work import Ask


def purge_case(desk: Desk, ask: Ask, case_id: UUID) -> None:
    """Journal it, destroy its key, record it; its ciphertexts go with the record.

    Killed in between, the case still says that its purge is due, and a sweep does it.
    """
    desk.case(case_id, ask.organisation)
    forget(desk, [case_id], ask)
