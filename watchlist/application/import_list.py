"""Import an existing list: submitted in chunks, resumed after a kill, effective by a second person (L7).

A batch's id is a keyed digest of its file: whoever submits the same file again continues it. Each chunk is
one transaction, and the batch's stream is among those it writes: two runs of one file take turns, and nothing
is added to a batch that was submitted. The event with the final counts comes last; until then approval is
refused, and says that the import was interrupted.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import msgspec

from watchlist.application.attention import unseen
from watchlist.application.desk import Desk, answered_before
from watchlist.application.follow_procedure import OpenedProcedure, sealed_procedure
from watchlist.application.import_file import Refused, read_file
from watchlist.application.judge_lines import (
    EVERY,
    NEWCOMER,
    Judged,
    Memory,
    TakenLine,
    fingerprint,
    judge,
    reference_digest,
)
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.register_subject import begin_subject
from watchlist.application.work import Ask, Erased, Work
from watchlist.domain import refusals
from watchlist.domain.case import Case, Proposal
from watchlist.domain.import_batch import ImportBatch, ImportComplete
from watchlist.domain.import_line import AlreadyImported, ImportLine, LineProcedure, require_importable
from watchlist.domain.inscription import Inscription, Provenance, State
from watchlist.domain.subject import Subject
from watchlist.domain.vault_field import VaultField
from watchlist.ports.keys import KeyStanding

log = logging.getLogger(__name__)

CHUNK = 150
"""Lines in one transaction: three or four events each."""
LONGEST_FILE_NAME = 200

Progress = Callable[[int, int], None]
"""Told how many are done, of how many; what it raises interrupts the import between two chunks."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of every line; `accepted` includes what an interrupted run of the same file had taken."""

    import_id: UUID | None
    """None for a dry run, and when the file had nothing to import."""
    accepted: int
    refused: tuple[Refused, ...]
    version: int = 0
    """Of the batch, after its last event."""

    @property
    def already_imported(self) -> int:
        return sum(refused.code == AlreadyImported.code for refused in self.refused)

    def body(self) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(
            {
                "import_id": self.import_id,
                "accepted": self.accepted,
                "already_imported": self.already_imported,
                "refused": self.refused,
            }
        )
        return plain


@unseen()  # a whole list: its events name its subjects, a row of the access log is for a few
def submit_import(
    desk: Desk,
    ask: Ask,
    text: bytes,
    file_name: str,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Propose every line that can be, and report the others; a dry run writes nothing.

    Killed between two chunks, it continues when the same file is submitted again.
    """
    if not dry_run and (done := desk.log.answered(ask.command_id)) is not None:
        return _report_of(answered_before(done, ask))
    read = read_file(text)
    while True:
        import_id, previous = _batch_ids(desk, ask.organisation, text)
        run = _Run(desk, ask, file_name[-LONGEST_FILE_NAME:], import_id, list(read.refused))
        try:
            run.take_all(read.lines, dry_run, progress or _silently)
            return run.dry_report() if dry_run else run.complete(previous)
        except ImportComplete:
            continue  # another run of the same file ended first: what is left, if anything, is a new batch


def _silently(done: int, total: int) -> None:
    """Nobody watches."""


def _batch_ids(desk: Desk, organisation: str, text: bytes) -> tuple[UUID, UUID | None]:
    """The batch this file continues or begins, and the last that it completed."""
    content = hashlib.sha256(text).hexdigest()
    previous = None
    for time in count():
        id, batch = _batch_of_file(desk, organisation, content, time)
        if batch is None:
            if desk.keyring.standing([id])[id] is not KeyStanding.DESTROYED:
                break  # a key that a killed run left, and that was tidied away, is never made again
        elif batch.is_submitted:
            previous = id
        else:
            break
    return id, previous


def _batch_of_file(desk: Desk, organisation: str, content: str, time: int) -> tuple[UUID, ImportBatch | None]:
    """The batch of a file; one that a version before this began is named by the look-up key of then."""
    keys = desk.lookups.now
    ids = [
        UUID(bytes=tokenizer.digest("import", organisation, content, str(time)), version=4)
        for tokenizer in (keys.requests, *keys.remembered)
    ]
    for id, found in desk.log.load(ids).items():
        if isinstance(found, ImportBatch):
            return id, found
    return ids[0], None


def _report_of(receipt: Receipt) -> ImportReport:
    import_id = receipt["import_id"]
    refused = msgspec.convert(receipt["refused"], tuple[Refused, ...])
    return ImportReport(import_id and UUID(str(import_id)), receipt["accepted"], refused, receipt.version)


@dataclass(slots=True)
class _Run:
    """One run of one file."""

    desk: Desk
    ask: Ask
    file_name: str
    import_id: UUID
    refused: list[Refused]
    accepted: int = 0
    imported_before: list[int] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)

    def take_all(self, lines: Sequence[ImportLine], dry_run: bool, progress: Progress) -> None:
        importable = list(self._importable(lines))
        done, total = len(lines) - len(importable), len(lines)
        progress(done, total)
        for chunk in _chunks(importable):
            self._keep(self._judged_dry(chunk) if dry_run else self._record(chunk))
            done += len(chunk)
            progress(done, total)

    def _importable(self, lines: Iterable[ImportLine]) -> Iterator[ImportLine]:
        """L7, decided from the line alone; of two lines that say the same, the first."""
        at = self.desk.clock.now()
        seen: set[tuple[object, ...]] = set()
        for line in lines:
            same = line.case_reference, line.identity_key, line.inscribed_on
            try:
                require_importable(line, at)
                if same in seen:
                    raise refusals.AlreadyProposed(state=State.PROPOSED)
            except refusals.Refusal as refusal:
                self.refused.append(Refused.of(line.number, refusal))
                continue
            seen.add(same)
            yield line

    def _keep(self, judged: Judged) -> None:
        self.memory.keep(judged.memory)
        self.accepted += len(judged.accepted)
        self.refused += judged.refused
        self.imported_before += judged.imported_before

    def _judged_dry(self, chunk: Sequence[ImportLine]) -> Judged:
        act = self.desk.new_work(self.ask).act
        return self.desk.looked_up(lambda: judge(self.desk, act, chunk, self.memory.for_a_chunk()))

    def _record(self, chunk: Sequence[ImportLine]) -> Judged:
        """One transaction; when another was recorded first, all is judged again."""
        attempts: list[Judged] = []

        def decide(work: Work) -> Decided | Receipt:
            judged = judge(self.desk, work.act, chunk, self.memory.for_a_chunk())
            attempts.append(judged)
            if not judged.taken:
                return Receipt(self.import_id, 0, 0)
            return _Recording(self.desk, work, self.import_id, self.file_name, judged).decided()

        self.desk.carry_out(_part_of(self.ask), decide)
        return attempts[-1]

    # The end ----------------------------------------------------------------------------------

    def dry_report(self) -> ImportReport:
        ours = self._recorded_before()
        return ImportReport(None, self.accepted + len(ours), self._all_refused(ours))

    def complete(self, previous: UUID | None) -> ImportReport:
        """The last line was judged: the batch is submitted, with its final counts."""

        def decide(work: Work) -> Decided | Receipt:
            batch = self.desk.log.load([self.import_id]).get(self.import_id)
            refused = self._all_refused(self._recorded_before() if batch else set())
            if not isinstance(batch, ImportBatch):
                nothing = {"import_id": previous, "accepted": 0, "refused": refused}
                return Receipt(self.import_id, 0, self.desk.log.position(), nothing, created=False)
            batch.complete(work.act, len({one.line for one in refused}))
            return decided(batch, import_id=batch.id, accepted=batch.accepted, refused=refused)

        return _report_of(self.desk.carry_out(self.ask, decide))

    def _all_refused(self, ours: set[int]) -> tuple[Refused, ...]:
        others = (Refused.of(n, AlreadyImported()) for n in self.imported_before if n not in ours)
        return tuple(sorted([*self.refused, *others], key=lambda refused: refused.line))

    def _recorded_before(self) -> set[int]:
        """The lines of this batch that an interrupted run, or one at the same time, had recorded."""
        if not self.imported_before:
            return set()
        waiting = self.desk.log.load(self.desk.registry.proposed_by_import(self.import_id, EVERY))
        cases = [case for case in waiting.values() if isinstance(case, Case)]
        recorded = {number for case in cases for number in self._numbers_in(case)}
        return recorded & set(self.imported_before)

    def _numbers_in(self, case: Case) -> Iterator[int]:
        provenances = (inscription.provenance for inscription in case.inscriptions.values())
        sealed = [p.line for p in provenances if p is not None and p.import_id == self.import_id]
        for opened in self.desk.open_sealed(case.id, sealed).values():
            yield msgspec.json.decode(opened)["line"]


def _part_of(ask: Ask) -> Ask:
    """A command of its own: the one that was asked for is answered by its last part."""
    return replace(ask, command_id=uuid4(), mac=b"")


def _chunks(lines: Iterable[ImportLine]) -> Iterator[list[ImportLine]]:
    """The lines of one case together, as far as a chunk holds them."""
    groups: dict[str, list[ImportLine]] = {}
    for line in lines:
        groups.setdefault(line.case_reference, []).append(line)
    chunk: list[ImportLine] = []
    for group in groups.values():
        if chunk and len(chunk) + len(group) > CHUNK:
            yield chunk
            chunk = []
        for line in group:
            chunk.append(line)
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
    if chunk:
        yield chunk


@dataclass(slots=True)
class _Recording:
    """What one transaction records of a chunk that was judged."""

    desk: Desk
    work: Work
    import_id: UUID
    file_name: str
    judged: Judged

    def decided(self) -> Decided:
        batch = self._batch()
        batch.take(self.work.act, len(self.judged.accepted))
        self.work.unchanged.extend(self.judged.subjects.values())
        known = {r: self.judged.cases[r] for r in self.judged.taken if r in self.judged.cases}
        fresh = {reference: uuid4() for reference in self.judged.taken if reference not in known}
        self.work.new_owners(*self.judged.newcomers, *fresh.values())
        self.work.keys.update(self.desk.keyring.keys(case.id for case in known.values()))
        subjects = [
            begin_subject(self.desk, self.work, id, line.role, line.identity)
            for id, line in self.judged.newcomers.items()
        ]
        cases = known | {reference: self._taken_over(reference, id) for reference, id in fresh.items()}
        for reference, case in cases.items():
            self._inscribe(case, self.judged.taken[reference])
        return decided(batch, *subjects, *cases.values())

    def _batch(self) -> ImportBatch:
        batch = self.desk.log.load([self.import_id]).get(self.import_id)
        if isinstance(batch, ImportBatch):
            return batch
        # Its id is the file's: in a store of its own a key may have been committed by a run that was killed.
        if self.desk.keyring.standing([self.import_id])[self.import_id] is not KeyStanding.HELD:
            self.work.new_owners(self.import_id)
        return ImportBatch.begin(
            self.work.act, self.import_id, self.work.seal(self.import_id, VaultField.FILE, self.file_name)
        )

    def _taken_over(self, reference: str, id: UUID) -> Case:
        sealed = self.work.seal(id, VaultField.CASE_REFERENCE, reference)
        self.work.case_references.extend(
            (reference_digest(tokenizer, self.work.act.organisation, reference), id, tokenizer.generation)
            for tokenizer in self.desk.lookups.now.written
        )
        named = [one.subject_id for one in self.judged.taken[reference]]
        return Case.take_over(self.work.act, id, self.import_id, sealed, named)

    def _inscribe(self, case: Case, taken: Sequence[TakenLine]) -> None:
        for one in taken:
            if one.subject_id not in case.subject_ids:
                case.add_subject(self.work.act, one.subject_id)
        self._open_procedures(case, taken)
        for one in taken:
            self._propose(case, one)

    def _open_procedures(self, case: Case, taken: Iterable[TakenLine]) -> None:
        """Lines of one case that tell of the same procedure: it names all their subjects."""
        named: dict[LineProcedure, list[UUID]] = {}
        for one in taken:
            if one.line.procedure is not None:
                named.setdefault(one.line.procedure, []).append(one.subject_id)
        for told, subject_ids in named.items():
            opened = OpenedProcedure(
                told.kind, told.court, told.reference, told.opened_on, tuple(subject_ids)
            )
            case.open_procedure(self.work.act, uuid4(), sealed_procedure(self.work, case.id, opened))

    def _propose(self, case: Case, taken: TakenLine) -> None:
        line = taken.line
        place = msgspec.json.encode({"file": self.file_name, "line": line.number})
        provenance = Provenance(
            self.import_id, line.inscribed_on, self.work.seal(case.id, VaultField.LINE, place)
        )
        proposal = Proposal(line.grounds, line.term_months, None, provenance)
        subject = self.judged.subjects.get(taken.subject_id, NEWCOMER)
        case.propose(self.work.act, taken.inscription_id, taken.subject_id, subject, proposal)
        self.work.imported_lines.extend(
            (
                fingerprint(tokenizer, self.work.act.organisation, line),
                taken.inscription_id,
                tokenizer.generation,
            )
            for tokenizer in self.desk.lookups.now.written
        )


# Approved -------------------------------------------------------------------------------------


class NotTakenOver(msgspec.Struct, frozen=True):
    """An imported proposal that did not take effect, and the code of what refused it."""

    inscription_id: UUID
    code: str


@dataclass(slots=True)
class _Effect:
    """What an approval did so far."""

    approved: int = 0
    rejected: list[NotTakenOver] = field(default_factory=list)


@unseen()
def approve_import(desk: Desk, ask: Ask, import_id: UUID, progress: Progress | None = None) -> Receipt:
    """L5, L7: by a second person; every proposal of the batch that still can takes effect, in chunks.

    One that cannot any more is rejected with the code of its reason, and reported. An approval that was
    interrupted is resumed by whoever approved, or by `finish_imports`. The same command again answers how many
    proposals the batch had.
    """

    def decide(work: Work) -> Decided | Receipt:
        if (done := desk.log.answered(ask.command_id)) is not None:
            raise done
        batch = desk.batch(import_id, ask.organisation)
        if batch.approved_by == ask.operator and desk.registry.proposed_by_import(import_id, 1):
            return Receipt(batch.id, batch.version, desk.log.position(), _covered(batch))
        batch.approve(work.act)
        return decided(batch, **_covered(batch))

    begun = desk.carry_out(ask, decide)
    with desk.log.alone(f"import {import_id}") as alone:
        if not alone:
            raise refusals.Busy()  # approved already, and taking effect
        effect = _take_effect(desk, ask, import_id, begun["approved"], progress or _silently)
    if not effect.approved and not effect.rejected:
        return begun
    facts = {"approved": effect.approved, "rejected": effect.rejected}
    return Receipt(begun.id, begun.version, desk.log.position(), facts)


def _covered(batch: ImportBatch) -> dict[str, Any]:
    return {"approved": batch.accepted, "rejected": []}


def finish_imports(desk: Desk) -> int:
    """Resume the approvals that a crash interrupted, for whoever approved; how many entries took effect."""
    approved = 0
    for import_id, organisation, approved_by in desk.registry.unfinished_imports():
        with desk.log.alone(f"import {import_id}") as alone:
            if not alone:
                continue  # its approval is alive
            try:
                effect = _take_effect(desk, Ask(approved_by, organisation), import_id, 0, _silently)
            except Exception as error:
                log.error("import %s could not be finished: %s", import_id, type(error).__name__)
                continue
        approved += effect.approved
    return approved


def _take_effect(desk: Desk, ask: Ask, import_id: UUID, total: int, progress: Progress) -> _Effect:
    effect, idle = _Effect(), set[UUID]()
    while True:
        waiting = desk.registry.proposed_by_import(import_id, CHUNK + len(idle))
        ids = [id for id in waiting if id not in idle]
        if not ids:
            return effect
        done = _approve_cases(desk, ask, import_id, ids)
        if not done.approved and not done.rejected:
            idle.update(ids)  # another run was faster
        effect.approved += done.approved
        effect.rejected += done.rejected
        progress(effect.approved + len(effect.rejected), total)


def _approve_cases(desk: Desk, ask: Ask, import_id: UUID, ids: Sequence[UUID]) -> _Effect:
    """One transaction."""
    effect = _Effect()

    def decide(work: Work) -> Decided | Receipt:
        nonlocal effect
        effect = _Effect()
        cases = [case for case in desk.log.load(ids).values() if isinstance(case, Case)]
        waiting = [(case, i) for case in cases for i in case.inscriptions.values() if _waits(i, import_id)]
        named = {case.subject_now(i.subject_id) for case, i in waiting}
        subjects = desk.subjects(named, ask.organisation, "subject_id")
        work.keys.update(desk.keyring.keys([case.id for case in cases]))
        work.unchanged.extend(subjects.values())
        for case, inscription in waiting:
            subject = subjects[case.subject_now(inscription.subject_id)]
            _approve_or_reject(work, case, inscription, subject, effect)
        changed = [case for case in cases if case.pending]
        return decided(*changed) if changed else Receipt(import_id, 0, 0)

    desk.carry_out(_part_of(ask), decide)
    return effect


def _waits(inscription: Inscription, import_id: UUID) -> bool:
    if inscription.provenance is None or inscription.provenance.import_id != import_id:
        return False
    return inscription.state is State.PROPOSED


def _approve_or_reject(
    work: Work, case: Case, inscription: Inscription, subject: Subject, effect: _Effect
) -> None:
    try:
        case.approve(work.act, inscription.id, subject)
        effect.approved += 1
    except refusals.Refusal as refusal:
        _reject(work, case, inscription.id, refusal.code)
        effect.rejected.append(NotTakenOver(inscription.id, refusal.code))


def _reject(work: Work, case: Case, inscription_id: UUID, code: str) -> None:
    """With its reason, unless the key that would seal it is destroyed."""
    try:
        case.reject(work.act, inscription_id, work.seal(case.id, VaultField.REJECTION, code))
    except Erased:
        case.withdraw(work.act, inscription_id)
