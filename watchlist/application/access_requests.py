"""Of an access export: the person's own requests, the letters they were sent, and what was contested (P3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from msgspec import structs

from watchlist.application.access_records import Records
from watchlist.domain import access
from watchlist.domain import case_events as events
from watchlist.domain import rights_request as rights
from watchlist.domain import subject as subjects
from watchlist.domain.aggregate import Event
from watchlist.domain.commitment import Sealed
from watchlist.domain.reply import ReplySent
from watchlist.domain.rights_request import RightsRequest

CONTESTED = (events.InscriptionContested, subjects.SubjectContested)
SETTLED = (events.ContestSettled, subjects.SubjectSettled)


def requests_told(records: Records) -> list[access.RequestTold]:
    return [_request(records, id, request) for id, request in records.requests.items()]


def _request(records: Records, id: UUID, request: RightsRequest) -> access.RequestTold:
    made, stream = request.decision, records.request_streams[id]
    extended, answered, lifted = request.extension, request.answer, request.lifting
    text = records.text_if_any
    return access.RequestTold(
        request_id=id,
        kind=request.kind.value,
        received_on=request.received_on,
        recorded_at=request.recorded_at,
        due_on=request.due_on,
        details=text(request.details),
        directives=text(request.directives),
        extension=_step(records, extended, extended.reason) if extended else None,
        decision=access.RequestDecided(made.at, made.granted, text(made.reason)) if made else None,
        deferrals=[told for event in stream for told in _deferrals(records, event)],
        answer=_step(records, answered, answered.text) if answered else None,
        lifting=_step(records, lifted, lifted.reason) if lifted else None,
        letters_sent=letters_sent(records, stream),
    )


def _step(
    records: Records,
    event: rights.RequestExtended | rights.RequestAnswered | rights.RestrictionEnded,
    text: Sealed | None,
) -> access.RequestStep:
    return access.RequestStep(event.at, event.told_on, records.text_if_any(text))


def _deferrals(records: Records, event: Event) -> Iterator[access.DeferralTold]:
    if not isinstance(event, rights.RequestDecided | rights.DeferralReviewed):
        return
    raw = records.raw(event.deferred)
    for one in [] if raw is None else access.deferrals_in(raw):
        yield access.DeferralTold(event.at, one.part.value, one.reason, one.review_on)


def letters_sent(records: Records, stream: Iterable[Event]) -> list[access.LetterSent]:
    return [
        access.LetterSent(
            event.kind.value,
            event.sent_on,
            event.channel.value if isinstance(event, events.LetterSent) else None,
            records.letter(event.content),
        )
        for event in stream
        if isinstance(event, events.LetterSent | ReplySent)
    ]


def letters_deferred(records: Records, stream: Iterable[Event]) -> list[access.LetterDeferral]:
    return [
        access.LetterDeferral(event.at, event.kind.value, records.text(event.reason), event.review_on)
        for event in stream
        if isinstance(event, events.LetterDeferred)
    ]


def contests(stream: Iterable[Event]) -> list[access.Contest]:
    """P2: from when until when requests of the person restricted; by the request, which may contest again."""
    told: list[access.Contest] = []
    since: dict[UUID, int] = {}
    for event in stream:
        if isinstance(event, CONTESTED):
            since[event.request_id] = len(told)
            told.append(access.Contest(event.at))
        elif isinstance(event, SETTLED) and event.request_id in since:
            place = since.pop(event.request_id)
            told[place] = structs.replace(told[place], settled_at=event.at)
    return told
