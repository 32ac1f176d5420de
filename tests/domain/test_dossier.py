"""How somebody stood on a day, from their history alone: in days of Paris, as it was known when the day was over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from tests.domain.builders import ANNE, BRUNO, Matter, a_subject, act, moment, sealed
from watchlist.domain import dossier, retention
from watchlist.domain.aggregate import Aggregate
from watchlist.domain.dossier import Entered, Listed, Person, Span
from watchlist.domain.dossier_paper import STEPS, in_words
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.topics import all_events

LATER = datetime(2030, 1, 1, tzinfo=UTC)


def entered(*aggregates: Aggregate) -> list[Entered]:
    """What they decided, recorded at the instant it was decided."""
    return [
        Entered(position, event.at, event)
        for position, event in enumerate((event for one in aggregates for event in one.pending), 1)
    ]


def stood(matter: Matter, day: str, ids: Sequence[UUID] | None = None) -> dossier.Standing:
    known = frozenset(ids or [matter.person.id])
    on = dossier.day_of(date.fromisoformat(day), LATER)
    return dossier.standing_on([entered(matter.case)], Person(known, known), on)


@pytest.mark.parametrize(
    ("day", "listed"),
    [
        ("2020-05-31", Listed.NOT_AT_ALL),
        ("2020-06-01", Listed.PART_OF_DAY),
        ("2020-06-02", Listed.WHOLE_DAY),
        ("2025-06-01", Listed.WHOLE_DAY),
        ("2025-06-02", Listed.NOT_AT_ALL),
    ],
)
def test_listed_from_its_approval_to_the_end_of_its_last_day_in_paris(day: str, listed: Listed):
    matter = Matter()
    matter.inscribe("2020-06-01")
    assert stood(matter, day).listed is listed


def test_a_day_of_paris_may_have_twenty_three_or_twenty_five_hours():
    matter = Matter()
    matter.inscribe("2020-06-01")
    for day, hours in (("2021-03-28", 23), ("2021-10-31", 25), ("2024-02-29", 24)):
        ((since, until),) = stood(matter, day).spans
        assert (until - since).total_seconds() == hours * 3600


def test_a_term_that_elapses_under_a_procedure_is_told_as_held_from_that_midnight():
    matter = Matter()
    entry = matter.inscribe("2020-06-01", months=1)
    procedure = matter.open("2020-06-10")
    matter.end(procedure, "2020-07-02 12:00")
    assert stood(matter, "2020-07-01").entries[0].spans[0].held is False
    assert stood(matter, "2020-07-02").entries[0].spans == (
        Span(moment("2020-07-02 00:00"), moment("2020-07-02 12:00"), False, True),
    )
    held = dossier.entry_on(
        entered(matter.case),
        entry.id,
        Person(frozenset({matter.person.id}), frozenset()),
        dossier.day_of(date(2020, 7, 1), LATER),
    )
    assert held is not None
    assert (held.ends_at, held.held_by) == (None, (procedure,))


def test_what_was_not_recorded_yet_was_not_known():
    matter = Matter()
    entry = matter.inscribe("2020-06-01")
    matter.case.delist(act("2020-06-05", BRUNO), entry.id, DelistingGround.INACCURATE, sealed())
    assert stood(matter, "2020-06-04").listed is Listed.WHOLE_DAY
    assert stood(matter, "2020-06-05").listed is Listed.PART_OF_DAY
    (last,) = stood(matter, "2020-06-05").entries
    assert [one.what for one in last.steps][-1] == "inscription.delisted"
    assert stood(matter, "2020-06-04").entries[0].steps[-1].what == "inscription.approved"


def test_an_amended_proposal_tells_who_amended_it_and_the_grounds_it_then_had():
    matter = Matter()
    entry = matter.propose("2020-06-01")
    matter.approve(entry, "2020-06-02")
    (told,) = stood(matter, "2020-06-03").entries
    assert (told.proposed_by, told.last_amended_by, told.approved_by) == (ANNE, ANNE, BRUNO)
    assert told.listed_since == moment("2020-06-02")


def test_entries_of_another_subject_of_the_case_are_not_told():
    matter = Matter(subjects=2)
    matter.inscribe("2020-06-01", person=matter.people[1])
    assert stood(matter, "2020-06-03").entries == ()


def test_two_entries_that_meet_make_one_whole_day():
    covered = dossier.together(
        [
            Span(moment("2020-06-02 12:00"), moment("2020-06-03 00:00"), False, False),
            Span(moment("2020-06-02 00:00"), moment("2020-06-02 12:00"), True, False),
        ]
    )
    assert dossier.how_much(covered, dossier.day_of(date(2020, 6, 2), LATER)) is Listed.WHOLE_DAY


def test_who_stood_for_whom_is_told_by_the_day():
    one, other = a_subject(), a_subject()
    one.merge(act("2020-06-01"), other, sealed())
    one.split(act("2020-07-01"), other, sealed())
    histories = {one.id: entered(one), other.id: entered(other)}
    both = {one.id, other.id}
    for day, ids in (("2020-05-01", {other.id}), ("2020-06-15", both), ("2020-07-15", {other.id})):
        assert dossier.same_person(histories, other.id, moment(day)) == ids
    for subject, name in ((one, other), (other, one)):
        known = dossier.known_at(histories[subject.id], retention.NEVER)
        assert dossier.ever_together(known) == {name.id}


def test_a_day_that_is_not_over_is_told_up_to_now():
    day = dossier.day_of(date(2020, 6, 2), moment("2020-06-02 12:00"))
    assert (day.until, day.complete) == (moment("2020-06-02 12:00"), False)
    assert "n'est pas finie" in in_words(Listed.WHOLE_DAY, Listed.WHOLE_DAY, day).fr


def test_the_words_say_listed_and_never_guilty():
    day = dossier.day_of(date(2020, 6, 1), LATER)
    for listed in Listed:
        for answered in Listed:
            words = in_words(listed, answered, day)
            assert "1er juin 2020" in words.fr
            assert "listed" in words.en
            assert "coupable" not in words.fr


def test_every_event_that_a_dossier_can_cite_has_its_french_words():
    cited = {topic for topic in all_events() if topic.startswith(("subject.", "inscription.", "letter."))}
    assert cited <= set(STEPS)
