"""What a letter tells of cases: kept apart from it, so that neither a purge nor an erasure leaves it readable (C2, P6).

Two keys open it: one that lies under the key of the person, and the case's. A case that is purged takes it along, the
person's erasure does, and so does any redaction in the case.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import Struct

from watchlist.application.desk import Desk, Opened
from watchlist.application.ordered_id import ordered_id
from watchlist.application.work import Work
from watchlist.domain import refusals
from watchlist.domain.case import Case
from watchlist.domain.case_tables import Tables
from watchlist.domain.commitment import Sealed
from watchlist.domain.reply import OfACase, ReplySent
from watchlist.domain.vault_field import VaultField

KEY_BYTES = 32


class Locked(Struct, frozen=True):
    """Tables under the letter's own key."""

    sealed: Sealed
    ciphertext: bytes


def seal_parts(
    work: Work, owner: UUID, parts: Mapping[int, Tables], cases: Mapping[int, UUID]
) -> tuple[Sealed | None, tuple[OfACase, ...]]:
    if not parts:
        return None, ()
    key = secrets.token_bytes(KEY_BYTES)
    told = tuple(
        OfACase(cases[number], number, _seal_part(work, key, owner, cases[number], tables))
        for number, tables in parts.items()
    )
    return work.seal(owner, VaultField.LETTER_KEY, key), told


def _seal_part(work: Work, key: bytes, owner: UUID, case_id: UUID, tables: Tables) -> Sealed:
    raw = msgspec.json.encode(tables)
    sealed, ciphertext = work.cipher.seal(key, owner, VaultField.LETTER_CASE.value, ordered_id(), raw)
    return work.seal(case_id, VaultField.LETTER_CASE, msgspec.json.encode(Locked(sealed, ciphertext)))


def open_parts(desk: Desk, sent: ReplySent, key: bytes | None) -> dict[int, Tables]:
    """By the number of the case; those that went with their case, or by a redaction, are left out.

    What seems lost may have been redacted since its case was read: it is read once more. Raises KeyLost.
    """
    if key is None:
        return {}
    opened = _opened(desk, sent)
    if opened.lost:
        opened = _opened(desk, sent)
    if opened.lost:
        raise refusals.KeyLost()
    return {
        part.number: _open_part(desk, key, sent.subject_id, opened.values[part.tables.ref])
        for part in sent.cases
        if part.tables.ref in opened.values
    }


def _opened(desk: Desk, sent: ReplySent) -> Opened:
    cases = desk.log.load({part.case_id for part in sent.cases})
    kept = (part for part in sent.cases if not _went(cases[part.case_id], part.tables))
    return desk.open_each((part.case_id, part.tables) for part in kept)


def _went(case: object, tables: Sealed) -> bool:
    return isinstance(case, Case) and tables.ref in case.redacted


def _open_part(desk: Desk, key: bytes, owner: UUID, raw: bytes) -> Tables:
    locked = msgspec.json.decode(raw, type=Locked)
    opened = desk.cipher.open_sealed(
        key, owner, VaultField.LETTER_CASE.value, locked.sealed, locked.ciphertext
    )
    return msgspec.json.decode(opened, type=Tables)
