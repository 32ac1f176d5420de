"""Work: what one command does at once, gathered until it is recorded in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from msgspec import Struct

from watchlist.application.ordered_id import ordered_id
from watchlist.domain import refusals
from watchlist.domain.aggregate import Act, Aggregate
from watchlist.domain.commitment import Sealed
from watchlist.domain.tokens import Token
from watchlist.domain.vault_field import VaultField
from watchlist.ports.keys import Cipher, Keyring
from watchlist.ports.log import LookupsChanged
from watchlist.ports.vault import SealedRow


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks for a command, and under which id: the same id with the same body is the same command."""

    operator: UUID
    organisation: str
    command_id: UUID = field(default_factory=ordered_id)
    mac: bytes = b""


class SubjectTokens(Struct, frozen=True):
    """All the tokens under which one subject is found from now on."""

    subject_id: UUID
    organisation: str
    tokens: tuple[Token, ...]


class Forgotten(Struct, frozen=True):
    """One owner whose key is destroyed, and the line of the erasure journal that says so."""

    owner: UUID
    sequence: int
    digest: str


class RedactedText(Struct, frozen=True):
    """A value that goes while its owner's key stays, and the line of the erasure journal that says so."""

    ref: UUID
    organisation: str
    sequence: int
    digest: str


class Erased(Exception):
    """The owner's key is gone: what it sealed cannot be read, or added to, ever again."""


@dataclass(slots=True)
class Work:
    """Gathers what one command seals and looks up; the log records all of it, or nothing."""

    act: Act
    ask: Ask
    keyring: Keyring
    cipher: Cipher
    keys: dict[UUID, bytes] = field(default_factory=dict)
    new_keys: dict[UUID, bytes] = field(default_factory=dict)
    wrapped: dict[UUID, bytes] = field(default_factory=dict)
    """Keys that came with an aggregate and were not needed yet."""
    sealed: list[SealedRow] = field(default_factory=list)
    subject_tokens: list[SubjectTokens] = field(default_factory=list)
    stolen: list[tuple[UUID, bytes, int]] = field(default_factory=list)
    """Case, digest, and the generation of the look-up key it was made under; so the next two."""
    imported_lines: list[tuple[bytes, UUID, int]] = field(default_factory=list)
    case_references: list[tuple[bytes, UUID, int]] = field(default_factory=list)
    forgotten: list[Forgotten] = field(default_factory=list)
    """Owners whose vault rows go in this transaction; their key was destroyed before."""
    redacted: list[RedactedText] = field(default_factory=list)
    redacted_in: list[UUID] = field(default_factory=list)
    """Owners of whom texts are redacted: `letters_known` may tell of them, and there may be no other meanwhile."""
    letters_known: list[UUID] = field(default_factory=list)
    unreferenced: list[UUID] = field(default_factory=list)
    """Cases whose reference was redacted: they are not found by it any more."""
    stolen_again: dict[UUID, set[tuple[bytes, int]]] = field(default_factory=dict)
    """Cases that a victim was detached from: the digests that remain stolen there."""
    dropped: list[UUID] = field(default_factory=list)
    """References of values that go with somebody who was detached from a case."""
    unnamed: dict[UUID, None] = field(default_factory=dict)
    """Subjects whose erasure is decided: no case but those in `considered` may name one of them meanwhile."""
    considered: list[UUID] = field(default_factory=list)
    unknown_before: list[bytes] = field(default_factory=list)
    """Exact identifiers that no subject of the organisation had when this was decided."""
    unchanged: list[Aggregate] = field(default_factory=list)
    """Streams that were decided on and are not written: another command may not have changed them meanwhile."""
    about: list[UUID] = field(default_factory=list)
    """Subjects of whom every case was looked at: `cases_known`, and there may be no other meanwhile."""
    cases_known: list[UUID] = field(default_factory=list)
    answer: bytes = b"{}"

    def new_owners(self, *owners: UUID) -> None:
        """Keys for new subjects, cases or imports, committed with the events that need them or not at all."""
        made = self.keyring.make(owners)
        self.keys.update(made.keys)
        self.new_keys.update(made.wrapped)

    def seal(self, owner: UUID, name: VaultField, value: str | bytes) -> Sealed:
        """Seal one value of an owner; the event keeps what is returned."""
        ref = ordered_id()
        raw = value.encode() if isinstance(value, str) else value
        sealed, ciphertext = self.cipher.seal(self._key(owner), owner, name.value, ref, raw)
        self.sealed.append(SealedRow(ref, owner, name.value, ciphertext))
        return sealed

    def seal_optional(self, owner: UUID, name: VaultField, value: str | None) -> Sealed | None:
        return None if value is None else self.seal(owner, name, value)

    def _key(self, owner: UUID) -> bytes:
        if owner not in self.keys and owner in self.wrapped:
            self.keys.update(self.keyring.opened({owner: self.wrapped[owner]}))
        if owner not in self.keys:
            found = self.keyring.found([owner])
            if owner in found.lost:
                raise refusals.KeyLost()
            self.keys.update(found.keys)
        try:
            return self.keys[owner]
        except KeyError:
            raise Erased(str(owner)) from None

    # Look-ups ---------------------------------------------------------------------------------

    def written_under(self) -> list[int] | None:
        """The generations under which all its look-ups were made; None when it makes none.

        LookupsChanged when not all under the same: the key began to rotate while this was decided.
        """
        generations = {frozenset(found) for found in self._generations().values()}
        if len(generations) > 1:
            raise LookupsChanged("lookups_changed")
        return sorted(*generations) if generations else None

    def _generations(self) -> dict[object, set[int]]:
        """By what is looked up."""
        made: dict[object, set[int]] = {}
        for what, generation in self._looked_up():
            made.setdefault(what, set()).add(generation)
        return made

    def _looked_up(self) -> Iterator[tuple[object, int]]:
        for owner in self.subject_tokens:
            yield from ((("subject", owner.subject_id), token.generation) for token in owner.tokens)
        yield from ((("stolen", case), generation) for case, _, generation in self.stolen)
        for case, stolen in self.stolen_again.items():
            yield from ((("stolen", case), generation) for _, generation in stolen)
        yield from ((("line", entry), generation) for _, entry, generation in self.imported_lines)
        yield from ((("reference", case), generation) for _, case, generation in self.case_references)
