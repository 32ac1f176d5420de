"""Raise an alert, qualify or dismiss it, and close the case it became."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from watchlist.application.desk import Desk
from watchlist.application.purge_case import purge_case
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Work
from watchlist.domain.case import Case
from watchlist.domain.case_events import ClosingOutcome, Source
from watchlist.domain.case_memory import Alert
from watchlist.domain.vault_field import VaultField


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    """What an investigator says of an alert; `amount_at_stake` is a decimal and a currency, "1234.56 EUR"."""

    subject_ids: tuple[UUID, ...]
    raised_on: date
    source: Source
    summary: str
    amount_at_stake: str | None = None


def raise_alert(desk: Desk, ask: Ask, raised: RaisedAlert) -> Receipt:
    """C1: a new case, in the state of an alert."""

    def decide(work: Work) -> Decided:
        for subject in desk.subjects(raised.subject_ids, ask.organisation, "subject_ids").values():
            subject.require_itself("subject_ids")
            work.unchanged.append(subject)
        id = uuid4()
        work.new_owners(id)
        alert = Alert(
            raised.raised_on,
            raised.source,
            work.seal(id, VaultField.SUMMARY, raised.summary),
            work.seal_optional(id, VaultField.AMOUNT_AT_STAKE, raised.amount_at_stake),
        )
        case = Case.raise_alert(work.act, id, alert, raised.subject_ids)
        return decided(case, state=case.state)

    return desk.carry_out(ask, decide)


def qualify_alert(desk: Desk, ask: Ask, case_id: UUID, relevant: bool, reason: str) -> Receipt:
    """C1: relevant, it becomes a case under investigation; not relevant, it is purged at once."""

    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        if relevant:
            case.qualify(work.act, work.seal(case.id, VaultField.QUALIFICATION, reason))
        else:
            case.dismiss(work.act)
        return decided(case, state=case.state)

    receipt = desk.carry_out(ask, decide)
    if not relevant:
        purge_case(desk, ask, case_id)
    return receipt


def close_case(desk: Desk, ask: Ask, case_id: UUID, outcome: ClosingOutcome) -> Receipt:
    """C3."""

    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        case.close(work.act, outcome)
        return decided(case, state=case.state)

    return desk.carry_out(ask, decide)
