"""The seal keys: they sign checkpoints, and are never in the database, whose owner they are to bind (T4).

They come from a setting, or from a file in the data folder beside the master key. Of several both sign, the newest
first: to rotate is to put a new one first, and to take the old one away once everybody follows the new one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from watchlist.adapters import master_key
from watchlist.audit.signer import NotASealKey, seeds_in
from watchlist.domain.refusals import NoSealKey

FILE = "seal.key"


class GivenSealKeys:
    """Keeps the port SealKeys with those of a setting, or, for a house that nobody keeps, with one of its own."""

    def __init__(self, seeds: Sequence[bytes] = ()) -> None:
        self._seeds = tuple(seeds) or (os.urandom(32),)

    def __repr__(self) -> str:
        return f"GivenSealKeys({len(self._seeds)}, sealed)"

    def seeds(self, begun: bool) -> Sequence[bytes]:
        return self._seeds


class FileSealKeys:
    """Keeps the port SealKeys with the file of a folder, read each time, so that a rotation needs no restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def seeds(self, begun: bool) -> Sequence[bytes]:
        path = self._folder / FILE
        try:
            text = path.read_text("ascii")
        except FileNotFoundError:
            if begun:
                raise NoSealKey() from None
            text = master_key.make(path)
        except (OSError, UnicodeDecodeError):
            raise NoSealKey() from None
        try:
            return seeds_in(text)
        except NotASealKey:
            raise NoSealKey() from None

    def put_first(self) -> None:
        """A new key before the others; both sign from now on."""
        master_key.put_first(self._folder, FILE)

    def keep_first(self) -> int:
        """Drop all but the newest; how many."""
        return master_key.keep_first(self._folder, FILE)
