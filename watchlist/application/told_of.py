"""Told of: to whom a person's data were given and why they were looked at, as that person may know it (P3, S8, T1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.domain.access import Consulted, Disclosed
from watchlist.domain.trace import purpose_of


def recipients_of(desk: Desk, subject_ids: Iterable[UUID]) -> Iterator[Disclosed]:
    """Everybody who was told of the person: an organisation by its code, whoever else by what they are."""
    for telling in desk.registers.disclosed_of(list(subject_ids)):
        reference = None if telling.screening_id is None else str(telling.screening_id)
        yield Disclosed(telling.at, telling.organisation or telling.recipient, telling.kind, reference)


def consultations_of(desk: Desk, subject_ids: Iterable[UUID]) -> Iterator[Consulted]:
    """Every time the person's data were looked at, as long as that is remembered; never by whom."""
    for reading in desk.registers.consulted_of(list(subject_ids)):
        yield Consulted(reading.at, reading.organisation, purpose_of(reading))
