"""Forget: carry out what was decided, in steps that may each be done again (P6, C5).

The journal says so first, outside the stores; then the keys are destroyed; then the log records it, and the ciphertexts
go with that record. Killed in between, what was decided still stands, and a sweep goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.ordered_id import ordered_id
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, Forgotten, Work
from watchlist.domain.aggregate import SCHEDULER, Act, Aggregate
from watchlist.domain.case import Case
from watchlist.domain.case_events import PurgeBasis
from watchlist.domain.erasure import ErasureKind, JournalEntry
from watchlist.domain.import_batch import ImportBatch
from watchlist.domain.subject import Subject


def by_nobody() -> Ask:
    """A command of the scheduler's, of its own."""
    return Ask(SCHEDULER, "")


def forget(
    desk: Desk,
    ids: Sequence[UUID],
    ask: Ask | None = None,
    journalled: Mapping[UUID, JournalEntry] | None = None,
    basis: PurgeBasis = PurgeBasis.RETENTION,
) -> list[Aggregate]:
    """Those of `ids` that were to be forgotten and are now; `journalled` are in the journal already.

    The decision is an event of its own, recorded before, that closes a stream to every command that would need
    the key. Only an import has none: no command needs the key of one. `basis` is theirs.
    """
    waiting = {id: found for id, found in desk.log.load(ids).items() if _waits(found)}
    if not waiting:
        return []
    known = dict(journalled or {})
    fresh = [(_kind(found), id) for id, found in waiting.items() if id not in known]
    known.update({entry.owner: entry for entry in desk.journal.append(fresh, desk.clock.now())})
    desk.keyring.destroy(waiting)
    return _record(desk, ask or by_nobody(), known, list(waiting), basis)


def _record(
    desk: Desk, ask: Ask, known: Mapping[UUID, JournalEntry], ids: Sequence[UUID], basis: PurgeBasis
) -> list[Aggregate]:
    done: list[Aggregate] = []

    def decide(work: Work) -> Decided | Receipt:
        done[:] = [
            found
            for found in desk.log.load(ids).values()
            if _recorded(found, replace_organisation(work.act, found), basis)
        ]
        entries = [known[found.id] for found in done]
        work.forgotten += [Forgotten(entry.owner, entry.sequence, entry.digest) for entry in entries]
        return decided(*done) if done else Receipt(SCHEDULER, 0, 0)

    desk.carry_out(replace(ask, command_id=ordered_id(), mac=b""), decide)
    return done


def replace_organisation(act: Act, aggregate: Aggregate) -> Act:
    """The same act, in the stream of one organisation."""
    return Act(at=act.at, by=act.by, organisation=aggregate.organisation)


def _waits(found: Aggregate) -> bool:
    if isinstance(found, Case):
        return found.purge_due is not None and found.purged_at is None
    if isinstance(found, Subject):
        return found.is_erasing and not found.is_erased
    return isinstance(found, ImportBatch) and found.purged_at is None


def _kind(found: Aggregate) -> ErasureKind:
    if isinstance(found, Case):
        return ErasureKind.CASE
    return ErasureKind.SUBJECT if isinstance(found, Subject) else ErasureKind.IMPORT


def _recorded(found: Aggregate, act: Act, basis: PurgeBasis) -> bool:
    if isinstance(found, Case):
        return found.purge(act)
    if isinstance(found, Subject):
        return found.erase(act)
    return isinstance(found, ImportBatch) and found.purge(act, basis)
