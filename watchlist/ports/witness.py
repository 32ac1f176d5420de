"""Witnesses and time stamping authorities: who says from outside what the log was, and when (T4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Unanswered(Exception):
    """Nobody answered, or not what was asked; the message says how, and nothing of the answer."""


# The log's side -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """A witness that is asked to cosign: its public key, as notes name it, and where it is."""

    key: str
    url: str

    @property
    def name(self) -> str:
        return self.key.partition("+")[0]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


class WitnessPost(Protocol):
    """Brings checkpoints to witnesses."""

    def add_checkpoint(self, url: str, body: bytes) -> Reply:
        """Raises Unanswered."""
        ...


@dataclass(frozen=True, slots=True)
class WitnessStanding:
    """How far a witness has come with the log."""

    witness: str
    """By name and number of its key, as in its lines."""
    size: int
    """The largest that it cosigned; 0: none."""
    cosigned_at: datetime | None
    waits_since: datetime | None
    """When the first checkpoint was published that is larger; None: it has cosigned the last one."""
    differs_since: datetime | None
    """When it refused because it had seen another history, and it cosigned nothing since; None: it did not."""


@dataclass(frozen=True, slots=True)
class StampStanding:
    """How far time stamps have come."""

    size: int
    stamped_at: datetime | None
    waits_since: datetime | None
    """When the first checkpoint was published that is larger than all that were stamped."""


class Witnessed(Protocol):
    """What the log remembers of its witnesses, beside their cosignatures."""

    def refused(self, witness: str, size: int, seen: int | None, at: datetime) -> bool:
        """That a witness had seen another history; whether that is new since it last cosigned."""
        ...

    def standings(self, witnesses: Sequence[str]) -> list[WitnessStanding]:
        """Of each, by name and number of its key, in that order."""
        ...

    def stamp_standing(self) -> StampStanding: ...


@dataclass(frozen=True, slots=True)
class Stamped:
    """What an authority said: that it was shown a message, and when."""

    at: datetime
    authority: str
    token: bytes
    """The whole answer (RFC 3161, TimeStampResp, DER)."""


class Timestamping(Protocol):
    """A time stamping authority (RFC 3161)."""

    def stamp(self, message: bytes) -> Stamped:
        """A stamp that was verified up to a root that is trusted. Raises Unanswered."""
        ...


# The witness's side -------------------------------------------------------------------------------


class WitnessMemory(Protocol):
    """What a witness remembers, apart from every log."""

    def last(self, origin: str) -> str | None:
        """The last checkpoint of that log that it cosigned, as a note with its own line."""
        ...

    def keep(self, origin: str, note: str) -> None:
        """It is on disk when this returns: only then may the cosignature leave."""
        ...

    def keep_contradiction(self, origin: str, checkpoint: str, request: bytes) -> None:
        """That the log signed another history: the request, and the last note. One of each text of a checkpoint.

        Nothing that is kept so ever makes room, and nobody but whoever has the log's key can fill it.
        """
        ...

    def keep_doubted(self, origin: str, checkpoint: str, request: bytes) -> None:
        """What the log signed, with a proof that does not hold: one of each text, until that is cosigned."""
        ...

    def contradictions(self, origin: str) -> Sequence[str]:
        """The names of what was kept so."""
        ...

    def doubted(self, origin: str) -> Sequence[str]: ...
