"""The texts that are kept under persons' keys: of their requests, and why they were rectified, merged or split (P6).

They may name somebody else, who is erased: they are searched and redacted as those of cases are (case_texts.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from watchlist.application.access_records import seals_of
from watchlist.application.desk import Desk
from watchlist.application.kept_letters import forget_letters_telling
from watchlist.application.read_request import request_of
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, RedactedText, Work
from watchlist.domain import refusals
from watchlist.domain.aggregate import Event
from watchlist.domain.erasure import ErasureKind
from watchlist.domain.identity import Identity
from watchlist.domain.mention import mentions_any
from watchlist.domain.redaction import KeepsTexts
from watchlist.domain.reply import ReplySent
from watchlist.domain.rights_request import RightsRequest
from watchlist.domain.subject import Subject
from watchlist.domain.vault_field import VaultField

TEXTS = frozenset(
    {
        VaultField.REASON,
        VaultField.REQUEST_DETAILS,
        VaultField.DIRECTIVES,
        VaultField.REQUEST_EXTENSION,
        VaultField.REQUEST_DECISION,
        VaultField.REQUEST_DEFERRAL,
        VaultField.REQUEST_ANSWER,
        VaultField.REQUEST_LIFTING,
    }
)
"""What people wrote. Letters say nothing that is not in one of these or in a case: they go with it."""


def redact_request_text(
    desk: Desk, ask: Ask, request_id: UUID, text_id: UUID, text: str, reason: str
) -> Receipt:
    """P6: a text of a request is replaced; letters that may have told it are kept no more."""

    def decide(work: Work) -> Decided:
        request = request_of(desk, request_id, ask.organisation)
        owner = desk.subject(request.subject_id, ask.organisation)
        return _redacted(desk, work, request, owner, text_id, text, reason)

    return desk.carry_out(ask, decide)


def redact_subject_text(
    desk: Desk, ask: Ask, subject_id: UUID, text_id: UUID, text: str, reason: str
) -> Receipt:
    """P6: the same, of why a subject was rectified, merged or split."""

    def decide(work: Work) -> Decided:
        subject = desk.subject(subject_id, ask.organisation)
        return _redacted(desk, work, subject, subject, text_id, text, reason)

    return desk.carry_out(ask, decide)


def _redacted(
    desk: Desk, work: Work, keeper: KeepsTexts, owner: Subject, text_id: UUID, text: str, reason: str
) -> Decided:
    before = _texts(desk, owner.id, desk.log.told(keeper.id)).get(text_id)
    if before is None:
        if text_id in keeper.redacted:
            raise refusals.AlreadyRedacted("text_id", state="redacted")
        raise refusals.NoSuchText("text_id")
    name, old = before
    sealed = work.seal(owner.id, VaultField(name), _in_shape(name, old, text))
    keeper.redact(work.act, text_id, sealed, work.seal(owner.id, VaultField.REASON, reason))
    entry = desk.journal.append([(ErasureKind.TEXT, text_id)], work.act.at)[0]
    work.redacted.append(RedactedText(text_id, keeper.organisation, entry.sequence, entry.digest))
    changed = forget_letters_telling(desk, work, keeper, owner)
    return decided(keeper, *changed, id=sealed.ref, text_id=sealed.ref)


def person_texts_naming(
    desk: Desk, ids: Sequence[UUID], but_of: Iterable[UUID], known: Sequence[Identity]
) -> list[tuple[UUID, UUID]]:
    """Of these subjects and requests, the texts that name any of those, as (whose, text); none of theirs."""
    streams, found = desk.log.streams(ids), []
    left_out = set(but_of)
    for id, keeper in desk.log.load(ids).items():
        owner = keeper.subject_id if isinstance(keeper, RightsRequest) else id
        if owner not in left_out:
            texts = _texts(desk, owner, streams[id]).items()
            found += [(id, ref) for ref, text in texts if _names(*text, known)]
    return found


def _texts(desk: Desk, owner: UUID, stream: Iterable[Event]) -> dict[UUID, tuple[str, bytes]]:
    """Every text that is still kept of a stream, with its vault field."""
    told = (event for event in stream if not isinstance(event, ReplySent))
    sealed = {one.ref: one for event in told for one in seals_of(event)}
    kept = {ref: row.field for ref, row in desk.vault.rows(list(sealed)).items() if row.field in TEXTS}
    opened = desk.open_sealed(owner, [sealed[ref] for ref in kept])
    return {ref: (kept[ref], value) for ref, value in opened.items()}


def _names(name: str, value: bytes, known: Sequence[Identity]) -> bool:
    texts = [one["reason"] for one in _parts(value)] if _is_deferral(name) else [value.decode()]
    return any(mentions_any(text, known) for text in texts)


def _in_shape(name: str, old: bytes, text: str) -> str | bytes:
    """What replaces a value keeps its form: of deferred parts, the reasons."""
    if not _is_deferral(name):
        return text
    return msgspec.json.encode([{**one, "reason": text} for one in _parts(old)])


def _is_deferral(name: str) -> bool:
    return name == VaultField.REQUEST_DEFERRAL


def _parts(document: bytes) -> list[dict[str, str]]:
    return msgspec.json.decode(document, type=list[dict[str, str]])
