"""Answers that wait to be read: in their order, in little memory, and unreadable to others."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from watchlist.adapters import spool as spooling
from watchlist.adapters.spool import Spool

PIECES = [b"%d," % number * 50 for number in range(200)]


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))


async def taken(spool: Spool) -> bytes:
    found = b""
    while piece := await spool.get():
        found += piece
    return found


def test_everything_put_before_anybody_reads_is_read_in_its_order() -> None:
    async def story() -> None:
        spool = Spool(in_memory=1_000)
        for piece in PIECES:
            await spool.put(piece)
        assert spool._held <= 1_000
        spool.end()
        assert await taken(spool) == b"".join(PIECES)
        spool.close()

    run(story)


def test_read_while_it_is_put() -> None:
    async def story() -> None:
        spool = Spool(in_memory=300)
        reading = asyncio.create_task(taken(spool))
        for number, piece in enumerate(PIECES):
            await spool.put(piece)
            if number % 7 == 0:
                await asyncio.sleep(0)
        spool.end()
        assert await reading == b"".join(PIECES)

    run(story)


def test_whoever_puts_too_much_waits_for_whoever_reads() -> None:
    async def story() -> None:
        spool = Spool(in_memory=100, in_file=1_000)

        async def put() -> None:
            for piece in PIECES:
                await spool.put(piece)
            spool.end()

        putting = asyncio.create_task(put())
        await asyncio.sleep(0.05)
        assert not putting.done()
        assert await taken(spool) == b"".join(PIECES)
        await putting

    run(story)


def test_the_file_has_no_name_and_holds_nothing_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling.tempfile, "tempdir", str(tmp_path))

    async def story() -> None:
        spool = Spool(in_memory=0)
        await spool.put(b"q1,true,,\n" * 100)
        assert os.listdir(tmp_path) == []
        assert spool._file is not None
        held = os.pread(spool._file._file, 10_000, 0)
        assert len(held) == 1_000
        assert b"true" not in held
        spool.close()

    run(story)
