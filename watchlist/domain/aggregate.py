"""What every stream of events has in common, without a clock and without a database.

The event classes follow the protocols of the `eventsourcing` library rather than its base classes:
those stamp a wall-clock timestamp of their own, and the time of this house is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

from msgspec import Struct, field

T = TypeVar("T")

SCHEDULER = UUID("00000000-0000-4000-8000-000000000001")
"""The operator id under which the scheduler acts: nobody's, and never four-eyed against a person."""


class Act(Struct, frozen=True):
    """Who acts, when, for which organisation: what every event records of its cause."""

    at: datetime
    by: UUID
    organisation: str


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An immutable fact of one stream, at one version of that stream."""

    TOPIC: ClassVar[str]
    FORMAT: ClassVar[int] = 1
    BEGINS: ClassVar[type[Aggregate] | None] = None
    """The aggregate whose first event this can be; told by the aggregate (BEGINS_WITH)."""
    MOVES_THE_LIST: ClassVar[bool] = False
    """Whether the standing of an entry can differ after this event (a note cannot change it)."""

    originator_id: UUID = field(name="stream")
    originator_version: int = field(name="version")
    format: int = 1
    at: datetime
    by: UUID
    organisation: str

    def mutate(self, aggregate: Any) -> Any:
        """Remember this event; called by the library's repository, at every load and replay."""
        remembering = self._blank() if aggregate is None else aggregate
        remembering.remember(self)
        return remembering

    def _blank(self) -> Aggregate:
        if self.BEGINS is None:
            raise TypeError(f"{self.TOPIC} cannot begin a stream")
        return self.BEGINS(self.originator_id)


Remember = Callable[[Any, Any], None]


def remembers(event_class: type[Event]) -> Callable[[Callable[[Any, T], None]], Callable[[Any, T], None]]:
    """Mark the method that remembers events of this class."""

    def mark(method: Callable[[Any, T], None]) -> Callable[[Any, T], None]:
        method.__dict__.setdefault("remembered", []).append(event_class)
        return method

    return mark


class Aggregate:
    """A consistency boundary: decides, then records what it decided, then remembers it."""

    BEGINS_WITH: ClassVar[tuple[type[Event], ...]] = ()
    MEMORY: ClassVar[dict[type[Event], Remember]] = {}

    def __init__(self, id: UUID) -> None:
        self.id = id
        self.version = 0
        self.organisation = ""
        self.pending: list[Event] = []

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for beginning in cls.BEGINS_WITH:
            beginning.BEGINS = cls
        cls.MEMORY = cls.MEMORY | {
            event: method for method in vars(cls).values() for event in getattr(method, "remembered", ())
        }

    def record(self, event_class: type[Event], act: Act, **facts: Any) -> None:
        event = event_class(
            originator_id=self.id,
            originator_version=self.version + 1,
            format=event_class.FORMAT,
            at=act.at,
            by=act.by,
            organisation=act.organisation,
            **facts,
        )
        self.remember(event)
        self.pending.append(event)

    def remember(self, event: Event) -> Self:
        if event.originator_version != self.version + 1:
            raise ValueError(f"{event.TOPIC} is version {event.originator_version}, after {self.version}")
        self.MEMORY[type(event)](self, event)
        self.version = event.originator_version
        return self

    def collect_events(self) -> Sequence[Event]:
        collected, self.pending = self.pending, []
        return collected
