"""What the documentation names exists: links, commands, paths, settings, places in the code and in the database."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.openapi import described
from tests.architecture.places import importable
from watchlist.__main__ import parser
from watchlist.adapters.postgres.migrate import migrations
from watchlist.domain.processing import table
from watchlist.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


# Links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        path, _, heading = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_file(), f"{target} leads nowhere"
        assert not heading or heading in _headings(linked), f"{target}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_file_named_is_there(page: Path) -> None:
    named = re.findall(r"`((?:watchlist|api|scheduler|tests|bench|docs)/[\w./-]+)`", page.read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_decision_is_in_the_layout_and_no_number_is_given_twice() -> None:
    layout = (ROOT / "docs" / "layout.md").read_text("utf-8")
    assert [page.name for page in DECISIONS if f"(decisions/{page.name})" not in layout] == []
    numbers = [int(page.name[:4]) for page in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("page", DECISIONS, ids=[page.name for page in DECISIONS])
def test_a_decision_says_why_what_was_rejected_and_what_was_measured(page: Path) -> None:
    text = page.read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert text.startswith(f"# {page.name[:4]} ")
    assert [name for name in headings if name != "What it costs"] == [
        "Context",
        "Decision",
        "Rejected",
        "Measured",
    ]


def _headings(page: Path) -> set[str]:
    """As a reader's browser addresses them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


# Commands, paths, settings --------------------------------------------------------------------


def test_the_readme_names_every_command_and_no_other() -> None:
    named = set(re.findall(r"`watchlist (\w[\w-]*)", README))
    assert named == set(_choices(parser()))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_page_names_a_command_that_there_is_not(page: Path) -> None:
    named = set(re.findall(r"`(?:\.venv/bin/)?watchlist (\w[\w-]*)", page.read_text("utf-8")))
    assert named <= set(_choices(parser()))


def test_every_path_of_the_readme_is_in_the_openapi() -> None:
    declared = [re.sub(r"\{\w+\}", "X", path) for path in described()["paths"]]
    asked = re.findall(r"^(?:.*\()?as \w+ ([A-Z]+) '?(/[\w$/-]+)", README, re.MULTILINE)
    assert asked
    for method, path in asked:
        assert f"/v1{re.sub(r'[$][A-Z]+', 'X', path)}" in declared, f"there is no {method} {path}"


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    read = set(re.findall(r'"((?:WATCHLIST|DATABASE|PG)_[A-Z_]+)"', _source("watchlist/settings.py")))
    table = dict(re.findall(r"^\| `([A-Z_]+)`(?:, `[A-Z_]+`)? \| (.+?) \|", README, re.MULTILINE))
    assert set(table) == read == set(Settings().shown())
    defaults = {"WATCHLIST_DEMO": "1"} | {
        name: str(value)
        for name, value in Settings().shown().items()
        if name in ("WATCHLIST_DATA", "WATCHLIST_HOST", "WATCHLIST_PORT", "WATCHLIST_DRAIN_SECONDS")
        or name.startswith(("WATCHLIST_LOG_", "WATCHLIST_RATE_"))
    }
    assert {name: table[name].strip("`") for name in defaults} == defaults


def test_every_secret_can_be_given_as_a_file_and_the_readme_says_so() -> None:
    secrets = set(re.findall(r'_secret\(env, "(\w+)"\)', _source("watchlist/settings.py")))
    assert set(re.findall(r"`(\w+)_FILE` \|", README)) == secrets


def test_every_figure_of_the_bench_is_in_the_readme() -> None:
    named = {name for file in (ROOT / "bench").glob("*.py") for name in _figures(file)}
    told = README.partition("## Figures")[2].partition("## ")[0]
    assert [name for name in named if name.split(",")[0].strip() not in told] == []


def test_a_subject_is_presumed_and_listed_and_nothing_worse() -> None:
    for page in PAGES:
        said = re.findall(r"guilty|fraudster|coupable|fraudeur", page.read_text("utf-8"), re.IGNORECASE)
        assert not said or page.name == "glossary.md"


def _choices(made: argparse.ArgumentParser) -> list[str]:
    commands = next(action for action in made._actions if isinstance(action, argparse._SubParsersAction))
    return list(commands.choices)


def _figures(file: Path) -> list[str]:
    return re.findall(r'Figure\("([^"]+)"', file.read_text("utf-8"))


def _source(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


# Personal data --------------------------------------------------------------------------------


def test_the_record_of_processing_is_that_of_the_code() -> None:
    """After a change: `watchlist privacy`, between the markers."""
    told = (
        _source("docs/privacy.md").partition("<!-- record -->\n")[2].partition("\n<!-- end of record -->")[0]
    )
    assert told == table()


def test_the_periods_of_data_that_are_held_elsewhere_are_told() -> None:
    told = _source("docs/privacy.md").partition("## Periods that concern data this service does not hold")[2]
    assert {"5 years", "6 months", "18 months"} <= set(re.findall(r"\d+ (?:years|months)", told))


# Words ----------------------------------------------------------------------------------------


def _glossary() -> Iterator[tuple[str, str, str, list[str]]]:
    for line in _source("docs/glossary.md").splitlines():
        if line.startswith("| ") and not line.startswith("| word "):
            word, french, meaning, places = (cell.strip() for cell in line.strip("|").split("|"))
            yield word, french, meaning, re.findall("`([^`]+)`", places)


WORDS = list(_glossary())


@pytest.mark.parametrize(("word", "french", "meaning", "places"), WORDS, ids=[word for word, *_ in WORDS])
def test_every_word_has_its_french_its_meaning_and_its_place(
    word: str, french: str, meaning: str, places: list[str]
) -> None:
    assert french
    assert meaning
    assert places
    for place in places:
        assert _stands(place), f"{word}: there is no {place}"


def test_no_word_has_two_meanings() -> None:
    words = [word for word, *_ in WORDS]
    assert len(words) == len(set(words))


def _stands(place: str) -> bool:
    """`package.module.Class.attribute`, `table.column`, or `table`."""
    if place.startswith(("watchlist.", "api.", "scheduler.")):
        return importable(place)
    table, _, column = place.partition(".")
    body = re.search(
        rf"CREATE (?:TABLE \w+\.{table} \(\n(.*?)\n\);|VIEW \w+\.{table} AS)",
        "\n".join(migration.sql for migration in migrations()),
        re.DOTALL,
    )
    return body is not None and (
        not column or re.search(rf"^    {column} ", body[1], re.MULTILINE) is not None
    )
