"""Rotate the look-up key, while everything goes on (decision 0016).

A new generation arrives: from that commit on every command that writes look-ups writes them under both, or is decided
again. What was there before is made again from the vault. When nothing is missing the new one is asked, in one commit;
then the rows of the old one go, and its key. Killed anywhere, it goes on where it was; nobody is ever answered wrongly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import msgspec

from watchlist.application.desk import Desk
from watchlist.application.judge_lines import reference_digest
from watchlist.domain import identity as identities
from watchlist.domain import refusals
from watchlist.domain.case import Case
from watchlist.domain.identifiers import Identifier, asked_keys
from watchlist.domain.subject import Subject
from watchlist.domain.tokens import Token, Tokenizer

BATCH = 200
"""Subjects in one transaction: commands wait for it."""
PASSES = 20
"""How often what changed meanwhile is tried again."""
GRACE_SECONDS = 5.0
"""Between the flip and the end of the old rows: readers that do not check which generation stands would notice."""
FIRST = UUID(int=0)

Progress = Callable[[int], None]


class Rotation(Protocol):
    """What a rotation does to the tables; every call is a transaction of its own."""

    def states(self) -> dict[int, str]: ...
    def begin(self) -> int: ...
    def subjects_lacking(
        self, generation: int, after: UUID, limit: int
    ) -> tuple[list[UUID], UUID | None]: ...
    def cases_lacking(self, generation: int) -> list[UUID]: ...
    def fill_subjects(self, generation: int, found: Sequence[tuple[UUID, int, Sequence[Token]]]) -> int: ...
    def fill_case(
        self, generation: int, id: UUID, version: int, stolen: Sequence[bytes], reference: bytes | None
    ) -> int: ...
    def unequal(self, generation: int) -> int: ...
    def unforgotten(self) -> bool: ...
    def flip(self, generation: int) -> None: ...
    def forget_retired(self) -> Iterator[int]: ...
    def destroy_keys(self) -> list[int]: ...


@dataclass(slots=True)
class RotationReport:
    alone: bool = True
    resumed: bool = False
    """Whether an interrupted rotation was finished, rather than a new one begun."""
    generation: int = 0
    """The one that is asked now."""
    subjects: int = 0
    cases: int = 0
    forgotten: int = 0
    """Rows of older generations."""
    destroyed: list[int] = field(default_factory=list)
    """Generations whose key is gone."""
    kept_for_imports: list[int] = field(default_factory=list)
    """Generations whose key still tells which lines were imported before (L7)."""


def rotate_lookups(
    desk: Desk,
    rotation: Rotation,
    progress: Progress | None = None,
    grace: float = GRACE_SECONDS,
    pause: Callable[[float], None] = time.sleep,
) -> RotationReport:
    """One rotation, or the rest of one that was interrupted. LookupsIncomplete when keys are lost: nothing flips."""
    report = RotationReport()
    with desk.log.alone("rotate look-ups") as alone:
        report.alone = alone
        if alone:
            _rotate(desk, rotation, report, progress or (lambda done: None))
            pause(grace)
            _end(desk, rotation, report)
    return report


def _rotate(desk: Desk, rotation: Rotation, report: RotationReport, progress: Progress) -> None:
    states = rotation.states()
    arriving = [generation for generation, state in states.items() if state == "arriving"]
    if not arriving and rotation.unforgotten():  # the flip was the last that a rotation did
        report.resumed = True
        report.generation = next(n for n, state in states.items() if state == "current")
        return
    report.resumed = bool(arriving)
    report.generation = arriving[0] if arriving else rotation.begin()
    desk.lookups.refresh()
    tokenizer = next(t for t in desk.lookups.now.written if t.generation == report.generation)
    _Filling(desk, rotation, tokenizer, report, progress).fill()
    rotation.flip(report.generation)


def _end(desk: Desk, rotation: Rotation, report: RotationReport) -> None:
    report.forgotten = sum(rotation.forget_retired())
    report.destroyed = rotation.destroy_keys()
    report.kept_for_imports = [n for n, state in rotation.states().items() if state == "retired"]
    desk.lookups.refresh()


@dataclass(slots=True)
class _Filling:
    """What was there before a generation arrived, made again under it."""

    desk: Desk
    rotation: Rotation
    tokenizer: Tokenizer
    report: RotationReport
    progress: Progress

    def fill(self) -> None:
        """Stolen identifiers first: an entry never answers to them under any generation (L10)."""
        self._until_nothing_lacks(self._cases)
        self._until_nothing_lacks(self._subjects)
        if unequal := self.rotation.unequal(self.tokenizer.generation):
            raise refusals.LookupsIncomplete(state=f"{unequal} entries")

    def _until_nothing_lacks(self, one_pass: Callable[[], tuple[int, int]]) -> None:
        """What changes while it is read is read again; what was erased has nothing to be found by."""
        lacking, lost = one_pass()
        for _ in range(PASSES):
            if lost:
                raise refusals.LookupsIncomplete(state=f"{lost} keys")
            if not lacking:
                return
            lacking, lost = one_pass()
        raise refusals.Busy()

    def _subjects(self) -> tuple[int, int]:
        lacking = lost = 0
        after: UUID | None = FIRST
        while after is not None:
            ids, after = self.rotation.subjects_lacking(self.tokenizer.generation, after, BATCH)
            if ids:
                known, unknown = self._fill_subjects(ids)
                lacking, lost = lacking + known, lost + unknown
            self.progress(self.report.subjects + self.report.cases)
        return lacking, lost

    def _fill_subjects(self, ids: Sequence[UUID]) -> tuple[int, int]:
        """How many could be filled, and how many are lost; the erased are neither."""
        subjects = [one for one in self.desk.log.load(ids).values() if isinstance(one, Subject)]
        opened = self.desk.open_each((subject.id, subject.identity) for subject in subjects)
        found = [
            (one.id, one.version, self.tokenizer.of_subject(identities.decode(value)))
            for one in subjects
            if (value := opened.values.get(one.identity.ref)) is not None
        ]
        if found:
            self.rotation.fill_subjects(self.tokenizer.generation, found)
        self.report.subjects += len(found)
        return len(found), len(opened.lost)

    def _cases(self) -> tuple[int, int]:
        lacking = lost = 0
        ids = self.rotation.cases_lacking(self.tokenizer.generation)
        for start in range(0, len(ids), BATCH):
            for case in self.desk.log.load(ids[start : start + BATCH]).values():
                if isinstance(case, Case):
                    known, unknown = self._case(case)
                    lacking, lost = lacking + known, lost + unknown
        return lacking, lost

    def _case(self, case: Case) -> tuple[bool, int]:
        """Whether it could be filled, and how much of it is lost."""
        known_by = case.reference if case.reference and case.reference.ref not in case.redacted else None
        sealed = [*case.stolen, *([known_by] if known_by else [])]
        opened = self.desk.open_each((case.id, one) for one in sealed)
        if not opened.values:
            return False, len(opened.lost)
        pairs = [
            Identifier(*pair)
            for one in case.stolen
            if (value := opened.values.get(one.ref)) is not None
            for pair in msgspec.json.decode(value, type=list[tuple[str, str]])
        ]
        stolen = {self.tokenizer.of_identifier(key) for pair in pairs for key in asked_keys(pair)}
        reference = None
        if known_by and (value := opened.values.get(known_by.ref)) is not None:
            reference = reference_digest(self.tokenizer, case.organisation, value.decode())
        self.rotation.fill_case(self.tokenizer.generation, case.id, case.version, sorted(stolen), reference)
        self.report.cases += 1
        self.progress(self.report.subjects + self.report.cases)
        return True, len(opened.lost)
