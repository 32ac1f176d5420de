"""Import an existing list: submitted in chunks, resumed after a kill, effective by a second person (L7).

A file's batch has an id that is a keyed digest of the file: whoever submits the same file again continues it.
Each chunk is one transaction, the batch's stream among those it writes: two runs of one file take turns, and
nothing is added to a batch that was submitted. The event with the final counts comes last; until then
approval is refused, and says that the import was interrupted.
"""

from __future__ import annotations

import hashlib
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import msgspec

from watchlist.application.desk import Desk, answered_before
from watchlist.application.follow_procedure import OpenedProcedure, sealed_procedure
from watchlist.application.import_file import Refused, read_file
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.register_subject import begin_subject, identity_of, known_subject
from watchlist.application.work import Ask, Erased, Work
from watchlist.domain import refusals
from watchlist.domain.aggregate import Act
from watchlist.domain.case import Case, Proposal
from watchlist.domain.identity import Identity
from watchlist.domain.import_batch import ImportBatch, ImportComplete
from watchlist.domain.import_line import (
    AlreadyImported,
    IdentifierOfAnother,
    ImportLine,
    LineProcedure,
    contradict,
    exact_keys,
    name_key,
    require_importable,
)
from watchlist.domain.inscription import Candidate, Inscription, Provenance, State, require_candidate
from watchlist.domain.subject import Subject

CHUNK = 150
"""Lines in one transaction: three or four events each."""
EVERY = 1_000_000
"""More cases than one import has."""
LONGEST_FILE_NAME = 200

Progress = Callable[[int, int], None]
"""Told how many are done, of how many; what it raises interrupts the import between two chunks."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of every line; `accepted` counts those that an interrupted run of the same file had taken."""

    import_id: UUID | None
    """None for a dry run, and when the file had nothing to import."""
    accepted: int
    refused: tuple[Refused, ...]

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


class _Newcomer:
    """A subject that this import registers: identified, alive, itself."""

    is_identified = True
    is_deceased = False
    merged_into = None


NEWCOMER: Candidate = _Newcomer()
Met = tuple[UUID, Identity]


@dataclass(slots=True)
class _Memory:
    """Whom one run has met, and where; a chunk adds to it once it is recorded."""

    people: ChainMap[str, Met] = field(default_factory=ChainMap)
    taken: ChainMap[tuple[str, UUID], bool] = field(default_factory=ChainMap)
    opened: dict[UUID, Identity | None] = field(default_factory=dict)
    """The identities that were read, of subjects known before."""

    def chunk(self) -> _Memory:
        return _Memory(self.people.new_child(), self.taken.new_child(), self.opened)

    def keep(self, chunk: _Memory) -> None:
        self.people.maps[0].update(chunk.people.maps[0])
        self.taken.maps[0].update(chunk.taken.maps[0])

    def meet(self, subject_id: UUID, identity: Identity) -> None:
        for key in _keys(identity):
            self.people.setdefault(key, (subject_id, identity))


@dataclass(frozen=True, slots=True)
class _Taken:
    line: ImportLine
    subject_id: UUID
    inscription_id: UUID = field(default_factory=uuid4)


@dataclass(slots=True)
class _Judged:
    """What becomes of the lines of one chunk, before anything is written."""

    memory: _Memory
    cases: dict[str, Case]
    """Those there were before, by reference."""
    subjects: dict[UUID, Subject]
    taken: dict[str, list[_Taken]] = field(default_factory=dict)
    newcomers: dict[UUID, ImportLine] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    imported_before: list[int] = field(default_factory=list)

    @property
    def accepted(self) -> list[_Taken]:
        return [taken for group in self.taken.values() for taken in group]


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
            run.take_all(read.lines, dry_run, progress or (lambda done, total: None))
            return run.dry_report() if dry_run else run.complete(previous)
        except ImportComplete:
            continue  # another run of the same file ended first: what is left, if anything, is a new batch


def _batch_ids(desk: Desk, organisation: str, text: bytes) -> tuple[UUID, UUID | None]:
    """The batch this file continues or begins, and the last that it completed."""
    content = hashlib.sha256(text).hexdigest()
    previous = None
    for time in count():
        digest = desk.tokenizer.digest("import", organisation, content, str(time))
        id = UUID(bytes=digest, version=4)
        batch = desk.log.load([id]).get(id)
        if not isinstance(batch, ImportBatch) or not batch.is_submitted:
            return id, previous
        previous = id
    raise AssertionError("counting has no end")


def _report_of(receipt: Receipt) -> ImportReport:
    refused = msgspec.convert(receipt["refused"], tuple[Refused, ...])
    return ImportReport(UUID(str(receipt["import_id"])), receipt["accepted"], refused)


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
    memory: _Memory = field(default_factory=_Memory)

    def take_all(self, lines: Sequence[ImportLine], dry_run: bool, progress: Progress) -> None:
        importable = list(self._importable(lines))
        done, total = len(lines) - len(importable), len(lines)
        progress(done, total)
        for chunk in _chunks(importable):
            judged = self._judged_dry(chunk) if dry_run else self._record(chunk)
            self._keep(judged)
            done += len(chunk)
            progress(done, total)

    def _importable(self, lines: Iterable[ImportLine]) -> Iterator[ImportLine]:
        """L7, decided from the line alone; of two lines that say the same, the first."""
        at = self.desk.clock.now()
        seen: set[tuple[str, str, object]] = set()
        for line in lines:
            try:
                require_importable(line, at)
                same = line.case_reference, line.identity_key, line.inscribed_on
                if same in seen:
                    raise refusals.AlreadyProposed(state=State.PROPOSED)
                seen.add(same)
                yield line
            except refusals.Refusal as refusal:
                self.refused.append(Refused.of(line.number, refusal))

    def _keep(self, judged: _Judged) -> None:
        self.memory.keep(judged.memory)
        self.accepted += len(judged.accepted)
        self.refused += judged.refused
        self.imported_before += judged.imported_before

    def _judged_dry(self, chunk: Sequence[ImportLine]) -> _Judged:
        act = self.desk.new_work(self.ask).act
        return _Judge(self.desk, act, self.memory.chunk()).judge(chunk)

    def _record(self, chunk: Sequence[ImportLine]) -> _Judged:
        """One transaction; when another was recorded first, all is judged again."""
        judged: _Judged | None = None

        def decide(work: Work) -> Decided | Receipt:
            nonlocal judged
            judged = _Judge(self.desk, work.act, self.memory.chunk()).judge(chunk)
            if not judged.taken:
                return Receipt(self.import_id, 0, 0)
            return _Recording(self.desk, work, self.import_id, self.file_name, judged).decided()

        self.desk.carry_out(replace(self.ask, command_id=uuid4(), mac=b""), decide)
        assert judged is not None
        return judged

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
                return self._nothing_to_import(previous, refused)
            batch.complete(work.act, len({one.line for one in refused}))
            return decided(batch, import_id=batch.id, accepted=batch.accepted, refused=refused)

        receipt = self.desk.carry_out(self.ask, decide)
        report = _report_of(receipt)
        return report if receipt.created else replace(report, import_id=previous)

    def _nothing_to_import(self, previous: UUID | None, refused: tuple[Refused, ...]) -> Receipt:
        facts = {"import_id": self.import_id, "accepted": 0, "refused": refused}
        return Receipt(previous or self.import_id, 0, self.desk.log.position(), facts, created=False)

    def _all_refused(self, ours: set[int]) -> tuple[Refused, ...]:
        others = (Refused.of(n, AlreadyImported()) for n in self.imported_before if n not in ours)
        return tuple(sorted([*self.refused, *others], key=lambda refused: refused.line))

    def _recorded_before(self) -> set[int]:
        """The lines of this batch that an interrupted run, or one at the same time, had recorded."""
        if not self.imported_before:
            return set()
        waiting = self.desk.log.load(self.desk.registry.proposed_by_import(self.import_id, EVERY))
        cases = [case for case in waiting.values() if isinstance(case, Case)]
        recorded = {line for case in cases for line in self._lines_of(case)}
        return recorded & set(self.imported_before)

    def _lines_of(self, case: Case) -> Iterator[int]:
        provenances = (inscription.provenance for inscription in case.inscriptions.values())
        sealed = [p.line for p in provenances if p is not None and p.import_id == self.import_id]
        for opened in self.desk.open_sealed(case.id, sealed).values():
            yield msgspec.json.decode(opened)["line"]


def _chunks(lines: Iterable[ImportLine]) -> Iterator[list[ImportLine]]:
    """The lines of one case together, as far as a chunk holds them."""
    groups: dict[str, list[ImportLine]] = {}
    for line in lines:
        groups.setdefault(line.case_reference, []).append(line)
    chunk: list[ImportLine] = []
    for line in (line for group in groups.values() for line in group):
        chunk.append(line)
        group = groups[line.case_reference]
        if len(chunk) >= CHUNK and (line is group[-1] or len(group) > CHUNK):
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _keys(identity: Identity) -> list[str]:
    keys = [f"{key.scheme}:{key.value}" for key in exact_keys(identity)]
    name = name_key(identity)
    return [*keys, name] if name else keys


@dataclass(slots=True)
class _Judge:
    """Decides what becomes of lines, from what is recorded and what this run has met; writes nothing."""

    desk: Desk
    act: Act
    memory: _Memory

    def judge(self, lines: Sequence[ImportLine]) -> _Judged:
        imported = self.desk.registry.imported([self._fingerprint(line) for line in lines])
        fresh = [line for line in lines if self._fingerprint(line) not in imported]
        judged = self._fetched(fresh)
        judged.imported_before = [line.number for line in lines if self._fingerprint(line) in imported]
        for line in fresh:
            try:
                self._take(line, judged)
            except refusals.Refusal as refusal:
                judged.refused.append(Refused.of(line.number, refusal))
        return judged

    def _fingerprint(self, line: ImportLine) -> bytes:
        return fingerprint(self.desk, self.act.organisation, line)

    def _take(self, line: ImportLine, judged: _Judged) -> None:
        case = judged.cases.get(line.case_reference)
        subject_id = self._subject_of(line, case, judged)
        place = line.case_reference, subject_id
        if place in self.memory.taken:
            raise refusals.AlreadyProposed(state=State.PROPOSED)
        candidate = judged.subjects.get(subject_id, NEWCOMER)
        if case is None:
            require_candidate(candidate)
        else:
            case.require_proposable(self.act, subject_id, candidate)
        if candidate is NEWCOMER and not self._met_before(subject_id, line):
            judged.newcomers.setdefault(subject_id, line)
        self.memory.taken[place] = True
        self.memory.meet(subject_id, line.identity)
        judged.taken.setdefault(line.case_reference, []).append(_Taken(line, subject_id))

    # Who it is --------------------------------------------------------------------------------

    def _subject_of(self, line: ImportLine, case: Case | None, judged: _Judged) -> UUID:
        """Known by an exact identifier, met in this file or in this case under the same name, or new."""
        for key in exact_keys(line.identity):
            found = self.memory.people.get(f"{key.scheme}:{key.value}")
            if found is not None and contradict(found[1], line.identity):
                raise IdentifierOfAnother(key.scheme)
            if found is not None:
                return found[0]
        name = name_key(line.identity)
        namesakes = [self.memory.people.get(name)] if name else []
        namesakes += self._of_that_name(name, case) if name and case else []
        for namesake in namesakes:
            if namesake is not None and not contradict(namesake[1], line.identity):
                return namesake[0]
        return uuid4()

    def _of_that_name(self, name: str, case: Case) -> list[Met | None]:
        """The case's subjects of that name: an earlier run may have registered them without an identifier."""
        unread = [id for id in case.subjects_now() if id not in self.memory.opened]
        for id, subject in self.desk.log.load(unread).items():
            assert isinstance(subject, Subject)
            self.memory.opened[id] = identity_of(self.desk, subject)
        read = ((id, self.memory.opened.get(id)) for id in case.subjects_now())
        return [(id, identity) for id, identity in read if identity and name_key(identity) == name]

    def _met_before(self, subject_id: UUID, line: ImportLine) -> bool:
        return any(self.memory.people.get(key, (None,))[0] == subject_id for key in _keys(line.identity))

    # What is recorded -------------------------------------------------------------------------

    def _fetched(self, lines: Sequence[ImportLine]) -> _Judged:
        """The cases and subjects that these lines are about, as they stand."""
        references = {self._reference(line): line.case_reference for line in lines}
        case_ids = self.desk.registry.case_referenced(list(references))
        known = self._known(lines)
        met = {self.memory.people[key][0] for line in lines for key in _keys(line.identity) if key in self.memory.people}
        loaded = self.desk.log.load([*case_ids.values(), *known, *met])
        subjects = {id: found for id, found in loaded.items() if isinstance(found, Subject)}
        cases = {references[digest]: loaded[id] for digest, id in case_ids.items()}
        return _Judged(self.memory, {r: c for r, c in cases.items() if isinstance(c, Case)}, subjects)

    def _reference(self, line: ImportLine) -> bytes:
        return reference_digest(self.desk, self.act.organisation, line.case_reference)

    def _known(self, lines: Sequence[ImportLine]) -> set[UUID]:
        """The subjects that the organisation knows by an exact identifier of these lines; now met."""
        digests = [
            self.desk.tokenizer.of_identifier(key) for line in lines for key in exact_keys(line.identity)
        ]
        if not digests or not self.desk.registry.subjects_found(self.act.organisation, digests, 1):
            return set()
        found = {line.number: known_subject(self.desk, self.act.organisation, line.identity) for line in lines}
        known = {id for id in found.values() if id is not None}
        self._read(known)
        for line in lines:
            self._meet_known(line, found[line.number])
        return known

    def _read(self, ids: Iterable[UUID]) -> None:
        for id, subject in self.desk.log.load([id for id in ids if id not in self.memory.opened]).items():
            assert isinstance(subject, Subject)
            self.memory.opened[id] = identity_of(self.desk, subject)

    def _meet_known(self, line: ImportLine, subject_id: UUID | None) -> None:
        identity = self.memory.opened.get(subject_id) if subject_id else None
        if subject_id is None or identity is None:
            return
        for key in exact_keys(identity):
            self.memory.people.setdefault(f"{key.scheme}:{key.value}", (subject_id, identity))


def fingerprint(desk: Desk, organisation: str, line: ImportLine) -> bytes:
    """What makes two lines the same import: organisation, case reference, identity, inscription date (L7)."""
    return desk.tokenizer.digest(
        "imported line", organisation, line.case_reference, line.identity_key, line.inscribed_on.isoformat()
    )


def reference_digest(desk: Desk, organisation: str, case_reference: str) -> bytes:
    return desk.tokenizer.digest("case reference", organisation, case_reference)
