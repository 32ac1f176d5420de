"""Have the last checkpoint stamped by a time stamping authority, once a day (RFC 3161; T4).

What is stamped are the bytes of the note as the log signed it: its text, an empty line, and the log's own signature
lines, each with its newline; no cosignatures.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from watchlist.audit.verifier import Note, VerifierKey, stamped
from watchlist.ports.clock import Clock
from watchlist.ports.seal import Cosigning, SealedLog, Stamp
from watchlist.ports.witness import StampStanding, Timestamping, Witnessed

EVERY = timedelta(hours=23)
"""From a stamp to the next: with an hourly look, one a day."""
LATE = timedelta(days=2)
"""What was published for longer, and is in nothing that was stamped, is late."""


class Stamps(Cosigning, Witnessed, Protocol):
    """What is kept of time stamps."""


def stamp(sealed: SealedLog, kept: Stamps, authority: Timestamping) -> Stamp | None:
    """The last checkpoint, stamped now; None: there is none yet. Raises Unanswered."""
    latest = sealed.latest()
    if latest is None:
        return None
    keys = list(map(VerifierKey.parse, sealed.keys()))
    said = authority.stamp(stamped(Note.parse(latest.note.encode()), keys))
    made = Stamp(latest.size, said.at, said.authority, said.token)
    kept.stamped(made)
    return made


def stamp_when_due(sealed: SealedLog, kept: Stamps, authority: Timestamping, clock: Clock) -> Stamp | None:
    """The same when there is something new, and the last stamp is a day old."""
    standing = kept.stamp_standing()
    if standing.waits_since is None:
        return None
    if standing.stamped_at is not None and clock.now() - standing.stamped_at < EVERY:
        return None
    return stamp(sealed, kept, authority)


def is_late(standing: StampStanding, now: datetime) -> bool:
    return standing.waits_since is not None and now - standing.waits_since > LATE
