"""The one log, and what it says when a command was overtaken or done before."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from watchlist.domain.aggregate import Aggregate, Event
from watchlist.domain.dossier import Entered


class VersionConflict(Exception):
    """Another command was recorded first in the same stream: decide again."""


class LookupsChanged(VersionConflict):
    """The look-up key is rotating: decide again, with the keys of now."""


class AlreadyDone(Exception):
    """This very command was recorded before; `answer` is what it answered."""

    def __init__(self, mac: bytes, answer: bytes, position: int) -> None:
        super().__init__("already done")
        self.mac, self.answer, self.position = mac, answer, position


class Log(Protocol):
    """The one ordered log, by stream."""

    def alone(self, name: str) -> AbstractContextManager[bool]:
        """Whether this is the only work of that name, in every process, while it lasts."""
        ...

    def load(
        self, ids: Iterable[UUID], wrapped: MutableMapping[UUID, bytes] | None = None
    ) -> dict[UUID, Aggregate]:
        """The aggregates of these streams, as they stand; those without events are left out.

        Their wrapped keys are put into `wrapped`, in the same round trip.
        """
        ...

    def load_as_of(self, id: UUID, at: datetime) -> Aggregate | None:
        """The aggregate of one stream as it stood by what had been recorded up to an instant; None before its first."""
        ...

    def streams(self, ids: Iterable[UUID]) -> dict[UUID, list[Event]]:
        """What was recorded in these streams, in order; those without events are left out."""
        ...

    def entered(self, ids: Iterable[UUID]) -> dict[UUID, list[Entered]]:
        """The same, and where and when each event was recorded."""
        ...

    def record(self, aggregates: Sequence[Aggregate], work: Any) -> int:
        """One transaction: the command, what it sealed, the events, the pictures. The last position.

        Raises VersionConflict, AlreadyDone, or a refusal that is Unavailable: then nothing was recorded.
        """
        ...

    def told(self, id: UUID) -> Sequence[Event]:
        """The events of one stream, in their order."""
        ...

    def position(self) -> int:
        """The position of the last event, 0 when there is none."""
        ...

    def answered(self, command_id: UUID) -> AlreadyDone | None:
        """What a recorded command answered."""
        ...
