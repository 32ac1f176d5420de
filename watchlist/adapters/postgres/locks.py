"""The advisory locks of the register, in one place so that no two mean the same number."""

MIGRATION_LOCK = 0x57_4C_00_01
"""Held by a session while it migrates."""
WRITE_LOCK = 0x57_4C_00_02
"""Held by a transaction that records events: positions commit in order."""
ALONE_LOCKS = 0x57_4C_00_03
"""First half of the locks held by sessions that do some named work alone."""
SEAL_LOCK = 0x57_4C_00_04
"""Held by a transaction that makes the sealed log longer."""
