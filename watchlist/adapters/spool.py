"""Answers that wait for somebody who does not read yet: most programs send all they have before they read.

A little waits in memory, the rest in a file that has no name, under a key that nobody else has and that ends with it:
nothing of it can be read again, and a million answers take no more memory than a thousand.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import deque

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

IN_MEMORY = 1 << 20
IN_FILE = 4 << 30
"""Bytes; then whoever writes waits for whoever reads."""
AT_ONCE = 1 << 18


class Spool:
    """First in, first out; one writes and one reads, in one event loop."""

    def __init__(self, in_memory: int = IN_MEMORY, in_file: int = IN_FILE) -> None:
        self._in_memory, self._in_file = in_memory, in_file
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._file: _Hidden | None = None
        self._ended = False
        self._changed = asyncio.Event()

    async def put(self, piece: bytes) -> None:
        while self._file is not None and self._file.written > self._in_file:
            await self._change()
        if self._file is None and self._held + len(piece) > self._in_memory:
            self._file = _Hidden()
        if self._file is None:
            self._pieces.append(piece)
            self._held += len(piece)
        else:
            self._file.append(piece)
        self._changed.set()

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
        if self._file is not None:
            self._file.close()
        self._file = None

    def _from_file(self) -> bytes:
        if self._file is None:
            return b""
        piece = self._file.take(AT_ONCE)
        if not self._file.unread:
            self._file.close()
            self._file = None
        return piece

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
