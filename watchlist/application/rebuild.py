"""Rebuild: every picture painted again from the log beside the live one, compared both ways, swapped in.

Screenings and commands go on meanwhile. Killed anywhere, it goes on where it was; what is live changes in one commit
(decision 0027).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from watchlist.application.desk import Desk
from watchlist.domain import identity as identities
from watchlist.domain import refusals
from watchlist.domain.aggregate import Aggregate
from watchlist.domain.case import Case
from watchlist.domain.identifiers import Identifier, asked_keys
from watchlist.domain.subject import Subject
from watchlist.domain.tokens import Tokenizer
from watchlist.ports.easel import Begun, Differences, Easel, Outdated, Painting, Part, Rows, Told
from watchlist.projections.painted import painted

BATCH = 250
"""Streams painted again in one transaction."""
FEW = 10
"""When no more than so many went on meanwhile, it is near enough for nobody to record."""
MOST = 40
"""No more than so many are painted again while nobody records, who may wait 100 ms. More, and they go on first."""
SWAP_SECONDS = 0.05
"""Until a try to swap has all its locks, or gives them back."""
PATIENCE = 600.0
"""Seconds in which the swap is tried again: somebody who reads for long is waited for, and nobody waits for us."""

Progress = Callable[[str, int, int | None], None]
"""The phase, how much of it is done, of how much."""


class RebuildBlocked(Exception):
    """The pictures are read for so long that they could not be swapped: what is rebuilt stays, try again later."""


class NeverLevel(RebuildBlocked):
    """So much is recorded that the new pictures never came as far: they stay beside, try again at a quieter hour."""


class RotationUnfinished(Exception):
    """A rotation of the look-up key is under way or was interrupted: finish it first (`watchlist keyring
    rotate-lookup`)."""


@dataclass(slots=True)
class RebuildReport:
    alone: bool = True
    """False: another rebuild, or a rotation of the look-up key, is running; nothing was done."""
    resumed: bool = False
    events: int = 0
    seconds: float = 0.0
    differences: list[Differences] = field(default_factory=list)
    """Of the pictures that were live, those that had rows which are not what the log says."""
    swapped: bool = False
    tries: int = 0
    """Of the swap: it never waits for somebody who reads for longer than `SWAP_SECONDS`."""
    held_seconds: float = 0.0
    """How long recording waited, at the longest."""

    @property
    def rows_different(self) -> int:
        return sum(one.rows for one in self.differences)


# Painting: what each hand does -------------------------------------------------------------------


def paint_part(
    desk: Desk, painting: Painting, part: Part, going_on: Callable[[], bool] = lambda: True
) -> None:
    """All streams of one part, some thousand events in one transaction."""
    while going_on() and (told := painting.streams(part)):
        rows, lost = _rows_of(desk, told)
        until = told[-1][2].originator_id
        painting.keep(part, until, len(told), rows, lost)
        part = Part(part.number, until, part.until)
    if going_on():
        painting.part_done(part, part.after)


def paint_again(desk: Desk, painting: Painting, streams: Sequence[UUID]) -> None:
    for start in range(0, len(streams), BATCH):
        batch = streams[start : start + BATCH]
        rows, lost = _rows_of(desk, painting.stories(batch))
        painting.repaint(batch, rows, lost)


def _rows_of(desk: Desk, told: Iterable[Told]) -> tuple[Rows, list[UUID]]:
    """The rows of whole streams, and the subjects and cases of which something sealed could not be opened."""
    aggregates, found = painted(told)
    tokens, lost = _tokens_of(desk, aggregates.values())
    stolen, lost_too = _stolen_of(desk, aggregates.values())
    return {**found, "subject_tokens": tokens, "stolen_tokens": stolen}, lost + lost_too


def _tokens_of(desk: Desk, aggregates: Iterable[Aggregate]) -> tuple[list[tuple[object, ...]], list[UUID]]:
    """P6: of somebody whose erasure is decided, nothing: nothing finds them, their key destroyed or not yet."""
    subjects = [one for one in aggregates if isinstance(one, Subject) and not one.is_erasing]
    opened = desk.open_each((one.id, one.identity) for one in subjects)
    rows: list[tuple[object, ...]] = []
    for one in subjects:
        value = opened.values.get(one.identity.ref)
        if value is not None:
            rows += _tokens(desk.tokenizer, one, value)
    return rows, [one.id for one in subjects if one.identity.ref in opened.lost]


def _tokens(tokenizer: Tokenizer, subject: Subject, value: bytes) -> Iterable[tuple[object, ...]]:
    digests = set()
    for token in tokenizer.of_subject(identities.decode(value)):
        if token.digest not in digests:
            digests.add(token.digest)
            yield (
                token.digest,
                subject.id,
                subject.organisation,
                token.given,
                token.answers,
                token.generation,
            )


def _stolen_of(desk: Desk, aggregates: Iterable[Aggregate]) -> tuple[list[tuple[object, ...]], list[UUID]]:
    cases = [one for one in aggregates if isinstance(one, Case) and one.stolen]
    opened = desk.open_each((case.id, sealed) for case in cases for sealed in case.stolen)
    rows: list[tuple[object, ...]] = []
    for case in cases:
        values = [opened.values[s.ref] for s in case.stolen if s.ref in opened.values]
        rows += [(case.id, digest, desk.tokenizer.generation) for digest in _stolen(desk.tokenizer, values)]
    return rows, [case.id for case in cases if any(s.ref in opened.lost for s in case.stolen)]


def _stolen(tokenizer: Tokenizer, values: Iterable[bytes]) -> set[bytes]:
    pairs = [pair for value in values for pair in msgspec.json.decode(value, type=list[tuple[str, str]])]
    return {tokenizer.of_identifier(key) for pair in pairs for key in asked_keys(Identifier(*pair))}


# The whole ----------------------------------------------------------------------------------------

Crew = Callable[[], None]
"""Paints all parts, in as many processes as it has; returns when they are painted."""


def rebuild(
    desk: Desk,
    easel: Easel,
    crew: Crew,
    progress: Progress = lambda phase, done, total: None,
    check_only: bool = False,
    keep: bool = False,
    parts: int = 16,
    patience: float = PATIENCE,
) -> RebuildReport:
    """One rebuild, or the rest of one that was killed. LookupsIncomplete when keys are lost: nothing is swapped."""
    report, began = RebuildReport(), time.monotonic()
    with ExitStack() as held:
        alone = [held.enter_context(desk.log.alone(name)) for name in ("rebuild", "rotate look-ups")]
        report.alone = all(alone)
        if report.alone:
            _Rebuild(desk, easel, crew, progress, report, patience).run(parts, check_only, keep)
    report.seconds = time.monotonic() - began
    return report


@dataclass(slots=True)
class _Rebuild:
    desk: Desk
    easel: Easel
    crew: Crew
    progress: Progress
    report: RebuildReport
    patience: float

    def run(self, parts: int, check_only: bool, keep: bool) -> None:
        """Anew, as often as the tables change meanwhile."""
        while True:
            with suppress(Outdated):
                self._painted_and_compared(parts)
                if not check_only:
                    self._mend()
                    self._swap()
                break
        self.progress("clear", 0, None)
        self.easel.clear(keep and not check_only)

    def _painted_and_compared(self, parts: int) -> None:
        """What was resumed was painted by whoever was killed: it is believed when it is as what is live, and no longer
        when it differs. Then it is painted anew, so that no row that was wrong there is told of the live ones."""
        resumed = self._once(parts)
        if resumed and self.report.differences:
            self.easel.clear(keep=False)
            self._once(parts)

    def _once(self, parts: int) -> bool:
        self.desk.lookups.refresh()
        lookups = self.desk.lookups.now
        if len(lookups.written) > 1:
            raise RotationUnfinished(" ".join((RotationUnfinished.__doc__ or "").split()))
        begun = self.easel.begin(lookups.asked.generation, parts)
        self.report.resumed = begun.resumed
        self.report.differences.clear()
        self._paint(begun)
        self._compare()
        return begun.resumed

    def _paint(self, begun: Begun) -> None:
        self.progress("paint", self.easel.done(), begun.total)
        self.crew()
        self.report.events = self.easel.done()
        self.easel.finish(lambda what: self.progress(what, 0, None))

    def _compare(self) -> None:
        """Both ways, in a snapshot in which what is painted is exactly as far as what is live."""
        with self._level():
            comparing = self.easel.comparing()
            each = comparing.__enter__()
        try:
            for found in each:
                self.progress(f"compare {found.table}", 0, None)
                if found.rows:
                    self.report.differences.append(found)
        finally:
            comparing.__exit__(None, None, None)

    def _mend(self) -> None:
        if any(found.table == "certificates" for found in self.report.differences):
            left = self.easel.find_to_mend()
            while left:
                with self._level():
                    self.easel.mend(BATCH)
                left = self.easel.to_mend()

    def _swap(self) -> None:
        until = time.monotonic() + self.patience
        while True:
            self.report.tries += 1
            self.progress("swap", self.report.tries, None)
            self.easel.prepare()
            with self._level():
                self.report.swapped = self.easel.swap(SWAP_SECONDS)
            if self.report.swapped:
                return
            if time.monotonic() > until:
                raise RebuildBlocked((RebuildBlocked.__doc__ or "").strip())
            time.sleep(0.05 + 0.04 * (self.report.tries % 5))

    def _level(self) -> _Level:
        return _Level(self)

    def come_near(self, until: float) -> None:
        """Until few have gone on; under a constant load it comes no nearer, and what the lock allows has to do."""
        before, left = MOST, self._again(*self.easel.moved())
        while left > FEW and (left > MOST or left < before) and time.monotonic() < until:
            self.progress("catch up", 0, left)
            before, left = left, self._again(*self.easel.moved())

    def catch_up(self) -> bool:
        """The last that went on, while nobody records; False when they are too many for everybody to wait."""
        streams, position = self.easel.moved()
        if len(streams) > MOST:
            return False
        self._again(streams, position)
        if lost := self.easel.lost():
            raise refusals.LookupsIncomplete(state=f"{lost} keys")
        return True

    def _again(self, streams: Sequence[UUID], position: int) -> int:
        paint_again(self.desk, self.easel, streams)
        self.easel.caught_up(position)
        return len(streams)


class _Level:
    """While nobody records, what is painted is as far as the log. What is many is painted before."""

    def __init__(self, of: _Rebuild) -> None:
        self._of = of
        self._held = ExitStack()

    def __enter__(self) -> None:
        until = time.monotonic() + self._of.patience
        while not self._reached(until):
            if time.monotonic() > until:
                raise NeverLevel((NeverLevel.__doc__ or "").strip())

    def _reached(self, until: float) -> bool:
        """Looked at under the lock before anything is painted: while it was waited for, much may have gone on."""
        self._of.come_near(until)
        self._held.enter_context(self._of.easel.nobody_records())
        self._began = time.monotonic()
        level = False
        try:
            level = self._of.catch_up()
        finally:
            if not level:
                self._give_back()
        return level

    def __exit__(self, *_: object) -> None:
        self._give_back()

    def _give_back(self) -> None:
        self._held.close()
        held = time.monotonic() - self._began
        self._of.report.held_seconds = max(self._of.report.held_seconds, held)
