"""Names fold by a table where that is the same as folding them whole (S3)."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.domain import identity

letters = st.characters(max_codepoint=0x2FF)


def whole(text: str) -> str:
    return "".join(identity._kept(identity._undone(text)))


@given(st.text(letters, max_size=12))
def test_the_table_folds_as_the_whole_does(text: str) -> None:
    assert identity._folded(text) == whole(text)


@pytest.mark.parametrize("start", range(0, 0x300, 0x80))
def test_every_pair_with_every_letter_of_the_table(start: int) -> None:
    for code in range(start, start + 0x80):
        for other in ("a", "é", "'", "\u00b4", "ß", "İ", "ŉ", "ʼ"):
            assert identity._folded(chr(code) + other) == whole(chr(code) + other)
            assert identity._folded(other + chr(code)) == whole(other + chr(code))


@given(st.text(st.characters(min_codepoint=0x300, max_codepoint=sys.maxunicode, codec="utf-8"), min_size=1))
def test_whatever_may_combine_is_folded_whole(text: str) -> None:
    assert identity._folded(f"e{text}") == whole(f"e{text}")
