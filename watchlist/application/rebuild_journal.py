"""Rebuild a lost erasure journal from the certificates of the register (P6).

They name every erasure that this register carried out: all that a journal says, unless the register was itself
restored from a backup since. Then what was erased after that backup is known to the lost journal alone.
"""

from __future__ import annotations

from watchlist.application.desk import Desk
from watchlist.ports.erasure_journal import JournalThere
from watchlist.ports.registry import Certificates


def rebuild_journal(desk: Desk, certificates: Certificates) -> int:
    """How many lines it has now. Raises JournalThere when a journal has lines; a crash half-way is gone on from.

    What was decided and not carried out is no line: it gets one when it is carried out.
    """
    if _is_whole(desk):
        raise JournalThere("the erasure journal is there, and is this register's: it is not written over")
    return certificates.journal_again(desk.journal.begin)


def _is_whole(desk: Desk) -> bool:
    """Whether it has the last line that is recorded, and so all before it."""
    applied = desk.registry.last_journalled()
    return applied is not None and applied in (
        (entry.sequence, entry.digest) for entry in desk.journal.after(applied[0] - 1)
    )
