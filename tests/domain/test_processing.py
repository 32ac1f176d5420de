"""The record of processing describes everything that is held, and nothing that is not (GDPR, art. 30)."""

import re
from dataclasses import fields

import pytest

from tests.architecture.places import importable
from tests.architecture.test_rules import MARKS
from watchlist.adapters.postgres.migrate import migrations
from watchlist.domain.identity import Organisation, Person
from watchlist.domain.processing import NOBODYS, RECORD, VAULT, Held, table
from watchlist.domain.vault_field import VaultField

RELEASED = {
    "identity", "reason", "died_on",
    "summary", "amount_at_stake", "case_reference", "qualification", "note", "evidence", "sha256", "stolen",
    "victim_reason", "court", "reference", "limitation_basis", "line", "proportionality", "rejection",
    "notice_deferral", "restriction", "lifting", "delisting",
    "file",
}  # fmt: skip
"""Names that ciphertexts were bound to."""
NAMES = [f"{held.where} {held.name}" for held in RECORD]


def test_a_name_that_ciphertexts_are_bound_to_never_changes() -> None:
    assert {field.value for field in VaultField} >= RELEASED


def test_everything_that_is_sealed_has_one_row_and_every_row_is_sealed() -> None:
    assert sorted(held.name for held in RECORD if held.where == VAULT) == sorted(VaultField)


def test_every_field_of_an_identity_is_described() -> None:
    identity = next(held for held in RECORD if held.name == VaultField.IDENTITY)
    assert set(identity.parts) == {field.name for kind in (Person, Organisation) for field in fields(kind)}


def test_every_table_holds_something_that_is_described_or_nothing_of_a_person() -> None:
    tables = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?\w+\.(\w+)\b(?! PARTITION OF)", _schema()))
    described = {held.where for held in RECORD} - {VAULT}
    assert described | NOBODYS == tables
    assert described.isdisjoint(NOBODYS)


@pytest.mark.parametrize(
    "held", [held for held in RECORD if held.where != VAULT], ids=lambda held: held.where
)
def test_what_is_described_of_a_table_is_a_column_of_it(held: Held) -> None:
    body = re.search(rf"CREATE TABLE \w+\.{held.where} \(\n(.*?)\n\);", _schema(), re.DOTALL)
    assert body
    columns = set(re.findall(r"^    (\w+) ", body[1], re.MULTILINE))
    named = {name for name in held.name.split(", ") if name != "dates"}
    assert {"term_months" if name == "term" else name for name in named} <= columns


@pytest.mark.parametrize("held", RECORD, ids=NAMES)
def test_a_period_is_that_of_a_rule_and_the_function_that_computes_it_exists(held: Held) -> None:
    assert held.kept.mark in {mark for marks in MARKS.values() for mark in marks}
    assert held.kept.computed_by is None or importable(held.kept.computed_by)


def test_nothing_is_described_twice() -> None:
    assert len({(held.where, held.name) for held in RECORD}) == len(RECORD)


def test_the_table_has_one_line_for_each() -> None:
    lines = table().splitlines()
    assert len(lines) == len(RECORD) + 2
    assert {line.count(" | ") for line in lines} == {8}


def _schema() -> str:
    return "\n".join(migration.sql for migration in migrations())
