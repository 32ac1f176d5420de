"""A command whose answer was lost may be sent again when what it was about is gone: it is answered alike."""

from __future__ import annotations

from tests.stories import a_story, ask
from watchlist.application.erase import erase_subject
from watchlist.application.work_on_case import add_note


def test_a_command_of_a_case_that_was_purged_since_is_answered_as_the_first_time(database_url: str) -> None:
    with a_story(database_url) as story:
        subject, case, _ = story.listed()
        asked = ask()
        first = add_note(story.desk, asked, case, "une note")
        erase_subject(story.desk, ask(), subject)
        assert add_note(story.desk, asked, case, "une note") == first
