"""Exercise a right: a person's request received, extended, decided, answered; a restriction lifted (P1-P5).

Texts are sealed under the subject's key. Once the subject is erased there is none, and what is left of a request
can still be decided and answered, without its texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import msgspec

from watchlist.application.contest import contest_entries, every_case_of
from watchlist.application.desk import Desk
from watchlist.application.erase import DecidedErasure, decide_erasure, erase_subject, require_erasable
from watchlist.application.forget import forget
from watchlist.application.letters import Writing
from watchlist.application.read_request import request_of
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.rights_letters import Saying, keep_reply
from watchlist.application.work import Ask, Erased, Work
from watchlist.domain import access, periods
from watchlist.domain import rights_request as rules
from watchlist.domain.aggregate import SCHEDULER, Aggregate
from watchlist.domain.commitment import Sealed
from watchlist.domain.refusals import NoSuchPart, NoSuchSubject
from watchlist.domain.reply import ReplyKind
from watchlist.domain.rights_request import Decision, Deferral, Right, RightsRequest
from watchlist.domain.subject import Subject
from watchlist.domain.vault_field import VaultField


@dataclass(frozen=True, slots=True)
class Received:
    """What a person asked for, as the DPO records it."""

    kind: Right
    subject_id: UUID
    received_on: date
    details: str | None = None
    directives: str | None = None


@dataclass(frozen=True, slots=True)
class DeferredPart:
    """P3: a part of an access that waits, why, and the day that is reviewed."""

    part: str
    reason: str
    review_on: date


def receive_request(desk: Desk, ask: Ask, received: Received) -> Receipt:
    """P1, P2: from now on it is due; an objection or a contested accuracy restricts all entries at once."""

    def decide(work: Work) -> Decided:
        subject = desk.subject(received.subject_id, ask.organisation, "subject_id")
        _require_not_erased(subject)
        subject.require_itself("subject_id")
        given = received.directives is not None
        rules.require_directives(received.kind, given, subject.is_deceased)
        request = RightsRequest.receive(
            work.act,
            uuid4(),
            received.kind,
            subject.id,
            received.received_on,
            work.seal_optional(subject.id, VaultField.REQUEST_DETAILS, received.details),
            work.seal_optional(subject.id, VaultField.DIRECTIVES, received.directives),
        )
        changed = _restrict_by(desk, work, request, [subject])
        return decided(request, *changed, **_facts(request))

    return desk.carry_out(ask, decide)


def extend_request(
    desk: Desk, ask: Ask, request_id: UUID, reason: str, told_on: date, writing: Writing | None = None
) -> Receipt:
    """P1: two months more, if the person was told why within the first; with `writing`, by the letter that is kept."""

    def decide(work: Work) -> Decided:
        request = _request(desk, ask, request_id)
        rules.require_reason(reason)
        request.extend(work.act, _sealed(work, request, VaultField.REQUEST_EXTENSION, reason), told_on)
        if writing:
            whom = _told(desk, work, request, [])
            keep_reply(desk, work, writing, request, ReplyKind.EXTENSION, whom, Saying(told_on, reason))
        return decided(request, **_facts(request))

    return desk.carry_out(ask, decide)


def decide_request(
    desk: Desk,
    ask: Ask,
    request_id: UUID,
    granted: bool,
    reason: str | None,
    deferred: Sequence[DeferredPart] = (),
) -> Receipt:
    """Granted or refused, with what that does to the list in the same transaction (L9, P2).

    A refusal lifts nothing: the person is told first (`answer_request`).
    """

    def decide(work: Work) -> Decided:
        request = _request(desk, ask, request_id)
        request.require_decidable(granted, bool(deferred))
        _require_parts(desk, request, deferred)
        if request.kind is not Right.PORTABILITY:
            rules.require_reason(reason)
        _require_erasable(desk, work, request, granted)
        group = _group(desk, request)
        if granted and request.kind is Right.RECTIFICATION:
            _require_rectified(request, group)
        changed, delisted, withdrawn = _uphold(desk, work, request, group, granted)
        decision = Decision(
            granted,
            _sealed(work, request, VaultField.REQUEST_DECISION, reason),
            _deferral(work, request, deferred),
            tuple(delisted),
            tuple(withdrawn),
        )
        request.decide(work.act, decision)
        if request.kind is Right.RESTRICTION and granted:
            changed = _restrict_by(desk, work, request, group)
        return decided(request, *changed, **_facts(request), granted=granted, delisted=delisted)

    return desk.carry_out(ask, decide)


def answer_request(
    desk: Desk,
    ask: Ask,
    request_id: UUID,
    told_on: date | None = None,
    text: str | None = None,
    writing: Writing | None = None,
) -> Receipt:
    """P2: the person was told, today unless another day is given; what the request restricted is free again.

    By a text of one's own; or, with `writing`, by the letter, which is kept as it reads now. P6: a granted erasure is
    decided with the answer that tells of it, in one transaction, and carried out then; the sweep finishes it.
    """
    over: list[UUID] = []

    def decide(work: Work) -> Decided:
        request = _request(desk, ask, request_id)
        told = told_on or periods.civil_date(work.act.at)
        erasure = _decide_granted_erasure(desk, work, request)
        over[:] = erasure.over
        restricted = request.contests
        request.answer_to(work.act, told, _sealed(work, request, VaultField.REQUEST_ANSWER, text))
        changed = _release(desk, work, request) if restricted and not request.contests else []
        if writing and text is None:
            whom = _told(desk, work, request, changed)
            keep_reply(desk, work, writing, request, ReplyKind.ANSWER, whom, Saying(told))
        return decided(request, *changed, *erasure.changed, **_facts(request), answered_on=told)

    receipt = desk.carry_out(ask, decide)
    if over:
        forget(desk, over, ask)
    return receipt


def review_deferral(
    desk: Desk, ask: Ask, request_id: UUID, told_on: date | None, deferred: Sequence[DeferredPart] = ()
) -> Receipt:
    """P3: what was deferred is given to the person; what still waits has a new reason and a new day."""

    def decide(work: Work) -> Decided:
        request = _request(desk, ask, request_id)
        told = told_on or periods.civil_date(work.act.at)
        _require_parts(desk, request, deferred)
        request.review_deferral(work.act, told, _deferral(work, request, deferred))
        return decided(request, **_facts(request))

    return desk.carry_out(ask, decide)


def lift_requested_restriction(
    desk: Desk, ask: Ask, request_id: UUID, reason: str, told_on: date, writing: Writing | None = None
) -> Receipt:
    """P2: the restriction that a granted request made ends, the person told first; with `writing`, by the letter."""

    def decide(work: Work) -> Decided:
        request = _request(desk, ask, request_id)
        rules.require_reason(reason)
        request.lift(work.act, _sealed(work, request, VaultField.REQUEST_LIFTING, reason), told_on)
        changed = _release(desk, work, request)
        if writing:
            saying = Saying(told_on, reason, lifted_on=periods.civil_date(work.act.at))
            whom = _told(desk, work, request, changed)
            keep_reply(desk, work, writing, request, ReplyKind.LIFTING, whom, saying)
        return decided(request, *changed, **_facts(request))

    return desk.carry_out(ask, decide)


def carry_out_erasure(desk: Desk, request_id: UUID) -> None:
    """P6: the erasure that was granted and answered and is not decided yet; by nobody's command.

    An earlier version answered first, and decided in a command of its own.
    """
    request = desk.log.load([request_id])[request_id]
    assert isinstance(request, RightsRequest)
    standing = _group(desk, request)[-1]
    erase_subject(desk, Ask(SCHEDULER, request.organisation), standing.id, request.id)


def _decide_granted_erasure(desk: Desk, work: Work, request: RightsRequest) -> DecidedErasure:
    """P6: what the answer says was erased can be read no more from the moment that it is recorded."""
    if request.kind is not Right.ERASURE or not request.is_granted:
        return DecidedErasure([])
    return decide_erasure(desk, work, _group(desk, request)[-1].id, request.id)


def _require_erasable(desk: Desk, work: Work, request: RightsRequest, granted: bool) -> None:
    """Nobody is told of an erasure that cannot be carried out."""
    if granted and request.kind is Right.ERASURE:
        require_erasable(desk, work, _group(desk, request)[-1].id)


# Fetched --------------------------------------------------------------------------------------


def _request(desk: Desk, ask: Ask, request_id: UUID) -> RightsRequest:
    return request_of(desk, request_id, ask.organisation)


def _group(desk: Desk, request: RightsRequest) -> list[Subject]:
    """Whom the request is about; then the one who stands for it, when it was merged since (C8)."""
    subject = desk.subject(request.subject_id, request.organisation)
    if subject.merged_into is None:
        return [subject]
    return [subject, desk.subject(subject.merged_into, request.organisation)]


def _told(desk: Desk, work: Work, request: RightsRequest, changed: Sequence[Aggregate]) -> Subject:
    """Whom a letter is written to: nobody may correct the name between its writing and its record."""
    subjects = [one for one in changed if isinstance(one, Subject)]
    if subjects:
        return subjects[-1]
    subject = _group(desk, request)[-1]
    work.unchanged.append(subject)
    return subject


def _require_not_erased(subject: Subject) -> None:
    if subject.is_erasing:
        raise NoSuchSubject("subject_id")


def _require_rectified(request: RightsRequest, group: Sequence[Subject]) -> None:
    """P1: a rectification is granted by making it."""
    if not any(rules.was_rectified_since(one.rectified_at, request.received_on) for one in group):
        raise rules.RectifyFirst(state=request.state)


# Decided --------------------------------------------------------------------------------------


def _restrict_by(desk: Desk, work: Work, request: RightsRequest, group: Sequence[Subject]) -> list[Aggregate]:
    """P2: what differs when the request restricts all entries of its subject; nothing when it does not."""
    if not request.contests:
        work.unchanged.extend(group)
        return []
    for subject in group:
        subject.contest(work.act, request.id)
    standing = group[-1]
    cases = every_case_of(desk, work, standing.id)
    return [*group, *contest_entries(work, cases, standing)]


def _release(desk: Desk, work: Work, request: RightsRequest) -> list[Aggregate]:
    """P2: what differs when it restricts them no more; other requests, and what was done by hand, stay."""
    group = _group(desk, request)
    for subject in group:
        subject.settle(work.act, request.id)
    standing = group[-1]
    cases = every_case_of(desk, work, standing.id)
    return [*group, *contest_entries(work, cases, standing)]


def _uphold(
    desk: Desk, work: Work, request: RightsRequest, group: Sequence[Subject], granted: bool
) -> tuple[list[Aggregate], list[UUID], list[UUID]]:
    """L9: the cases that differ, the entries that end, the proposals that are withdrawn."""
    work.unchanged.extend(group)
    ground = request.upheld_ground
    if not granted or ground is None:
        return [], [], []
    changed: list[Aggregate] = []
    ended: list[UUID] = []
    withdrawn: list[UUID] = []
    for case in every_case_of(desk, work, group[-1].id):
        listed, proposed = case.uphold(work.act, group[-1].id, ground)
        ended += listed
        withdrawn += proposed
        (changed if case.pending else work.unchanged).append(case)
    return changed, ended, withdrawn


def _facts(request: RightsRequest) -> dict[str, Any]:
    return {"state": request.state, "due_on": request.due_on, "restricts": request.contests}


# Sealed ---------------------------------------------------------------------------------------


def _sealed(work: Work, request: RightsRequest, name: VaultField, text: str | bytes | None) -> Sealed | None:
    """None when there is no text, or no key any more."""
    try:
        return None if text is None else work.seal(request.subject_id, name, text)
    except Erased:
        return None


def _deferral(work: Work, request: RightsRequest, deferred: Sequence[DeferredPart]) -> Deferral | None:
    """None when nothing waits: of somebody who was erased nothing is held that could."""
    review_on = rules.require_reviews(((one.part, one.review_on) for one in deferred), work.act.at)
    if review_on is None:
        return None
    for one in deferred:
        rules.require_reason(one.reason)
    parts = _sealed(work, request, VaultField.REQUEST_DEFERRAL, msgspec.json.encode(list(deferred)))
    return Deferral(parts, review_on) if parts else None


def _require_parts(desk: Desk, request: RightsRequest, deferred: Sequence[DeferredPart]) -> None:
    """P3: what waits is a part of an access, of a case of the person where it names one: nothing waits by a slip."""
    if not deferred:
        return
    cases = {id for one in _family(desk, request) for id in desk.registry.cases_about(one)}
    for place, one in enumerate(deferred):
        found = access.part_named(one.part)
        if found is None or (found[1] is not None and found[1] not in cases):
            raise NoSuchPart(f"deferred[{place}].part")


def _family(desk: Desk, request: RightsRequest) -> list[UUID]:
    standing = _group(desk, request)[-1]
    return [standing.id, *standing.absorbed]
