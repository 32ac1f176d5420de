"""What a key of the sandbox reaches: the screenings of test identifiers, and who it is."""

from __future__ import annotations

from watchlist.domain.refusals import NotAllowed

REACHED = frozenset({"/v1/screenings", "/v1/screenings/bulk", "/v1/me"})


class KeyOfTheSandbox(NotAllowed):
    """A key of the sandbox screens test identifiers, and reaches nothing else.

    fr: Une clé du bac à sable interroge des identifiants de test, et n'atteint rien d'autre.
    """


def require_within(path: str) -> None:
    """Raises KeyOfTheSandbox when this is not for a key of the sandbox."""
    if path not in REACHED:
        raise KeyOfTheSandbox()
