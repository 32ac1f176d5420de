"""The texts of a case: which of them name somebody, and the redaction of one (P6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from watchlist.application.attention import unseen
from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, RedactedText, Work
from watchlist.domain import identity as identities
from watchlist.domain import refusals
from watchlist.domain.case import Case
from watchlist.domain.commitment import Sealed
from watchlist.domain.erasure import ErasureKind
from watchlist.domain.identity import Identity
from watchlist.domain.inscription import require_proportionality
from watchlist.domain.mention import mentions_any
from watchlist.domain.subject import SubjectRectified, SubjectRegistered
from watchlist.domain.vault_field import VaultField

IDENTIFYING = (SubjectRegistered, SubjectRectified)
NO_TEXTS = frozenset({"amount_at_stake", "sha256", "stolen"})
"""Vault fields of a case that hold no text; stolen identifiers go with the victim they were stolen from."""


def redact_text(desk: Desk, ask: Ask, case_id: UUID, text_id: UUID, text: str, reason: str) -> Receipt:
    """P6: the text is replaced by one that names nobody; what it said is deleted, and journalled as deleted."""

    def decide(work: Work) -> Decided:
        case = desk.case(case_id, ask.organisation, work)
        before = _opened(desk, case).get(text_id)
        if before is None:
            if text_id in case.redacted:
                raise refusals.AlreadyRedacted("text_id", state="redacted")
            raise refusals.NoSuchText("text_id")
        name, old = before
        sealed = work.seal(case.id, VaultField(name), _in_shape(name, old, text))
        case.redact(work.act, text_id, sealed, work.seal(case.id, VaultField.REDACTION, reason))
        entry = desk.journal.append([(ErasureKind.TEXT, text_id)], work.act.at)[0]
        work.redacted.append(RedactedText(text_id, case.organisation, entry.sequence, entry.digest))
        if case.reference is not None and case.reference.ref == text_id:
            work.unreferenced.append(case.id)
        _redact_letters(desk, work, case)
        return decided(case, id=sealed.ref, text_id=sealed.ref)

    return desk.carry_out(ask, decide)


def _redact_letters(desk: Desk, work: Work, case: Case) -> None:
    """P6: what letters told of the case may hold the text too: it goes with it, and no letter is kept meanwhile."""
    kept = desk.vault.rows_of(case.id).items()
    letters = [ref for ref, row in kept if row.field == VaultField.LETTER_CASE]
    work.redacted_in.append(case.id)
    work.letters_known += letters
    copies = [ref for ref in letters if ref not in case.redacted]
    entries = desk.journal.append([(ErasureKind.TEXT, ref) for ref in copies], work.act.at) if copies else []
    for ref, entry in zip(copies, entries, strict=True):
        case.redact(work.act, ref, None, None)
        work.redacted.append(RedactedText(ref, case.organisation, entry.sequence, entry.digest))


def every_identity_of(desk: Desk, subject_ids: Sequence[UUID]) -> list[Identity]:
    """What was ever known of these subjects: a text may hold the name from before a rectification."""
    streams = desk.log.streams(subject_ids)
    sealed = [
        (id, event.identity)
        for id, told in streams.items()
        for event in told
        if isinstance(event, IDENTIFYING)
    ]
    return list(dict.fromkeys(identities.decode(value) for value in desk.open_all(sealed).values()))


def texts_naming(desk: Desk, case: Case, known: Sequence[Identity]) -> list[UUID]:
    """The references of the texts of a case that name any of these."""
    return [
        ref
        for ref, (name, value) in _opened(desk, case).items()
        if any(mentions_any(text, known) for text in _words(name, value))
    ]


def _opened(desk: Desk, case: Case) -> dict[UUID, tuple[str, bytes]]:
    """Every text that is still kept of the case, with its vault field, whether the case shows it or not."""
    kept = desk.vault.rows_of(case.id)
    wanted = [
        s for s in _sealed_in_events(desk, case.id) if s.ref in kept and kept[s.ref].field not in NO_TEXTS
    ]
    with unseen():  # to be searched for names, not to be read
        opened = desk.open_sealed(case.id, wanted)
    return {ref: (kept[ref].field, value) for ref, value in opened.items()}


def _sealed_in_events(desk: Desk, case_id: UUID) -> Iterator[Sealed]:
    for event in desk.log.told(case_id):
        yield from _sealed_in(structs.asdict(event).values())


def _sealed_in(values: Iterable[Any]) -> Iterator[Sealed]:
    for value in values:
        if isinstance(value, Sealed):
            yield value
        elif isinstance(value, Struct):
            yield from _sealed_in(structs.asdict(value).values())


def _words(name: str, value: bytes) -> list[str]:
    """What of a value people wrote."""
    if name == "proportionality":
        return list(msgspec.json.decode(value, type=dict[str, str]).values())
    if name == "line":
        return [str(msgspec.json.decode(value)["file"])]
    return [value.decode()]


def _in_shape(name: str, old: bytes, text: str) -> str | bytes:
    """What replaces a value keeps its form: of an assessment the five texts, as JSON; of a line its number."""
    if name == "proportionality":
        try:
            assessment = msgspec.json.decode(text, type=dict[str, str])
        except msgspec.DecodeError:
            raise refusals.ProportionalityMissing("text") from None
        require_proportionality(assessment)
        return msgspec.json.encode(assessment)
    if name == "line":
        return msgspec.json.encode({**msgspec.json.decode(old), "file": text})
    return text
