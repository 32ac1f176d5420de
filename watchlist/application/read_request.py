"""Read a request of a person: what was asked, decided and answered, opened for the DPO of its organisation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from watchlist.application.case_file import Opened, View
from watchlist.application.desk import Desk
from watchlist.domain.commitment import Sealed
from watchlist.domain.reply import ReplyKind, reply_id
from watchlist.domain.rights_request import NoSuchRequest, Right, RightsRequest

PORTABILITY_REASON = {
    "en": "The data are processed for a legitimate interest, the prevention of fraud; portability applies to data "
    "processed by consent or for a contract (GDPR, art. 20).",
    "fr": "Les données sont traitées pour un intérêt légitime, la prévention de la fraude ; la portabilité vaut pour "
    "les données traitées par consentement ou pour un contrat (RGPD, art. 20).",
}
"""P4: why portability is refused, said when the decision gives no reason of its own."""
TEXTS = ("details", "directives", "extension", "decision", "deferred", "answer", "lifting")


def request_of(desk: Desk, request_id: UUID, organisation: str) -> RightsRequest:
    """The request, if it is of a person of that organisation (C6)."""
    request = desk.log.load([request_id]).get(request_id)
    if not isinstance(request, RightsRequest) or request.organisation != organisation:
        raise NoSuchRequest()
    return request


def read_request(desk: Desk, request_id: UUID, organisation: str) -> View:
    """One request; the texts of an erased subject are None, and it says `erased`."""
    request = request_of(desk, request_id, organisation)
    sealed = [one for one in map(request.text_now, _sealed_in(request)) if one is not None]
    opened = Opened(desk.open_sealed(request.subject_id, sealed), request)
    return {
        "id": request.id,
        "version": request.version,
        "request_id": request.id,
        "organisation": request.organisation,
        "subject_id": request.subject_id,
        "kind": request.kind,
        "state": request.state,
        "received_on": request.received_on,
        "recorded_at": request.recorded_at,
        "recorded_by": request.recorded_by,
        "due_on": request.due_on,
        "restricts": request.contests,
        "open": request.is_open,
        "details": opened.text(request.details),
        "directives": opened.text(request.directives),
        "extension": _extension(request, opened),
        "decision": _decision(request, opened),
        "deferred": _deferred(request, opened),
        "review_on": request.review_on,
        "answer": _answer(request, opened),
        "lifting": _lifting(request, opened),
        "letters": letters_of(request),
        "text_ids": _text_ids(request),
        "erased": opened.lacks(*sealed),
    }


def _text_ids(request: RightsRequest) -> dict[str, UUID]:
    """The ids of its texts, as a redaction names them (P6)."""
    now = zip(TEXTS, map(request.text_now, _sealed_in(request)), strict=True)
    return {name: sealed.ref for name, sealed in now if sealed is not None}


def _sealed_in(request: RightsRequest) -> list[Sealed | None]:
    return [
        request.details,
        request.directives,
        request.extension.reason if request.extension else None,
        request.decision.reason if request.decision else None,
        request.deferred,
        request.answer.text if request.answer else None,
        request.lifting.reason if request.lifting else None,
    ]


def letters_of(request: RightsRequest) -> list[View]:
    """Which letters were sent, and which could be."""
    return [letter_view(request, kind) for kind in ReplyKind if request.reply_state(kind) is not None]


def letter_view(request: RightsRequest, kind: ReplyKind) -> View:
    sent = request.replies.get(kind)
    return {
        "letter_id": reply_id(request.id, kind),
        "kind": kind,
        "state": request.reply_state(kind),
        "sent_on": sent.sent_on if sent else None,
    }


def _extension(request: RightsRequest, opened: Opened) -> View | None:
    told = request.extension
    if told is None:
        return None
    return {"at": told.at, "by": told.by, "told_on": told.told_on, "reason": opened.text(told.reason)}


def _decision(request: RightsRequest, opened: Opened) -> View | None:
    made = request.decision
    if made is None:
        return None
    stands_by_itself = request.kind is Right.PORTABILITY and made.reason is None
    return {
        "at": made.at,
        "by": made.by,
        "granted": made.granted,
        "reason": opened.text(made.reason),
        "standard_reason": PORTABILITY_REASON if stands_by_itself else None,
        "delisted": made.delisted,
        "withdrawn": made.withdrawn,
    }


def _deferred(request: RightsRequest, opened: Opened) -> list[Any]:
    document = opened.raw(request.deferred)
    return [] if document is None else msgspec.json.decode(document, type=list[dict[str, str]])


def _answer(request: RightsRequest, opened: Opened) -> View | None:
    given = request.answer
    if given is None:
        return None
    return {"at": given.at, "by": given.by, "told_on": given.told_on, "text": opened.text(given.text)}


def _lifting(request: RightsRequest, opened: Opened) -> View | None:
    made = request.lifting
    if made is None:
        return None
    return {"at": made.at, "by": made.by, "told_on": made.told_on, "reason": opened.text(made.reason)}
