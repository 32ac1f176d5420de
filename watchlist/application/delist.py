"""Delist an entry on a ground, restrict it, lift the restriction (L9, P2)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Work
from watchlist.domain.case import Case
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.vault_field import VaultField


def delist(desk: Desk, ask: Ask, inscription_id: UUID, ground: DelistingGround, reason: str) -> Receipt:
    """No hit from the moment this returns."""
    return _decide(
        desk,
        ask,
        inscription_id,
        lambda case, work: case.delist(
            work.act, inscription_id, ground, work.seal(case.id, VaultField.DELISTING, reason)
        ),
    )


def restrict(desk: Desk, ask: Ask, inscription_id: UUID, reason: str) -> Receipt:
    """P2: the entry exists and is not answered."""
    return _decide(
        desk,
        ask,
        inscription_id,
        lambda case, work: case.restrict(
            work.act, inscription_id, work.seal(case.id, VaultField.RESTRICTION, reason)
        ),
    )


def lift_restriction(desk: Desk, ask: Ask, inscription_id: UUID, reason: str) -> Receipt:
    """P2: what has ended meanwhile stays ended."""
    return _decide(
        desk,
        ask,
        inscription_id,
        lambda case, work: case.lift_restriction(
            work.act, inscription_id, work.seal(case.id, VaultField.LIFTING, reason)
        ),
    )


def _decide(desk: Desk, ask: Ask, inscription_id: UUID, act: Callable[[Case, Work], None]) -> Receipt:
    def decide(work: Work) -> Decided:
        case = desk.case_of(inscription_id, ask.organisation, work)
        act(case, work)
        inscription = case.inscription(inscription_id)
        return decided(case, id=inscription_id, state=inscription.state, restricted=inscription.restricted)

    return desk.carry_out(ask, decide)
