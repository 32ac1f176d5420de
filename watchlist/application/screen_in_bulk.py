"""Screen in bulk: as many lines as are sent, answered in their order while they come, in constant memory (S1, S5, S9).

Lines are asked in chunks of whatever has come, while the chunk before is at the list: reading one and asking another
overlap. A chunk's traces are written before any of its answers is given out (T1, S8). Whatever goes wrong ends the
whole without an end of the answer: a line that was not answered is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from watchlist.application.bulk_stream import Asked, Form, Lines, Repetitions, repeated_key
from watchlist.application.screen import HIT, NO_HIT, Screening
from watchlist.application.screening_request import AskedSubject, LineError, Purpose
from watchlist.domain.trace import Asking

CHUNK = 1_000
"""Lines at most that are asked together."""
AHEAD = 3
"""Chunks that are asked while the one before them is written."""

Chunks = asyncio.Queue["asyncio.Task[str] | None"]
Put = Callable[[bytes], Awaitable[None]]
Admit = Callable[[int], Awaitable[object]]
"""Waits until so many questions may be asked (S6); raises when whoever asks may not any more: a stream outlives a
key that is revoked (T2)."""


@dataclass(frozen=True, slots=True)
class BulkAsking:
    """Who asks, why, and under which id it is all one screening."""

    asking: Asking
    purpose: Purpose
    file_reference: str
    screening_id: UUID


@dataclass(slots=True)
class BulkScreening:
    """One stream of lines."""

    screening: Screening
    form: Form
    bulk: BulkAsking
    admit: Admit
    answered: int = 0
    """Lines so far."""
    _asking: set[asyncio.Task[str]] = field(default_factory=set)
    _lines: Lines = field(default_factory=Lines)
    _seen: Repetitions = field(default_factory=Repetitions)

    async def answer(self, pieces: AsyncIterator[bytes], put: Put) -> None:
        """All lines in their order; raises what broke it off."""
        chunks: Chunks = asyncio.Queue(AHEAD)
        reading = asyncio.create_task(self._read(pieces, chunks))
        heading: str | None = None
        try:
            while (chunk := await chunks.get()) is not None:
                text = await chunk
                if heading is None:
                    heading = self.form.heading()
                    text = heading + text
                await put(text.encode())
            await reading
            if heading is None:
                await put(self.form.heading().encode())
        finally:
            await self._end(reading)

    async def _read(self, pieces: AsyncIterator[bytes], chunks: Chunks) -> None:
        try:
            async for piece in pieces:
                await self._take(self._lines.feed(piece), chunks)
            await self._take(self._lines.end(), chunks)
            if waiting := list(self._once(self.form.end())):
                await chunks.put(self._begin(self._ask(waiting)))
        except Exception as error:
            await chunks.put(self._begin(_failing(error)))
        else:
            await chunks.put(None)

    async def _take(self, lines: list[bytes | None], chunks: Chunks) -> None:
        for at in range(0, len(lines), CHUNK):
            if asked := await self._read_chunk(lines[at : at + CHUNK]):
                await chunks.put(self._begin(self._ask(asked)))

    def _begin(self, chunk: Coroutine[Any, Any, str]) -> asyncio.Task[str]:
        task = asyncio.create_task(chunk)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return task

    async def _end(self, reading: asyncio.Task[None]) -> None:
        """Nothing goes on in the background, whatever the stream ended with."""
        left = [reading, *self._asking]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _read_chunk(self, lines: list[bytes | None]) -> list[Asked]:
        asked: list[Asked] = []
        await self.screening.turns.each(lines, lambda some: asked.extend(self._asked(some)))
        return asked

    def _asked(self, lines: Sequence[bytes | None]) -> Iterator[Asked]:
        for line in lines:
            yield from self._once(self.form.read(line))

    def _once(self, asked: Sequence[Asked]) -> Iterator[Asked]:
        """Lines of one key cannot be told apart by whoever is answered, or is told later that a hit stopped."""
        for key, subject in asked:
            repeated = key is not None and self._seen.saw(key)
            yield key, repeated_key() if repeated else subject

    async def _ask(self, asked: list[Asked]) -> str:
        """The answers of one chunk, once its traces are written."""
        bulk = self.bulk
        await self.admit(sum([1 if isinstance(one, LineError) else one.questions for _, one in asked]))
        results: Mapping[str, Any] = {}
        subjects = {key: subject for key, subject in asked if key and isinstance(subject, AskedSubject)}
        if subjects:
            answered = await self.screening.answered(
                subjects, bulk.asking, bulk.purpose, bulk.file_reference, bulk.screening_id
            )
            results = answered.results
        texts: list[str] = []
        await self.screening.turns.each(asked, lambda some: texts.extend(self._written(some, results)))
        self.answered += len(asked)
        return "".join(texts)

    def _written(self, asked: Sequence[Asked], results: Mapping[str, Any]) -> Iterator[str]:
        for one in asked:
            key, subject = one
            told: Any = subject if key is None or isinstance(subject, LineError) else results[key]
            if told is HIT or told is NO_HIT:
                yield self.form.answer(one, told is HIT)
            else:
                error = told if isinstance(told, LineError) else LineError(**told["error"])
                yield self.form.answer(one, error)


async def _failing(error: Exception) -> str:
    raise error
