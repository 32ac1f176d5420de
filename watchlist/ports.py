"""What the verbs ask of the world: small protocols, kept by adapters and held to tests/contracts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from watchlist.domain.aggregate import Aggregate, Event
from watchlist.domain.commitment import Sealed
from watchlist.domain.detail_request import DetailAnswer, DetailQuestion, DetailState
from watchlist.domain.erasure import ErasureKind, JournalEntry
from watchlist.domain.letter import Letter
from watchlist.domain.operator import ApiKey, Operator
from watchlist.domain.review import HitTold, LastReview, Review
from watchlist.domain.subject import Subject
from watchlist.domain.tokens import Token, Tokenizer
from watchlist.domain.trace import Access, ByHand, Hit, Reading, Telling

FIRST = UUID(int=0)
"""Before every id: where a first page begins."""


class Clock(Protocol):
    """Gives the time; passed in, so that a test can be five years later."""

    @property
    def is_the_machines(self) -> bool:
        """Whether it must agree with the database's clock (a test's own need not)."""
        ...

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        ...


class SealedRow(Struct, frozen=True):
    """One ciphertext of the vault."""

    ref: UUID
    owner: UUID
    field: str
    ciphertext: bytes


class NewKeys(Struct, frozen=True):
    """Keys of new owners, and the same wrapped, as they are kept."""

    keys: Mapping[UUID, bytes]
    wrapped: Mapping[UUID, bytes]


class KeyStanding(StrEnum):
    """Whether an owner's key is there: what was destroyed is erased (P6), what is missing is lost."""

    HELD = "held"
    DESTROYED = "destroyed"
    MISSING = "missing"


class KeysFound(Struct, frozen=True):
    """The keys of some owners, as far as they open; `lost`: missing, or under no master key that is here."""

    keys: Mapping[UUID, bytes]
    destroyed: frozenset[UUID]
    lost: frozenset[UUID]


class MasterKey(Protocol):
    """Wraps the keys of the keyring, and opens them: a file, a variable, or what a key service hands out."""

    @property
    def headers(self) -> list[bytes]:
        """What a key wrapped under one that is here begins with; first, under the one that wraps."""
        ...

    def wrap(self, key: bytes, purpose: bytes) -> bytes:
        """Under the master key of now, bound to what it is for."""
        ...

    def unwrap(self, wrapped: bytes, purpose: bytes) -> bytes:
        """Under whichever master key that is still here; raises the cipher's Tampered when under none."""
        ...


class Keyring(Protocol):
    """One data key per owner (a subject or a case), wrapped; gone when it is destroyed."""

    def make(self, owners: Iterable[UUID]) -> NewKeys:
        """New keys; an owner that has or had one is refused.

        `wrapped` travels in the transaction that first needs them; empty when they are committed already, in a store
        of their own.
        """
        ...

    def opened(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
        """The keys of wrapped ones that were read with something else."""
        ...

    def keys(self, owners: Iterable[UUID]) -> dict[UUID, bytes]:
        """The keys of those owners that have one; KeyLost when one does not open."""
        ...

    def found(self, owners: Iterable[UUID]) -> KeysFound:
        """The same, and of each other owner whether its key was destroyed or is lost: one look-up."""
        ...

    def standing(self, owners: Iterable[UUID]) -> dict[UUID, KeyStanding]:
        """Of each owner, whether its key is held, destroyed or missing; none is opened."""
        ...

    def destroy(self, owners: Iterable[UUID]) -> int:
        """Destroy their keys for good; how many there were. An owner that had none can never have one."""
        ...


class LookupKeys(Struct, frozen=True):
    """The look-up keys in force, together: under which generation one asks, and under which one writes."""

    asked: Tokenizer
    written: tuple[Tokenizer, ...]
    """The one that is asked, and during a rotation the one that arrives."""
    remembered: tuple[Tokenizer, ...]
    """All that are not destroyed: an imported line may have been recorded under any (L7)."""
    requests: Tokenizer
    """For what is no look-up of a person (idempotency, cursors, ids of imports); it does not rotate."""


class Lookups(Protocol):
    """The look-up keys, as this process knows them (decision 0016)."""

    @property
    def now(self) -> LookupKeys: ...

    def refresh(self) -> None:
        """Look again; a rotation in another process may have changed them."""
        ...


class Vault(Protocol):
    """Where ciphertexts are kept; they are added by the transaction that records their event."""

    def rows(self, refs: Sequence[UUID]) -> Mapping[UUID, SealedRow]:
        """The rows that are still there."""
        ...

    def rows_of(self, owner: UUID) -> Mapping[UUID, SealedRow]:
        """All that is kept of one owner."""
        ...


class Cipher(Protocol):
    """Seals a value under its owner's key, and opens it."""

    def seal(self, key: bytes, owner: UUID, field: str, ref: UUID, value: bytes) -> tuple[Sealed, bytes]: ...
    def open_sealed(
        self, key: bytes, owner: UUID, field: str, sealed: Sealed, ciphertext: bytes
    ) -> bytes: ...


class Found(Struct, frozen=True):
    """What answered under some digests, at which instant, and up to which position of the log."""

    tokens: Mapping[bytes, Sequence[Token]]
    at: datetime
    position: int
    generation: int = 1
    """Of the look-up key that was asked then: an answer to digests of another one says nothing."""


class ListIndex(Protocol):
    """The answerable entries, by keyed token (S3, L3)."""

    async def find(self, digests: Sequence[bytes]) -> Found:
        """What answers now under these digests; Busy when that cannot be told (S9)."""
        ...


class Traces(Protocol):
    """Who asked and who was told (T1, S8); Busy when that cannot be written, and then nothing is answered."""

    async def write(self, access: Access) -> None:
        """On disk when this returns."""
        ...

    async def write_hits(self, access: Access, hits: Sequence[Hit]) -> frozenset[tuple[str, UUID]]:
        """The access and a disclosure of each hit, together: key and entry of those that still answered.

        The others are not told any more; whoever is told of one is also told when it stops.
        """
        ...


class Registers(Protocol):
    """The access log and the register of disclosures, as verbs need them."""

    def disclosed_of(self, subject_ids: Sequence[UUID]) -> list[Telling]:
        """Everything that was told of these subjects, in its order (S8)."""
        ...

    def consulted_of(self, subject_ids: Sequence[UUID]) -> list[Reading]:
        """Every access to these subjects that is still remembered, in its order (T1)."""
        ...

    def disclose(self, subject: Subject, told: ByHand, work: Any, position: int) -> None:
        """One transaction: a communication made by hand, what it sealed, the command.

        Raises VersionConflict when the subject has changed meanwhile, AlreadyDone.
        """
        ...

    def disclosure(self, disclosure_id: UUID) -> tuple[Mapping[str, Any], Sealed | None] | None:
        """One disclosure; and of one made by hand, where what was told is sealed."""
        ...


class Reviews(Protocol):
    """What people found when they looked at hits, and what is remembered of it (S7)."""

    def hit(self, organisation: str, screening_id: UUID, key: str, at: datetime) -> tuple[HitTold, ...]:
        """The entries of a hit that this organisation was told, as far as they are kept; none: there is no such hit."""
        ...

    def last(self, organisation: str, screening_id: UUID, key: str) -> LastReview | None:
        """The review of that hit that counts."""
        ...

    def record(self, review: Review, subjects: Sequence[Aggregate], work: Any, position: int) -> None:
        """One transaction: the review, what it changes for later screenings, what it sealed, the command.

        Raises VersionConflict when another review came first, or one of the subjects has changed; AlreadyDone.
        """
        ...

    def of_screening(
        self, organisation: str | None, screening_id: UUID, after: int, limit: int
    ) -> list[dict[str, Any]]:
        """The reviews of the hits of one screening, in their order, of one organisation or of any (None)."""
        ...

    def unreviewed(self, organisation: str | None) -> int:
        """How many hits one organisation, or anybody, was told that nobody reviewed."""
        ...


class DetailRequests(Protocol):
    """What whoever was told of a hit asks the owner of the entry, and the answers (C6)."""

    def ask(self, question: DetailQuestion, subjects: Sequence[Aggregate], work: Any, position: int) -> None:
        """One transaction: the question for each owner, what it sealed, the command.

        Raises VersionConflict when the hit is gone, or one of the subjects has changed; AlreadyDone.
        """
        ...

    def answer(self, answer: DetailAnswer, decided_on: Sequence[Aggregate], work: Any, position: int) -> None:
        """One transaction: the answer, its disclosure if something is told, what it sealed, the command.

        Raises VersionConflict when it was answered meanwhile, or what it was decided on has changed; AlreadyDone.
        """
        ...

    def one(self, detail_id: UUID) -> dict[str, Any] | None:
        """A question, as its owner knows it."""
        ...

    def of_screening(
        self, organisation: str | None, screening_id: UUID, after: UUID, limit: int
    ) -> list[dict[str, Any]]:
        """Questions of one organisation, or any, about the hits of one screening: a row for each entry, in order."""
        ...

    def of_owner(
        self, owner: str | None, state: DetailState | None, after: UUID, limit: int
    ) -> list[dict[str, Any]]:
        """What one organisation, or any, was asked, by id."""
        ...


class ErasureJournal(Protocol):
    """The erasures that are under way or done, outside the stores that they erase from: a restore cannot undo it.

    Raises JournalDamaged when what it holds is not what was appended.
    """

    def append(self, owners: Sequence[tuple[ErasureKind, UUID]], at: datetime) -> list[JournalEntry]:
        """One line for each, on disk when this returns."""
        ...

    def after(self, sequence: int = 0) -> Iterator[JournalEntry]:
        """The lines behind a sequence, in their order, each proven to follow all before it."""
        ...

    def length(self) -> int:
        """The sequence of the last line, 0 when there is none."""
        ...


class JournalDamaged(Exception):
    """The erasure journal is not what was appended to it; the message says where, and what to do."""


class CertificateRow(Struct, frozen=True):
    """One certificate, as it is kept: what was forgotten, and where that is recorded and journalled."""

    owner: UUID
    kind: str
    organisation: str
    basis: str
    rule: str
    decided_at: datetime
    completed_at: datetime | None
    sealed_values: int | None
    journal_sequence: int | None
    journal_digest: str | None
    position: int | None


class VersionConflict(Exception):
    """Another command was recorded first in the same stream: decide again."""


class LookupsChanged(VersionConflict):
    """The look-up key is rotating: decide again, with the keys of now."""


class AlreadyDone(Exception):
    """This very command was recorded before; `answer` is what it answered."""

    def __init__(self, mac: bytes, answer: bytes, position: int) -> None:
        super().__init__("already done")
        self.mac, self.answer, self.position = mac, answer, position


class Log(Protocol):
    """The one ordered log, by stream."""

    def alone(self, name: str) -> AbstractContextManager[bool]:
        """Whether this is the only work of that name, in every process, while it lasts."""
        ...

    def load(
        self, ids: Iterable[UUID], wrapped: MutableMapping[UUID, bytes] | None = None
    ) -> dict[UUID, Aggregate]:
        """The aggregates of these streams, as they stand; those without events are left out.

        Their wrapped keys are put into `wrapped`, in the same round trip.
        """
        ...

    def streams(self, ids: Iterable[UUID]) -> dict[UUID, list[Event]]:
        """What was recorded in these streams, in order; those without events are left out."""
        ...

    def record(self, aggregates: Sequence[Aggregate], work: Any) -> int:
        """One transaction: the command, what it sealed, the events, the pictures. The last position.

        Raises VersionConflict, AlreadyDone, or a refusal that is Unavailable: then nothing was recorded.
        """
        ...

    def told(self, id: UUID) -> Sequence[Event]:
        """The events of one stream, in their order."""
        ...

    def position(self) -> int:
        """The position of the last event, 0 when there is none."""
        ...

    def answered(self, command_id: UUID) -> AlreadyDone | None:
        """What a recorded command answered."""
        ...


class Registry(Protocol):
    """What the pictures tell a verb before it decides."""

    def case_of(self, inscription_id: UUID) -> UUID | None:
        """The case an inscription belongs to."""
        ...

    def case_of_letter(self, letter_id: UUID) -> UUID | None:
        """The case whose entry made a letter due."""
        ...

    def hit_told_at(self, letter_id: UUID) -> datetime | None:
        """When a hit was told before that letter was sent or deferred (L12); None: never."""
        ...

    def subject_with(self, organisation: str, digests: Sequence[bytes]) -> UUID | None:
        """The subject of that organisation that is known under one of these exact identifiers, as it stands now."""
        ...

    def subjects_found(
        self, organisation: str, digests: Sequence[bytes], limit: int
    ) -> list[tuple[UUID, list[Token]]]:
        """The subjects of that organisation known under any of these digests, as they stand now, and under which."""
        ...

    def has_open_entry(self, subject_id: UUID) -> bool:
        """Whether a proposed or active inscription is of that subject."""
        ...

    def cases_about(self, subject_id: UUID) -> list[UUID]:
        """The cases a subject belongs to, or is a victim in (L10)."""
        ...

    def has_open_request(self, subject_ids: Iterable[UUID]) -> bool:
        """Whether something is still owed to one of these persons on a request of theirs (P1-P3)."""
        ...

    def due_entries(self, at: datetime, limit: int) -> list[UUID]:
        """The cases with an entry that has ended and is not yet recorded as delisted, oldest first."""
        ...

    def due_alerts(self, at: datetime, limit: int) -> list[UUID]:
        """The alerts that were not qualified in time."""
        ...

    def due_cases(self, at: datetime, limit: int) -> list[UUID]:
        """The closed cases whose data may be kept no longer, oldest first (C2)."""
        ...

    def due_requested_erasures(self, limit: int) -> list[UUID]:
        """The requests whose erasure was granted and answered, and not decided on yet."""
        ...

    def due_subjects(self, at: datetime, limit: int) -> list[UUID]:
        """The subjects that no case retains any more, oldest first (P6)."""
        ...

    def subjects_left_by(self, case_ids: Sequence[UUID], at: datetime) -> int:
        """How many subjects nothing would retain at that instant, were these cases purged."""
        ...

    def erasing_subjects(self, limit: int) -> list[UUID]:
        """The subjects whose erasure was decided and not recorded yet."""
        ...

    def due_imports(self, limit: int) -> list[UUID]:
        """The imports of which the last case was purged (C5)."""
        ...

    def naming(self, subject_ids: Sequence[UUID]) -> list[tuple[UUID, UUID, datetime | None]]:
        """Which of these subjects was named by which case, and when the data of that went: subject, case, instant."""
        ...

    def forgotten(self, owners: Sequence[UUID]) -> set[UUID]:
        """Those of which a certificate says that their erasure is recorded."""
        ...

    def last_journalled(self) -> tuple[int, str] | None:
        """The last line of the erasure journal that was applied here: its sequence and its digest."""
        ...

    def unfinished_erasures(self, decided_before: datetime) -> int:
        """How many were decided before an instant and are not carried out yet."""
        ...

    def certificates(
        self, organisation: str | None, after: UUID = FIRST, limit: int = 100
    ) -> list[CertificateRow]:
        """By id, those of one organisation or of all (None), from behind `after` on."""
        ...

    def erasures_standing(self, destroyed_before: datetime) -> tuple[int, int, datetime | None]:
        """How many were completed before an instant, how many since, and when the last was."""
        ...

    def certificate(self, owner: UUID) -> CertificateRow | None: ...

    def due_purges(self, limit: int) -> list[UUID]:
        """The cases that only wait for their data to be purged."""
        ...

    def imported(self, fingerprints: Sequence[bytes]) -> set[bytes]:
        """Which of these lines were imported before."""
        ...

    def case_referenced(self, digests: Sequence[bytes]) -> dict[bytes, UUID]:
        """The cases known under these references."""
        ...

    def unfinished_imports(self) -> list[tuple[UUID, str, UUID]]:
        """Imports whose approval a crash interrupted: id, organisation, who approved."""
        ...

    def proposed_by_import(self, import_id: UUID, limit: int) -> list[UUID]:
        """The cases with inscriptions of an import that wait for its approval."""
        ...


class LetterPress(Protocol):
    """Prints letters."""

    def print(self, letter: Letter) -> bytes:
        """The PDF: the same bytes for the same letter; LettersUnavailable when there is no press here."""
        ...


class Operators(Protocol):
    """Who may act, and by which keys; kept beside the log, since names never enter it."""

    def add(self, operator: Operator) -> Operator:
        """The operator of that name in that organisation: this one, or the one there was before."""
        ...

    def leave(self, operator_id: UUID, at: datetime) -> None:
        """The operator has left; a second time changes nothing."""
        ...

    def keep_key(self, key: ApiKey, secret_sha256: bytes) -> None:
        """A new key."""
        ...

    def revoke(self, key_id: str, at: datetime) -> None:
        """The key opens nothing any more; a second time changes nothing."""
        ...

    def operator(self, operator_id: UUID) -> Operator | None: ...

    def key(self, key_id: str) -> tuple[ApiKey, Operator, bytes] | None:
        """The key, whose it is, and the SHA-256 of its secret."""
        ...

    def operators(self, organisation: str | None, after: UUID, limit: int) -> list[Operator]:
        """By id, those of one organisation or of all (None), from behind `after` on."""
        ...

    def keys(self, organisation: str | None, after: str, limit: int) -> list[tuple[ApiKey, Operator]]:
        """By id, those of one organisation or of all (None), from behind `after` on."""
        ...
