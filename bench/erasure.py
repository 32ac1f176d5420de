"""An erasure of many at once: the sweep, six months after subjects were registered whom no case ever named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from time import perf_counter
from uuid import uuid4

from bench import population
from bench.commands import ANNE, ORGANISATION
from bench.figure import Figure
from bench.premises import Premises
from bench.sweep import slices
from watchlist.adapters.clock import ManualClock
from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, decided
from watchlist.application.register_subject import begin_subject
from watchlist.application.sweep import sweep
from watchlist.application.work import Ask, Work
from watchlist.cli.terminal import bar
from watchlist.domain.subject import Role

FIRST = population.NEWCOMERS + 95_000_000
CHUNK = 500
AFTER_SIX_MONTHS = timedelta(days=200)
"""Before any entry ends: those were inscribed in the last four years, for five."""


def measure(premises: Premises) -> Iterator[Figure]:
    """Erasures a second, from the decision to the certificate: journal on disk, key destroyed, look-ups gone."""
    count = premises.sizes.erased
    _register(premises.house.desk, count)
    premises.settle()
    later = ManualClock(premises.house.clock.now() + AFTER_SIX_MONTHS)
    with premises.another_house(later) as house, bar("erasure", count) as moved:
        times = [(0, perf_counter())]

        def progress(done: int) -> None:
            moved(done)
            times.append((done, perf_counter()))

        report = sweep(house.desk, progress=progress)
    if report.failed or report.subjects_erased < count:
        raise RuntimeError(f"the sweep erased {report.subjects_erased} of {count}")
    overall = report.subjects_erased / (times[-1][1] - times[0][1])
    told = f"{report.subjects_erased:,} subjects, {overall:,.0f}/s overall"
    yield Figure("erasure", slices(times), "erasures/s", 200, told)


def _register(desk: Desk, count: int) -> None:
    """Subjects and nothing else: nobody retains them."""
    with bar("registering", count) as moved:
        for first in range(0, count, CHUNK):
            numbers = range(FIRST + first, FIRST + min(first + CHUNK, count))
            desk.carry_out(Ask(ANNE, ORGANISATION), lambda work, numbers=numbers: _begun(desk, work, numbers))
            moved(first + len(numbers))


def _begun(desk: Desk, work: Work, numbers: range) -> Decided:
    people = {uuid4(): population.person(number) for number in numbers}
    work.new_owners(*people)
    return decided(
        *(begin_subject(desk, work, id, Role.HEALTH_PROFESSIONAL, person) for id, person in people.items())
    )
