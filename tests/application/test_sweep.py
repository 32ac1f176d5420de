"""The sweep: idempotent, catching up, exactly once however many run (L1, L3, L4, C1)."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from scheduler.jobs.sweep import sweep_the_list
from tests.stories import BRUNO, MONDAY, ORGANISATION, Story, a_house, a_story, ask
from watchlist.adapters.clock import ManualClock
from watchlist.application.delist import delist
from watchlist.application.open_case import RaisedAlert, qualify_alert, raise_alert
from watchlist.application.replay import check
from watchlist.application.sweep import due, sweep
from watchlist.domain import refusals
from watchlist.domain.case import Case
from watchlist.domain.case_events import Source
from watchlist.domain.inscription import DelistingGround, State

LAST_LISTED_INSTANT = datetime(2026, 3, 15, 22, 59, 59, tzinfo=UTC)
ELAPSED = datetime(2026, 3, 15, 23, 0, tzinfo=UTC)


@pytest.fixture
def register(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def delistings(register: Story) -> Counter[str]:
    with register.house.snapshots.snapshot() as snapshot:
        return Counter(event.TOPIC for _, _, event in snapshot.events())


def test_an_entry_is_delisted_when_its_term_has_elapsed_and_not_before(register: Story) -> None:
    _, case, entry = register.listed()
    register.clock.move_to(LAST_LISTED_INSTANT)
    assert sweep(register.desk).delisted == 0
    register.clock.move_to(ELAPSED)
    assert sweep(register.desk).delisted == 1
    inscription = register.desk.case(case, ORGANISATION).inscription(entry)
    assert inscription.state is State.DELISTED
    assert inscription.delisting_ground is DelistingGround.TERM_ELAPSED


def test_a_second_sweep_finds_nothing_to_do(register: Story) -> None:
    register.listed()
    register.clock.move_to(ELAPSED)
    assert sweep(register.desk).delisted == 1
    assert sweep(register.desk).delisted == 0
    assert delistings(register)["inscription.delisted"] == 1


def test_without_a_sweep_for_a_month_nothing_ended_is_on_the_list(register: Story) -> None:
    _, _, entry = register.listed()
    register.clock.move_to(LAST_LISTED_INSTANT)
    assert register.on_the_list() == {entry}
    register.clock.move_to(ELAPSED + timedelta(days=30))
    assert register.on_the_list() == set()


def test_an_ongoing_procedure_holds_the_entry_until_the_day_it_ends(register: Story) -> None:
    subject, case, entry = register.listed()
    procedure = register.open_procedure(case, subject)
    register.clock.move_to(ELAPSED + timedelta(days=400))
    assert sweep(register.desk).delisted == 0
    assert register.on_the_list() == {entry}
    register.end_procedure(case, procedure)
    assert register.on_the_list() == set()
    assert sweep(register.desk).delisted == 1


def test_three_schedulers_at_once_delist_each_entry_once(register: Story, database_url: str) -> None:
    entries = 40
    for _ in range(entries):
        register.listed()
    register.clock.move_to(ELAPSED)

    def another_scheduler(_: int) -> int:
        with a_house(database_url, ManualClock(ELAPSED)) as house:
            return sum(sweep(house.desk, limit=7).delisted for _ in range(5))

    with ThreadPoolExecutor(3) as schedulers:
        swept = sum(schedulers.map(another_scheduler, range(3)))
    assert swept == entries
    assert delistings(register)["inscription.delisted"] == entries


def test_a_decision_taken_while_the_sweep_runs_is_not_recorded_twice(register: Story) -> None:
    _, _, entry = register.listed()
    register.clock.move_to(ELAPSED)
    sweep(register.desk)
    with pytest.raises(refusals.NotListed):
        delist(register.desk, ask(BRUNO), entry, DelistingGround.REPAID, "reason")


def test_one_case_that_cannot_be_read_keeps_no_other_listed(
    register: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, broken, _ = register.listed()
    register.listed()
    decide = Case.delist_elapsed

    def failing(case: Case, act: object) -> int:
        if case.id == broken:
            raise RuntimeError("broken")
        return decide(case, act)

    monkeypatch.setattr(Case, "delist_elapsed", failing)
    register.clock.move_to(ELAPSED)
    report = sweep(register.desk)
    assert (report.delisted, report.failed) == (1, [broken])


def test_a_dry_run_counts_what_will_be_due_and_records_nothing(register: Story) -> None:
    register.listed()
    before = register.house.register.position()
    assert due(register.desk, ELAPSED).delisted == 1
    assert due(register.desk, LAST_LISTED_INSTANT).delisted == 0
    assert register.house.register.position() == before


def raised(register: Story, day: date) -> UUID:
    subject = register.subject()
    alert = RaisedAlert((subject,), day, Source.TIP_OFF, "summary")
    return raise_alert(register.desk, ask(), alert).id


def vault_rows(register: Story, owner: UUID) -> int:
    return int(register.rows("SELECT count(*) AS n FROM vault WHERE owner = %b", owner)[0]["n"])


def test_an_alert_not_qualified_within_six_months_is_purged(register: Story) -> None:
    alert = raised(register, MONDAY.date())
    register.clock.move_to(datetime(2021, 9, 15, 21, 59, tzinfo=UTC))
    assert sweep(register.desk).alerts_purged == 0
    register.clock.move_to(datetime(2021, 9, 15, 22, 0, tzinfo=UTC))
    assert sweep(register.desk).alerts_purged == 1
    assert register.desk.case(alert, ORGANISATION).state == "purged"
    assert vault_rows(register, alert) == 0
    assert register.desk.keyring.keys([alert]) == {}
    assert sweep(register.desk).alerts_purged == 0


def test_an_expired_alert_can_no_longer_be_qualified_though_nobody_swept(register: Story) -> None:
    alert = raised(register, MONDAY.date())
    register.clock.move_to(datetime(2021, 9, 15, 22, 0, tzinfo=UTC))
    with pytest.raises(refusals.AlertExpired):
        qualify_alert(register.desk, ask(), alert, True, "late")


def test_an_alert_found_not_relevant_is_purged_at_once(register: Story) -> None:
    alert = raised(register, MONDAY.date())
    receipt = qualify_alert(register.desk, ask(), alert, False, "nothing in it")
    assert receipt["state"] == "dismissed"
    assert register.desk.case(alert, ORGANISATION).state == "purged"
    assert vault_rows(register, alert) == 0


def test_a_purge_that_a_crash_interrupted_is_done_by_the_next_sweep(
    register: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = raised(register, MONDAY.date())
    with monkeypatch.context() as killed:
        killed.setattr(type(register.desk.keyring), "destroy", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            qualify_alert(register.desk, ask(), alert, False, "nothing in it")
    assert register.desk.case(alert, ORGANISATION).state == "dismissed"
    assert sweep(register.desk).alerts_purged == 1
    assert vault_rows(register, alert) == 0


def _interrupt(*_: object) -> bool:
    raise KeyboardInterrupt


def test_after_a_sweep_the_pictures_are_what_the_log_says(register: Story) -> None:
    for months in (1, 12, 60):
        subject, case, _ = register.listed(months=months)
        register.open_procedure(case, subject)
    register.listed()
    raised(register, MONDAY.date())
    register.clock.move_to(ELAPSED)
    sweep(register.desk)
    _, differences = check(register.desk, register.house.snapshots)
    assert differences == []


def test_the_schedulers_line_names_only_what_was_done(register: Story) -> None:
    raised(register, MONDAY.date())
    assert sweep_the_list(register.house) is None
    register.clock.move_to(datetime(2021, 9, 15, 22, 0, tzinfo=UTC))
    assert sweep_the_list(register.house) == "alerts purged 1, subjects erased 1"
    assert sweep_the_list(register.house) is None
