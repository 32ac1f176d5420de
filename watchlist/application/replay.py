"""Replay the log to an instant, or check that it gives the very pictures that are live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from watchlist.application.desk import Desk
from watchlist.domain import identity as identities
from watchlist.domain.case import Case
from watchlist.domain.identifiers import Identifier, asked_keys
from watchlist.domain.inscription import State
from watchlist.domain.subject import Subject
from watchlist.domain.tokens import Token, Tokenizer
from watchlist.projections.replay import Recorded, Replay

T = TypeVar("T")
Progress = Callable[[int], None]
BATCH = 1000

KEYS = {
    "subjects": ("subject_id",),
    "cases": ("case_id",),
    "inscriptions": ("inscription_id",),
    "letters": ("letter_id",),
    "imports": ("import_id",),
    "rights_requests": ("request_id",),
    "certificates": ("owner",),
    "inscription_history": ("inscription_id", "recorded_from"),
    "subject_tokens": ("digest", "subject_id"),
    "stolen_tokens": ("case_id", "digest"),
    "answerable": ("digest", "inscription_id", "given"),
}
"""Every picture that the log and the vault give again, and what tells its rows apart."""
NOT_PAINTED = {"letters": "hit_told_at"}
"""Written with a hit (L12), which is no event."""


class Snapshot(Protocol):
    """The log and the live pictures as of one instant."""

    def events(self) -> Iterator[Recorded]: ...
    def table(self, name: str) -> Iterator[dict[str, Any]]: ...


class Snapshots(Protocol):
    def snapshot(self) -> AbstractContextManager[Snapshot]: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not what the log says; `keys` are ids and instants, and nothing personal."""

    table: str
    kind: str
    """missing, unexpected, or different"""
    keys: dict[str, str]
    columns: tuple[str, ...] = ()


def replay(store: Snapshots, as_of: datetime | None = None, progress: Progress | None = None) -> Replay:
    """The log told again, up to what was recorded by an instant."""
    with store.snapshot() as snapshot:
        return Replay().follow(_counted(snapshot.events(), progress), as_of)


def check(desk: Desk, store: Snapshots, progress: Progress | None = None) -> tuple[Replay, list[Difference]]:
    """Rebuild every picture beside the live ones, and compare both ways, in one snapshot."""
    desk.lookups.refresh()
    with store.snapshot() as snapshot:
        told = Replay().follow(_counted(snapshot.events(), progress))
        asked = desk.tokenizer
        expected = told.pictures() | _looked_up(desk, asked, told)
        differences = [
            difference
            for name in KEYS
            for difference in compared(name, expected[name], _painted(name, _of(asked, snapshot.table(name))))
        ]
    return told, differences


def compared(
    name: str, expected: Iterable[dict[str, Any]], live: Iterable[dict[str, Any]]
) -> Iterator[Difference]:
    """The rows of one table that differ, either way."""
    wanted = {tuple(row[key] for key in KEYS[name]): row for row in expected}
    for row in live:
        found = wanted.pop(tuple(row[key] for key in KEYS[name]), None)
        if found is None:
            yield Difference(name, "unexpected", _shown(name, row))
        elif found != row:
            columns = tuple(column for column in row if row[column] != found[column])
            yield Difference(name, "different", _shown(name, row), columns)
    for row in wanted.values():
        yield Difference(name, "missing", _shown(name, row))


def _shown(name: str, row: dict[str, Any]) -> dict[str, str]:
    return {key: value.hex() if isinstance(value := row[key], bytes) else str(value) for key in KEYS[name]}


def _counted(events: Iterator[T], progress: Progress | None) -> Iterator[T]:
    for count, event in enumerate(events, 1):
        if progress and count % 10_000 == 0:
            progress(count)
        yield event


def _painted(name: str, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Without what no event says."""
    other = NOT_PAINTED.get(name)
    for row in rows:
        if other is not None:
            del row[other]
        yield row


# The look-ups, made again from the vault ----------------------------------------------------------


def _of(asked: Tokenizer, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Look-ups of another generation than the one that is asked come or go: a rotation is not over."""
    return (row for row in rows if row.get("generation", asked.generation) == asked.generation)


def _looked_up(desk: Desk, asked: Tokenizer, told: Replay) -> dict[str, list[dict[str, Any]]]:
    """What is lost cannot be made again: its live rows are then unexpected."""
    tokens = _tokens_of_subjects(desk, asked, told)
    stolen = {case.id: _stolen_digests(desk, asked, case) for case in told.cases() if case.stolen}
    generation = {"generation": asked.generation}
    return {
        "subject_tokens": [
            {"digest": token.digest, "given": token.given, "answers": token.answers}
            | {"subject_id": subject.id, "organisation": subject.organisation}
            | generation
            for subject, of_subject in tokens.values()
            for token in of_subject
        ],
        "stolen_tokens": [
            {"case_id": case_id, "digest": digest} | generation
            for case_id, digests in stolen.items()
            for digest in digests
        ],
        "answerable": [row | generation for row in _answerable(told, tokens, stolen)],
    }


Tokens = dict[UUID, tuple[Subject, tuple[Token, ...]]]


def _tokens_of_subjects(desk: Desk, asked: Tokenizer, told: Replay) -> Tokens:
    found: Tokens = {}
    subjects = told.subjects()
    while batch := list(islice(subjects, BATCH)):
        opened = desk.open_each((subject.id, subject.identity) for subject in batch).values
        for subject in batch:
            value = opened.get(subject.identity.ref)
            if subject.is_erasing:  # nothing finds it, though its key may not be destroyed yet
                value = None
            tokens = () if value is None else asked.of_subject(identities.decode(value))
            found[subject.id] = subject, tokens
    return found


def _stolen_digests(desk: Desk, asked: Tokenizer, case: Case) -> set[bytes]:
    opened = desk.open_each((case.id, sealed) for sealed in case.stolen)
    pairs = [pair for value in opened.values.values() for pair in _decoded(value)]
    return {asked.of_identifier(key) for pair in pairs for key in asked_keys(Identifier(*pair))}


def _decoded(value: bytes) -> list[tuple[str, str]]:
    return msgspec.json.decode(value, type=list[tuple[str, str]])


def _answerable(told: Replay, tokens: Tokens, stolen: dict[UUID, set[bytes]]) -> list[dict[str, Any]]:
    groups: dict[UUID, list[Token]] = {}
    for subject, of_subject in tokens.values():
        groups.setdefault(subject.merged_into or subject.id, []).extend(of_subject)
    rows = {}
    for case in told.cases():
        for entry in case.inscriptions.values():
            if entry.state is not State.ACTIVE or entry.restricted:
                continue
            for token in groups.get(case.subject_now(entry.subject_id), ()):
                if token.answers and token.digest not in stolen.get(case.id, ()):
                    rows[token.digest, entry.id, token.given] = {
                        "digest": token.digest,
                        "inscription_id": entry.id,
                        "given": token.given,
                        "answers_until": case.ends_at(entry),
                    }
    return list(rows.values())
