"""The schedule: each thing that falls due has a rule, and somebody who sees to it."""

import re

import pytest

from watchlist.domain.schedule import SCHEDULE, DeadlineKind


def test_everything_that_falls_due_is_somebodys_duty():
    assert set(SCHEDULE) == set(DeadlineKind)


@pytest.mark.parametrize("kind", DeadlineKind)
def test_a_duty_names_its_rule_and_is_said_in_two_languages(kind):
    duty = SCHEDULE[kind]
    assert re.fullmatch(r"[LCSPT][0-9]{1,2}", duty.rule)
    assert duty.fr.endswith(".")
    assert duty.en.endswith(".")
    assert duty.fr != duty.en


def test_only_ends_purges_and_erasures_happen_by_themselves():
    by_machine = {kind for kind, duty in SCHEDULE.items() if duty.by_machine}
    assert by_machine == {"delisting", "alert_purge", "case_purge", "subject_erasure"}
