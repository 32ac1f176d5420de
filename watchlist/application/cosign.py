"""Have the last checkpoint cosigned by every witness that is configured (C2SP tlog-witness; T4).

A witness that is down is late; one that refuses because it saw another history is an alarm: the log went back, or was
rewritten, or somebody is shown another one. Nothing stops for either: entries still end, screenings are answered.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from watchlist.audit.verifier import COSIGNATURE, Broken, Note, Signature, VerifierKey
from watchlist.audit.witness import Request, named, size_of
from watchlist.ports.clock import Clock
from watchlist.ports.seal import Cosigning, Published, SealedLog
from watchlist.ports.witness import (
    Reply,
    Unanswered,
    WitnessAddress,
    Witnessed,
    WitnessPost,
    WitnessStanding,
)

log = logging.getLogger("watchlist.witness")
TRIES = 3
"""A witness that is ahead or behind says its size; it is asked again from there."""
MOST_AT_ONCE = 8
LATE = timedelta(minutes=10)
"""A checkpoint is cosigned within a minute; a witness that restarts is not late."""
FAST = timedelta(minutes=10)
"""How far the clock of a witness may be ahead of ours."""


class Cosignatures(Cosigning, Witnessed, Protocol):
    """What is kept of the witnesses."""


class Answer(StrEnum):
    COSIGNED = "cosigned"
    CURRENT = "current"
    """It has cosigned that checkpoint before."""
    LATE = "late"
    """It did not answer, or not as the protocol says; it is asked again."""
    UNKNOWN = "unknown"
    """It does not know this log, or none of its keys."""
    DIFFERS = "differs"
    """It has seen another history."""


@dataclass(frozen=True, slots=True)
class Cosigner:
    """Whom to ask, and where what they say is kept."""

    sealed: SealedLog
    kept: Cosignatures
    post: WitnessPost
    clock: Clock
    witnesses: Sequence[WitnessAddress]

    def run(self) -> dict[str, Answer]:
        """What each witness answered to the last checkpoint, by name; none of them waits for another."""
        latest = self.sealed.latest()
        if latest is None or not self.witnesses:
            return {}
        with ThreadPoolExecutor(min(MOST_AT_ONCE, len(self.witnesses))) as pool:
            answers = pool.map(lambda witness: self._told(witness, latest), self.witnesses)
            return dict(zip((one.name for one in self.witnesses), answers, strict=True))

    def _told(self, witness: WitnessAddress, latest: Published) -> Answer:
        key = VerifierKey.parse(witness.key)
        try:
            return self._asked(witness, key, latest)
        except Differs as differs:
            self._alarm(key, latest, differs.seen)
            return Answer.DIFFERS
        except (Unanswered, Broken) as error:
            log.warning("witness %s did not cosign: %s", key.name, error)
            return Answer.LATE

    def _asked(self, witness: WitnessAddress, key: VerifierKey, latest: Published) -> Answer:
        if _holds(latest.note, key):
            return Answer.CURRENT
        remembered = old = min(self.kept.cosigned_by(named(key)), latest.size)
        for _ in range(TRIES):
            path = self.sealed.consistency(old, latest.size) if 0 < old < latest.size else ()
            request = Request.made(old, path, latest.note.encode())
            reply = self.post.add_checkpoint(witness.url, request.body())
            if reply.status == 200:
                self.kept.cosigned(latest.size, self._line(request.note, reply.body, key), self.clock.now())
                return Answer.COSIGNED
            if reply.status in (403, 404):
                log.error("witness %s does not know this log, or none of its keys", key.name)
                return Answer.UNKNOWN
            old = self._restart(old, latest, reply)
            if old < remembered:
                log.error("witness %s forgot what it cosigned: it is no witness of what was before", key.name)
        raise Unanswered("it names another size each time")

    def _restart(self, old: int, latest: Published, reply: Reply) -> int:
        """From what the witness says it saw: another tree of that size, or a larger one, is another history."""
        if reply.status == 422:
            raise Differs(old)
        if reply.status != 409:
            raise Unanswered(f"status {reply.status}")
        seen = size_of(reply.body.decode("ascii", "replace").removesuffix("\n"))
        now = self.sealed.latest()
        if seen == old or now is None or seen > now.size:
            raise Differs(seen)
        if seen > latest.size:
            raise Unanswered("it has cosigned a later checkpoint already")
        return seen

    def _line(self, note: Note, answered: bytes, key: VerifierKey) -> str:
        """The line of that key among those that it answered; Broken when there is none that holds."""
        signature = _signature(Note.parse(f"{note.text}\n".encode() + answered), key)
        if signature is None:
            raise Broken("no cosignature of its key")
        if signature.cosigned_at > (self.clock.now() + FAST).timestamp():
            raise Broken("a cosignature of the future")
        return signature.line()

    def _alarm(self, key: VerifierKey, latest: Published, seen: int | None) -> None:
        if self.kept.refused(named(key), latest.size, seen, self.clock.now()):
            log.error(
                "ALARM: witness %s has seen another history than the checkpoint of %d leaves (it saw %s):"
                " keep its checkpoint, compare, and do not remove it (docs/sealing.md)",
                key.name,
                latest.size,
                seen,
            )


class Differs(Exception):
    """The witness has seen another history, of that size."""

    def __init__(self, seen: int | None) -> None:
        super().__init__("another history")
        self.seen = seen


def _holds(note: str, key: VerifierKey) -> bool:
    """Whether the witness has cosigned this note; a line of its that does not hold is over another one."""
    try:
        return _signature(Note.parse(note.encode()), key) is not None
    except Broken:
        raise Differs(None) from None


def _signature(note: Note, key: VerifierKey) -> Signature | None:
    return note.signed_by(key)


# Who is asked -------------------------------------------------------------------------------------


def witnesses_in(text: str) -> tuple[WitnessAddress, ...]:
    """Public keys and addresses, a pair a line or between commas; Broken says what is wrong, and no address."""
    made = []
    for line in text.replace(",", "\n").splitlines():
        if not line.strip():
            continue
        key, _, url = line.strip().partition(" ")
        if VerifierKey.parse(key).kind != COSIGNATURE:
            raise Broken("a key of it is a log's, not a witness's")
        if not url.strip().startswith(("http://", "https://")):
            raise Broken("an address of it does not begin with http:// or https://")
        made.append(WitnessAddress(key, url.strip()))
    if len({one.name for one in made}) < len(made):
        raise Broken("two witnesses of it have one name")
    return tuple(made)


# Lateness -----------------------------------------------------------------------------------------


def standings(kept: Witnessed, witnesses: Sequence[WitnessAddress]) -> list[WitnessStanding]:
    if not witnesses:
        return []
    return kept.standings([named(VerifierKey.parse(witness.key)) for witness in witnesses])


def is_late(standing: WitnessStanding, now: datetime) -> bool:
    """It differs, or a checkpoint has waited for it for more than ten minutes."""
    if standing.differs_since is not None:
        return True
    return standing.waits_since is not None and now - standing.waits_since > LATE
