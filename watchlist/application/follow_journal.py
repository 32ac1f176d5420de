"""Follow the erasure journal: before anything is served, what it says was erased is erased here too (P6).

A restored backup, of the events or of the keys, brings back what was erased after it was taken. The journal, kept
outside both, tells what; a journal that lacks what is recorded here cannot, and nothing opens on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.erase import erase_again
from watchlist.application.forget import forget, replace_organisation
from watchlist.application.kept_letters import keeper_of
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, RedactedText, Work
from watchlist.domain.aggregate import SCHEDULER, Aggregate
from watchlist.domain.case import Case
from watchlist.domain.case_events import PurgeBasis
from watchlist.domain.erasure import ErasureKind, JournalEntry
from watchlist.domain.redaction import KeepsTexts
from watchlist.domain.subject import Subject

CHUNK = 1000
EVERY = 1_000_000
"""More imports than there are."""
Progress = Callable[[int, int | None], None]


class JournalBehind(Exception):
    """The erasure journal lacks erasures that are recorded; the message says what to do."""


def follow_journal(desk: Desk, progress: Progress | None = None) -> int:
    """Erase again what a restore brought back; how many owners. Raises JournalBehind, or JournalDamaged.

    Keys are destroyed whatever the events say: the two stores are restored apart. What a crash left half done, and
    what another process is doing right now, is finished alike.
    """
    applied = desk.registry.last_journalled()
    total = desk.journal.length()
    if applied is not None and total < applied[0]:
        raise JournalBehind(_missing(total, applied[0]))
    again, done = 0, 0
    for entries in _chunks(desk.journal.after(0)):
        if applied is not None:
            _require_same(entries, *applied)
        again += _follow(desk, entries)
        done += len(entries)
        if progress is not None:
            progress(done, total)
    return again


def _chunks(entries: Iterator[JournalEntry]) -> Iterator[list[JournalEntry]]:
    while chunk := list(islice(entries, CHUNK)):
        yield chunk


def _missing(length: int, recorded: int) -> str:
    return (
        f"the erasure journal has {length} lines and erasure {recorded} is recorded: restore the journal "
        "(WATCHLIST_ERASURE_JOURNAL names it) before the service opens, or a restored backup could bring back "
        "what was erased; when it is lost for good, `watchlist erase --rebuild-journal` says what can be done"
    )


def _require_same(entries: Sequence[JournalEntry], sequence: int, digest: str) -> None:
    """The journal of this register, not of another."""
    if any(entry.sequence == sequence and entry.digest != digest for entry in entries):
        raise JournalBehind(
            f"line {sequence} of the erasure journal is not the one that is recorded: it is the journal of "
            "another register, or was rewritten; restore this one's (WATCHLIST_ERASURE_JOURNAL names it)"
        )


def _follow(desk: Desk, entries: Sequence[JournalEntry]) -> int:
    owners = {entry.owner: entry for entry in entries}
    revived = desk.keyring.destroy(owners)
    forgotten = desk.registry.forgotten(list(owners))
    undone = {owner: entry for owner, entry in owners.items() if owner not in forgotten}
    by_kind = {kind: [o for o, entry in undone.items() if entry.kind is kind] for kind in ErasureKind}
    keyed = by_kind[ErasureKind.SUBJECT] + by_kind[ErasureKind.CASE]
    if keyed:
        over = erase_again(desk, keyed)
        revived = max(revived, len(forget(desk, [*keyed, *over], journalled=undone)))
    _forget_imports(desk, by_kind[ErasureKind.IMPORT], undone)
    return revived + sum(_redact_again(desk, undone[ref]) for ref in by_kind[ErasureKind.TEXT])


def _forget_imports(desk: Desk, ids: Sequence[UUID], journalled: Mapping[UUID, JournalEntry]) -> None:
    """Of one whose cases are purged, a crash may have interrupted the purge; another's was undone by a restore."""
    due = set(desk.registry.due_imports(EVERY)) if ids else set()
    forget(desk, [id for id in ids if id in due], journalled=journalled)
    restored = [id for id in ids if id not in due]
    forget(desk, restored, journalled=journalled, basis=PurgeBasis.RESTORED)


def _redact_again(desk: Desk, entry: JournalEntry) -> bool:
    """The text of a backup goes; what it was redacted to is lost with what came after the backup."""
    owner = next((row.owner for row in desk.vault.rows([entry.owner]).values()), None)
    if owner is None:
        return False

    def decide(work: Work) -> Decided | Receipt:
        keeper = _keeper(desk, desk.log.load([owner]).get(owner), entry.owner)
        if keeper is None or entry.owner in keeper.redacted:
            return Receipt(SCHEDULER, 0, 0)
        keeper.redact(replace_organisation(work.act, keeper), entry.owner, None, None)
        work.redacted.append(RedactedText(entry.owner, keeper.organisation, entry.sequence, entry.digest))
        return decided(keeper)

    desk.carry_out(Ask(SCHEDULER, ""), decide)
    return True


def _keeper(desk: Desk, owner: Aggregate | None, ref: UUID) -> Case | KeepsTexts | None:
    """Whose text it is, unless all of the owner's goes."""
    if isinstance(owner, Subject):
        return None if owner.is_erasing else keeper_of(desk, owner, ref)
    return owner if isinstance(owner, Case) and owner.purge_due is None else None
