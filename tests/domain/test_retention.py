"""How long an entry lasts (L1, L2), decided by the case; no event recorded after its end prolongs it."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.builders import Matter, act, moment, sealed
from watchlist.domain import refusals, retention
from watchlist.domain.aggregate import SCHEDULER
from watchlist.domain.inscription import State
from watchlist.domain.retention import Hold, Term, entry_ends_at

INSTANT = timedelta(microseconds=1)

L2 = [
    pytest.param("2021-03-15 10:00", "2026-03-15T23:00:00Z", id="a Sunday moves to no Monday"),
    pytest.param("2024-02-29 10:00", "2029-02-28T23:00:00Z", id="29 February"),
    pytest.param("2023-02-28 10:00", "2028-02-28T23:00:00Z", id="28 February, not the 29th"),
    pytest.param("2021-03-31T22:30:00Z", "2026-04-01T22:00:00Z", id="1 April in Paris"),
    pytest.param("2021-12-31T23:30:00Z", "2027-01-01T23:00:00Z", id="the year changes"),
    pytest.param("2021-10-30 10:00", "2026-10-30T23:00:00Z", id="from summer time to winter time"),
]


@pytest.mark.parametrize(("approved_at", "ends_at"), L2)
def test_an_entry_is_listed_until_midnight_in_paris_after_its_last_day(approved_at, ends_at):
    matter = Matter()
    entry = matter.inscribe(approved_at)
    end = moment(ends_at)
    assert matter.listed(entry, approved_at)
    assert matter.listed(entry, end - INSTANT)
    assert not matter.listed(entry, end)
    # the sweep says the same, on both sides of midnight
    assert matter.case.delist_elapsed(act(end - INSTANT, SCHEDULER)) == 0
    assert matter.case.delist_elapsed(act(end, SCHEDULER)) == 1
    assert entry.state is State.DELISTED


def test_a_shorter_term_ends_sooner():
    matter = Matter()
    entry = matter.inscribe("2021-01-31", 1)
    assert entry.term.last_listed_day == date(2021, 2, 28)


def test_without_a_sweep_for_a_month_nothing_that_ended_is_listed():
    matter = Matter()
    entry = matter.inscribe("2021-03-15", 1)
    assert entry.state is State.ACTIVE
    assert not matter.listed(entry, "2021-05-15")


def test_a_letter_is_due_within_a_month_or_when_its_deferral_is_reviewed():
    assert retention.letter_due_at(date(2021, 1, 31), None) == moment("2021-03-01 00:00")
    assert retention.letter_due_at(date(2021, 1, 31), date(2021, 6, 1)) == moment("2021-06-02 00:00")


# The one function (L1) ------------------------------------------------------------------------

TERM = Term(date(2021, 3, 15), 12)
ELAPSES = TERM.elapses_at
BEFORE, AFTER, LATER = (ELAPSES + timedelta(days=days) for days in (-30, 30, 60))

HOLDS = [
    pytest.param([], ELAPSES, id="no procedure"),
    pytest.param([Hold(BEFORE, None)], retention.NEVER, id="ongoing"),
    pytest.param([Hold(BEFORE, AFTER)], AFTER, id="ended after the term"),
    pytest.param([Hold(BEFORE, BEFORE + INSTANT)], ELAPSES, id="ended before the term elapsed"),
    pytest.param([Hold(BEFORE, ELAPSES)], ELAPSES, id="ended as the term elapsed"),
    pytest.param([Hold(ELAPSES, None)], ELAPSES, id="recorded as the term elapsed"),
    pytest.param([Hold(ELAPSES - INSTANT, None)], retention.NEVER, id="recorded just before"),
    pytest.param([Hold(AFTER, None)], ELAPSES, id="recorded after"),
    pytest.param([Hold(BEFORE, AFTER), Hold(BEFORE, LATER)], LATER, id="the last of two"),
    pytest.param([Hold(BEFORE, LATER), Hold(AFTER, None)], LATER, id="a later one does not take over"),
]


@pytest.mark.parametrize(("holds", "ends_at"), HOLDS)
def test_an_entry_ends_when_its_term_has_elapsed_unless_a_procedure_was_then_ongoing(holds, ends_at):
    assert entry_ends_at(TERM, holds) == ends_at


instants = st.datetimes(datetime(2020, 1, 1), datetime(2024, 1, 1), timezones=st.just(UTC))
holds_ = st.builds(
    lambda since, lasts: Hold(since, None if lasts is None else since + lasts),
    instants,
    st.none() | st.timedeltas(timedelta(), timedelta(days=900)),
)


@given(st.lists(holds_, max_size=5))
def test_a_procedure_never_shortens_an_entry_and_their_order_does_not_matter(holds):
    ends_at = entry_ends_at(TERM, holds)
    assert ends_at >= ELAPSES
    assert ends_at == entry_ends_at(TERM, list(reversed(holds)))
    assert ends_at == max([entry_ends_at(TERM, [hold]) for hold in holds], default=ELAPSES)


@given(st.dates(date(1995, 1, 1), date(2060, 12, 31)), st.integers(1, 60))
def test_a_term_lasts_whole_days_of_paris(inscribed_on, months):
    term = Term(inscribed_on, months)
    local = term.elapses_at.astimezone(retention.periods.PARIS)
    assert (local.hour, local.minute) == (0, 0)
    assert local.date() == term.last_listed_day + timedelta(days=1)
    assert term.last_listed_day > inscribed_on


# What has ended is not revived, whatever happens next (L1, P2, C8) ----------------------------

VERBS = (
    "open", "continue", "end", "end for one", "merge", "split", "restrict", "lift", "evidence", "propose",
    "victim", "sweep",
)  # fmt: skip


def happen(matter: Matter, verb: str, on: datetime, person: int) -> None:
    """One thing that could happen; what the house refuses does not."""
    case, people = matter.case, matter.people
    who, other = people[person], people[1 - person]
    ongoing = [id for id, procedure in case.procedures.items() if procedure.is_ongoing]
    last = ongoing[-1] if ongoing else None
    entry = next(iter(case.inscriptions))
    match verb:
        case "open":
            matter.open(on, who)
        case "continue" if last:
            matter.open(on, who, continues=last)
        case "end" if last:
            matter.end(last, on)
        case "end for one" if last:
            matter.end(last, on, who)
        case "merge" if not case.followed:
            case.follow(act(on), who.id, other.id)
        case "split" if case.followed:
            case.follow(act(on), next(iter(case.followed)), None)
        case "restrict":
            case.restrict(act(on), entry, sealed())
        case "lift":
            case.lift_restriction(act(on), entry, sealed())
        case "evidence":
            matter.add_evidence(on)
        case "propose":
            matter.propose(on, person=who)
        case "victim":
            case.record_victim(act(on), who.id, sealed(), sealed())
        case "sweep":
            case.delist_elapsed(act(on, SCHEDULER))


story = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 1), st.integers(1, 12 * 7)), min_size=1, max_size=14
)


@settings(max_examples=300, deadline=None)
@given(story, st.booleans())
def test_an_entry_that_is_not_listed_is_never_listed_again(story, imported):
    # given an entry of twelve months, its own or imported
    matter = Matter(subjects=2)
    now = moment("2020-02-03")
    matter.open(now, matter.people[1], opened_on="2018-01-01")
    entry = matter.bring_in(now, "2019-06-01", 12) if imported else matter.inscribe(now, 12)
    was_listed = True
    for verb, person, weeks in story:
        # when anything happens, weeks apart
        listed_before = matter.listed(entry, now)
        now += timedelta(weeks=weeks)
        was_listed = listed_before and matter.listed(entry, now)
        try:
            happen(matter, verb, now, person)
        except refusals.Refusal:
            continue
        # then what had ended by then stays ended
        if not was_listed:
            assert not matter.listed(entry, now), verb


@settings(max_examples=200, deadline=None)
@given(story)
def test_no_sweep_ever_changes_who_is_listed(story):
    # given the same story twice, swept at every step and never
    swept, unswept = Matter(subjects=2), Matter(subjects=2)
    entries = [matter.inscribe("2020-02-03", 12) for matter in (swept, unswept)]
    now = moment("2020-02-03")
    for verb, person, weeks in story:
        now += timedelta(weeks=weeks)
        swept.case.delist_elapsed(act(now, SCHEDULER))
        outcomes = []
        for matter in (swept, unswept):
            try:
                happen(matter, verb, now, person)
                outcomes.append("done")
            except refusals.Refusal as refusal:
                outcomes.append(refusal.code)
        assert outcomes[0] == outcomes[1], verb
        first, second = (m.listed(e, now) for m, e in zip((swept, unswept), entries, strict=True))
        assert first == second, verb


def test_a_merge_undone_and_done_again_revives_nothing():
    # given an entry of Jean held past its term only through the other Jean
    matter = Matter(subjects=2)
    jean, other = matter.people
    entry = matter.inscribe("2020-06-01", 12, person=jean)
    matter.open("2020-07-01", other)
    matter.case.follow(act("2020-08-01"), jean.id, other.id)
    assert matter.listed(entry, "2022-01-01")
    # when the merge was a mistake, then was not
    matter.case.follow(act("2022-01-02"), jean.id, None)
    assert not matter.listed(entry, "2022-01-02")
    matter.case.follow(act("2022-01-03"), jean.id, other.id)
    # then
    assert not matter.listed(entry, "2022-01-03")


def test_alerts_and_cases_are_counted_as_the_law_counts():
    assert retention.alert_ends_at(date(2020, 8, 31)) == moment("2021-03-01 00:00")
    assert retention.inactive_at(date(2020, 2, 29)) == moment("2021-03-01 00:00")
    kept = [retention.case_data_end_at(date(2020, 2, 29), limits) for limits in ([], [None])]
    assert kept == [moment("2025-03-01 00:00"), retention.NEVER]


def test_any_order_of_limitations_is_the_same():
    limits = [date(2030, 1, 1), date(2021, 1, 1), None]
    assert {retention.case_data_end_at(date(2020, 1, 1), p) for p in itertools.permutations(limits)} == {
        retention.NEVER
    }


@pytest.mark.parametrize(
    ("now", "months", "since"),
    [
        ("2026-03-31T23:59:59+00:00", 12, "2025-03-01T00:00:00+00:00"),
        ("2026-04-01T00:00:00+00:00", 12, "2025-04-01T00:00:00+00:00"),
        ("2026-04-01T00:30:00+02:00", 12, "2025-03-01T00:00:00+00:00"),
        ("2026-01-15T00:00:00+00:00", 6, "2025-07-01T00:00:00+00:00"),
        ("2026-12-15T00:00:00+00:00", 36, "2023-12-01T00:00:00+00:00"),
    ],
)
def test_the_access_log_is_kept_by_whole_months(now, months, since):
    kept_since = retention.accesses_kept_since(datetime.fromisoformat(now), months)
    assert kept_since == datetime.fromisoformat(since)
