"""How an entry stood, as it was and as we knew it: the table of decision 0026 (L1, L7, L9, C8, T3)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from msgspec import structs

from watchlist.domain.inscription import DelistingGround
from watchlist.domain.retention import NEVER, Term
from watchlist.domain.standing import Moment, why_ended
from watchlist.projections.as_of import HistoryRow, Turn, difference, standing_at
from watchlist.projections.rows import Standing

MARCH = datetime(2024, 3, 1, 12, tzinfo=UTC)
"""When the approval was recorded."""
A_MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TODAY = date(2024, 3, 1)
ORIGINAL = date(2022, 6, 15)
ORIGINAL_MIDNIGHT = datetime(2022, 6, 14, 22, tzinfo=UTC)
HERS, ANOTHERS = UUID(int=1), UUID(int=2)
PROCEDURE = UUID(int=9)


def a_standing(inscribed_on: date = TODAY, months: int = 12) -> Standing:
    term = Term(inscribed_on, months)
    return Standing(
        inscription_id=UUID(int=7),
        case_id=UUID(int=8),
        subject_id=HERS,
        organisation="GRPM",
        inscribed_at=MARCH,
        inscribed_on=inscribed_on,
        term_months=months,
        last_listed_day=term.last_listed_day,
        listed_until=term.elapses_at,
        ends_at=term.elapses_at,
        held_by=[],
        restricted=False,
    )


def recorded(*rows: tuple[datetime, Standing], until: datetime = NEVER) -> list[HistoryRow]:
    """Rows that follow each other; the last one stands, or is closed."""
    begin = [at for at, _ in rows]
    return [
        HistoryRow(standing, at, end) for (at, standing), end in zip(rows, [*begin[1:], until], strict=True)
    ]


def as_we_knew_it(history: list[HistoryRow], at: datetime) -> Standing | None:
    return standing_at(history, Moment.as_we_knew_it(at))


def as_it_was(history: list[HistoryRow], at: datetime, known_at: datetime = NOW) -> Standing | None:
    return standing_at(history, Moment(at, known_at))


ORDINARY = recorded((MARCH, a_standing()))
ENDS = a_standing().ends_at


@pytest.mark.parametrize(
    ("at", "listed"),
    [
        (MARCH - A_MOMENT, False),
        (MARCH, True),
        (ENDS - A_MOMENT, True),
        (ENDS, False),
    ],
)
def test_an_entry_is_listed_from_its_recorded_approval_until_its_term_whoever_swept(
    at: datetime, listed: bool
) -> None:
    swept = recorded((MARCH, a_standing()), until=ENDS + 30 * DAY)
    for history in (ORDINARY, swept):
        assert (as_we_knew_it(history, at) is not None) is listed
        assert (as_it_was(history, at) is not None) is listed


def test_an_entry_is_not_listed_from_the_morning_of_its_approval() -> None:
    """Its civil date begins at midnight; it was answered from noon on (L7: never back-dated)."""
    assert as_it_was(ORDINARY, MARCH.replace(hour=3)) is None


def test_an_imported_entry_was_listed_since_its_original_day_and_we_knew_it_from_its_approval_on() -> None:
    imported = recorded((MARCH, a_standing(ORIGINAL, 60)))
    assert as_we_knew_it(imported, MARCH - DAY) is None
    assert as_it_was(imported, MARCH - DAY) is not None
    assert as_it_was(imported, ORIGINAL_MIDNIGHT) is not None
    assert as_it_was(imported, ORIGINAL_MIDNIGHT - A_MOMENT) is None
    assert as_we_knew_it(imported, MARCH) == as_it_was(imported, MARCH)


def test_before_the_import_was_recorded_nobody_knew_of_it_even_as_it_was() -> None:
    imported = recorded((MARCH, a_standing(ORIGINAL, 60)))
    assert as_it_was(imported, MARCH - 3 * DAY, known_at=MARCH - DAY) is None
    assert as_it_was(imported, MARCH - 3 * DAY, known_at=MARCH) is not None


def test_what_another_list_restricted_or_held_before_the_import_is_not_ours_to_say() -> None:
    held = structs.replace(a_standing(ORIGINAL, 60), held_by=[PROCEDURE], restricted=True)
    before = as_it_was(recorded((MARCH, held)), MARCH - DAY)
    assert before is not None
    assert (before.restricted, before.held_by) == (False, [])


def test_a_delisting_takes_effect_when_it_is_recorded_even_as_inaccurate() -> None:
    delisted_at = MARCH + 10 * DAY
    delisted = recorded((MARCH, a_standing()), until=delisted_at)
    assert as_we_knew_it(delisted, delisted_at - A_MOMENT) is not None
    assert as_it_was(delisted, delisted_at - A_MOMENT) is not None
    assert as_we_knew_it(delisted, delisted_at) is None
    assert as_it_was(delisted, delisted_at) is None


def test_a_restriction_and_its_lifting_are_told_of_the_time_they_were_in_effect() -> None:
    restricted = structs.replace(a_standing(), restricted=True)
    history = recorded((MARCH, a_standing()), (MARCH + DAY, restricted), (MARCH + 2 * DAY, a_standing()))
    for ask in (as_we_knew_it, as_it_was):
        told = [ask(history, MARCH + hours * DAY / 2) for hours in range(6)]
        assert [one.restricted for one in told if one] == [False, False, True, True, False, False]


def test_a_procedure_whose_end_was_recorded_late_held_the_entry_until_it_was_recorded() -> None:
    """L1 as the register keeps it: a hold lasts until its end is recorded, whatever day the court names."""
    ended = ENDS + 20 * DAY
    held = structs.replace(a_standing(), held_by=[PROCEDURE], ends_at=NEVER)
    over = structs.replace(a_standing(), ends_at=ended)
    history = recorded((MARCH, held), (ended, over), until=ended + DAY)
    for ask in (as_we_knew_it, as_it_was):
        assert ask(history, ended - A_MOMENT) is not None
        assert ask(history, ended) is None


def test_an_end_recorded_a_little_after_it_came_counts_from_when_it_came() -> None:
    ended, recorded_at = ENDS + 20 * DAY, ENDS + 20 * DAY + timedelta(seconds=1)
    held = structs.replace(a_standing(), held_by=[PROCEDURE], ends_at=NEVER)
    history = recorded((MARCH, held), (recorded_at, structs.replace(a_standing(), ends_at=ended)))
    between = ended + timedelta(milliseconds=500)
    assert as_we_knew_it(history, between) is not None
    assert as_it_was(history, between) is None


def test_a_procedure_recorded_later_says_nothing_of_who_was_held_before() -> None:
    held = structs.replace(a_standing(), held_by=[PROCEDURE], ends_at=NEVER)
    history = recorded((MARCH, a_standing()), (MARCH + 5 * DAY, held))
    before = as_it_was(history, MARCH + DAY)
    assert before is not None
    assert before.held_by == []


def test_whose_an_entry_was_follows_what_is_known_of_the_persons() -> None:
    merged = structs.replace(a_standing(), subject_id=ANOTHERS)
    history = recorded((MARCH, a_standing()), (MARCH + 5 * DAY, merged), (MARCH + 9 * DAY, a_standing()))

    def whose(known_at: datetime) -> UUID | None:
        found = as_it_was(history, MARCH + DAY, known_at)
        return found and found.subject_id

    assert whose(MARCH + DAY) == HERS
    assert whose(MARCH + 6 * DAY) == ANOTHERS
    assert whose(MARCH + 10 * DAY) == HERS


def test_of_an_entry_that_was_never_approved_there_is_no_history() -> None:
    assert as_it_was([], NOW) is None


# Why it left, and what changed ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "ground", "told"),
    [
        (MARCH + DAY, DelistingGround.REPAID, DelistingGround.REPAID),
        (ENDS + DAY, DelistingGround.TERM_ELAPSED, DelistingGround.TERM_ELAPSED),
        (NEVER, None, DelistingGround.TERM_ELAPSED),
    ],
)
def test_an_entry_left_on_its_ground_or_by_its_term(
    until: datetime, ground: DelistingGround | None, told: DelistingGround
) -> None:
    (row,) = recorded((MARCH, a_standing()), until=until)
    assert why_ended(row, NOW, ground) is told


def turn(history: list[HistoryRow], first: datetime, second: datetime) -> tuple[Turn, list[str]] | None:
    moments = Moment.as_we_knew_it(first), Moment.as_we_knew_it(second)
    found = difference(history, *moments, DelistingGround.REPAID)
    return found and (found.turn, found.fields)


def test_between_two_instants_an_entry_enters_changes_or_leaves() -> None:
    restricted = structs.replace(a_standing(), restricted=True)
    history = recorded((MARCH, a_standing()), (MARCH + DAY, restricted), until=MARCH + 5 * DAY)
    assert turn(history, MARCH - DAY, MARCH) == (Turn.ENTERED, [])
    assert turn(history, MARCH, MARCH + DAY) == (Turn.CHANGED, ["restricted"])
    assert turn(history, MARCH, MARCH + 5 * DAY) == (Turn.LEFT, [])
    assert turn(history, MARCH, MARCH + A_MOMENT) is None
    assert turn(history, MARCH - DAY, MARCH + 9 * DAY) is None
