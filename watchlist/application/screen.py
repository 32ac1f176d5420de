"""Screen: is a subject listed? Hit or no hit, and never more (S1-S5, S9)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Raw

from watchlist.application.screening_request import LineError, question, read_envelope
from watchlist.domain.refusals import Busy
from watchlist.domain.tokens import Question, Tokenizer
from watchlist.ports import Found, ListIndex, Lookups

HIT = Raw(b'{"hit":true}')
NO_HIT = Raw(b'{"hit":false}')
_encode = msgspec.json.Encoder().encode

Line = Question | LineError
ATTEMPTS = 5
"""How often one asks again when the look-up key that was asked does not stand any more: it rotates once in a while."""


@dataclass(frozen=True, slots=True)
class Screening:
    """Reads a batch, asks the index once for all of it, and answers line by line."""

    lookups: Lookups
    index: ListIndex

    async def answer(self, body: bytes) -> bytes:
        """The answer's JSON; a refusal of the whole when the envelope is wrong, Busy when the list cannot be asked."""
        envelope = read_envelope(body)
        lines, found = await self._asked(envelope.subjects)
        return _encode(
            {
                "screening_id": uuid4(),
                "answered_at": found.at,
                "position": found.position,
                "results": {key: _result(line, found.tokens) for key, line in lines.items()},
                "review_required": True,
            }
        )

    async def _asked(self, subjects: Mapping[str, Raw]) -> tuple[dict[str, Line], Found]:
        """Under the look-up key that stood when the list was read: another one finds nobody (decision 0016)."""
        for _ in range(ATTEMPTS):
            tokenizer = self.lookups.now.asked
            lines = {key: _line(tokenizer, raw) for key, raw in subjects.items()}
            digests = [
                digest for line in lines.values() if isinstance(line, Question) for digest in line.digests
            ]
            found = await self.index.find(digests)
            if found.generation == tokenizer.generation:
                return lines, found
            await asyncio.to_thread(self.lookups.refresh)
        raise Busy()


def _line(tokenizer: Tokenizer, raw: Raw) -> Line:
    try:
        return question(tokenizer, raw)
    except LineError as error:
        return error


def _result(line: Line, found: Any) -> Any:
    if isinstance(line, LineError):
        return line.body()
    if not found:
        return NO_HIT
    tokens = [token for digest in line.digests if digest in found for token in found[digest]]
    return HIT if tokens and line.is_met_by(tokens) else NO_HIT
