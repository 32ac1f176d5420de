"""The lines of a bulk screening, however they are cut into pieces."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.application.bulk_csv import COLUMNS, Csv, UnreadableHeader
from watchlist.application.bulk_stream import LONGEST_LINE, RECENT_KEYS, JsonLines, Lines, Repetitions
from watchlist.application.screening_request import AskedSubject, LineError
from watchlist.application.turns import SLICE, Turns

cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


def cut(text: bytes, *places: int) -> list[bytes | None]:
    lines = Lines()
    found: list[bytes | None] = []
    for start, end in zip((0, *places), (*places, len(text)), strict=True):
        found += lines.feed(text[start:end])
    return found + lines.end()


@given(st.binary(max_size=60), st.data())
def test_it_does_not_matter_where_the_pieces_are_cut(text: bytes, data: Any) -> None:
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    assert cut(b"\xef\xbb\xbf" + text, *places) == cut(b"\xef\xbb\xbf" + text)


def test_a_line_that_grows_too_long_is_dropped_and_told() -> None:
    long = b"x" * (LONGEST_LINE + 1)
    assert cut(b"a\n" + long + b"\nb\n") == [b"a", None, b"b"]
    assert cut(long * 3 + b"\nb", 10, LONGEST_LINE * 2) == [None, b"b"]
    assert cut(long) == [None]
    assert cut(b"x" * LONGEST_LINE + b"\n") == [b"x" * LONGEST_LINE]


def test_what_is_kept_of_a_line_is_bounded() -> None:
    lines = Lines()
    for _ in range(100):
        assert lines.feed(b"x" * LONGEST_LINE) == []
    assert len(lines._rest) <= 2 * LONGEST_LINE


def test_a_key_is_a_repetition_only_when_it_was_there() -> None:
    seen = Repetitions()
    assert not any(seen.saw(f"q{place}") for place in range(300_000))
    again = sum(seen.saw(f"q{place}") for place in range(290_000, 300_000))
    assert again > 9_700
    assert len(seen._hashes.tobytes()) == 8 * RECENT_KEYS


def read(text: str) -> list[tuple[str | None, Any]]:
    form, lines = Csv(), Lines()
    found = [one for line in (*lines.feed(text.encode()), *lines.end()) for one in form.read(line)]
    return found + form.end()


@given(cells, cells, st.sampled_from([",", ";"]))
def test_a_cell_in_quotation_marks_is_read_as_it_was_written(
    family: str, given_names: str, separator: str
) -> None:
    if any("\n" in cell and separator in cell for cell in (family, given_names)):
        return
    if family.count("\n") + given_names.count("\n") > 6:
        return
    quoted = [f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in (family, given_names)]
    text = (
        separator.join(("key", "family_name", "given_names")) + "\n" + separator.join(("q", *quoted)) + "\n"
    )
    ((key, asked),) = read(text)
    assert key == "q"
    assert (asked.family_name or "", asked.given_names or "") == (family.strip(), given_names.strip())


@given(st.text(st.sampled_from('a,";\n\r1-'), max_size=80))
def test_no_row_is_lost_and_none_raises(text: str) -> None:
    """Each physical line is answered, or part of one that is."""
    found = read(f"key,rpps\nfirst,1\n{text}\nlast,1\n")
    keys = [key for key, _ in found]
    assert keys[0] == "first"
    assert all(isinstance(asked, AskedSubject | LineError) for _, asked in found)
    assert "last" in keys


def test_a_header_is_needed() -> None:
    for text in ("", "x" * (LONGEST_LINE + 1), ",".join([*COLUMNS, "nir"])):
        with pytest.raises(UnreadableHeader):
            read(text + "\n")
    with pytest.raises(UnreadableHeader):
        Csv().heading()


def test_a_line_of_json_that_cannot_be_read_still_has_its_key() -> None:
    ((key, error),) = JsonLines().read(b'{"key":"q1","birth_date":"yesterday"}')
    assert (key, error.field) == ("q1", "birth_date")
    ((key, _),) = JsonLines().read(b'{"key":"q 1","birth_date":"yesterday"}')
    assert key is None


# In turns -------------------------------------------------------------------------------------


def test_two_long_works_take_turns_and_somebody_else_is_served_between() -> None:
    order: list[str] = []

    async def other() -> None:
        for _ in range(4):
            order.append("other")
            await asyncio.sleep(0)

    async def work(turns: Turns, name: str) -> None:
        def do(some: Sequence[int]) -> None:
            order.append(name)

        await turns.each(range(3 * SLICE), do)

    async def all_of_it() -> None:
        turns = Turns()
        await asyncio.gather(work(turns, "a"), work(turns, "b"), other())

    asyncio.run(all_of_it())
    assert [name for name in order if name != "other"].count("a") == 3
    assert max(order.index(name) for name in ("a", "b", "other")) <= 3
    assert order[:6].count("other") >= 2


def test_one_piece_of_work_is_used_in_several_loops() -> None:
    turns = Turns()
    for _ in range(2):
        done: list[int] = []
        asyncio.run(turns.each(range(2 * SLICE), done.extend))
        assert done == list(range(2 * SLICE))
