"""Destroy the keys that a crash left in a store of their own, and the look-up keys that nothing needs any more."""

from __future__ import annotations

from watchlist.application.tidy_keys import tidy_keys
from watchlist.bootstrap import House


def tidy_the_keyring(house: House) -> str | None:
    """Keys that travel with their event leave none behind."""
    lookups = house.rotation.destroy_keys()
    destroyed = 0 if house.keyring.travels else tidy_keys(house.desk, house.keyring, house.register)
    if destroyed or lookups:
        return f"destroyed {destroyed} keys of nobody, {len(lookups)} retired look-up keys"
    return None
