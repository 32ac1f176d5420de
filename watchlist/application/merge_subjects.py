"""Merge two subjects of one organisation, and split them again; their entries follow (C8)."""

from __future__ import annotations

from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.register_subject import identity_of
from watchlist.application.work import Ask, Work
from watchlist.domain import refusals
from watchlist.domain.case import Case
from watchlist.domain.identity import contradict
from watchlist.domain.subject import Subject


def merge_subjects(desk: Desk, ask: Ask, survivor_id: UUID, duplicate_id: UUID, reason: str) -> Receipt:
    """What was the duplicate's is the survivor's from now on."""

    def decide(work: Work) -> Decided:
        survivor = desk.subject(survivor_id, ask.organisation)
        duplicate = desk.subject(duplicate_id, ask.organisation, "duplicate_id")
        survivor.require_kept()
        duplicate.require_kept("duplicate_id")
        _require_reconcilable(desk, survivor, duplicate)
        survivor.merge(work.act, duplicate, work.seal(duplicate.id, "reason", reason))
        cases = _follow(desk, work, duplicate_id, survivor_id)
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
        survivor.split(work.act, duplicate, work.seal(duplicate.id, "reason", reason))
        cases = _follow(desk, work, duplicate_id, None, about=survivor_id)
        return decided(survivor, duplicate, *cases)

    return desk.carry_out(ask, decide)


def _follow(desk: Desk, work: Work, merged: UUID, into: UUID | None, about: UUID | None = None) -> list[Case]:
    found = desk.log.load(desk.registry.cases_about(about or merged))
    cases = [case for case in found.values() if isinstance(case, Case) and merged in case.subject_ids]
    for case in cases:
        case.follow(work.act, merged, into)
    return cases
