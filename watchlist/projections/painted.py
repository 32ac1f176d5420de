"""Rows of the pictures that follow from one stream alone, in the order of their columns, for whole streams at a time.

What needs more than one stream (until when a subject is retained, which look-ups answer) is not here: it is worked
out of these rows, where they are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from watchlist.domain.aggregate import Aggregate
from watchlist.domain.case import Case
from watchlist.domain.erasure import Certificate
from watchlist.domain.import_batch import ImportBatch
from watchlist.domain.rights_request import RightsRequest
from watchlist.domain.subject import Subject
from watchlist.projections import rows
from watchlist.projections.certificates import certificate
from watchlist.projections.replay import Recorded, Replay

Row = tuple[Any, ...]

STRUCTS: dict[str, type[msgspec.Struct]] = {
    "subjects": rows.SubjectRow,
    "cases": rows.CaseRow,
    "inscriptions": rows.InscriptionRow,
    "letters": rows.LetterRow,
    "imports": rows.ImportRow,
    "rights_requests": rows.RightsRequestRow,
    "certificates": Certificate,
}
COLUMNS: dict[str, tuple[str, ...]] = {name: row.__struct_fields__ for name, row in STRUCTS.items()} | {
    "inscription_history": (*rows.Standing.__struct_fields__, "recorded_from", "recorded_until"),
}
"""Of every picture of one stream alone: the columns that are painted."""


def painted(streams: Iterable[Recorded]) -> tuple[dict[UUID, Aggregate], dict[str, list[Row]]]:
    """The aggregates of whole streams, one stream after another, and their rows by table."""
    told = Replay().follow(streams)
    found: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    for aggregate in told.aggregates.values():
        _paint(aggregate, found)
    found["inscription_history"] = [
        (*structs.astuple(row.standing), row.recorded_from, row.recorded_until) for row in told.history
    ]
    return told.aggregates, found


def _paint(aggregate: Aggregate, found: dict[str, list[Row]]) -> None:
    certified = certificate(aggregate)
    if certified is not None:
        found["certificates"].append(structs.astuple(certified))
    if isinstance(aggregate, Case):
        found["cases"].append(structs.astuple(rows.case_row(aggregate)))
        for entry in aggregate.inscriptions.values():
            found["inscriptions"].append(structs.astuple(rows.inscription_row(aggregate, entry)))
            found["letters"] += map(structs.astuple, rows.letter_rows(aggregate, entry))
    elif isinstance(aggregate, Subject):
        row = structs.replace(rows.subject_row(aggregate), data_end_at=None)
        found["subjects"].append(structs.astuple(row))
    elif isinstance(aggregate, ImportBatch):
        found["imports"].append(structs.astuple(rows.import_row(aggregate)))
    elif isinstance(aggregate, RightsRequest):
        found["rights_requests"].append(structs.astuple(rows.rights_request_row(aggregate)))
