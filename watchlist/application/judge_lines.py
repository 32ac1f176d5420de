"""Judge the lines of an imported list: what becomes of each, before anything is written (L7, L8)."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from watchlist.application.desk import Desk
from watchlist.application.import_file import Refused
from watchlist.application.register_subject import identity_of, known_subject
from watchlist.domain import refusals
from watchlist.domain.aggregate import Act
from watchlist.domain.case import Case
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Identity, contradict, own_keys
from watchlist.domain.import_line import (
    ImportLine,
    name_key,
)
from watchlist.domain.inscription import Candidate, State, require_candidate
from watchlist.domain.subject import Subject
from watchlist.domain.tokens import Tokenizer

EVERY = 1_000_000
"""More than there are of anything that one file speaks of."""

Met = tuple[UUID, Identity]


class _Newcomer:
    """A subject that this import registers: identified, alive, itself."""

    is_identified = True
    is_deceased = False
    merged_into = None
    contested_by = frozenset[UUID]()
    is_erasing = False


NEWCOMER: Candidate = _Newcomer()


@dataclass(slots=True)
class Memory:
    """Whom one run has met, and in which case; what a chunk adds is kept once it is recorded."""

    people: ChainMap[Identifier | str, Met] = field(default_factory=ChainMap)
    taken: ChainMap[tuple[str, UUID], bool] = field(default_factory=ChainMap)
    identities: dict[UUID, Identity | None] = field(default_factory=dict)
    names: dict[UUID, str] = field(default_factory=dict)

    def for_a_chunk(self) -> Memory:
        return Memory(self.people.new_child(), self.taken.new_child(), self.identities, self.names)

    def name_of(self, subject_id: UUID, identity: Identity) -> str:
        if subject_id not in self.names:
            self.names[subject_id] = name_key(identity)
        return self.names[subject_id]

    def keep(self, chunk: Memory) -> None:
        self.people.maps[0].update(chunk.people.maps[0])
        self.taken.maps[0].update(chunk.taken.maps[0])

    def meet(self, subject_id: UUID, identity: Identity) -> None:
        self.identities.setdefault(subject_id, identity)
        for key in _keys(identity):
            self.people.setdefault(key, (subject_id, identity))


@dataclass(frozen=True, slots=True)
class TakenLine:
    line: ImportLine
    subject_id: UUID
    inscription_id: UUID = field(default_factory=uuid4)


@dataclass(slots=True)
class Judged:
    """What becomes of the lines of one chunk."""

    memory: Memory
    cases: dict[str, Case]
    """Those there were before, by their reference."""
    subjects: dict[UUID, Subject]
    taken: dict[str, list[TakenLine]] = field(default_factory=dict)
    """By the reference of their case."""
    newcomers: dict[UUID, ImportLine] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    imported_before: list[int] = field(default_factory=list)

    @property
    def accepted(self) -> list[TakenLine]:
        return [taken for group in self.taken.values() for taken in group]


def fingerprint(tokenizer: Tokenizer, organisation: str, line: ImportLine) -> bytes:
    """What makes two lines the same import: organisation, case reference, identity, inscription date (L7)."""
    return tokenizer.digest(
        "imported line", organisation, line.case_reference, line.identity_key, line.inscribed_on.isoformat()
    )


def reference_digest(tokenizer: Tokenizer, organisation: str, case_reference: str) -> bytes:
    return tokenizer.digest("case reference", organisation, case_reference)


def judge(desk: Desk, act: Act, lines: Sequence[ImportLine], memory: Memory) -> Judged:
    """Decide from what is recorded and what this run has met; `memory` learns of those who are taken."""
    before = _imported_before(desk, act.organisation, lines)
    fresh = [line for line in lines if line.number not in before]
    judging = _Judging(desk, act, _fetched(desk, act.organisation, fresh, memory))
    judging.found.imported_before = [line.number for line in lines if line.number in before]
    for line in fresh:
        judging.judge(line)
    return judging.found


def _imported_before(desk: Desk, organisation: str, lines: Sequence[ImportLine]) -> set[int]:
    """The numbers of lines that were, under whichever look-up key they were recorded."""
    prints = {
        fingerprint(tokenizer, organisation, line): line.number
        for tokenizer in desk.lookups.now.remembered
        for line in lines
    }
    return {prints[found] for found in desk.registry.imported(list(prints))}


@dataclass(slots=True)
class _Judging:
    desk: Desk
    act: Act
    found: Judged
    namesakes: dict[str, dict[str, list[Met]]] = field(default_factory=dict)
    """The subjects of a case by their name, read once for a chunk."""

    def judge(self, line: ImportLine) -> None:
        try:
            subject_id = self._subject_of(line)
            self._require_room_for(line, subject_id)
        except refusals.Refusal as refusal:
            self.found.refused.append(Refused.of(line.number, refusal))
            return
        self._take(TakenLine(line, subject_id))

    def _require_room_for(self, line: ImportLine, subject_id: UUID) -> None:
        """L6, L8: it can be inscribed, and neither this file nor the register did so in this case."""
        if (line.case_reference, subject_id) in self.found.memory.taken:
            raise refusals.AlreadyProposed(state=State.PROPOSED)
        candidate = self.found.subjects.get(subject_id, NEWCOMER)
        case = self.found.cases.get(line.case_reference)
        if case is None:
            require_candidate(candidate)
        else:
            case.require_proposable(self.act, subject_id, candidate)

    def _take(self, taken: TakenLine) -> None:
        line, subject_id = taken.line, taken.subject_id
        if subject_id not in self.found.subjects:
            self.found.newcomers.setdefault(subject_id, line)
        self.found.memory.taken[line.case_reference, subject_id] = True
        self.found.memory.meet(subject_id, line.identity)
        self.found.taken.setdefault(line.case_reference, []).append(taken)

    # Who it is --------------------------------------------------------------------------------

    def _subject_of(self, line: ImportLine) -> UUID:
        """Known or met by an exact identifier; met in this file or this case by the same name; or new."""
        people = self.found.memory.people
        for key in own_keys(line.identity):
            if key in people:
                subject_id, identity = people[key]
                if contradict(identity, line.identity):
                    raise refusals.IdentifierOfAnother(key.scheme)
                return self._covering(subject_id, identity, line)
        for subject_id, identity in self._namesakes(line):
            if not contradict(identity, line.identity):
                return self._covering(subject_id, identity, line)
        return uuid4()

    def _covering(self, subject_id: UUID, known: Identity, line: ImportLine) -> UUID:
        """An accepted line answers under all that it says: what is known is not silently kept instead (L7)."""
        if not self.desk.tokenizer.covers(known, line.identity):
            raise refusals.IdentityAdds("identity")
        return subject_id

    def _namesakes(self, line: ImportLine) -> Iterator[Met]:
        name = name_key(line.identity)
        if not name:
            return
        if name in self.found.memory.people:
            yield self.found.memory.people[name]
        yield from self._by_name(line.case_reference).get(name, ())

    def _by_name(self, reference: str) -> dict[str, list[Met]]:
        if reference not in self.namesakes:
            found = self.namesakes[reference] = {}
            case = self.found.cases.get(reference)
            for subject_id in case.subjects_now() if case else ():
                identity = self._identity_of(subject_id)
                if identity is not None:
                    found.setdefault(self.found.memory.name_of(subject_id, identity), []).append(
                        (subject_id, identity)
                    )
        return self.namesakes[reference]

    def _identity_of(self, subject_id: UUID) -> Identity | None:
        """An earlier run may have registered a subject of this case without an identifier."""
        identities = self.found.memory.identities
        if subject_id not in identities and subject_id in self.found.subjects:
            identities[subject_id] = identity_of(self.desk, self.found.subjects[subject_id])
        return identities.get(subject_id)


# What is recorded -----------------------------------------------------------------------------


def _fetched(desk: Desk, organisation: str, lines: Sequence[ImportLine], memory: Memory) -> Judged:
    """The cases and subjects that these lines are about, as they stand."""
    cases = _cases(desk, organisation, lines)
    known = _known(desk, organisation, lines)
    met = {memory.people[key][0] for line in lines for key in _keys(line.identity) if key in memory.people}
    in_cases = {subject_id for case in cases.values() for subject_id in case.subjects_now()}
    loaded = desk.log.load({*known.values(), *met, *in_cases})
    subjects = {id: found for id, found in loaded.items() if isinstance(found, Subject)}
    for key, subject_id in known.items():
        if subject_id not in memory.identities:
            memory.identities[subject_id] = identity_of(desk, subjects[subject_id])
        identity = memory.identities[subject_id]
        if identity is not None:
            memory.people.setdefault(key, (subject_id, identity))
    return Judged(memory, cases, subjects)


def _cases(desk: Desk, organisation: str, lines: Sequence[ImportLine]) -> dict[str, Case]:
    asked = desk.tokenizer
    references = {reference_digest(asked, organisation, line.case_reference): line for line in lines}
    ids = desk.registry.case_referenced(list(references))
    loaded = desk.log.load(ids.values())
    cases = {references[digest].case_reference: loaded.get(id) for digest, id in ids.items()}
    return {reference: case for reference, case in cases.items() if isinstance(case, Case)}


def _known(desk: Desk, organisation: str, lines: Sequence[ImportLine]) -> dict[Identifier, UUID]:
    """Whom the organisation knows under the exact identifiers of these lines."""
    tokenizer = desk.tokenizer
    asked = {tokenizer.of_own(key): key for line in lines for key in own_keys(line.identity)}
    if not asked:
        return {}
    known: dict[Identifier, UUID] = {}
    several: set[Identifier] = set()
    for subject_id, tokens in desk.registry.subjects_found(organisation, list(asked), EVERY):
        for token in tokens:
            key = asked[token.digest]
            if known.setdefault(key, subject_id) != subject_id:
                several.add(key)
    for line in lines:
        for key in several.intersection(own_keys(line.identity)):
            known[key] = known_subject(desk, organisation, line.identity) or known[key]
    return known


def _keys(identity: Identity) -> list[Identifier | str]:
    """Under which forms a subject is met again in one file."""
    name = name_key(identity)
    return [*own_keys(identity), *([name] if name else [])]
