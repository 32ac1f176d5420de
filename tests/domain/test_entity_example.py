"""Examples of the open convention of matching: what is read of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from watchlist.domain import entity_example as examples
from watchlist.domain.entity_example import Example, UnreadableExample
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Organisation, Person


def person(**properties: list[str]) -> Example:
    return examples.read({"schema": "Person", "properties": properties})


def test_a_single_text_is_a_list_of_one() -> None:
    query = {"schema": "Person", "properties": {"lastName": "Delatour", "firstName": ["Marie", "Claude"]}}
    example = examples.read(query)
    assert examples.names(example) == (("Delatour", "Marie Claude"),)


def test_any_end_of_a_whole_name_may_be_the_family_name() -> None:
    assert set(examples.names(person(name=["Marie DE LA TOUR"]))) == {
        ("Marie DE LA TOUR", None),
        ("DE LA TOUR", "Marie"),
        ("LA TOUR", "Marie DE"),
        ("TOUR", "Marie DE LA"),
        ("Marie", "DE LA TOUR"),
        ("Marie DE", "LA TOUR"),
        ("Marie DE LA", "TOUR"),
    }


def test_a_part_of_a_date_says_too_little() -> None:
    assert examples.birth_date(person(birthDate=["1970", "1970-02"])) is None
    assert examples.birth_date(person(birthDate=["1970", "1970-02-28"])) == date(1970, 2, 28)


def test_a_bare_number_is_recognised_by_its_length_and_check_and_a_strange_one_passed_over() -> None:
    example = person(idNumber=["10000001916", "XK99-12"], registrationNumber=["siren: 732 829 320"])
    assert examples.identifiers(example) == (
        Identifier("rpps", "10000001916"),
        Identifier("siren", "732829320"),
    )
    assert examples.identifiers(person(idNumber=["10000001917"])) == ()


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({}, "malformed", "properties"),
        ({"schema": "Person", "properties": [1]}, "malformed", "properties"),
        ({"schema": "Person", "properties": {"name": [1]}}, "malformed", "properties.name"),
        ({"schema": "Person", "properties": {"Jean Martin": [1]}}, "malformed", "properties"),
        ({"schema": "Vessel", "properties": {}}, "unknown_schema", "schema"),
        ({"schema": "Person", "properties": {"name": ["x" * 201]}}, "too_long", "properties.name"),
        ({"schema": "Person", "properties": {"name": ["x"] * 21}}, "too_long", "properties.name"),
        ({"schema": "Person", "properties": {"idNumber": ["269054958815780"]}}, "nir_refused", "properties.idNumber"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_the_property_and_never_a_value(
    query: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(UnreadableExample) as refused:
        examples.read(query)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert "Martin" not in refused.value.detail


def test_a_subject_is_told_in_the_conventions_properties() -> None:
    marie = Person(
        "Delatour", "Marie", date(1970, 2, 28), "Martin", "Lyon", (Identifier("rpps", "10000001916"),)
    )
    assert examples.caption(marie) == "Marie Martin"
    assert examples.properties_of(marie) == {
        "name": ["Marie Martin"],
        "firstName": ["Marie"],
        "lastName": ["Delatour", "Martin"],
        "birthDate": ["1970-02-28"],
        "birthPlace": ["Lyon"],
        "idNumber": ["rpps:10000001916"],
    }
    centre = Organisation("Centre des Lilas")
    assert (examples.schema_of(centre), examples.properties_of(centre)) == (
        "Organization",
        {"name": ["Centre des Lilas"]},
    )


def test_a_kind_that_was_not_asked_for_does_not_fit() -> None:
    marie, centre = Person("Delatour", "Marie"), Organisation("Centre des Lilas")
    for schema, fitting in (
        ("Person", [marie]),
        ("Company", [centre]),
        ("LegalEntity", [marie, centre]),
    ):
        example = Example(schema, {})
        assert [one for one in (marie, centre) if examples.fits(example, one)] == fitting
