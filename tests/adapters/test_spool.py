"""Answers that wait to be read: in their order, in little memory, and unreadable to others."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from watchlist.adapters import spool as spooling
from watchlist.adapters.spool import Spool, SpoolRoom
from watchlist.domain.refusals import Busy

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


# The room of all -----------------------------------------------------------------------------


def test_the_files_of_all_have_one_room_and_each_owner_a_share() -> None:
    async def story() -> None:
        room = SpoolRoom(most=1_000, share=600)
        first, second = Spool(room, "GRPM", in_memory=0), Spool(room, "GRPM", in_memory=0)
        await first.put(b"a" * 500)
        await second.put(b"b" * 100)
        waiting = asyncio.create_task(second.put(b"c"))
        other = Spool(room, "TPG", in_memory=0)
        await other.put(b"d" * 400)
        late = asyncio.create_task(other.put(b"e"))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        assert not late.done()
        first.close()
        await asyncio.gather(waiting, late)
        second.end()
        other.end()
        assert await taken(second) == b"b" * 100 + b"c"
        assert await taken(other) == b"d" * 400 + b"e"
        assert not room._used
        assert not room.waiting

    run(story)


def test_without_room_it_goes_on_as_fast_as_it_is_read() -> None:
    async def story() -> None:
        room = SpoolRoom(most=10)
        spool = Spool(room, "GRPM", in_memory=300)
        reading = asyncio.create_task(taken(spool))
        for piece in PIECES:
            await spool.put(piece)
        spool.end()
        assert await reading == b"".join(PIECES)

    run(story)


def test_without_room_and_unread_it_is_broken_off() -> None:
    async def story() -> None:
        spool = Spool(SpoolRoom(most=10), "GRPM", in_memory=300, patience=0.05)
        await spool.put(b"a" * 300)
        with pytest.raises(Busy):
            await spool.put(b"b" * 20)
        spool.end()
        assert await taken(spool) == b"a" * 300

    run(story)
