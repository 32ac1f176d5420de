"""Whether something was made by the same program."""

from pathlib import Path

from watchlist.adapters.program import digest_of, digest_of_code


def test_any_source_that_differs_makes_it_another_program(tmp_path: Path) -> None:
    (tmp_path / "domain").mkdir()
    rule, statement, other = tmp_path / "domain" / "rule.py", tmp_path / "paint.sql", tmp_path / "read.me"
    for file in (rule, statement, other):
        file.write_text("1")
    before = digest_of(tmp_path)
    other.write_text("2")
    assert digest_of(tmp_path) == before
    rule.write_text("2")
    changed = digest_of(tmp_path)
    statement.write_text("2")
    assert len({before, changed, digest_of(tmp_path)}) == 3
    rule.rename(tmp_path / "rule.py")
    assert digest_of(tmp_path) not in {before, changed}


def test_this_one_is_the_same_as_long_as_it_is_installed() -> None:
    assert digest_of_code() == digest_of_code()
