"""Desk: where verbs act. It holds what they need, and carries out what they decide, once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import msgspec

from watchlist.application.attention import opened as seen
from watchlist.application.receipt import Decided, Receipt
from watchlist.application.work import Ask, Erased, Work
from watchlist.domain import refusals
from watchlist.domain.aggregate import Act, Aggregate
from watchlist.domain.case import Case
from watchlist.domain.commitment import Sealed
from watchlist.domain.identity import Identity
from watchlist.domain.import_batch import ImportBatch
from watchlist.domain.subject import Subject
from watchlist.domain.tokens import Token, Tokenizer
from watchlist.ports.clock import Clock
from watchlist.ports.erasure_journal import ErasureJournal
from watchlist.ports.keys import Cipher, Keyring, KeyStanding, Lookups
from watchlist.ports.log import AlreadyDone, Log, LookupsChanged, VersionConflict
from watchlist.ports.registry import Registry
from watchlist.ports.reviews import DetailRequests, Reviews
from watchlist.ports.traces import Registers
from watchlist.ports.vault import SealedRow, Vault

A = TypeVar("A", bound=Aggregate)
T = TypeVar("T")

ATTEMPTS = 20
"""How often a decision is taken again when others were recorded first."""


class IdempotencyMismatch(refusals.Malformed):
    """The same Idempotency-Key was used for another request; use a new key.

    fr: La même Idempotency-Key a servi à une autre demande ; utilisez une nouvelle clé.
    """


class Opened(msgspec.Struct, frozen=True):
    """Values by reference, and the references of those that are lost; in neither: erased."""

    values: dict[UUID, bytes]
    lost: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Desk:
    log: Log
    clock: Clock
    keyring: Keyring
    vault: Vault
    cipher: Cipher
    lookups: Lookups
    registry: Registry
    journal: ErasureJournal
    registers: Registers
    reviews: Reviews
    details: DetailRequests

    # Carrying out -----------------------------------------------------------------------------

    def carry_out(self, ask: Ask, decide: Callable[[Work], Decided | Receipt]) -> Receipt:
        """Decide, record, answer; decided again when another command was recorded first in the same stream.

        A verb that finds nothing to record decides its receipt itself.
        """
        for _ in range(ATTEMPTS):
            work = self.new_work(ask)
            try:
                decision = decide(work)
                if isinstance(decision, Decided):
                    return self._record(work, decision)
                return self._answered(ask) or decision
            except AlreadyDone as done:
                return answered_before(done, ask)
            except (refusals.Refusal, Erased):
                if (receipt := self._answered(ask)) is not None:
                    return receipt
                raise
            except LookupsChanged:
                self.lookups.refresh()
            except VersionConflict:
                continue
        raise refusals.Busy()

    def _answered(self, ask: Ask) -> Receipt | None:
        """What the very same command answered before: the state has moved since, its answer has not."""
        done = self.log.answered(ask.command_id)
        return None if done is None else answered_before(done, ask)

    def new_work(self, ask: Ask) -> Work:
        act = Act(at=self.clock.now(), by=ask.operator, organisation=ask.organisation)
        return Work(act, ask, self.keyring, self.cipher)

    def _record(self, work: Work, decision: Decided) -> Receipt:
        seen(aggregate.id for aggregate in decision.aggregates)
        first = decision.aggregates[0]
        receipt = Receipt(decision.id, first.version, 0, decision.facts)
        work.answer = msgspec.json.encode(receipt.body())
        position = self.log.record(decision.aggregates, work)
        return Receipt(decision.id, first.version, position, decision.facts)

    # Looking up -------------------------------------------------------------------------------

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the look-up key that is asked now."""
        return self.lookups.now.asked

    def tokens_of(self, identity: Identity) -> tuple[Token, ...]:
        """Everything under which a subject is found, as it is written: during a rotation under both keys."""
        written = self.lookups.now.written
        return tuple(token for tokenizer in written for token in tokenizer.of_subject(identity))

    def looked_up(self, read: Callable[[], T]) -> T:
        """What a read finds by look-ups; read again when the key that was asked does not stand any more."""
        for _ in range(ATTEMPTS):
            asked = self.tokenizer.generation
            found = read()
            self.lookups.refresh()
            if self.tokenizer.generation == asked:
                return found
        raise refusals.Busy()

    # Fetching ---------------------------------------------------------------------------------

    def case(self, id: UUID, organisation: str, work: Work | None = None) -> Case:
        """The case, if it is this organisation's (C6); for some work, its key comes along."""
        return self._own(id, organisation, Case, refusals.NoSuchCase, work=work)

    def subject(self, id: UUID, organisation: str, field: str | None = None) -> Subject:
        return self._own(id, organisation, Subject, refusals.NoSuchSubject, field)

    def batch(self, id: UUID, organisation: str) -> ImportBatch:
        return self._own(id, organisation, ImportBatch, refusals.NoSuchImport)

    def subjects(self, ids: Iterable[UUID], organisation: str, field: str) -> dict[UUID, Subject]:
        """Several at once; one that is unknown or another's is refused."""
        wanted = list(ids)
        found = self.log.load(wanted)
        return {
            id: _kept(found.get(id), organisation, Subject, refusals.NoSuchSubject, field) for id in wanted
        }

    def case_of(self, inscription_id: UUID, organisation: str, work: Work | None = None) -> Case:
        case_id = self.registry.case_of(inscription_id)
        if case_id is None:
            raise refusals.NoSuchInscription()
        return self._own(case_id, organisation, Case, refusals.NoSuchInscription, work=work)

    def case_of_letter(self, letter_id: UUID, organisation: str, work: Work | None = None) -> Case:
        case_id = self.registry.case_of_letter(letter_id)
        if case_id is None:
            raise refusals.NoSuchLetter()
        return self._own(case_id, organisation, Case, refusals.NoSuchLetter, work=work)

    def _own(
        self,
        id: UUID,
        organisation: str,
        kind: type[A],
        missing: type[refusals.NotFound],
        field: str | None = None,
        work: Work | None = None,
    ) -> A:
        found = self.log.load([id], work.wrapped if work else None)
        return _kept(found.get(id), organisation, kind, missing, field)

    # Opening ----------------------------------------------------------------------------------

    def open_sealed(
        self, owner: UUID, values: Iterable[Sealed], wrapped: Mapping[UUID, bytes] | None = None
    ) -> dict[UUID, bytes]:
        """The values of one owner by reference; those that were erased are left out."""
        return self.open_all(((owner, sealed) for sealed in values), wrapped)

    def open_all(
        self, values: Iterable[tuple[UUID, Sealed]], wrapped: Mapping[UUID, bytes] | None = None
    ) -> dict[UUID, bytes]:
        """The values of several owners by reference, with two look-ups in all; the erased are left out.

        One look-up when their keys came along with an aggregate, as `wrapped`. KeyLost when one was not erased and
        cannot be opened all the same.
        """
        opened = self.open_each(values, wrapped)
        if opened.lost:
            raise refusals.KeyLost()
        return opened.values

    def open_each(
        self, values: Iterable[tuple[UUID, Sealed]], wrapped: Mapping[UUID, bytes] | None = None
    ) -> Opened:
        """The same, and which of them are lost."""
        wanted = {sealed.ref: (owner, sealed) for owner, sealed in values}
        if not wanted:
            return Opened({}, frozenset())
        seen(owner for owner, _ in wanted.values())
        keys, lost_owners = self._found({owner for owner, _ in wanted.values()}, wrapped or {})
        rows = self.vault.rows([ref for ref, (owner, _) in wanted.items() if owner in keys])
        lost = {ref for ref, (owner, _) in wanted.items() if owner in lost_owners}
        absent = {ref: owner for ref, (owner, _) in wanted.items() if owner in keys and ref not in rows}
        if absent:
            lost |= self._not_erased(absent)
        opened = {ref: self._opened(keys, row, *wanted[ref]) for ref, row in rows.items()}
        return Opened(opened, frozenset(lost))

    def reveal(self, owner: UUID, sealed: Sealed) -> tuple[bytes, bytes] | None:
        """The nonce of a commitment and the value it was made to, for whoever is to check it; None: erased."""
        if not self.open_sealed(owner, [sealed]):
            return None
        key, row = self.keyring.keys([owner]).get(owner), self.vault.rows([sealed.ref]).get(sealed.ref)
        if key is None or row is None:
            return None
        return self.cipher.reveal(key, owner, row.field, sealed, row.ciphertext)

    def _found(
        self, owners: set[UUID], wrapped: Mapping[UUID, bytes]
    ) -> tuple[dict[UUID, bytes], Collection[UUID]]:
        """The keys that can be had, and whose are lost. One that did not come along is looked for elsewhere."""
        came = {owner: wrapped[owner] for owner in owners & wrapped.keys()}
        missing = owners - came.keys()
        opened = self.keyring.opened(came) if came else {}
        if not missing:
            return opened, ()
        found = self.keyring.found(missing)
        return opened | dict(found.keys), found.lost

    def _not_erased(self, absent: Mapping[UUID, UUID]) -> set[UUID]:
        """Rows that are gone, and their owner's key was not destroyed between the two look-ups: lost."""
        standing = self.keyring.standing(absent.values())
        return {ref for ref, owner in absent.items() if standing[owner] is not KeyStanding.DESTROYED}

    def _opened(self, keys: Mapping[UUID, bytes], row: SealedRow, owner: UUID, sealed: Sealed) -> bytes:
        return self.cipher.open_sealed(keys[owner], owner, row.field, sealed, row.ciphertext)


def answered_before(done: AlreadyDone, ask: Ask) -> Receipt:
    """The answer of the same command, if it is the same."""
    if done.mac != ask.mac:
        raise IdempotencyMismatch("Idempotency-Key")
    body = msgspec.json.decode(done.answer)
    facts = {name: value for name, value in body.items() if name not in ("id", "version", "position")}
    return Receipt(UUID(body["id"]), body["version"], done.position, facts)


def _kept(
    found: Aggregate | None,
    organisation: str,
    kind: type[A],
    missing: type[refusals.NotFound],
    field: str | None,
) -> A:
    if not isinstance(found, kind) or found.organisation != organisation:
        raise missing(field)
    seen([found.id])
    return found
