"""Letters: read what one says, print it, record that it was sent or that it waits (L12).

Until it is sent, a letter says what is known today. What was sent is kept as it was, under the key of whom it was
written to: it is printed again from that, and nothing since then changes a word of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Work
from watchlist.domain import identity as identities
from watchlist.domain import periods, refusals
from watchlist.domain.case import Case
from watchlist.domain.correspondence import Channel, DueLetter, LetterKind, Sent
from watchlist.domain.inscription import Inscription, State
from watchlist.domain.inscription_letter import (
    DelistingFacts,
    InscriptionFacts,
    delisting_letter,
    inscription_letter,
)
from watchlist.domain.letter import Contacts, Heading, Letter, addressee
from watchlist.domain.subject import Subject
from watchlist.domain.vault_field import VaultField
from watchlist.ports.letter_press import LetterPress

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Writing:
    """What letters are written with: the press, and who answers for them."""

    press: LetterPress
    contacts: Contacts


@dataclass(frozen=True, slots=True)
class Posting:
    """That a letter went out: on which day, and how."""

    sent_on: date
    channel: Channel


class Document(StrEnum):
    """How a printed letter compares with the one that was sent."""

    DRAFT = "draft"
    """It was not sent; tomorrow it may read otherwise."""
    IDENTICAL = "identical"
    DIFFERS = "differs"
    """The same words, printed by another engine: other bytes. Or what a purged case left of them."""


# Read and printed -----------------------------------------------------------------------------


def read_letter(desk: Desk, writing: Writing, letter_id: UUID, organisation: str) -> dict[str, Any]:
    """How a letter stands, and what it says."""
    case = desk.case_of_letter(letter_id, organisation)
    inscription, letter = case.letter_with(letter_id)
    content, _ = _content(desk, writing, case, inscription, letter)
    sent = letter.sent
    hit_told_at = desk.registry.hit_told_at(letter_id)
    late_from = letter.late_from(hit_told_at)
    return {
        "letter_id": letter.id,
        "kind": letter.kind,
        "state": letter.state_at(desk.clock.now(), hit_told_at),
        "organisation": case.organisation,
        "case_id": case.id,
        "inscription_id": inscription.id,
        "subject_id": sent.subject_id if sent else case.subject_now(inscription.subject_id),
        "due_on": None if late_from is None else periods.civil_date(late_from - INSTANT),
        "hit_told_at": hit_told_at,
        "deferred_to": letter.deferred_to,
        "sent_on": sent.sent_on if sent else None,
        "channel": sent.channel if sent else None,
        "template": content.template,
        "version": case.version,
        "content": content,
    }


def print_letter(
    desk: Desk, writing: Writing, letter_id: UUID, organisation: str, as_printed_now: bool = False
) -> tuple[bytes, Document]:
    """The PDF, and whether it is the one that was sent; LetterDiffers when it is not, unless that is asked for."""
    case = desk.case_of_letter(letter_id, organisation)
    content, digest = _content(desk, writing, case, *case.letter_with(letter_id))
    return compared(writing.press, content, digest, as_printed_now)


def compared(
    press: LetterPress, content: Letter, digest: bytes | None, as_printed_now: bool
) -> tuple[bytes, Document]:
    """A letter printed, and how that compares with what was sent; None: it was not."""
    printed = press.print(content)
    if digest is None:
        return printed, Document.DRAFT
    if digest_of(printed) == digest:
        return printed, Document.IDENTICAL
    if not as_printed_now:
        raise refusals.LetterDiffers(state=Document.DIFFERS)
    return printed, Document.DIFFERS


def _content(
    desk: Desk, writing: Writing, case: Case, inscription: Inscription, letter: DueLetter
) -> tuple[Letter, bytes | None]:
    """What was sent and the digest of its PDF; before that, what would be sent today."""
    if letter.sent is None:
        today = periods.civil_date(desk.clock.now())
        subject = _subject_of(desk, case, inscription)
        return _written(desk, writing.contacts, case, inscription, letter, subject, today), None
    sent = letter.sent
    opened = desk.open_sealed(sent.subject_id, (sent.content, sent.document))
    if len(opened) < 2:
        raise refusals.LetterErased(state="erased")
    return msgspec.json.decode(opened[sent.content.ref], type=Letter), opened[sent.document.ref]


# Sent and deferred ----------------------------------------------------------------------------


def record_sent(desk: Desk, writing: Writing, ask: Ask, letter_id: UUID, posting: Posting) -> Receipt:
    """L12: the letter as it reads now, dated the day it was sent; from now on it says nothing else."""

    def decide(work: Work) -> Decided:
        case = desk.case_of_letter(letter_id, ask.organisation, work)
        inscription, letter = case.letter_with(letter_id)
        case.require_sendable(work.act, inscription.id, letter.kind, posting.sent_on)
        subject = _subject_of(desk, case, inscription)
        work.unchanged.append(subject)
        content = _written(desk, writing.contacts, case, inscription, letter, subject, posting.sent_on)
        sealed = _sealed(work, writing.press, subject.id, content, posting)
        case.send_letter(work.act, inscription.id, letter.kind, sealed)
        return decided(
            case,
            id=letter_id,
            letter_id=letter_id,
            sent_on=posting.sent_on,
            channel=posting.channel,
            template=content.template,
        )

    return desk.carry_out(ask, decide)


def defer_letter(desk: Desk, ask: Ask, letter_id: UUID, reason: str, review_on: date) -> Receipt:
    """L12: the letter waits, with a reason, until that is reviewed."""

    def decide(work: Work) -> Decided:
        case = desk.case_of_letter(letter_id, ask.organisation, work)
        inscription, letter = case.letter_with(letter_id)
        sealed = work.seal(case.id, VaultField.LETTER_DEFERRAL, reason)
        case.defer_letter(work.act, inscription.id, letter.kind, sealed, review_on)
        return decided(case, id=letter_id, letter_id=letter_id, deferred_to=review_on)

    return desk.carry_out(ask, decide)


def _sealed(work: Work, press: LetterPress, owner: UUID, content: Letter, posting: Posting) -> Sent:
    """C5: neither the words nor the digest of the document stand in the event."""
    return Sent(
        posting.sent_on,
        posting.channel,
        content.template,
        owner,
        work.seal(owner, VaultField.LETTER, msgspec.json.encode(content)),
        work.seal(owner, VaultField.LETTER_DOCUMENT, digest_of(press.print(content))),
    )


def digest_of(printed: bytes) -> bytes:
    return hashlib.sha256(printed).digest()


# Written --------------------------------------------------------------------------------------


def _subject_of(desk: Desk, case: Case, inscription: Inscription) -> Subject:
    return desk.subject(case.subject_now(inscription.subject_id), case.organisation)


def _written(
    desk: Desk,
    contacts: Contacts,
    case: Case,
    inscription: Inscription,
    letter: DueLetter,
    subject: Subject,
    dated: date,
) -> Letter:
    opened = desk.open_sealed(subject.id, [subject.identity])
    if not opened:
        raise refusals.LetterErased(state="erased")
    identity = identities.decode(opened[subject.identity.ref])
    heading = Heading(letter.id, dated, addressee(identity), contacts)
    facts = _inscription_facts(case, inscription)
    if letter.kind is LetterKind.INSCRIPTION:
        return inscription_letter(heading, facts)
    return delisting_letter(heading, _delisting_facts(case, inscription, facts))


def _inscription_facts(case: Case, inscription: Inscription) -> InscriptionFacts:
    term = inscription.term
    return InscriptionFacts(
        organisation=case.organisation,
        inscribed_on=term.inscribed_on,
        term_months=term.months,
        last_listed_day=term.last_listed_day,
        grounds=inscription.grounds,
        source=case.alert.source if case.alert else None,
        imported=inscription.provenance is not None,
        held=inscription.state is State.ACTIVE and bool(case.held_by(inscription)),
        restricted=inscription.restricted,
    )


def _delisting_facts(case: Case, inscription: Inscription, facts: InscriptionFacts) -> DelistingFacts:
    assert inscription.delisted_at is not None
    assert inscription.delisting_ground is not None
    ended_at = min(case.ends_at(inscription), inscription.delisted_at)
    return DelistingFacts(
        inscription=facts,
        # What ended at 00:00 had the whole day before.
        ended_on=periods.civil_date(ended_at - INSTANT),
        ground=inscription.delisting_ground,
        was_held=ended_at > inscription.term.elapses_at,
        informed=case.letter(inscription.id, LetterKind.INSCRIPTION).sent is not None,
    )
