"""Erase a subject: because no case retains it any more, by decision, or again after a restore (P6).

Decided first, in one transaction with what its cases hold of it: from then on nothing finds it and it takes no command.
Then it is forgotten (forget.py). Killed in between, the sweep carries out what was decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from watchlist.application.case_texts import every_identity_of, texts_naming
from watchlist.application.desk import Desk
from watchlist.application.forget import by_nobody, forget, replace_organisation
from watchlist.application.kept_letters import forget_letters_about
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Work
from watchlist.domain import periods, refusals
from watchlist.domain.aggregate import SCHEDULER, Aggregate
from watchlist.domain.case import Case
from watchlist.domain.case_events import PurgeBasis
from watchlist.domain.identifiers import Identifier, asked_keys
from watchlist.domain.retention import subject_data_end_at
from watchlist.domain.subject import ErasureBasis, Subject

ERASED = "erased"


@dataclass(frozen=True, slots=True)
class DecidedErasure:
    """What a decision does at once, and what is left to be carried out once it is recorded."""

    over: list[UUID]
    """Subjects and cases that are to be forgotten."""
    changed: list[Aggregate] = field(default_factory=list)
    """The subject first; nothing when its erasure was decided before."""


# By decision ----------------------------------------------------------------------------------


def erase_subject(desk: Desk, ask: Ask, subject_id: UUID, request_id: UUID | None = None) -> Receipt:
    """P6: everything that is held of it, whatever retains it, unless a procedure or its limitation forbids.

    Refused too while a text of a case that stays names it (TextsNameTheSubject tells which). One whose erasure was
    decided before is carried out.
    """
    over: list[UUID] = []

    def decide(work: Work) -> Decided | Receipt:
        erasure = decide_erasure(desk, work, subject_id, request_id)
        over[:] = erasure.over
        if not erasure.changed:
            subject = desk.subject(subject_id, ask.organisation)
            return Receipt(subject.id, subject.version, desk.log.position(), {"state": ERASED}, created=False)
        return decided(*erasure.changed, state=ERASED)

    receipt = desk.carry_out(ask, decide)
    if not over:  # answered before, and perhaps not carried out
        subject = desk.subject(subject_id, ask.organisation)
        over += [subject.id, *subject.absorbed]
    forget(desk, over, ask)
    return receipt


def decide_erasure(
    desk: Desk, work: Work, subject_id: UUID, request_id: UUID | None = None
) -> DecidedErasure:
    """P6: decided in this work's transaction, with whatever else that records; refused as `erase_subject` says."""
    subject = desk.subject(subject_id, work.act.organisation)
    if subject.is_erasing:
        return DecidedErasure([subject.id, *subject.absorbed])
    subject.require_itself()
    group = _group(desk, subject)
    cases = _cases_about(desk, group)
    _require_erasable(desk, work, subject, group, cases)
    _leave_cases(desk, work, group, cases)
    for one in group:
        one.decide_erasure(work.act, ErasureBasis.REQUEST, request_id)
    _guard(work, group, cases)
    letters = forget_letters_about(desk, work, group)
    return DecidedErasure(
        [case.id for case in cases if case.purge_due is not None] + [one.id for one in group],
        [*group, *(case for case in cases if case.pending), *letters],
    )


def require_erasable(desk: Desk, work: Work, subject_id: UUID) -> None:
    """P6: refused as `erase_subject` would refuse, before anybody is told that it is done."""
    subject = desk.subject(subject_id, work.act.organisation)
    if not subject.is_erasing:
        group = _group(desk, subject)
        _require_erasable(desk, work, subject, group, _cases_about(desk, group))


def _require_erasable(
    desk: Desk, work: Work, subject: Subject, group: Sequence[Subject], cases: Sequence[Case]
) -> None:
    kept = [case for case in cases if case.purge_due is None]
    for case in kept:
        case.require_erasable(work.act, subject.id)
    known = every_identity_of(desk, [one.id for one in group])
    staying = [case for case in kept if set(case.subjects_now()) - {one.id for one in group}]
    naming = [(case.id, text) for case in staying for text in texts_naming(desk, case, known)]
    if naming:
        raise refusals.TextsNameTheSubject(naming)


# By retention ---------------------------------------------------------------------------------


def erase_unretained(desk: Desk, subject_ids: Sequence[UUID]) -> int:
    """P6: those of these subjects that no case retains any more, at once; how many. SQL narrows, the rule decides.

    What was decided on before, and not carried out, is.
    """
    erased: list[UUID] = []
    counted = 0

    def decide(work: Work) -> Decided | Receipt:
        nonlocal counted
        found = [s for s in desk.log.load(subject_ids).values() if isinstance(s, Subject)]
        groups = _groups(desk, found)
        purged = _purged(desk, groups)
        asked_for = desk.registry.has_open_request([one.id for group in groups for one in group])
        due = [
            group for group in groups if _is_due(work, group, purged, asked_for and _has_request(desk, group))
        ]
        left = [group for group in groups if group[0].is_erasing and not group[0].is_erased]
        counted, everybody = len(due) + len(left), [one for group in due for one in group]
        for one in everybody:
            one.decide_erasure(replace_organisation(work.act, one), ErasureBasis.RETENTION)
        erased[:] = [one.id for group in [*due, *left] for one in group]
        _guard(work, everybody, [])
        letters = forget_letters_about(desk, work, everybody)
        return decided(*everybody, *letters) if everybody else Receipt(SCHEDULER, 0, 0)

    desk.carry_out(by_nobody(), decide)
    forget(desk, erased)
    return counted


def _has_request(desk: Desk, group: Sequence[Subject]) -> bool:
    return desk.registry.has_open_request([one.id for one in group])


def _is_due(
    work: Work, group: Sequence[Subject], purged: dict[UUID, list[datetime | None]], open_requests: bool
) -> bool:
    subject = group[0]
    if subject.is_erasing or subject.merged_into is not None:
        return False
    registered_on = max(periods.civil_date(one.registered_at) for one in group)
    ends = subject_data_end_at(registered_on, purged.get(subject.id, []), open_requests)
    return ends <= work.act.at


def _purged(desk: Desk, groups: Sequence[Sequence[Subject]]) -> dict[UUID, list[datetime | None]]:
    """Of each subject, when the data of the cases that name it went."""
    found: dict[UUID, list[datetime | None]] = {}
    for subject_id, _, purged_at in desk.registry.naming([group[0].id for group in groups]):
        found.setdefault(subject_id, []).append(purged_at)
    return found


# After a restore ------------------------------------------------------------------------------


def erase_again(desk: Desk, owners: Sequence[UUID]) -> list[UUID]:
    """P6: decide again, whatever state a restored backup has them in, what the journal says was erased.

    All whom that decided on: duplicates of theirs, and cases that are left with nobody.
    """
    over: list[UUID] = []

    def decide(work: Work) -> Decided | Receipt:
        found = desk.log.load(owners)
        subjects = [s for s in found.values() if isinstance(s, Subject) and not s.is_erasing]
        group = [one for group in _groups(desk, subjects) for one in group if not one.is_erasing]
        cases = {case.id: case for case in found.values() if isinstance(case, Case)}
        cases |= {case.id: case for case in _cases_about(desk, group) if case.id not in cases}
        for id in owners:
            if id in cases:
                cases[id].give_up(replace_organisation(work.act, cases[id]), PurgeBasis.RESTORED)
        _leave_cases(desk, work, group, list(cases.values()), PurgeBasis.RESTORED)
        for one in group:
            one.decide_erasure(replace_organisation(work.act, one), ErasureBasis.RESTORED)
        _guard(work, group, list(cases.values()))
        over[:] = [case.id for case in cases.values() if case.purge_due is not None]
        over.extend(one.id for one in group)
        letters = forget_letters_about(desk, work, group)
        changed = [*group, *(case for case in cases.values() if case.pending), *letters]
        return decided(*changed) if changed else Receipt(SCHEDULER, 0, 0)

    desk.carry_out(by_nobody(), decide)
    return over


# Together -------------------------------------------------------------------------------------


def _group(desk: Desk, subject: Subject) -> list[Subject]:
    return _groups(desk, [subject])[0]


def _groups(desk: Desk, subjects: Sequence[Subject]) -> list[list[Subject]]:
    """Each subject, with those that were merged into it (C8)."""
    absorbed = {id for subject in subjects for id in subject.absorbed}
    found = desk.log.load(absorbed) if absorbed else {}
    found |= {subject.id: subject for subject in subjects}
    taken: set[UUID] = set()
    groups = []
    for subject in subjects:
        ids = [id for id in (subject.id, *sorted(subject.absorbed)) if id not in taken]
        taken.update(ids)
        groups.append([one for id in ids if isinstance(one := found.get(id), Subject)])
    return [group for group in groups if group]


def _cases_about(desk: Desk, group: Iterable[Subject]) -> list[Case]:
    """The cases that name any of them and are not purged."""
    named = desk.registry.naming([subject.id for subject in group])
    found = desk.log.load({case_id for _, case_id, purged_at in named if purged_at is None})
    return [case for case in found.values() if isinstance(case, Case)]


def _leave_cases(
    desk: Desk,
    work: Work,
    group: Sequence[Subject],
    cases: Sequence[Case],
    basis: PurgeBasis = PurgeBasis.ERASURE_UPHELD,
) -> None:
    """L9: their entries are delisted, their proposals withdrawn; a case that is left with nobody is over."""
    for case in cases:
        for subject in group:
            if case.subject_now(subject.id) == subject.id and case.subjects_like(subject.id):
                _take_back_stolen(desk, work, case, subject.id)
                case.detach(replace_organisation(work.act, case), subject.id, basis)


def _take_back_stolen(desk: Desk, work: Work, case: Case, subject_id: UUID) -> None:
    """L10: what was stolen from a victim goes with it; what was stolen from others stays stolen."""
    left = case.stolen_of_others(subject_id)
    gone = [sealed.ref for sealed in case.stolen if sealed not in left]
    if not gone or case.purge_due is not None:
        return
    work.dropped += gone
    opened = desk.open_sealed(case.id, left).values()
    pairs = [pair for value in opened for pair in msgspec.json.decode(value, type=list[tuple[str, str]])]
    keys = {key for pair in pairs for key in asked_keys(Identifier(*pair))}
    work.stolen_again[case.id] = {
        (tokenizer.of_identifier(key), tokenizer.generation)
        for tokenizer in desk.lookups.now.written
        for key in keys
    }


def _guard(work: Work, group: Iterable[Subject], cases: Iterable[Case]) -> None:
    """A case that came to name one of them meanwhile makes it be decided again."""
    work.unnamed.update(dict.fromkeys(one.id for one in group))
    work.considered += [case.id for case in cases]
