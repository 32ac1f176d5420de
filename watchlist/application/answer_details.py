"""Answer a question about an entry, or refuse to: telling is a disclosure that its owner decides (C6, S8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from watchlist.application.ask_for_details import sealed_in, words_of
from watchlist.application.desk import Desk
from watchlist.application.receipt import Receipt
from watchlist.application.review_hit import text_of
from watchlist.application.work import Ask, Work
from watchlist.domain import refusals
from watchlist.domain.aggregate import Aggregate
from watchlist.domain.detail_request import DetailAnswer, DetailState, require_answerable
from watchlist.domain.vault_field import VaultField


def answer_details(desk: Desk, ask: Ask, detail_id: UUID, answer: str) -> Receipt:
    """Told to whoever asked; raises EntryNotTold when the entry would not be told as a hit any more."""

    def decide(work: Work) -> Receipt:
        row = _waiting(desk, detail_id, ask.organisation)
        case = desk.case(row["case_id"], ask.organisation)
        subject = desk.subject(require_answerable(case, row["inscription_id"], work.act.at), ask.organisation)
        subject.require_kept()
        words = work.seal(subject.id, VaultField.DETAIL_ANSWER, msgspec.json.encode({"told": answer}))
        told = DetailAnswer(detail_id, DetailState.ANSWERED, subject.id, words)
        return _recorded(desk, work, told, [case, subject])

    return desk.carry_out(ask, decide)


def refuse_details(desk: Desk, ask: Ask, detail_id: UUID, reason: str | None) -> Receipt:
    """Nothing is told but that it was refused: the reason stays with the owner."""

    def decide(work: Work) -> Receipt:
        row = _waiting(desk, detail_id, ask.organisation)
        subject = desk.subject(row["subject_id"], ask.organisation)
        subject.require_kept()
        words = work.seal_optional(subject.id, VaultField.DETAIL_REFUSAL, reason)
        refused = DetailAnswer(detail_id, DetailState.REFUSED, subject.id, words)
        return _recorded(desk, work, refused, [subject])

    return desk.carry_out(ask, decide)


def _waiting(desk: Desk, detail_id: UUID, organisation: str) -> Mapping[str, Any]:
    row = desk.details.one(detail_id)
    if row is None or row["owner"] != organisation:
        raise refusals.NoSuchDetailRequest()
    if row["state"] != DetailState.WAITING:
        raise refusals.AlreadyAnswered(state=row["state"])
    return row


def _recorded(desk: Desk, work: Work, answer: DetailAnswer, decided_on: Sequence[Aggregate]) -> Receipt:
    receipt = Receipt(answer.detail_id, 2, desk.log.position())
    work.answer = msgspec.json.encode(receipt.body())
    desk.details.answer(answer, decided_on, work, receipt.position)
    return receipt


def read_detail_request(desk: Desk, detail_id: UUID, scope: str | None) -> dict[str, Any]:
    """One question as its owner sees it: what is asked, by which organisation, and what was answered."""
    row = desk.details.one(detail_id)
    if row is None or scope not in (None, row["owner"]):
        raise refusals.NoSuchDetailRequest()
    sealed = [(row["subject_id"], sealed_in(row, "question")), (row["answered_of"], sealed_in(row, "answer"))]
    texts = desk.open_all((owner, one) for owner, one in sealed if one is not None)
    answered = row["state"] == DetailState.ANSWERED
    return {
        **row,
        "question": text_of(texts, row["question_ref"]),
        "answer": words_of(texts, row["answer_ref"]) if answered else None,
        "reason": None if answered else text_of(texts, row["answer_ref"]),
    }
