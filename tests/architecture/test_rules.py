"""docs/rules.md says of every rule where it stands and what tests it: here that is held to be true."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.places import importable

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rules.md"

MARKS = {
    "The list": [f"L{n}" for n in range(1, 14)],
    "Cases": [f"C{n}" for n in range(1, 9)],
    "Screening": [f"S{n}" for n in range(1, 10)],
    "Persons' rights": [f"P{n}" for n in range(1, 7)],
    "Traces": [f"T{n}" for n in range(1, 5)],
    "Identifiers": ["rpps", "adeli", "finess", "siren", "siret", "amc_member", "separators"],
}
CAPABILITIES = {"personal data", "access and traces", "audit trail", "resemblance"}
STATUS = re.compile(r"(?P<kept>kept)|(?P<part>in part, )?open: (?P<capability>[a-z ]+)")


class Row(NamedTuple):
    section: str
    mark: str
    rule: str
    places: list[str]
    tests: list[str]
    status: str


def _rows() -> Iterator[Row]:
    section = ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith("| mark "):
            mark, rule, places, tests, status = (cell.strip() for cell in line.strip("|").split("|"))
            yield Row(
                section, mark, rule, re.findall("`([^`]+)`", places), re.findall("`([^`]+)`", tests), status
            )


ROWS = list(_rows())


def _named(rows: list[Row]) -> list[str]:
    return [row.mark for row in rows]


@pytest.mark.parametrize("section", MARKS)
def test_every_rule_has_one_row_in_its_section(section: str) -> None:
    assert [row.mark for row in ROWS if row.section == section] == MARKS[section]


def test_no_row_is_of_an_unknown_section() -> None:
    assert {row.section for row in ROWS} == set(MARKS)


@pytest.mark.parametrize("row", ROWS, ids=_named(ROWS))
def test_every_rule_is_kept_where_it_is_said_or_its_capability_is_open(row: Row) -> None:
    status = STATUS.fullmatch(row.status)
    assert status, f"{row.mark}: {row.status!r} is neither kept nor open"
    assert row.rule
    if status["kept"] or status["part"]:
        assert row.places, f"{row.mark} does not say where it stands"
        assert row.tests, f"{row.mark} does not say what tests it"
    if not status["kept"]:
        assert status["capability"] in CAPABILITIES


@pytest.mark.parametrize("place", sorted({place for row in ROWS for place in row.places}))
def test_every_place_exists(place: str) -> None:
    assert _exists(place)


@pytest.mark.parametrize("test", sorted({test for row in ROWS for test in row.tests}))
def test_every_test_exists(test: str) -> None:
    file, _, name = test.partition("::")
    tests = _tests_in(file)
    assert tests, f"{file} has no test"
    assert not name or name in tests


def test_the_code_cites_only_rules_that_there_are() -> None:
    cited = set(re.findall(r"\b[LCSPT][1-9][0-9]?\b", "".join(_sources())))
    assert cited <= {mark for marks in MARKS.values() for mark in marks}


def _exists(place: str) -> bool:
    """`package.module.Class.method`, or `path/to/file.sql::name` for what stands in SQL."""
    if "::" in place:
        file, name = place.split("::")
        return re.search(rf"\b{name}\b", (ROOT / file).read_text("utf-8")) is not None
    return importable(place)


@cache
def _tests_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def _sources() -> Iterator[str]:
    for package in ("watchlist", "api", "scheduler"):
        for file in (ROOT / package).rglob("*.py"):
            yield file.read_text("utf-8")
