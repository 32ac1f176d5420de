"""Every topic ever recorded, and the event class that reads it today."""

from __future__ import annotations

from watchlist.domain import case as _case  # noqa: F401  (gives the first events of a case their aggregate)
from watchlist.domain.aggregate import Event


def _leaves(event_class: type[Event]) -> list[type[Event]]:
    below = event_class.__subclasses__()
    return [event_class] if not below else [leaf for sub in below for leaf in _leaves(sub)]


def all_events() -> dict[str, type[Event]]:
    """topic -> event class; a topic that two classes claim is refused."""
    from watchlist.domain import import_batch, subject  # noqa: F401  (so that their events exist)

    topics: dict[str, type[Event]] = {}
    for leaf in _leaves(Event):
        if topics.setdefault(leaf.TOPIC, leaf) is not leaf:
            raise ValueError(f"two event classes claim the topic {leaf.TOPIC}")
    return topics
