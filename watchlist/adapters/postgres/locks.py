"""The advisory locks of the register, in one place so that no two mean the same number."""

import zlib

MIGRATION_LOCK = 0x57_4C_00_01
"""Held by a session while it migrates."""
WRITE_LOCK = 0x57_4C_00_02
"""Held by a transaction that records events: positions commit in order."""
ALONE_LOCKS = 0x57_4C_00_03
"""First half of the locks held by sessions that do some named work alone."""


def place_alone(name: str) -> tuple[int, int]:
    """The lock of whoever does the work of that name."""
    return ALONE_LOCKS, zlib.crc32(name.encode()) - 2**31


SNAPSHOT_LOCK = 0x57_4C_00_18
"""Shared by whoever reads the pictures in one long snapshot: tables that are swapped in are newer than that, and it
would see nothing in them."""
SEAL_LOCK = 0x57_4C_00_04
"""Held by a transaction that makes the sealed log longer."""
