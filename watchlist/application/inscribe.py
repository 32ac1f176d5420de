"""Propose an inscription, amend or withdraw it; a second person approves or rejects it (L5-L8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

import msgspec

from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Work
from watchlist.domain import inscription as rules
from watchlist.domain import refusals
from watchlist.domain.case import Case, Proposal
from watchlist.domain.inscription import State
from watchlist.domain.vault_field import VaultField


@dataclass(frozen=True, slots=True)
class Proposed:
    """What an investigator proposes: grounds (codes), term in months, and the proportionality in five texts."""

    grounds: tuple[str, ...]
    term_months: int
    proportionality: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Amendment:
    """What of a proposal changes; None leaves it as it was."""

    grounds: tuple[str, ...] | None = None
    term_months: int | None = None
    proportionality: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Deferral:
    """L12: why the information letter waits, and the day that is reviewed."""

    reason: str
    review_on: date


def _sealed(work: Work, case: Case, proposed: Proposed) -> Proposal:
    rules.require_proportionality(proposed.proportionality)
    document = msgspec.json.encode(dict(proposed.proportionality))
    return Proposal(
        rules.require_grounds(proposed.grounds),
        rules.require_term(proposed.term_months),
        work.seal(case.id, VaultField.PROPORTIONALITY, document),
    )


def propose(desk: Desk, ask: Ask, case_id: UUID, subject_id: UUID, proposed: Proposed) -> Receipt:
    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        subject = desk.subject(subject_id, ask.organisation, "subject_id")
        work.unchanged.append(subject)
        id = uuid4()
        made = case.propose(work.act, id, subject_id, subject, _sealed(work, case, proposed))
        return decided(case, id=id, inscription_id=id, state=made.state)

    return desk.carry_out(ask, decide)


def amend(desk: Desk, ask: Ask, inscription_id: UUID, changes: Amendment, if_version: int) -> Receipt:
    """Change some of grounds, term and proportionality of a proposal; the rest stays as it was."""

    def decide(work: Work) -> Decided:
        case = desk.case_of(inscription_id, ask.organisation, work)
        if case.version != if_version:
            raise refusals.StaleVersion(state=str(case.version))
        if case.inscription(inscription_id).provenance is not None:
            raise refusals.WaitsForItsImport(state=case.inscription(inscription_id).state)
        case.amend(work.act, inscription_id, _changed(work, case, inscription_id, changes))
        return decided(case, id=inscription_id, inscription_id=inscription_id)

    return desk.carry_out(ask, decide)


def _changed(work: Work, case: Case, inscription_id: UUID, changes: Amendment) -> Proposal:
    before = case.inscription(inscription_id)
    grounds, months = before.grounds, before.term_months
    proportionality = before.proportionality
    if changes.grounds is not None:
        grounds = rules.require_grounds(changes.grounds)
    if changes.term_months is not None:
        months = rules.require_term(changes.term_months)
    if changes.proportionality is not None:
        rules.require_proportionality(changes.proportionality)
        document = msgspec.json.encode(dict(changes.proportionality))
        proportionality = work.seal(case.id, VaultField.PROPORTIONALITY, document)
    return Proposal(grounds, months, proportionality)


def withdraw(desk: Desk, ask: Ask, inscription_id: UUID) -> Receipt:
    def decide(work: Work) -> Decided:
        case = desk.case_of(inscription_id, ask.organisation, work)
        case.withdraw(work.act, inscription_id)
        return decided(case, id=inscription_id, state=case.inscription(inscription_id).state)

    return desk.carry_out(ask, decide)


def reject(desk: Desk, ask: Ask, inscription_id: UUID, reason: str) -> Receipt:
    def decide(work: Work) -> Decided:
        case = desk.case_of(inscription_id, ask.organisation, work)
        case.reject(work.act, inscription_id, work.seal(case.id, VaultField.REJECTION, reason))
        return decided(case, id=inscription_id, state=case.inscription(inscription_id).state)

    return desk.carry_out(ask, decide)


def approve(desk: Desk, ask: Ask, inscription_id: UUID, deferral: Deferral | None = None) -> Receipt:
    """L5: by a second person; from then on the subject is listed."""

    def decide(work: Work) -> Decided:
        case = desk.case_of(inscription_id, ask.organisation, work)
        proposed = case.inscription(inscription_id)
        if proposed.provenance is not None and proposed.state is State.PROPOSED:
            raise refusals.WaitsForItsImport(state=proposed.state)
        subject_id = case.subject_now(proposed.subject_id)
        subject = desk.subject(subject_id, ask.organisation)
        work.unchanged.append(subject)
        approved = case.approve(
            work.act,
            inscription_id,
            subject,
            work.seal(case.id, VaultField.NOTICE_DEFERRAL, deferral.reason) if deferral else None,
            deferral.review_on if deferral else None,
        )
        return decided(
            case,
            id=inscription_id,
            state=approved.state,
            inscribed_on=approved.inscribed_on,
            last_listed_day=approved.term.last_listed_day,
            listed_until=approved.term.elapses_at,
        )

    return desk.carry_out(ask, decide)
