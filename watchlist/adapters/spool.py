"""Answers that wait for somebody who does not read yet: most programs send all they have before they read.

A little waits in memory, the rest in a file that has no name, under a key that nobody else has and that ends with it:
nothing of it can be read again, and a million answers take no more memory than a thousand.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter, deque

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from watchlist.domain.refusals import Busy

IN_MEMORY = 1 << 20
IN_FILE = 4 << 30
"""Bytes; then whoever writes waits for whoever reads."""
IN_ALL_FILES = 8 << 30
"""Of one process, and a quarter of it of one owner."""
PATIENCE_SECONDS = 60.0
"""How long one waits for room that others take, while nobody reads; then it is broken off."""
AT_ONCE = 1 << 18


class SpoolRoom:
    """What the files of one process hold together, each owner no more than a share: a disk is not theirs alone."""

    def __init__(self, most: int = IN_ALL_FILES, share: int | None = None) -> None:
        self._most, self._share = most, most // 4 if share is None else share
        self._used: Counter[str] = Counter()
        self.waiting: set[asyncio.Event] = set()

    def has(self, owner: str, count: int) -> bool:
        return self._used.total() + count <= self._most and self._used[owner] + count <= self._share

    def take(self, owner: str, count: int) -> None:
        self._used[owner] += count

    def free(self, owner: str, count: int) -> None:
        self._used[owner] -= count
        if not self._used[owner]:
            del self._used[owner]
        for changed in self.waiting:
            changed.set()


class Spool:
    """First in, first out; one writes and one reads, in one event loop."""

    def __init__(
        self,
        room: SpoolRoom | None = None,
        owner: str = "",
        in_memory: int = IN_MEMORY,
        in_file: int = IN_FILE,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._room, self._owner = room or SpoolRoom(), owner
        self._in_memory, self._in_file, self._patience = in_memory, in_file, patience
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._file: _Hidden | None = None
        self._ended = False
        self._changed = asyncio.Event()

    async def put(self, piece: bytes) -> None:
        """Waits while there is too much; raises Busy when others take the room and nobody reads."""
        while self._file is not None and self._file.written > self._in_file:
            await self._change()
        while self._has_something and not self._takes(piece):
            await self._more_room()
        if self._file is None and not self._fits(piece) and self._room.has(self._owner, len(piece)):
            self._file = _Hidden()
        if self._file is None:
            self._pieces.append(piece)
            self._held += len(piece)
        else:
            self._room.take(self._owner, len(piece))
            self._file.append(piece)
        self._changed.set()

    @property
    def _has_something(self) -> bool:
        return bool(self._held or self._file)

    def _takes(self, piece: bytes) -> bool:
        return (self._file is None and self._fits(piece)) or self._room.has(self._owner, len(piece))

    def _fits(self, piece: bytes) -> bool:
        return self._held + len(piece) <= self._in_memory

    async def _more_room(self) -> None:
        """Until something was read here, or a file ended elsewhere."""
        self._room.waiting.add(self._changed)
        try:
            async with asyncio.timeout(self._patience):
                await self._change()
        except TimeoutError:
            raise Busy() from None
        finally:
            self._room.waiting.discard(self._changed)

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._changed.set()

    async def get(self) -> bytes:
        """The next bytes; none at the end."""
        while not self._pieces and self._file is None and not self._ended:
            await self._change()
        self._changed.set()
        if self._pieces:
            piece = self._pieces.popleft()
            self._held -= len(piece)
            return piece
        return self._from_file()

    def close(self) -> None:
        self._pieces.clear()
        self._held = 0
        if self._file is not None:
            self._end_file(self._file)

    def _from_file(self) -> bytes:
        if self._file is None:
            return b""
        piece = self._file.take(AT_ONCE)
        if not self._file.unread:
            self._end_file(self._file)
        return piece

    def _end_file(self, file: _Hidden) -> None:
        self._file = None
        file.close()
        self._room.free(self._owner, file.written)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class _Hidden:
    """A file that only this object can find, or read."""

    def __init__(self) -> None:
        self._file, name = tempfile.mkstemp()
        os.unlink(name)
        self.written = self._read = 0
        cipher = Cipher(algorithms.AES(os.urandom(32)), modes.CTR(os.urandom(16)))
        self._hide, self._show = cipher.encryptor(), cipher.decryptor()

    @property
    def unread(self) -> int:
        return self.written - self._read

    def append(self, piece: bytes) -> None:
        hidden = self._hide.update(piece)
        while hidden:
            count = os.pwrite(self._file, hidden, self.written)
            self.written += count
            hidden = hidden[count:]

    def take(self, most: int) -> bytes:
        hidden = os.pread(self._file, min(most, self.unread), self._read)
        self._read += len(hidden)
        return self._show.update(hidden)

    def close(self) -> None:
        os.close(self._file)
