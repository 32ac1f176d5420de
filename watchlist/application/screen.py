"""Screen: is a subject listed? Hit or no hit, and never more (S1-S5, S9), told to nobody without a trace (S6, S8)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Raw, Struct

from watchlist.application.screening_request import (
    AskedSubject,
    LineError,
    canonical,
    question,
    read_envelope,
)
from watchlist.application.turns import Turns
from watchlist.application.watch_use import UseWatch
from watchlist.domain.refusals import Busy
from watchlist.domain.tokens import Question, Token, Tokenizer, pair
from watchlist.domain.trace import Access, Asking, Hit
from watchlist.ports.keys import Lookups
from watchlist.ports.screening import Found, ListIndex
from watchlist.ports.traces import Traces

HIT = Raw(b'{"hit":true}')
NO_HIT = Raw(b'{"hit":false}')
_encode = msgspec.json.Encoder().encode

Asks = Raw | AskedSubject
"""What one key asks: as it was sent, or read already."""
Line = Question | LineError
ATTEMPTS = 5
"""How often one asks again when the look-up key that was asked does not stand any more: it rotates once in a while."""


class Answered(Struct, frozen=True):
    """What each line was answered, at which instant, and up to which position of the log."""

    results: Mapping[str, Any]
    at: Any
    position: int


@dataclass(frozen=True, slots=True)
class Screening:
    """Reads a batch, asks the index once for all of it, writes who asked and what they are told, and answers."""

    lookups: Lookups
    index: ListIndex
    traces: Traces
    watch: UseWatch | None = None
    """Looks for unusual use (S6); the sandbox has none."""
    turns: Turns = field(default_factory=Turns)

    async def answer(self, body: bytes, asking: Asking) -> bytes:
        """The answer's JSON; a refusal of the whole when the envelope is wrong, Busy when the list cannot be asked."""
        envelope = read_envelope(body)
        screening_id = uuid4()
        answered = await self.answered(
            envelope.subjects, asking, envelope.purpose, envelope.file_reference, screening_id
        )
        return _encode(
            {
                "screening_id": screening_id,
                "answered_at": answered.at,
                "position": answered.position,
                "results": answered.results,
                "review_required": True,
            }
        )

    async def answered(
        self, subjects: Mapping[str, Asks], asking: Asking, purpose: str, reference: str, screening_id: UUID
    ) -> Answered:
        """Line by line; when this returns, who asked and who was told of whom are on disk (T1, S8).

        Of one screening that is asked in several parts, each part is one access.
        """
        lines, found = await self._asked(subjects, asking.organisation)
        access = Access(found.at, asking, reference, purpose, screening_id, len(lines))
        hits = await self._hits(subjects, lines, found, asking.organisation) if found.tokens else []
        told: frozenset[str] = frozenset()
        if hits:
            told = frozenset(key for key, _ in await self.traces.write_hits(access, hits))
        else:
            await self.traces.write(access)
        if self.watch is not None:
            self.watch.saw(asking, lines.values(), len(told))
        results = {key: _result(line, key in told) for key, line in lines.items()}
        return Answered(results, found.at, found.position)

    async def _asked(self, subjects: Mapping[str, Asks], organisation: str) -> tuple[dict[str, Line], Found]:
        """Under the look-up key that stood when the list was read: another one finds nobody (decision 0016)."""
        for _ in range(ATTEMPTS):
            tokenizer = self.lookups.now.asked
            lines, digests = await self._lines(tokenizer, subjects)
            found = await self.index.find(digests, organisation)
            if found.generation == tokenizer.generation:
                return lines, found
            await asyncio.to_thread(self.lookups.refresh)
        raise Busy()

    async def _lines(
        self, tokenizer: Tokenizer, subjects: Mapping[str, Asks]
    ) -> tuple[dict[str, Line], list[bytes]]:
        """Each as a question or an error, and all that is asked of the list."""
        lines: dict[str, Line] = {}
        digests: list[bytes] = []

        def read(some: Sequence[tuple[str, Asks]]) -> None:
            for key, asks in some:
                line = lines[key] = _line(tokenizer, asks)
                if isinstance(line, Question):
                    digests.extend(line.digests)

        await self.turns.each(tuple(subjects.items()), read)
        return lines, digests

    async def _hits(
        self, subjects: Mapping[str, Asks], lines: Mapping[str, Line], found: Found, organisation: str
    ) -> list[Hit]:
        """What the list answers, but for the pairs that this organisation found to be homonyms (S7)."""
        requests = self.lookups.now.requests
        hits: list[Hit] = []

        def read(some: Sequence[tuple[str, Line]]) -> None:
            for key, line in some:
                if isinstance(line, LineError) or found.tokens.keys().isdisjoint(line.digests):
                    continue
                asked = canonical(requests, subjects[key])
                entries = _entries(line, found, pair(organisation, asked))
                given = tuple(sorted(line.given))
                hits.extend(
                    Hit(key, entry, line.digests, given, found.generation, asked, (token.digest, token.given))
                    for entry, token in entries.items()
                )

        await self.turns.each(tuple(lines.items()), read)
        return hits


def _entries(line: Question, found: Found, dismissed: bytes) -> dict[UUID, Token]:
    """The entries that answer a question, each with what it answered under, in the order in which they were found."""
    tokens = (token for digest in line.digests for token in found.tokens.get(digest, ()))
    met = (token for token in tokens if line.is_met_by_one(token) and dismissed not in token.dismissed_by)
    return {token.entry: token for token in met if token.entry is not None}


def _line(tokenizer: Tokenizer, asks: Asks) -> Line:
    try:
        return question(tokenizer, asks)
    except LineError as error:
        return error


def _result(line: Line, told: bool) -> Any:
    if isinstance(line, LineError):
        return line.body()
    return HIT if told else NO_HIT
