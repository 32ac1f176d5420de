"""Told of: to whom a person's data were given and why they were looked at, as that person may know it (P3, S8, T1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from watchlist.application.desk import Desk
from watchlist.domain.access import Consulted, Disclosed, Text, Withheld
from watchlist.domain.trace import Telling, purpose_of


def recipients_of(desk: Desk, subject_ids: Iterable[UUID]) -> Iterator[Disclosed]:
    """Everybody who was told of the person: an organisation by its code, whoever else by what they are, not by name."""
    tellings = desk.registers.disclosed_of(list(subject_ids))
    opened = desk.open_all((one.subject_id, one.told) for one in tellings if one.told is not None)
    for one in tellings:
        reference = None if one.screening_id is None else str(one.screening_id)
        yield Disclosed(one.at, one.organisation or one.recipient, one.kind, reference, _words(one, opened))


def _words(telling: Telling, opened: dict[UUID, bytes]) -> Text | None:
    if telling.told is None:
        return None
    raw = opened.get(telling.told.ref)
    return Text(withheld=Withheld.ERASED) if raw is None else Text(msgspec.json.decode(raw)["told"])


def consultations_of(
    desk: Desk, subject_ids: Iterable[UUID], before: datetime | None = None
) -> Iterator[Consulted]:
    """Every time the person's data were looked at, as long as that is remembered; never by whom.

    Before an instant, when one is given: a request of access is answered with what was until it was recorded, or
    whoever writes the answer would change it by reading it.
    """
    for reading in desk.registers.consulted_of(list(subject_ids)):
        if before is None or reading.at < before:
            yield Consulted(reading.at, reading.organisation, purpose_of(reading))
