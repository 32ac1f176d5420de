"""The access log and the register of disclosures: written in groups, append-only, kept by the month (T1, S6, S8)."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from tests.stories import (
    MONDAY,
    ORGANISATION,
    PAYER,
    Story,
    a_person,
    a_story,
    an_asking,
    open_screening,
    rpps,
)


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def body(*numbers: int, purpose: str = "third_party_payment") -> bytes:
    subjects = {f"q{n}": {"identifiers": [{"scheme": "rpps", "value": rpps(n).value}]} for n in numbers}
    return json.dumps({"purpose": purpose, "file_reference": "LOT-1", "subjects": subjects}).encode()


def answered(story: Story, *bodies: bytes) -> list[dict[str, Any]]:
    async def all_at_once() -> list[bytes]:
        async with open_screening(story.house) as screening:
            return await asyncio.gather(*(screening.answer(one, an_asking()) for one in bodies))

    return [json.loads(answer) for answer in asyncio.run(all_at_once())]


def test_a_screening_without_a_hit_says_who_asked_and_never_for_whom(story: Story) -> None:
    (answer,) = answered(story, body(1, 2))
    (row,) = story.rows("SELECT * FROM accesses")
    assert row["screening_id"] == UUID(answer["screening_id"])
    assert (row["organisation"], row["operation"], row["role"]) == (PAYER, "screen", "integrator")
    assert (row["reference"], row["purpose"], row["asked"], row["hits"]) == (
        "LOT-1",
        "third_party_payment",
        2,
        0,
    )
    assert (row["at"], row["key_id"], row["request_id"]) == (MONDAY, "0123456789abcdef", "request-1")
    assert row["subject_ids"] == []
    assert story.count("disclosures") == story.count("hits") == 0


def test_a_hit_is_a_disclosure_and_the_access_names_its_subject_only(story: Story) -> None:
    subject, case, entry = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (answer,) = answered(story, body(1, 2))
    assert answer["results"] == {"q1": {"hit": True}, "q2": {"hit": False}}
    (row,) = story.rows("SELECT * FROM accesses")
    assert (row["asked"], row["hits"], row["subject_ids"]) == (2, 1, [subject])
    (told,) = story.rows("SELECT * FROM disclosures")
    assert (told["kind"], told["recipient"], told["organisation"]) == ("hit", "third_party_payer", PAYER)
    assert (told["owner"], told["subject_id"], told["case_id"]) == (ORGANISATION, subject, case)
    assert (told["inscription_id"], str(told["screening_id"])) == (entry, answer["screening_id"])
    (hit,) = story.rows("SELECT * FROM hits")
    assert (hit["key"], hit["inscription_id"], hit["stands"], hit["generation"]) == ("q1", entry, True, 1)
    assert hit["disclosure_id"] == told["disclosure_id"]


def test_screenings_that_come_together_are_written_together(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    answers = answered(story, *(body(n % 3) for n in range(60)))
    assert [answer["results"][f"q{n % 3}"]["hit"] for n, answer in enumerate(answers)] == [
        n % 3 == 1 for n in range(60)
    ]
    rows = story.rows("SELECT xmin::text AS written_by, screening_id, hits FROM accesses")
    assert {str(row["screening_id"]) for row in rows} == {answer["screening_id"] for answer in answers}
    assert sum(row["hits"] for row in rows) == story.count("disclosures") == 20
    assert len({row["written_by"] for row in rows}) < 12
