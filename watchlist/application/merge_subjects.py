"""Merge two subjects of one organisation, and split them again; their entries follow (C8)."""

from __future__ import annotations

from uuid import UUID

from watchlist.application.contest import contest_entries, every_case_of
from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.register_subject import identity_of
from watchlist.application.work import Ask, Work
from watchlist.domain import refusals
from watchlist.domain.case import Case
from watchlist.domain.identity import contradict
from watchlist.domain.subject import Subject
from watchlist.domain.vault_field import VaultField


def merge_subjects(desk: Desk, ask: Ask, survivor_id: UUID, duplicate_id: UUID, reason: str) -> Receipt:
    """What was the duplicate's is the survivor's from now on."""

    def decide(work: Work) -> Decided:
        survivor = desk.subject(survivor_id, ask.organisation)
        duplicate = desk.subject(duplicate_id, ask.organisation, "duplicate_id")
        survivor.require_kept()
        duplicate.require_kept("duplicate_id")
        _require_reconcilable(desk, survivor, duplicate)
        survivor.merge(work.act, duplicate, work.seal(duplicate.id, VaultField.REASON, reason))
        cases = _follow(desk, work, survivor, duplicate, survivor_id)
        return decided(survivor, duplicate, *cases)

    return desk.carry_out(ask, decide)


def _require_reconcilable(desk: Desk, survivor: Subject, duplicate: Subject) -> None:
    """Two who differ by kind, birth date, RPPS or SIREN are not one; a mistake is rectified first."""
    known = [identity for one in (survivor, duplicate) if (identity := identity_of(desk, one)) is not None]
    if len(known) == 2 and contradict(*known):
        raise refusals.IdentifierOfAnother("duplicate_id", state="registered")


def split_subjects(desk: Desk, ask: Ask, survivor_id: UUID, duplicate_id: UUID, reason: str) -> Receipt:
    """The merge was a mistake: each has its own again."""

    def decide(work: Work) -> Decided:
        survivor = desk.subject(survivor_id, ask.organisation)
        duplicate = desk.subject(duplicate_id, ask.organisation, "duplicate_id")
        survivor.require_kept()
        duplicate.require_kept("duplicate_id")
        survivor.split(work.act, duplicate, work.seal(duplicate.id, VaultField.REASON, reason))
        cases = _follow(desk, work, survivor, duplicate, None)
        return decided(survivor, duplicate, *cases)

    return desk.carry_out(ask, decide)


def _follow(desk: Desk, work: Work, survivor: Subject, duplicate: Subject, into: UUID | None) -> list[Case]:
    """The cases of the duplicate follow; the entries of both are contested as their requests now say (P2)."""
    cases = every_case_of(desk, work, survivor.id, duplicate.id)
    for case in cases:
        if duplicate.id in case.subject_ids or duplicate.id in case.victims:
            case.follow(work.act, duplicate.id, into)
    standing = [survivor] if into else [survivor, duplicate]
    return contest_entries(work, cases, *standing)
