"""Review an entry that a procedure holds past its term (L13)."""

from __future__ import annotations

from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Work
from watchlist.domain.vault_field import VaultField


def review_hold(desk: Desk, ask: Ask, inscription_id: UUID, reason: str) -> Receipt:
    """The hold was looked at again and stands; the next review is a year from today."""

    def decide(work: Work) -> Decided:
        case = desk.case_of(inscription_id, ask.organisation, work)
        case.review_hold(work.act, inscription_id, work.seal(case.id, VaultField.HOLD_REVIEW, reason))
        inscription = case.inscription(inscription_id)
        return decided(
            case,
            id=inscription_id,
            inscription_id=inscription_id,
            reviewed_on=inscription.hold_reviewed_on,
            held_by=case.held_by(inscription),
        )

    return desk.carry_out(ask, decide)
