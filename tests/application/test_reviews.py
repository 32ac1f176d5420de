"""The outcome of a human review, and its memory: a homonym no longer hits there (S7)."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.stories import (
    ANOTHER,
    BRUNO,
    PAYER,
    Story,
    a_person,
    a_story,
    an_asking,
    ask,
    at_once,
    open_screening,
    rpps,
    screened_hits,
)
from watchlist.adapters.postgres.reviews import PostgresReviews
from watchlist.application.delist import delist
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.receipt import Receipt
from watchlist.application.register_subject import rectify_subject
from watchlist.application.review_hit import Finding, review_hit, reviews_of
from watchlist.application.rotate_lookups import rotate_lookups
from watchlist.application.work import Ask
from watchlist.domain.identifiers import Identifier
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.refusals import HitNoLongerStands, NoSuchHit
from watchlist.domain.review import ReviewOutcome
from watchlist.ports.registry import FIRST
from watchlist.ports.screening import Found

CONFIRMED, HOMONYM, NOT_CONCERNED = ReviewOutcome
NOTE = "une autre personne, née ailleurs"


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def screened(
    story: Story, organisation: str = PAYER, *identifiers: Identifier, **person: str
) -> tuple[bool, UUID]:
    """Whether a question hits now, and under which screening."""
    numbers = [{"scheme": one.scheme, "value": one.value} for one in identifiers]
    subject: dict[str, Any] = {"identifiers": numbers, **person} if numbers else person
    body = {"purpose": "claim_control", "file_reference": "D-1", "subjects": {"q1": subject}}

    async def answered() -> bytes:
        async with open_screening(story.house) as screening:
            return await screening.answer(json.dumps(body).encode(), an_asking(organisation))

    answer = json.loads(asyncio.run(answered()))
    return answer["results"]["q1"]["hit"], UUID(answer["screening_id"])


def hits(story: Story, organisation: str = PAYER, *identifiers: Identifier, **person: str) -> bool:
    return screened(story, organisation, *identifiers, **person)[0]


def reviewed(
    story: Story,
    screening_id: UUID,
    outcome: ReviewOutcome,
    note: str | None = None,
    organisation: str = PAYER,
    asked: Ask | None = None,
) -> Receipt:
    asked = asked or ask(organisation=organisation)
    return review_hit(story.desk, asked, Finding(screening_id, "q1", outcome, note))


def told(story: Story, screening_id: UUID, scope: str | None = PAYER) -> list[tuple[str, str | None]]:
    found = reviews_of(story.desk, screening_id, scope, FIRST, 100)
    return [(row["outcome"], row["note"]) for row in found]


def test_a_homonym_no_longer_hits_there_for_that_question_and_that_entry(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    reviewed(story, screening, HOMONYM, NOTE)
    assert not hits(story, PAYER, rpps(1))
    assert hits(story, ANOTHER, rpps(1))
    assert hits(story, PAYER, family_name="LEFEVRE", given_names="Anne", birth_date="1970-01-02")
    assert told(story, screening) == [("homonym", NOTE)]


def test_of_what_was_dismissed_whoever_asks_reads_their_own_alone(story: Story) -> None:
    """However much another organisation dismissed on an entry, one's own question costs no more."""
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    for organisation in (PAYER, ANOTHER):
        _, screening_id = screened(story, organisation, rpps(1))
        reviewed(story, screening_id, HOMONYM, organisation=organisation)
    digests = story.desk.lookups.now.asked.question((rpps(1),)).digests

    async def found(*organisations: str) -> list[Found]:
        async with open_screening(story.house) as screening:
            return await asyncio.gather(*(screening.index.find(digests, one) for one in organisations))

    def dismissed(found: Found) -> list[bytes]:
        return [pair for tokens in found.tokens.values() for token in tokens for pair in token.dismissed_by]

    (own,) = asyncio.run(found(PAYER))
    assert [pair.startswith(PAYER.encode()) for pair in dismissed(own)] == [True]
    (nobody,) = asyncio.run(found("NOBODY"))
    assert dismissed(nobody) == []
    assert [len(dismissed(one)) for one in asyncio.run(found(PAYER, ANOTHER))] == [2, 2]  # asked together
    assert not hits(story, PAYER, rpps(1))
    assert not hits(story, ANOTHER, rpps(1))
    assert entry in {token.entry for tokens in nobody.tokens.values() for token in tokens}


def test_another_entry_that_answers_the_same_question_hits_all_the_same(story: Story) -> None:
    person = {"family_name": "Lefevre", "given_names": "Anne", "birth_date": "1970-01-02"}
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    hit, screening = screened(story, **person)
    assert hit
    reviewed(story, screening, HOMONYM)
    assert not hits(story, **person)
    _, _, other = story.listed(a_person("Lefèvre", "Anne", rpps(2)))
    assert hits(story, **person)
    told_of = story.rows("SELECT inscription_id FROM hits WHERE screening_id <> %b", screening)
    assert [row["inscription_id"] for row in told_of] == [other]


@pytest.mark.parametrize("outcome", [CONFIRMED, NOT_CONCERNED])
def test_another_outcome_is_only_recorded(story: Story, outcome: ReviewOutcome) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    reviewed(story, screening, outcome)
    assert hits(story, PAYER, rpps(1))
    assert story.count("homonyms") == 0
    assert told(story, screening) == [(outcome, None)]


@pytest.mark.parametrize("outcome", [CONFIRMED, NOT_CONCERNED])
def test_the_last_review_counts_so_that_a_homonym_is_taken_back(story: Story, outcome: ReviewOutcome) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    first, second = screened_hits(story, rpps(1), rpps(1))
    reviewed(story, first, HOMONYM)
    assert [row["stands"] for row in story.rows("SELECT stands FROM hits")] == [False, False]
    reviewed(story, second, outcome)
    assert hits(story, PAYER, rpps(1))
    stands = story.rows("SELECT stands FROM hits WHERE screening_id = ANY(%b)", [first, second])
    assert [row["stands"] for row in stands] == [True, True]


def test_a_homonym_is_not_taken_back_once_the_entry_has_ended(story: Story) -> None:
    """While it was no hit to whoever asked, nobody told them that it stopped: they learn it now."""
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    reviewed(story, screening, HOMONYM)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "payé")
    with pytest.raises(HitNoLongerStands):
        reviewed(story, screening, CONFIRMED)
    assert told(story, screening) == [("homonym", None)]


def test_a_homonym_whose_entry_ends_while_it_is_taken_back_stays_one(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    reviewed(story, screening, HOMONYM)
    record = PostgresReviews.record

    def overtaken(*args: Any) -> None:
        monkeypatch.setattr(PostgresReviews, "record", record)
        delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "payé")
        record(*args)

    monkeypatch.setattr(PostgresReviews, "record", overtaken)
    with pytest.raises(HitNoLongerStands):
        reviewed(story, screening, CONFIRMED)
    assert (story.count("homonyms"), story.count("reviews")) == (1, 1)


def test_an_outcome_that_dismissed_nothing_leaves_what_was_told_of_the_hit(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "payé")
    with story.house.pool.connection() as conn:
        conn.execute("UPDATE hits SET stands = true")  # as long as its end was not told
    reviewed(story, screening, CONFIRMED)
    assert story.rows("SELECT stands FROM hits") == [{"stands": True}]


def test_the_same_outcome_again_is_recorded_once(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    first = reviewed(story, screening, HOMONYM, NOTE)
    again = [reviewed(story, screening, HOMONYM, note) for note in (NOTE, None)]
    assert [(receipt.id, receipt.created) for receipt in again] == [(first.id, False)] * 2
    reviewed(story, screening, HOMONYM, "vérifié une seconde fois")
    assert told(story, screening) == [("homonym", NOTE), ("homonym", "vérifié une seconde fois")]


def test_the_same_command_is_carried_out_once(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    command = ask(organisation=PAYER, mac=b"one")
    first = reviewed(story, screening, HOMONYM, asked=command)
    reviewed(story, screening, CONFIRMED)
    assert reviewed(story, screening, HOMONYM, asked=command).id == first.id
    assert [outcome for outcome, _ in told(story, screening)] == ["homonym", "confirmed"]


def test_only_whoever_was_told_of_a_hit_reviews_it(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    for organisation, screened, key in (
        (ANOTHER, screening, "q1"),
        (PAYER, uuid4(), "q1"),
        (PAYER, screening, "q2"),
    ):
        with pytest.raises(NoSuchHit):
            review_hit(story.desk, ask(organisation=organisation), Finding(screened, key, CONFIRMED))
    reviewed(story, screening, CONFIRMED)
    assert told(story, screening, ANOTHER) == []
    assert told(story, screening, None) == [("confirmed", None)]


# Until the entry's identity changes ------------------------------------------------------------


def dismissed(story: Story) -> UUID:
    """A listed subject whose number was found to be of somebody else."""
    subject, _, _ = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    reviewed(story, screening, HOMONYM)
    assert not hits(story, PAYER, rpps(1))
    return subject


def test_a_homonym_hits_again_once_the_entry_is_rectified(story: Story) -> None:
    subject = dismissed(story)
    another = a_person("Lefèvre", "Anne-Marie", rpps(1))
    rectify_subject(story.desk, ask(), subject, another, "prénom incomplet", 1)
    assert hits(story, PAYER, rpps(1))
    assert story.count("homonyms") == 0


def test_a_homonym_hits_again_once_the_entry_is_of_merged_or_split_subjects(story: Story) -> None:
    subject = dismissed(story)
    double = story.subject(a_person("Lefèvre", "Anne"))
    merge_subjects(story.desk, ask(), double, subject, "doublon")
    (screening,) = screened_hits(story, rpps(1))
    reviewed(story, screening, HOMONYM)
    assert not hits(story, PAYER, rpps(1))
    split_subjects(story.desk, ask(), double, subject, "deux personnes")
    assert hits(story, PAYER, rpps(1))


def test_a_homonym_stays_one_when_another_entry_changes_or_this_one_does_otherwise(story: Story) -> None:
    subject = dismissed(story)
    other, _, _ = story.listed(a_person("Martin", "Paul", rpps(2)))
    rectify_subject(story.desk, ask(), other, a_person("Martin", "Paule", rpps(2)), "prénom", 1)
    story.case(subject)
    assert not hits(story, PAYER, rpps(1))


def test_a_homonym_stays_one_when_the_look_up_key_rotates(story: Story) -> None:
    dismissed(story)
    rotate_lookups(story.desk, story.house.rotation, grace=0)
    assert not hits(story, PAYER, rpps(1))
    assert hits(story, ANOTHER, rpps(1))


# At once ---------------------------------------------------------------------------------------


def test_reviews_that_come_together_are_recorded_one_after_the_other(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    outcomes = [HOMONYM, CONFIRMED, HOMONYM, NOT_CONCERNED] * 2
    receipts = at_once([partial(reviewed, story, screening, outcome) for outcome in outcomes])
    assert all(isinstance(receipt, Receipt) for receipt in receipts), receipts
    recorded = [outcome for outcome, _ in told(story, screening)]
    assert all(one != next_one for one, next_one in pairwise(recorded))
    assert hits(story, PAYER, rpps(1)) is (recorded[-1] != HOMONYM)
    assert story.count("homonyms") == (recorded[-1] == HOMONYM)


def test_the_same_review_sent_twice_at_once_is_recorded_once(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (screening,) = screened_hits(story, rpps(1))
    receipts = at_once([lambda: reviewed(story, screening, HOMONYM, NOTE)] * 4)
    assert len({receipt.id for receipt in receipts if isinstance(receipt, Receipt)}) == 1
    assert told(story, screening) == [("homonym", NOTE)]


# Counted ---------------------------------------------------------------------------------------


def test_hits_that_nobody_reviewed_are_counted(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    first, _ = screened_hits(story, rpps(1), rpps(1))
    screened_hits(story, rpps(1), asking=an_asking(ANOTHER))
    count = story.desk.reviews.unreviewed
    assert (count(PAYER), count(ANOTHER), count(None)) == (2, 1, 3)
    reviewed(story, first, NOT_CONCERNED)
    assert (count(PAYER), count(ANOTHER), count(None)) == (1, 1, 2)
