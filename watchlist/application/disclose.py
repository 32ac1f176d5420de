"""Disclose: record a communication about a subject that a person made, and read it again (S8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from watchlist.application.desk import Desk
from watchlist.application.ordered_id import ordered_id
from watchlist.application.receipt import Receipt
from watchlist.application.work import Ask, Work
from watchlist.domain import refusals
from watchlist.domain.procedure import require_past
from watchlist.domain.trace import ByHand, Recipient
from watchlist.domain.vault_field import VaultField


@dataclass(frozen=True, slots=True)
class Communication:
    """What was told of whom, to whom, on which basis, and on which day."""

    subject_id: UUID
    recipient: Recipient
    legal_basis: str
    told: str
    told_on: date
    recipient_name: str | None = None
    case_id: UUID | None = None


def disclose_by_hand(desk: Desk, ask: Ask, made: Communication) -> Receipt:
    """Kept beside the log: it decides nothing. Its words are under the subject's key, and go with it."""

    def decide(work: Work) -> Receipt:
        subject = desk.subject(made.subject_id, ask.organisation, "subject_id")
        subject.require_kept("subject_id")
        _require_of_the_case(desk, ask, made)
        require_past(made.told_on, work.act.at, "told_on")
        words = {"told": made.told, "legal_basis": made.legal_basis, "recipient_name": made.recipient_name}
        sealed = work.seal(subject.id, VaultField.DISCLOSURE, msgspec.json.encode(words))
        position = desk.log.position()
        receipt = Receipt(ordered_id(), 1, position)
        work.answer = msgspec.json.encode(receipt.body())
        told = ByHand(receipt.id, made.recipient, made.told_on, sealed, made.case_id)
        desk.registers.disclose(subject, told, work, position)
        return receipt

    return desk.carry_out(ask, decide)


def _require_of_the_case(desk: Desk, ask: Ask, made: Communication) -> None:
    if made.case_id is None:
        return
    case = desk.case(made.case_id, ask.organisation)
    if case.subject_now(made.subject_id) not in {*case.subjects_now(), *case.victims_then_and_now()}:
        raise refusals.SubjectNotInCase("case_id")


def read_disclosure(desk: Desk, disclosure_id: UUID, scope: str | None) -> dict[str, Any]:
    """One disclosure, its words opened; without them once the subject is erased."""
    found = desk.registers.disclosure(disclosure_id)
    if found is None or scope not in (None, found[0]["owner"]):
        raise refusals.NoSuchDisclosure()
    row, sealed = found
    words: dict[str, Any] = dict.fromkeys(("told", "legal_basis", "recipient_name"))
    if sealed is not None:
        raw = desk.open_sealed(row["subject_id"], [sealed]).get(sealed.ref)
        words |= {} if raw is None else msgspec.json.decode(raw)
    return {**row, **words}
