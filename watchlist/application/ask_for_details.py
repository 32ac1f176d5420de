"""Ask for details: a question about a hit, to whoever owns the entry; the asker never learns who that is (C6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec

from watchlist.application.desk import Desk
from watchlist.application.ordered_id import ordered_id
from watchlist.application.receipt import Receipt
from watchlist.application.review_hit import hit_told, sealed_for_each, text_of
from watchlist.application.work import Ask, Work
from watchlist.domain import refusals
from watchlist.domain.commitment import Sealed
from watchlist.domain.detail_request import AskedOfOwner, DetailQuestion, DetailState, due_at, state_told
from watchlist.domain.vault_field import VaultField


def ask_for_details(desk: Desk, ask: Ask, screening_id: UUID, key: str, question: str) -> Receipt:
    """One question about each entry that still makes the hit stand; raises NoSuchHit, HitNoLongerStands."""

    def decide(work: Work) -> Receipt:
        hit = [one for one in hit_told(desk, work, screening_id, key) if one.stands]
        if not hit:
            raise refusals.HitNoLongerStands()
        texts = sealed_for_each(work, hit, VaultField.DETAIL_QUESTION, question)
        asked = tuple(
            AskedOfOwner(ordered_id(), one, text)
            for one, text in zip(hit, texts, strict=True)
            if text is not None
        )
        receipt = Receipt(ordered_id(), 1, desk.log.position())
        work.answer = msgspec.json.encode(receipt.body())
        recorded = DetailQuestion(receipt.id, screening_id, key, due_at(work.act.at), asked)
        subjects = desk.log.load({one.subject_id for one in hit})
        desk.details.ask(recorded, list(subjects.values()), work, receipt.position)
        return receipt

    return desk.carry_out(ask, decide)


def details_of(
    desk: Desk, screening_id: UUID, scope: str | None, after: UUID, limit: int
) -> list[dict[str, Any]]:
    """What was asked about a screening's hits, and answered: as one question, to however many it went."""
    rows = desk.details.of_screening(scope, screening_id, after, limit)
    texts = desk.open_all(sealed for row in rows for sealed in _texts_of(row))
    return [_told(list(each), texts) for _, each in groupby(rows, lambda row: row["request_id"])]


def _texts_of(row: Mapping[str, Any]) -> list[tuple[UUID, Sealed]]:
    """Of a refusal there is nothing to tell."""
    found = [(row["subject_id"], sealed_in(row, "question"))]
    if row["state"] == DetailState.ANSWERED:
        found.append((row["answered_of"], sealed_in(row, "answer")))
    return [(owner, sealed) for owner, sealed in found if sealed is not None]


def _told(rows: Sequence[Mapping[str, Any]], texts: Mapping[UUID, bytes]) -> dict[str, Any]:
    first = rows[0]
    questions = [text_of(texts, row["question_ref"]) for row in rows]
    return {
        "request_id": first["request_id"],
        "at": first["at"],
        "operator_id": first["operator_id"],
        "key": first["key"],
        "state": state_told({DetailState(row["state"]) for row in rows}),
        "question": next(filter(None, questions), None),
        "answers": [
            {"at": row["answered_at"], "answer": words_of(texts, row["answer_ref"])}
            for row in rows
            if row["state"] == DetailState.ANSWERED
        ],
    }


def sealed_in(row: Mapping[str, Any], name: str) -> Sealed | None:
    """Where a text of a row is."""
    ref = row[f"{name}_ref"]
    return None if ref is None else Sealed(ref, bytes(row[f"{name}_commitment"]))


def words_of(texts: Mapping[UUID, bytes], ref: UUID | None) -> str | None:
    """What was told, in the form of every disclosure."""
    raw = None if ref is None else texts.get(ref)
    told: str | None = None if raw is None else msgspec.json.decode(raw)["told"]
    return told
