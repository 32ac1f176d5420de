"""Add to a case what an investigation finds: subjects, notes, evidence, victims."""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec

from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Work
from watchlist.domain.identifiers import Identifier, asked_keys
from watchlist.domain.vault_field import VaultField


def add_subject(desk: Desk, ask: Ask, case_id: UUID, subject_id: UUID) -> Receipt:
    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        subject = desk.subject(subject_id, ask.organisation, "subject_id")
        subject.require_itself("subject_id")
        work.unchanged.append(subject)
        case.add_subject(work.act, subject_id)
        return decided(case)

    return desk.carry_out(ask, decide)


def add_note(desk: Desk, ask: Ask, case_id: UUID, text: str) -> Receipt:
    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        case.add_note(work.act, work.seal(case.id, VaultField.NOTE, text))
        return decided(case)

    return desk.carry_out(ask, decide)


def add_evidence(desk: Desk, ask: Ask, case_id: UUID, description: str, sha256: str) -> Receipt:
    """A description and the digest of a document that stays outside; both are vaulted (C5)."""

    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        id = uuid4()
        sealed = (
            work.seal(case.id, VaultField.EVIDENCE, description),
            work.seal(case.id, VaultField.SHA256, sha256),
        )
        case.add_evidence(work.act, id, *sealed)
        return decided(case, id=id, evidence_id=id)

    return desk.carry_out(ask, decide)


def record_victim(
    desk: Desk, ask: Ask, subject_id: UUID, case_id: UUID, stolen: tuple[Identifier, ...], reason: str
) -> Receipt:
    """L10: a victim of identity theft in this case; what was stolen is no key to the case's entries."""

    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        victim = desk.subject(subject_id, ask.organisation)
        victim.require_itself("subject_id")
        work.unchanged.append(victim)
        document = msgspec.json.encode([[identifier.scheme, identifier.value] for identifier in stolen])
        case.record_victim(
            work.act,
            subject_id,
            work.seal(case.id, VaultField.STOLEN, document),
            work.seal(case.id, VaultField.VICTIM_REASON, reason),
        )
        keys = {key for identifier in stolen for key in asked_keys(identifier)}
        work.stolen.extend(
            (case.id, tokenizer.of_identifier(key), tokenizer.generation)
            for tokenizer in desk.lookups.now.written
            for key in keys
        )
        return decided(case, subject_id=subject_id, case_id=case.id)

    return desk.carry_out(ask, decide)
