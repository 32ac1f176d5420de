"""The letters of a request: which there are, what one says, its PDF, its draft, and what is kept of it (P1-P5).

The answer reads, until it is recorded, as it would be sent today; of an extension and of a lifting the reason comes
with the draft. What the person was told by is kept as it was, under the key of whom it was written to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from watchlist.application.access_export import export_for
from watchlist.application.contest import every_case_of
from watchlist.application.desk import Desk
from watchlist.application.letter_parts import open_parts, seal_parts
from watchlist.application.letters import Document, Writing, compared, digest_of
from watchlist.application.read_request import letter_view, letters_of, request_of
from watchlist.application.work import Erased, Work
from watchlist.domain import access, periods, refusals
from watchlist.domain import identity as identities
from watchlist.domain.access_reading import readable
from watchlist.domain.case import Case
from watchlist.domain.case_memory import is_over
from watchlist.domain.case_tables import has_gaps, put_back, taken_out
from watchlist.domain.commitment import Sealed
from watchlist.domain.letter import Heading, Letter, addressee
from watchlist.domain.reply import Reply, ReplyKind, ReplySent, ReplyState, reply_id
from watchlist.domain.rights_letter import (
    PARTS,
    Deferred,
    Entries,
    Request,
    access_answer,
    extension,
    grant,
    refusal,
    restriction_to_be_lifted,
    written_for,
)
from watchlist.domain.rights_request import CONTESTING, Right, RightsRequest, require_reason
from watchlist.domain.subject import Subject
from watchlist.domain.vault_field import VaultField
from watchlist.ports.keys import KeyStanding
from watchlist.ports.log import VersionConflict

View = dict[str, Any]
NEVER_PRINTED = b""
"""In the place of the digest of a letter that was kept where nothing could be printed: no PDF has it."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What a letter says beside what is recorded: its day, and of an extension or a lifting why, and from when."""

    dated: date
    reason: str | None = None
    lifted_on: date | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A letter, and which cases it tells of, by their numbers in it."""

    letter: Letter
    cases: Mapping[int, UUID] = field(default_factory=dict)


# Read and printed -----------------------------------------------------------------------------


def list_replies(desk: Desk, request_id: UUID, organisation: str) -> list[View]:
    """The letters that were sent or could be."""
    return letters_of(request_of(desk, request_id, organisation))


def read_reply(desk: Desk, writing: Writing, request_id: UUID, kind: ReplyKind, organisation: str) -> View:
    """How a letter stands, and what it says: as it was sent, or as the answer would be sent today."""
    request = request_of(desk, request_id, organisation)
    content, _ = _content(desk, writing, request, kind)
    sent = request.replies.get(kind)
    return {
        **letter_view(request, kind),
        "version": request.version,
        "request_id": request.id,
        "subject_id": sent.subject_id if sent else _whom(desk, request).id,
        "template": content.template,
        "content": content,
    }


def print_reply(
    desk: Desk,
    writing: Writing,
    request_id: UUID,
    kind: ReplyKind,
    organisation: str,
    as_printed_now: bool = False,
) -> tuple[bytes, Document]:
    """The PDF, and whether it is the one that was sent; LetterDiffers when it is not, unless that is asked for."""
    request = request_of(desk, request_id, organisation)
    content, digest = _content(desk, writing, request, kind)
    if has_gaps(content) and not as_printed_now:
        raise refusals.LetterReduced(state=Document.DIFFERS)
    return compared(writing.press, content, digest, as_printed_now)


def draft_reply(
    desk: Desk, writing: Writing, request_id: UUID, kind: ReplyKind, organisation: str, saying: Saying
) -> Letter:
    """What would be kept, were it recorded now with these words and days; nothing is."""
    request = request_of(desk, request_id, organisation)
    if request.reply_state(kind) not in (ReplyState.OPEN, ReplyState.DRAFT):
        raise refusals.NoSuchLetter()
    if kind is not ReplyKind.ANSWER:
        require_reason(saying.reason)
    return _written(desk, writing, request, kind, _whom(desk, request), saying).letter


def _content(
    desk: Desk, writing: Writing, request: RightsRequest, kind: ReplyKind
) -> tuple[Letter, bytes | None]:
    """What was sent and the digest of its PDF; before that, what would be sent today."""
    if (sent := request.replies.get(kind)) is not None:
        if sent.content.ref in request.redacted:
            raise refusals.LetterErased(state="erased")
        return _kept(desk, sent)
    if request.reply_state(kind) is not ReplyState.DRAFT:
        raise refusals.NoSuchLetter()
    today = periods.civil_date(desk.clock.now())
    return _written(desk, writing, request, kind, _whom(desk, request), Saying(today)).letter, None


def _kept(desk: Desk, sent: ReplySent) -> tuple[Letter, bytes]:
    wanted = [sealed for sealed in (sent.content, sent.document, sent.cases_key) if sealed is not None]
    opened = desk.open_sealed(sent.subject_id, wanted)
    if len(opened) < len(wanted):
        raise refusals.LetterErased(state="erased")
    content = msgspec.json.decode(opened[sent.content.ref], type=Letter)
    parts = open_parts(desk, sent, opened[sent.cases_key.ref] if sent.cases_key else None)
    return put_back(content, parts), opened[sent.document.ref] if sent.document else NEVER_PRINTED


# Kept -----------------------------------------------------------------------------------------


def keep_reply(
    desk: Desk,
    work: Work,
    writing: Writing,
    request: RightsRequest,
    kind: ReplyKind,
    subject: Subject,
    saying: Saying,
) -> None:
    """With what the person was told: the letter that told it, as it reads now. None of whom was erased meanwhile.

    Whoever lives has theirs: when only a key of a case went while it was written, it is written again.
    C5: neither its words nor the digest of the document stand in the event.
    """
    try:
        if kind is ReplyKind.ANSWER and request.kind is Right.ACCESS:
            # Nothing may differ from what the letter tells, or be redacted, before that is recorded.
            family = [subject.id, *subject.absorbed]
            work.unchanged.extend(every_case_of(desk, work, *family))
            told = [*subject.absorbed, *desk.registry.requests_of(family)]
            work.unchanged.extend(one for id, one in desk.log.load(told).items() if id != request.id)
        written = _written(desk, writing, request, kind, subject, saying)
        content, parts = taken_out(written.letter, written.cases)
        key, cases = seal_parts(work, subject.id, parts, written.cases)
        reply = Reply(
            kind,
            subject.id,
            content.template,
            saying.dated,
            work.seal(subject.id, VaultField.LETTER, msgspec.json.encode(content)),
            _document(work, writing, subject.id, written.letter),
            key,
            cases,
        )
    except (refusals.LetterErased, Erased):
        if _is_gone(desk, subject):
            return
        raise VersionConflict("changed_meanwhile") from None
    request.keep_reply(work.act, reply)


def _is_gone(desk: Desk, subject: Subject) -> bool:
    return subject.is_erasing or desk.keyring.standing([subject.id])[subject.id] is KeyStanding.DESTROYED


def _document(work: Work, writing: Writing, owner: UUID, letter: Letter) -> Sealed | None:
    """Where nothing can be printed what the person was told is recorded all the same: the law has its days."""
    try:
        return work.seal(owner, VaultField.LETTER_DOCUMENT, digest_of(writing.press.print(letter)))
    except refusals.LettersUnavailable:
        return None


# Written --------------------------------------------------------------------------------------


def _whom(desk: Desk, request: RightsRequest) -> Subject:
    """Who stands for the person today (C8)."""
    asked = desk.subject(request.subject_id, request.organisation)
    return desk.subject(asked.merged_into or asked.id, request.organisation)


def _written(
    desk: Desk, writing: Writing, request: RightsRequest, kind: ReplyKind, subject: Subject, saying: Saying
) -> Written:
    opened = {} if subject.is_erasing else desk.open_sealed(subject.id, [subject.identity])
    if not opened:
        raise refusals.LetterErased(state="erased")
    identity = identities.decode(opened[subject.identity.ref])
    to = addressee(identity)
    whom = written_for(to) if subject.is_deceased else to
    heading = Heading(reply_id(request.id, kind), saying.dated, whom, writing.contacts)
    asked = Request(request.kind, request.received_on, request.organisation)
    if kind is ReplyKind.ANSWER:
        return _answer(desk, request, heading, asked, subject)
    reason = require_reason(saying.reason)
    if kind is ReplyKind.EXTENSION:
        due_on = periods.reply_due(request.received_on, extended=True)
        return Written(extension(heading, asked, reason, due_on))
    today = periods.civil_date(desk.clock.now())
    return Written(restriction_to_be_lifted(heading, asked, reason, saying.lifted_on or today))


def _answer(
    desk: Desk, request: RightsRequest, heading: Heading, asked: Request, subject: Subject
) -> Written:
    assert request.decision is not None
    reason, deferred = request.text_now(request.decision.reason), request.text_now(request.deferred)
    sealed = [one for one in (reason, deferred) if one is not None]
    opened = desk.open_sealed(request.subject_id, sealed)
    if len(opened) < len(sealed):
        raise refusals.LetterErased(state="erased")
    given = opened[reason.ref].decode() if reason else None
    if not request.is_granted:
        return Written(refusal(heading, asked, given, _entries(desk, request, subject)))
    if request.kind is not Right.ACCESS:
        return Written(grant(heading, asked, given, _entries(desk, request, subject)))
    waiting = opened[deferred.ref] if deferred else None
    export = export_for(desk, request)
    told = readable(export)
    letter = access_answer(heading, asked, told, _waiting(waiting), _reason_in(told, request.id))
    return Written(letter, _cases_in(export))


def _reason_in(told: View, request_id: UUID) -> str | None:
    """P3: of an access the reason as the export tells it, which withholds a text that names another."""
    (mine,) = (one for one in told["requests"] if one["request_id"] == str(request_id))
    reason = mine["decision"].get("reason")
    return None if reason is None else str(reason)


def _entries(desk: Desk, request: RightsRequest, subject: Subject) -> Entries:
    """L9, P2: those that its decision ended, and those that stand once it is answered, approved since included.

    The answer is bound to these cases, so that nothing is approved or lifted between its words and its record.
    """
    if request.kind not in CONTESTING or request.decision is None:
        return Entries()
    now = desk.clock.now()
    cases = desk.log.load(desk.registry.cases_about(subject.id)).values()
    listed = [one for case in cases if isinstance(case, Case) for one in case.listed_of(subject.id, now)]
    freed = [one for one in listed if not one.restrictions.keys() - {request.id}]
    ended = request.decision.delisted
    return Entries(
        len(ended),
        periods.civil_date(request.decision.at) if ended else None,
        freed=bool(freed),
        kept_back=len(freed) < len(listed),
    )


def _cases_in(export: View) -> dict[int, UUID]:
    """By their numbers in the letter: those that have texts, of which each is kept with its own case.

    One whose purge is decided takes nothing that would need its key, and none of its texts is told any more.
    """
    cases = export["cases"] if isinstance(export["cases"], list) else []
    told = ((number, case) for number, case in enumerate(cases, 1) if "case_id" in case)
    return {number: UUID(case["case_id"]) for number, case in told if not is_over(case["state"])}


def _waiting(document: bytes | None) -> tuple[Deferred, ...]:
    """What the person is told of each deferred part: never of which case it is."""
    parts = [] if document is None else access.deferrals_in(document)
    told = (Deferred(PARTS[one.part], one.reason, one.review_on) for one in parts)
    return tuple(dict.fromkeys(told))
