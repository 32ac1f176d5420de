"""Follow a judicial procedure: opened, continued by another, ended for some or all it names (C4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Work
from watchlist.domain.case import Ending, NewProcedure
from watchlist.domain.procedure import Kind, Outcome
from watchlist.domain.vault_field import VaultField


@dataclass(frozen=True, slots=True)
class OpenedProcedure:
    kind: Kind
    court: str
    reference: str
    opened_on: date
    subject_ids: tuple[UUID, ...]
    continues: UUID | None = None


@dataclass(frozen=True, slots=True)
class EndedProcedure:
    outcome: Outcome
    ended_on: date
    limitation_basis: str
    limitation_ends_on: date
    subject_ids: tuple[UUID, ...] | None = None


def sealed_procedure(work: Work, case_id: UUID, opened: OpenedProcedure) -> NewProcedure:
    """The procedure with its court and reference sealed (C5)."""
    return NewProcedure(
        opened.kind,
        work.seal(case_id, VaultField.COURT, opened.court),
        work.seal(case_id, VaultField.REFERENCE, opened.reference),
        opened.opened_on,
        opened.subject_ids,
        opened.continues,
    )


def open_procedure(desk: Desk, ask: Ask, case_id: UUID, opened: OpenedProcedure) -> Receipt:
    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        id = uuid4()
        case.open_procedure(work.act, id, sealed_procedure(work, case.id, opened))
        return decided(case, id=id, procedure_id=id)

    return desk.carry_out(ask, decide)


def end_procedure(desk: Desk, ask: Ask, case_id: UUID, procedure_id: UUID, ended: EndedProcedure) -> Receipt:
    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        ending = Ending(
            ended.outcome,
            ended.ended_on,
            work.seal(case.id, VaultField.LIMITATION_BASIS, ended.limitation_basis),
            ended.limitation_ends_on,
            ended.subject_ids,
        )
        case.end_procedure(work.act, procedure_id, ending)
        return decided(case, id=procedure_id, procedure_id=procedure_id)

    return desk.carry_out(ask, decide)
