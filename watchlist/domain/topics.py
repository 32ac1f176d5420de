"""Every topic ever recorded, and the event class that reads it today."""

from __future__ import annotations

from watchlist.domain.aggregate import Aggregate, Event
from watchlist.domain.case import Case
from watchlist.domain.import_batch import ImportBatch
from watchlist.domain.rights_request import RightsRequest
from watchlist.domain.subject import Subject

AGGREGATES: tuple[type[Aggregate], ...] = (Case, Subject, ImportBatch, RightsRequest)


def all_events() -> dict[str, type[Event]]:
    """topic -> event class, of all that any aggregate remembers; a topic that two classes claim is refused."""
    topics: dict[str, type[Event]] = {}
    for aggregate in AGGREGATES:
        for event in aggregate.MEMORY:
            if topics.setdefault(event.TOPIC, event) is not event:
                raise ValueError(f"two event classes claim the topic {event.TOPIC}")
    return topics
