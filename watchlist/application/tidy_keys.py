"""Keys that nothing needs, and keys that are missing (P6).

In a store of its own a key is committed before the event that needs it: a crash in between, or a command that was
decided again, leaves one behind. It opens nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Protocol
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.domain import refusals
from watchlist.ports.keys import KeyStanding

AGE = timedelta(days=1)
"""No command takes so long between its key and its event."""
MOST = 100
PAGE = 5_000
FIRST = UUID(int=0)


class OldKeys(Protocol):
    def older(self, age: timedelta, after: UUID, limit: int) -> list[UUID]: ...


class Streams(Protocol):
    def known(self, ids: Iterable[UUID]) -> set[UUID]:
        """Those of these streams that have events."""
        ...

    def owners(self, after: UUID, limit: int) -> list[UUID]:
        """Whoever must have a key: subjects, cases that are not purged, imports; by id."""
        ...


def orphans(keys: OldKeys, streams: Streams, age: timedelta = AGE) -> Iterator[UUID]:
    """Owners of keys, made so long ago, that no stream has."""
    after = FIRST
    while page := keys.older(age, after, PAGE):
        after = page[-1]
        known = streams.known(page)
        yield from (owner for owner in page if owner not in known)


class TooManyOrphans(refusals.Conflict):
    """More keys than a crash leaves belong to nothing in this log: check that keys and log belong together.

    fr: Plus de clés qu'un arrêt n'en laisse n'appartiennent à rien dans ce journal : vérifiez qu'ils vont ensemble.
    """


def tidy_keys(desk: Desk, keys: OldKeys, streams: Streams, most: int = MOST, age: timedelta = AGE) -> int:
    """Destroy them; how many. TooManyOrphans, and none is, when a log of the past was put beside keys of today."""
    found = list(islice(orphans(keys, streams, age), most + 1))
    if len(found) > most:
        raise TooManyOrphans(state=f"more than {most}")
    return desk.keyring.destroy(found)


def lost_keys(desk: Desk, streams: Streams) -> int:
    """Of those who must have a key, how many have none: neither held, nor destroyed."""
    after, lost = FIRST, 0
    while page := streams.owners(after, PAGE):
        after = page[-1]
        lost += sum(s is KeyStanding.MISSING for s in desk.keyring.standing(page).values())
    return lost
