"""The whole service, played with: nothing acknowledged is lost, nothing is recorded twice (L3, L4, L8, P6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.drills.machine import WholeService

STORIES, STEPS = 120, 50


def test_whatever_happens_in_whatever_order_the_register_keeps_its_word(
    cluster: str, template_database: str, drill_report: Callable[..., None]
) -> None:
    counted = play(cluster, template_database, STORIES, STEPS)
    drill_report("state machine", **{name.replace(" ", "_"): count for name, count in counted.items()})
    assert (counted["lost"], counted["duplicated"]) == (0, 0)


def play(cluster: str, template: str, stories: int, steps: int, chance: bool = True) -> Counter[str]:
    """So many stories of so many steps; without chance, the same ones every time."""
    counted = Counter({"acknowledged": 0, "lost": 0, "duplicated": 0})
    machine = type("Machine", (WholeService,), {"cluster": cluster, "template": template, "counted": counted})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=stories,
            stateful_step_count=steps,
            deadline=None,
            derandomize=not chance,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return counted
