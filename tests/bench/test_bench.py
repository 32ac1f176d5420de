"""The bench measures what it says, on data that the verbs could have left. No floor is asserted: machines differ."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bench import __main__ as bench
from bench import report
from bench.figure import Figure
from bench.premises import Premises, premises
from bench.sizes import TINY
from watchlist.application.replay import check

OF_TENTHS = ("erasure", "sweep")
"""Their rounds are parts of one run; a small one has few."""
CHEAP = ("commands", "case_file", "replay", "as_of", "erasure", "sweep")


@pytest.fixture(scope="module")
def seeded() -> Iterator[Premises]:
    with premises(TINY) as place:
        yield place


def test_the_seeded_pictures_are_what_a_replay_gives(seeded: Premises) -> None:
    told, differences = check(seeded.house.desk, seeded.house.snapshots)

    assert differences == []
    assert len(told.listed(seeded.house.clock.now())) == TINY.entries


def test_every_cheap_figure_is_reported_beside_its_floor(seeded: Premises) -> None:
    figures = [figure for name in CHEAP for figure in bench.MEASURES[name](seeded)]
    table = report.table(figures)

    assert {figure.name: figure.floor for figure in figures} == {
        "add_note": 0.6,
        "register_subject": 0.4,
        "case_file": 0.5,
        "replay": 0.4,
        "as_of": 50,
        "erasure": 200,
        "sweep": 1500,
    }
    assert all(f"{figure.floor:,g}" in table and figure.name in table for figure in figures)
    assert all(len(figure.rounds) >= 5 for figure in figures if figure.name not in OF_TENTHS)
    assert json.loads(json.dumps(report.document(figures, [], report.machine())))["met"] in (True, False)


def test_the_seal_is_measured_in_a_database_of_its_own(seeded: Premises) -> None:
    figures = list(bench.MEASURES["seal"](seeded))
    assert {figure.name: figure.floor for figure in figures} == {"sealing": 200_000, "inclusion proof": 1_000}
    assert seeded.house.sealed_log.size() == 0


def test_a_figure_under_its_floor_is_told_and_fails_the_run() -> None:
    under, over = Figure("under", (0.5, 0.3, 0.4), "of bare", 0.6), Figure("over", (0.7,), "of bare", 0.6)

    assert (under.value, under.met, over.met) == (0.4, False, True)
    assert not report.met([under, over])
    assert "NO" in report.table([under, over])


def test_a_figure_with_an_alternative_is_met_by_either() -> None:
    fast = Figure("batch", (120_000.0,), "/s", 100_000)

    assert Figure("batch", (0.1,), "of bare SQL", 0.4, instead=fast).met
    assert Figure("batch", (0.5,), "of bare SQL", 0.4).met
    assert Figure("shown", (1.0,), "seconds").met is None


def test_a_rebuild_is_measured_with_no_row_different(seeded: Premises) -> None:
    (figure,) = bench.MEASURES["rebuild"](seeded)
    assert figure.floor == pytest.approx(16_666.7, rel=0.001)
    assert "0 rows different" in figure.detail
