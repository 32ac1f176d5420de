"""Detail requests: by when an owner answers, and what the asker is told of it (C6)."""

from datetime import UTC, datetime

import pytest

from watchlist.domain.detail_request import DetailState, due_at, state_told
from watchlist.domain.review import ReviewOutcome, dismisses

WAITING, ANSWERED, REFUSED, CLOSED = DetailState


def test_an_answer_is_due_by_the_end_of_the_fifteenth_day_in_paris() -> None:
    late_in_the_evening = datetime(
        2026, 3, 14, 23, 30, tzinfo=UTC
    )  # the 15th in Paris, and summer time begins
    assert due_at(late_in_the_evening) == datetime(2026, 3, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({WAITING}, WAITING),
        ({WAITING, REFUSED}, WAITING),
        ({WAITING, ANSWERED, REFUSED}, ANSWERED),
        ({REFUSED}, REFUSED),
        ({REFUSED, CLOSED}, REFUSED),
        ({CLOSED}, CLOSED),
    ],
)
def test_a_question_is_answered_by_the_first_owner_and_refused_only_by_all(
    states: set[DetailState], told: DetailState
) -> None:
    assert state_told(states) is told


def test_only_a_homonym_hits_no_more() -> None:
    assert [outcome for outcome in ReviewOutcome if dismisses(outcome)] == [ReviewOutcome.HOMONYM]
