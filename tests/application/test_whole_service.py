"""The state machine of the drills, a few stories of it: what `make drill` plays at length."""

from __future__ import annotations

from tests.drills.test_state_machine import play


def test_a_few_stories_of_the_whole_service_keep_its_word(cluster: str, template_database: str) -> None:
    counted = play(cluster, template_database, stories=20, steps=15, chance=False)
    assert counted["acknowledged"] > counted["refused"] > 0
    assert counted["stories"] >= 20
