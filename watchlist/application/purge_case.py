"""Purge the data of a case that is over (C1, C5)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.ordered_id import ordered_id
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Work


def purge_case(desk: Desk, ask: Ask, case_id: UUID) -> Receipt:
    """Destroy the case's key, then record the purge; its ciphertexts go with the record.

    Killed in between, the case still says that its purge is due, and a sweep does it.
    """

    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        if case.purge(work.act):
            desk.keyring.destroy([case.id])
            work.forgotten.append(case.id)
        return decided(case, state=case.state)

    return desk.carry_out(replace(ask, command_id=ordered_id()), decide)
