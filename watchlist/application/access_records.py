"""Records of one person: what was recorded of them and by them, opened, for the access export (P3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import structs

from watchlist.application.attention import unseen
from watchlist.application.desk import Desk
from watchlist.domain import case_events as events
from watchlist.domain import identity as identities
from watchlist.domain import subject as subjects
from watchlist.domain.access import Disclosed, Text, Withheld
from watchlist.domain.aggregate import Event
from watchlist.domain.case import Case
from watchlist.domain.commitment import Sealed
from watchlist.domain.identity import Identity
from watchlist.domain.mention import mentions_any
from watchlist.domain.reply import ReplySent
from watchlist.domain.rights_request import RightsRequest
from watchlist.domain.subject import Subject

E = TypeVar("E", bound=Event)
Streams = Mapping[UUID, list[Event]]

WHOSE = frozenset(Event.__struct_fields__)
"""What every event has; the rest are its facts."""
IDENTIFYING = (subjects.SubjectRegistered, subjects.SubjectRectified)
SENT = (events.LetterSent, ReplySent)
"""Letters: sealed under the key of whom they were written to, in the stream of a case or of a request."""


class Records:
    """The streams of a person, of their cases and of their requests, and what was sealed in them."""

    def __init__(self, subject: Subject, family: Streams, cases: Streams, requests: Streams) -> None:
        self.subject = subject
        self.family = family
        """The streams of the subject and of those merged into it, the subject's first."""
        self.streams = cases
        self.cases: dict[UUID, Case] = {id: remembered(stream) for id, stream in cases.items()}
        self.requests: dict[UUID, RightsRequest] = {id: remembered(stream) for id, stream in requests.items()}
        self.request_streams = requests
        self.others: list[Identity] = []
        keepers = (*self.cases.values(), *self.requests.values(), *map(remembered, family.values()))
        self._redacted = {ref: now for keeper in keepers for ref, now in keeper.redacted.items()}
        self._opened: dict[UUID, bytes] = {}

    @classmethod
    def of(cls, desk: Desk, subject_id: UUID, organisation: str) -> Records:
        asked = desk.subject(subject_id, organisation)
        subject = desk.subject(asked.merged_into or asked.id, organisation)
        family = desk.log.streams([subject.id, *subject.absorbed])
        case_ids = {id for one in family for id in desk.registry.cases_about(one)}
        request_ids = desk.registry.requests_of(list(family))
        records = cls(
            subject,
            _first(subject.id, family),
            _oldest_first(desk.log.streams(case_ids)),
            _oldest_first(desk.log.streams(request_ids)),
        )
        records._open(desk)
        return records

    def _open(self, desk: Desk) -> None:
        """Everything of the person at once, then who the others of its cases are."""
        others = desk.log.streams(self._others())
        others |= desk.log.streams(_absorbed(others) - self.family.keys())
        known = [
            (event.originator_id, event.identity)
            for stream in others.values()
            for event in stream
            if isinstance(event, IDENTIFYING)
        ]
        with unseen():  # the others are opened for what names them to be withheld
            self._opened = desk.open_all([*self._kept(), *known])
        theirs = (self._opened.get(identity.ref) for _, identity in known)
        self.others = list({identities.decode(value): None for value in theirs if value is not None})

    def _kept(self) -> Iterator[tuple[UUID, Sealed]]:
        """What is still kept, and under whose key: not what was redacted, nor what went with another's erasure.

        Nothing of a case whose purge is decided: its key may be destroyed by now, or the next instant (C5).
        """
        gone = self._redacted.keys() | self._taken_back()
        over = {case.id for case in self.cases.values() if case.purge_due is not None}
        streams = (*self.family.values(), *self.streams.values(), *self.request_streams.values())
        for event in (event for stream in streams for event in stream):
            owner = self._owner_of(event)
            if owner is not None and owner not in over:
                yield from ((owner, sealed) for sealed in seals_of(event) if sealed.ref not in gone)

    def _owner_of(self, event: Event) -> UUID | None:
        """None of a letter that went to somebody else, who stood for the person then (C8)."""
        if isinstance(event, SENT):
            return event.subject_id if event.subject_id in self.family else None
        request = self.requests.get(event.originator_id)
        return request.subject_id if request else event.originator_id

    def _taken_back(self) -> set[UUID]:
        """L10: the identifiers stolen from victims that were erased."""
        recorded = {
            event.stolen.ref for s in self.streams.values() for event in of_kind(s, events.VictimRecorded)
        }
        return recorded - {sealed.ref for case in self.cases.values() for sealed in case.stolen}

    def _others(self) -> set[UUID]:
        """Every other subject of these cases, whatever it is in them, and whoever stands for it."""
        named = {subject for case in self.cases.values() for subject in _named_in(case)}
        return named - self.family.keys()

    def raw(self, sealed: Sealed | None) -> bytes | None:
        """The value, or what it was redacted to (P6)."""
        while sealed is not None and sealed.ref in self._redacted:
            sealed = self._redacted[sealed.ref]
        return None if sealed is None else self._opened.get(sealed.ref)

    def text(self, sealed: Sealed) -> Text:
        raw = self.raw(sealed)
        return Text(withheld=Withheld.ERASED) if raw is None else self.told(raw.decode())

    def text_if_any(self, sealed: Sealed | None) -> Text | None:
        return None if sealed is None else self.text(sealed)

    def heard(self, disclosed: Disclosed) -> Disclosed:
        """The words of what was told by hand, not if they name another."""
        if isinstance(disclosed.told, Text) and disclosed.told.text is not None:
            return structs.replace(disclosed, told=self.told(disclosed.told.text))
        return disclosed

    def told(self, text: str) -> Text:
        """P3: not if it names another."""
        return Text(withheld=Withheld.THIRD_PARTY) if mentions_any(text, self.others) else Text(text)

    def letter(self, sealed: Sealed) -> dict[str, Any] | None:
        """What a letter said; it went to the person, so nothing of it is withheld."""
        raw = self.raw(sealed)
        return None if raw is None else msgspec.json.decode(raw, type=dict[str, Any])

    def is_me(self, case: Case, subject_id: UUID) -> bool:
        return case.subject_now(subject_id) in self.family


def seals_of(event: Event) -> Iterator[Sealed]:
    """Everything an event sealed."""
    for _, value in facts_of(event):
        if isinstance(value, Sealed):
            yield value
        elif isinstance(value, msgspec.Struct):
            yield from (inner for inner in structs.astuple(value) if isinstance(inner, Sealed))


def facts_of(event: Event) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(event, name)) for name in event.__struct_fields__ if name not in WHOSE)


def of_kind(stream: Iterable[Event], kind: type[E]) -> list[E]:
    return [event for event in stream if isinstance(event, kind)]


def remembered(stream: Iterable[Event]) -> Any:
    return reduce(lambda aggregate, event: event.mutate(aggregate), stream, None)


def _named_in(case: Case) -> set[UUID]:
    procedures = (subject for procedure in case.procedures.values() for subject in procedure.names)
    return {*case.subject_ids, *case.subjects_now(), *case.followed, *case.victims, *procedures}


def _absorbed(streams: Streams) -> set[UUID]:
    return {id for stream in streams.values() for id in remembered(stream).absorbed}


def _first(id: UUID, streams: Streams) -> dict[UUID, list[Event]]:
    order = sorted(streams, key=lambda one: (one != id, streams[one][0].at, one))
    return {one: streams[one] for one in order}


def _oldest_first(streams: Streams) -> dict[UUID, list[Event]]:
    return {one: streams[one] for one in sorted(streams, key=lambda one: (streams[one][0].at, one))}
