"""Traces: to whom a hit is told, why somebody was looked at, what is late (S8, P3)."""

from datetime import UTC, datetime, timedelta

import pytest

from watchlist.domain.operator import Role
from watchlist.domain.trace import (
    ACKNOWLEDGED_WITHIN,
    Reading,
    Recipient,
    is_late,
    purpose_of,
    recipient_of_a_hit,
)

TOLD = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_hit_before_a_payment_is_told_to_its_operator_and_any_other_to_an_insurer():
    assert recipient_of_a_hit("third_party_payment") is Recipient.THIRD_PARTY_PAYER
    assert (
        recipient_of_a_hit("claim_control")
        is recipient_of_a_hit("partnership_admission")
        is Recipient.INSURER
    )


@pytest.mark.parametrize(
    ("role", "purpose", "told"),
    [
        (Role.INTEGRATOR, "claim_control", "claim_control"),
        (Role.INVESTIGATOR, None, "investigation"),
        (Role.SUPERVISOR, None, "investigation"),
        (Role.DPO, None, "data_protection"),
        (Role.AUDITOR, None, "audit"),
    ],
)
def test_a_person_is_told_what_they_were_looked_at_for(role, purpose, told):
    assert purpose_of(Reading(TOLD, "GRPM", role, purpose)) == told


@pytest.mark.parametrize(
    ("acknowledged_after", "now_after", "late"),
    [
        (None, timedelta(), False),
        (None, ACKNOWLEDGED_WITHIN, False),
        (None, ACKNOWLEDGED_WITHIN + timedelta(seconds=1), True),
        (timedelta(hours=1), timedelta(days=30), False),
        (timedelta(days=5), timedelta(days=30), True),
    ],
)
def test_a_change_is_late_when_it_was_not_acknowledged_in_time(acknowledged_after, now_after, late):
    acknowledged = None if acknowledged_after is None else TOLD + acknowledged_after
    assert is_late(TOLD, acknowledged, TOLD + now_after) is late
