"""Review: record what a person found when they looked at a hit, and remember whom it was not about (S7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from watchlist.application.attention import opened, unseen
from watchlist.application.desk import Desk
from watchlist.application.ordered_id import ordered_id
from watchlist.application.receipt import Receipt
from watchlist.application.work import Ask, Erased, Work
from watchlist.domain import refusals
from watchlist.domain.commitment import Sealed
from watchlist.domain.review import (
    HitTold,
    LastReview,
    Review,
    ReviewOutcome,
    require_standing_again,
)
from watchlist.domain.vault_field import VaultField


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of which hit."""

    screening_id: UUID
    key: str
    outcome: ReviewOutcome
    note: str | None = None


def review_hit(desk: Desk, ask: Ask, found: Finding) -> Receipt:
    """Kept beside the log: it decides nothing of the entry. What was found last already is recorded once.

    Raises NoSuchHit, and HitNoLongerStands for a homonym that is taken back too late.
    """

    def decide(work: Work) -> Receipt:
        hit = hit_told(desk, work, found.screening_id, found.key)
        last = desk.reviews.last(ask.organisation, found.screening_id, found.key)
        position = desk.log.position()
        if last is not None and _repeats(desk, last, found):
            return Receipt(last.id, 1, position, created=False)
        require_standing_again(hit, found.outcome)
        receipt = Receipt(ordered_id(), 1, position)
        notes = sealed_for_each(work, hit, VaultField.REVIEW_NOTE, found.note)
        work.answer = msgspec.json.encode(receipt.body())
        after = None if last is None else last.id
        review = Review(receipt.id, found.screening_id, found.key, found.outcome, hit, notes, after)
        subjects = desk.log.load({one.subject_id for one in hit}) if found.note else {}
        desk.reviews.record(review, list(subjects.values()), work, position)
        return receipt

    return desk.carry_out(ask, decide)


def hit_told(desk: Desk, work: Work, screening_id: UUID, key: str) -> tuple[HitTold, ...]:
    """C6: the entries of a hit that the asker was told; NoSuchHit for anybody else's, and for what is forgotten."""
    hit = desk.reviews.hit(work.act.organisation, screening_id, key, work.act.at)
    if not hit:
        raise refusals.NoSuchHit()
    opened(one.subject_id for one in hit)
    return hit


def sealed_for_each(
    work: Work, hit: Sequence[HitTold], name: VaultField, text: str | None
) -> tuple[Sealed | None, ...]:
    """A text about a hit, under the key of the subject of each of its entries: it goes with any of them."""
    try:
        return tuple(work.seal_optional(one.subject_id, name, text) for one in hit)
    except Erased:  # meanwhile: whoever asks is not told that there was an erasure
        raise refusals.NoSuchHit() from None


def _repeats(desk: Desk, last: LastReview, found: Finding) -> bool:
    """The same outcome again, and nothing new noted."""
    if last.outcome is not found.outcome or found.note is None:
        return last.outcome is found.outcome
    if last.note is None:
        return False
    with unseen():  # compared, not shown
        raw = desk.open_sealed(last.subject_id, [last.note]).get(last.note.ref)
    return raw == found.note.encode()


def reviews_of(
    desk: Desk, screening_id: UUID, scope: str | None, after: UUID, limit: int
) -> list[dict[str, Any]]:
    """The reviews of a screening's hits that are kept, their notes opened."""
    rows = desk.reviews.of_screening(scope, screening_id, after, limit)
    texts = desk.open_all((row["subject_id"], note) for row in rows if (note := _note(row)) is not None)
    opened(row["subject_id"] for row in rows)
    shown = ("review_id", "at", "operator_id", "key", "outcome")
    return [{**{name: row[name] for name in shown}, "note": text_of(texts, row["note_ref"])} for row in rows]


def _note(row: Mapping[str, Any]) -> Sealed | None:
    return None if row["note_ref"] is None else Sealed(row["note_ref"], bytes(row["note_commitment"]))


def text_of(texts: Mapping[UUID, bytes], ref: UUID | None) -> str | None:
    raw = None if ref is None else texts.get(ref)
    return None if raw is None else raw.decode()
