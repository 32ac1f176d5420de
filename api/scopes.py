"""Which scope opens which path: by the first part of it, so that a new route of a room needs nothing here.

A room that is not here opens to keys that are not narrowed, and to no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from watchlist.domain.scope import Scope, opening

AREAS: Mapping[str, Scope] = {
    "screenings": Scope.SCREENINGS,
    "changes": Scope.CHANGES,
    "webhooks": Scope.WEBHOOKS,
    "match": Scope.MATCH,
    "subjects": Scope.CASES,
    "cases": Scope.CASES,
    "inscriptions": Scope.CASES,
    "imports": Scope.CASES,
    "list": Scope.CASES,
    "detail-requests": Scope.CASES,
    "rights-requests": Scope.RIGHTS,
    "letters": Scope.RIGHTS,
    "deadlines": Scope.RIGHTS,
    "erasures": Scope.RIGHTS,
    "disclosures": Scope.RIGHTS,
    "audit": Scope.AUDIT,
    "operators": Scope.OPERATORS,
    "keys": Scope.OPERATORS,
}
ANY_KEY = frozenset({"me"})
"""Open to every key, however narrow."""
READING = frozenset({"/v1/subjects/search"})
"""What reads though it is a POST, since names never travel in addresses."""


def opened_by(path: str, methods: Collection[str]) -> frozenset[Scope]:
    """The scopes that open a path, to a key that is narrowed."""
    room = path.removeprefix("/v1/").partition("/")[0]
    if room in ANY_KEY:
        return frozenset(Scope)
    area = AREAS.get(room)
    if area is None:
        return frozenset()
    return opening(area, reads=path in READING or set(methods) <= {"GET", "HEAD"})
