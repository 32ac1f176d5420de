"""What COPY gives in its binary form: rows of a number and bytes, a million of them in little time."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import Copy

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEADER_BYTES = len(SIGNATURE) + 8
FIELDS, LENGTH = 2, 4


def numbered(copy: Copy, width: int) -> Iterator[tuple[int, bytes]]:
    """Rows of an integer of `width` bytes and a bytea; neither is null."""
    number, value = FIELDS + LENGTH, FIELDS + LENGTH + width + LENGTH
    for data in copy:
        row = bytes(data)
        if row.startswith(SIGNATURE):
            row = row[HEADER_BYTES:]
        if len(row) > FIELDS:  # the last one has none
            yield int.from_bytes(row[number : number + width], "big", signed=True), row[value:]
