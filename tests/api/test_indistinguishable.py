"""Never listed, delisted, restricted, proposed, ended, unknown: one answer, its bytes, its head, its work (S2)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist, median
from time import perf_counter
from typing import Any

import httpx
import pytest
from stdnum import luhn

from tests.api.conftest import Office
from watchlist.adapters.clock import ManualClock
from watchlist.bootstrap import House

ASKED, ROUNDS = 200, 8
"""How often each of them is asked in a round, and how many rounds there are at most."""
SIGNIFICANT = 1e-5
"""How often chance alone may make the test fail, for each pair."""
DETECTED = 0.15
"""The effect that it must be able to find, as a part of the median time."""
ONE_IN_A_THOUSAND = NormalDist().inv_cdf(0.999)
"""With that much to spare, such a difference would be missed once in a thousand times."""


def rpps(number: int) -> str:
    body = f"10{number:08d}"
    return body + luhn.calc_check_digit(body)


@pytest.fixture
def persons(office: Office, clock: ManualClock) -> dict[str, str]:
    """By what became of them: the number of somebody; each is found by nothing else."""
    numbers = {state: rpps(n) for n, state in enumerate(STATES)}
    for state, number in numbers.items():
        if state == "unknown":
            continue
        subject = office.subject(
            family_name=f"Exemple {state}", identifiers=[{"scheme": "rpps", "value": number}]
        )
        STATES[state](office, subject)
    clock.advance(days=35)
    return numbers


def _registered(office: Office, subject: str) -> None:
    """Never listed."""


def _listed(office: Office, subject: str, months: int = 60) -> str:
    case = office.case(subject)
    body = {"subject_id": subject, "grounds": ["overbilling"], "term_months": months}
    entry = str(office.investigator.made(f"/cases/{case}/inscriptions", body | WEIGHED)["inscription_id"])
    office.supervisor.made(f"/inscriptions/{entry}/approval", {}, 200)
    return entry


def _proposed(office: Office, subject: str) -> None:
    office.proposal(office.case(subject), subject)


def _restricted(office: Office, subject: str) -> None:
    entry = _listed(office, subject)
    office.supervisor.made(f"/inscriptions/{entry}/restriction", {"reason": "contestée"}, 200)


def _delisted(office: Office, subject: str) -> None:
    entry = _listed(office, subject)
    body = {"ground": "repaid", "reason": "remboursé"}
    office.supervisor.made(f"/inscriptions/{entry}/delisting", body, 200)


def _ended(office: Office, subject: str) -> None:
    """Its term elapses before it is asked for, and nobody sweeps."""
    _listed(office, subject, months=1)


WEIGHED = {
    "proportionality": dict.fromkeys(("gravity", "evidence", "harm", "alternatives", "term_reason"), "w")
}
STATES: Mapping[str, Callable[[Office, str], Any]] = {
    "unknown": _registered,
    "registered": _registered,
    "proposed": _proposed,
    "restricted": _restricted,
    "delisted": _delisted,
    "ended": _ended,
}


def asked(office: Office, number: str) -> httpx.Response:
    subjects = {"q1": {"identifiers": [{"scheme": "rpps", "value": number}]}}
    body = {"purpose": "third_party_payment", "file_reference": "LOT-1", "subjects": subjects}
    answer = office.integrator.post("/screenings", body, X_Request_Id="r-1")
    assert answer.status_code == 200, answer.text
    return answer


def test_the_answers_are_the_same_bytes_but_for_their_ids(office: Office, persons: dict[str, str]) -> None:
    answers = {state: asked(office, number) for state, number in persons.items()}
    bodies = set()
    for answer in answers.values():
        screening_id = answer.json()["screening_id"]
        bodies.add(answer.content.replace(screening_id.encode(), b"ID"))
    assert len(bodies) == 1
    assert json.loads(bodies.pop())["results"] == {"q1": {"hit": False}}
    told = [{**answer.headers, "ratelimit": "what is left"} for answer in answers.values()]
    assert all(headers == told[0] for headers in told)


def test_they_are_the_same_rows_in_the_registers_but_for_their_ids(
    house: House, office: Office, persons: dict[str, str]
) -> None:
    for number in persons.values():
        asked(office, number)
    with house.pool.connection() as conn:
        rows = conn.execute("SELECT * FROM accesses WHERE operation = 'screen'").fetchall()
        assert conn.execute("SELECT FROM disclosures").fetchall() == []
    assert len(rows) == len(persons)
    same = {str({k: v for k, v in row.items() if k not in ("access_id", "screening_id")}) for row in rows}
    assert len(same) == 1


def test_they_take_the_same_time(office: Office, persons: dict[str, str]) -> None:
    """Asked in turns, in a new order each time, so that whatever else the machine does falls on all alike.

    Each state is compared with the unknown by ranks (Mann-Whitney, two-sided). The test says what it can tell: one
    goes on asking until the times of the unknown, half of them longer by DETECTED of their median, come out as
    different at that level. Whether one goes on depends on the unknown alone, and so favours no outcome.
    """
    limit = NormalDist().inv_cdf(1 - SIGNIFICANT / 2)
    times: dict[str, list[float]] = {state: [] for state in persons}
    for _ in range(ROUNDS):
        _ask_in_turns(office, persons, times)
        unknown = times["unknown"]
        power = _rank_difference([time + DETECTED * median(unknown) for time in unknown], unknown)
        if power > limit + ONE_IN_A_THOUSAND:
            break
    assert power > limit, (
        f"{len(unknown)} times are too few on this machine to find a difference of {DETECTED:.0%}"
    )
    found = {state: round(_rank_difference(times[state], unknown), 1) for state in times.keys() - {"unknown"}}
    assert max(map(abs, found.values())) < limit, found


def _ask_in_turns(office: Office, persons: Mapping[str, str], times: Mapping[str, list[float]]) -> None:
    """In seconds."""
    for _ in range(ASKED):
        for state in random.sample(list(persons), len(persons)):
            began = perf_counter()
            asked(office, persons[state])
            times[state].append(perf_counter() - began)


def _rank_difference(ones: Sequence[float], others: Sequence[float]) -> float:
    """The z of the rank-sum test: how many standard deviations from chance; positive when the ones are larger."""
    ranked = sorted([(value, True) for value in ones] + [(value, False) for value in others])
    ranks = sum(rank for rank, (_, is_one) in enumerate(ranked, 1) if is_one)
    n, m = len(ones), len(others)
    return float((ranks - n * (n + m + 1) / 2) / (n * m * (n + m + 1) / 12) ** 0.5)


def test_the_rank_difference_is_that_of_the_books() -> None:
    assert _rank_difference([1, 2, 3], [4, 5, 6]) == pytest.approx(-1.964, abs=0.001)
    assert _rank_difference([1, 4], [2, 3]) == 0
