"""Kept letters of requests: those that told of somebody who is erased, or a text that is redacted, go too (P6, C8).

A letter to one who stood for several tells of all of them, and stays under that one's key when they are split.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from watchlist.application.access_records import seals_of
from watchlist.application.desk import Desk
from watchlist.application.forget import replace_organisation
from watchlist.application.work import RedactedText, Work
from watchlist.domain.erasure import ErasureKind
from watchlist.domain.redaction import KeepsTexts
from watchlist.domain.reply import ReplyKind, ReplySent
from watchlist.domain.rights_request import Right, RightsRequest
from watchlist.domain.subject import Subject
from watchlist.domain.vault_field import VaultField


def forget_letters_about(desk: Desk, work: Work, erased: Iterable[Subject]) -> list[RightsRequest]:
    """Of those who are erased: what was told of them to whoever was taken for them once."""
    changed: dict[UUID, RightsRequest] = {}
    split = [one for one in erased if one.stays]
    gone = {one.id for one in split}
    for one in split:
        for request in _requests(desk, _kin(desk, one)):
            request = changed.get(request.id, request)
            told = [sent for sent in _kept(request) if _tells_of(one, request, sent)]
            for sent in told:
                if sent.subject_id not in gone:
                    _forget(desk, work, request, sent)
                    changed[request.id] = request
    return list(changed.values())


def forget_letters_telling(desk: Desk, work: Work, keeper: KeepsTexts, owner: Subject) -> list[RightsRequest]:
    """Of a text of that subject or request: the letters that may have told it, and none is kept meanwhile."""
    kin, changed = _kin(desk, owner), []
    work.redacted_in += kin
    for one in kin:
        work.letters_known += [
            r for r, row in desk.vault.rows_of(one).items() if row.field == VaultField.LETTER
        ]
    for found in _requests(desk, kin):
        request = keeper if isinstance(keeper, RightsRequest) and keeper.id == found.id else found
        told = [sent for sent in _kept(request) if request is keeper or _is_access(request, sent)]
        for sent in told:
            _forget(desk, work, request, sent)
        if told and request is not keeper:
            changed.append(request)
    return changed


def keeper_of(desk: Desk, owner: Subject, ref: UUID) -> KeepsTexts | None:
    """Whose stream sealed a value that is kept under that subject's key."""
    ids = [owner.id, *desk.registry.requests_of(sorted(_kin(desk, owner)))]
    for id, stream in desk.log.streams(ids).items():
        if any(sealed.ref == ref for event in stream for sealed in seals_of(event)):
            found = desk.log.load([id])[id]
            return found if isinstance(found, KeepsTexts) else None
    return None


def _kin(desk: Desk, subject: Subject) -> set[UUID]:
    """Whoever stood for it or for whom it stood, now or once."""
    stood = {stay.survivor for stay in subject.stays} | ({subject.merged_into} - {None})
    survivors = desk.log.load(id for id in stood if id is not None) if stood else {}
    absorbed = {
        id for one in (subject, *survivors.values()) if isinstance(one, Subject) for id in one.ever_absorbed
    }
    return {subject.id, *survivors, *absorbed}


def _requests(desk: Desk, subject_ids: set[UUID]) -> list[RightsRequest]:
    ids = desk.registry.requests_of(sorted(subject_ids))
    return [one for one in desk.log.load(ids).values() if isinstance(one, RightsRequest)] if ids else []


def _kept(request: RightsRequest) -> Iterator[ReplySent]:
    return (sent for sent in request.replies.values() if sent.content.ref not in request.redacted)


def _is_access(request: RightsRequest, sent: ReplySent) -> bool:
    return sent.kind is ReplyKind.ANSWER and request.kind is Right.ACCESS


def _tells_of(one: Subject, request: RightsRequest, sent: ReplySent) -> bool:
    """All letters of its own requests; an access that was answered while it was taken for the other."""
    if sent.subject_id == one.id:
        return False
    return request.subject_id == one.id or (
        _is_access(request, sent) and one.stood_with(sent.subject_id, sent.at)
    )


def _forget(desk: Desk, work: Work, request: RightsRequest, sent: ReplySent) -> None:
    """What it said, the proof of its bytes, and the key to what it told of cases."""
    sealed = [one for one in (sent.content, sent.document, sent.cases_key) if one is not None]
    entries = desk.journal.append([(ErasureKind.TEXT, one.ref) for one in sealed], work.act.at)
    for one, entry in zip(sealed, entries, strict=True):
        request.redact(replace_organisation(work.act, request), one.ref)
        work.redacted.append(RedactedText(one.ref, request.organisation, entry.sequence, entry.digest))
