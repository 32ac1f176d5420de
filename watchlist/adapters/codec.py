"""Events as they are stored: readable JSON, typed and strict, through msgspec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.persistence import Mapper, StoredEvent

from watchlist.domain.aggregate import Event
from watchlist.domain.topics import all_events


class UnreadableEvent(Exception):
    """A stored event that this version cannot read; the message names its topic and place, never its state."""


Upcast = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTS: dict[tuple[str, int], Upcast] = {}
"""(topic, format) -> what turns a document of that format into the next one."""


class EventCodec(Mapper[UUID]):
    """Turns an event into its stored document and back; replaces the library's default mapper."""

    def __init__(
        self,
        classes: Mapping[str, type[Event]] | None = None,
        upcasts: Mapping[tuple[str, int], Upcast] = UPCASTS,
    ) -> None:
        """Of every event of the domain, unless others are given: a chain of formats is tried on a test's own."""
        self._encoder = msgspec.json.Encoder()
        self._classes = all_events() if classes is None else dict(classes)
        self._upcasts = upcasts
        self._decoders = {topic: msgspec.json.Decoder(cls) for topic, cls in self._classes.items()}

    def formats(self) -> dict[str, int]:
        """The newest format of each topic that this code reads."""
        return {topic: cls.FORMAT for topic, cls in self._classes.items()}

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        return StoredEvent(
            domain_event.originator_id,
            domain_event.originator_version,
            domain_event.TOPIC,
            self._encoder.encode(domain_event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Event:
        return self.decode(
            stored_event.topic,
            stored_event.originator_id,
            stored_event.originator_version,
            stored_event.state,
        )

    def read(self, stored: tuple[int, datetime, str, UUID, int, bytes]) -> tuple[int, datetime, Event]:
        """A row of the log; a refusal names its position too."""
        position, recorded_at, topic, stream, version, state = stored
        try:
            return position, recorded_at, self.decode(topic, stream, version, state)
        except UnreadableEvent as error:
            raise UnreadableEvent(f"position {position}: {error}") from None

    def decode(self, topic: str, stream: UUID | str, version: int, state: bytes) -> Event:
        """The event of a stored document; one that belongs elsewhere, or is newer than this code, is refused."""
        try:
            event = self._decoders[topic].decode(state)
        except KeyError:
            raise UnreadableEvent(f"{stream} version {version}: unknown topic {topic}") from None
        except msgspec.DecodeError:
            event = self._read_old(topic, stream, version, state)
        if event.format != self._classes[topic].FORMAT:
            event = self._read_old(topic, stream, version, state)
        if event.originator_version != version or event.originator_id != stream:
            raise UnreadableEvent(f"{stream} version {version}: the document names another place")
        return event

    def _read_old(self, topic: str, stream: UUID | str, version: int, state: bytes) -> Event:
        place = f"{stream} version {version}: {topic}"
        cls = self._classes[topic]
        try:
            document = msgspec.json.decode(state, type=dict[str, Any])
            stored = msgspec.convert(document.get("format", 1), int)
            if stored > cls.FORMAT:
                raise UnreadableEvent(
                    f"{place} is of format {stored}, newer than this version can read: use a newer version"
                )
            for older in range(stored, cls.FORMAT):
                if (topic, older) not in self._upcasts:
                    raise UnreadableEvent(f"{place}: no upcast from format {older}")
                document = self._upcasts[topic, older](document)
            return msgspec.convert(document, cls)
        except msgspec.DecodeError:
            raise UnreadableEvent(f"{place} is not as recorded") from None
