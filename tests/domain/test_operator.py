"""Operators: as what somebody of several roles acts, when a key ends, when a habilitation is reviewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from watchlist.domain.operator import ApiKey, Habilitation, Operator, Role, acting_as
from watchlist.domain.scope import READING, Scope, opening

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CAMILLE = Operator(UUID(int=1), "GRPM", "Camille Roche")


def a_key(**changes) -> ApiKey:
    return ApiKey(
        **{"key_id": "k", "operator_id": UUID(int=1), "role": Role.DPO, "issued_at": NOW, **changes}
    )


def held(operator: Operator = CAMILLE, roles=(Role.DPO,), since=NOW, reviewed_at=None) -> Habilitation:
    return Habilitation(operator, 1, roles, since, None, reviewed_at)


@pytest.mark.parametrize(
    ("has", "named", "acts"),
    [
        ({Role.INVESTIGATOR}, {Role.INVESTIGATOR, Role.DPO}, Role.INVESTIGATOR),
        ({Role.INVESTIGATOR, Role.SUPERVISOR}, {Role.SUPERVISOR}, Role.SUPERVISOR),
        ({Role.SUPERVISOR, Role.INVESTIGATOR}, {Role.INVESTIGATOR, Role.SUPERVISOR}, Role.INVESTIGATOR),
        ({Role.AUDITOR, Role.DPO}, {Role.AUDITOR, Role.DPO}, Role.DPO),
        ({Role.AUDITOR}, {Role.AUDITOR, Role.DPO}, Role.AUDITOR),
        ({Role.ADMIN}, {Role.AUDITOR, Role.DPO}, None),
        (set(), {Role.DPO}, None),
    ],
)
def test_somebody_of_several_roles_acts_in_one_and_reads_all_only_when_nothing_else_fits(has, named, acts):
    assert acting_as(has, named) is acts


def test_a_key_opens_until_its_instant_and_is_told_to_expire_a_month_before():
    key = a_key(expires_at=NOW + timedelta(days=31))
    assert key.opens_at(NOW)
    assert not key.expires_soon(NOW)
    assert key.expires_soon(NOW + timedelta(days=1))
    assert not key.opens_at(NOW + timedelta(days=31))
    assert not key.expires_soon(NOW + timedelta(days=31))
    assert not a_key().expires_soon(NOW)


def test_a_habilitation_is_reviewed_a_year_after_it_was_given_in_days_of_paris():
    assert held().review_due_at() == datetime(2027, 3, 2, 23, tzinfo=UTC)
    assert held().review_due_at(6) == datetime(2026, 9, 2, 22, tzinfo=UTC)


def test_a_review_counts_from_its_own_day():
    reviewed = NOW + timedelta(days=100)
    assert held(reviewed_at=reviewed).review_due_at() == datetime(2027, 6, 10, 22, tzinfo=UTC)


def test_nothing_is_reviewed_of_a_leaver_or_of_whoever_holds_nothing():
    left = Operator(UUID(int=1), "GRPM", "Camille Roche", NOW)
    assert held(left).review_due_at() is None
    assert held(roles=()).review_due_at() is None
    assert held(since=None).review_due_at() is None


def test_an_area_is_opened_by_its_scope_and_read_by_its_reader():
    assert opening(Scope.CASES, reads=True) == {Scope.CASES, Scope.CASES_READ}
    assert opening(Scope.CASES, reads=False) == {Scope.CASES}
    assert opening(Scope.SCREENINGS, reads=True) == {Scope.SCREENINGS}


def test_every_scope_is_an_area_or_reads_one():
    assert {scope for scope in Scope if ":" in scope} == set(READING.values())
    assert all(reader == f"{area}:read" for area, reader in READING.items())
