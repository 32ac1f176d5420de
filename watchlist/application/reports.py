"""Reports and samples for auditors: SQL narrows, the rules decide and say why (T3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from watchlist.domain import report as reports_of
from watchlist.domain.case import Case
from watchlist.domain.report import Approval, Hand, Lateness, Report
from watchlist.domain.retention import purged_late
from watchlist.domain.sampling import ALGORITHM, SampledKind
from watchlist.ports.log import Log
from watchlist.ports.reports import Reports

View = dict[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a report, as things stand at an instant: of one organisation or of all (None), behind an id."""

    scope: str | None
    at: datetime
    after: UUID
    limit: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A sample: of what, by which seed, of what there was from an instant until another."""

    kind: SampledKind
    seed: str
    since: datetime
    at: datetime
    size: int


def read_report(log: Log, reports: Reports, report: Report, page: Page) -> list[View]:
    """One page, by id; fewer than were asked for: it is the last one."""
    found = reports.page(report, page.scope, page.at, page.after, page.limit)
    if report is Report.HELD:
        return _held(log, found, page.at)
    tell = TOLD[report]
    return [tell(row, page.at) for row in found]


def draw_sample(reports: Reports, scope: str | None, drawing: Drawing) -> View:
    """The sample, and what it takes to draw it again."""
    of = (drawing.kind, scope)
    items = reports.sample(*of, drawing.seed, drawing.since, drawing.at, drawing.size)
    return {
        "of": drawing.kind,
        "algorithm": ALGORITHM,
        "seed": drawing.seed,
        "from": drawing.since,
        "as_of": drawing.at,
        "population": reports.population(*of, drawing.since, drawing.at),
        "items": [dict(item) for item in items],
    }


# Told -----------------------------------------------------------------------------------------


def _four_eyes(row: Row, at: datetime) -> View:
    importer = Hand(row["imported_by"], row["importer"]) if row["imported_by"] else None
    approval = Approval(
        approved_at=row["inscribed_at"],
        approver=Hand(row["approved_by"], row["approver"], row["left_at"]),
        proposer=Hand(row["proposed_by"], row["proposer"]),
        amender=Hand(row["last_amended_by"], row["amender"]),
        importer=importer,
    )
    shown = ("id", "case_id", "subject_id", "organisation", "import_id")
    hands = ("proposed_by", "last_amended_by", "imported_by", "approved_by")
    return {
        **{name: row[name] for name in (*shown, *hands)},
        "inscription_id": row["id"],
        "approved_at": row["inscribed_at"],
        "why": reports_of.unseconded(approval),
    }


def _late_purge(row: Row, at: datetime) -> View:
    assert purged_late(row["due_at"], row["purged_at"], at)  # what SQL compared is the rule's
    return {**row, "case_id": row["id"], "late_by_days": _days((row["purged_at"] or at) - row["due_at"])}


def _late_notice(row: Row, at: datetime) -> View:
    why = [
        (Lateness.SENT_LATE, row["sent_late"]),
        (Lateness.LATE_NOW, row["late_now"]),
        (Lateness.HIT_TOLD_BEFORE, row["hit_told_at"] is not None),
    ]
    shown = {name: value for name, value in row.items() if name not in ("sent_late", "late_now")}
    return {**shown, "letter_id": row["id"], "why": [reason for reason, holds in why if holds]}


def _unreviewed(row: Row, at: datetime) -> View:
    return {**row, "disclosure_id": row["id"], "days": _days(at - row["at"])}


def _days(span: timedelta) -> int:
    return span.days


TOLD: Mapping[Report, Callable[[Row, datetime], View]] = {
    Report.FOUR_EYES: _four_eyes,
    Report.LATE_PURGES: _late_purge,
    Report.LATE_NOTICES: _late_notice,
    Report.UNREVIEWED_HITS: _unreviewed,
}


def _held(log: Log, found: Sequence[Row], at: datetime) -> list[View]:
    """With the procedures that hold each, as its case knows them."""
    cases = log.load({row["case_id"] for row in found})
    return [_held_entry(row, cases[row["case_id"]], at) for row in found]


def _held_entry(row: Row, case: Any, at: datetime) -> View:
    assert isinstance(case, Case)
    review_due_at = row["hold_review_due_at"]
    shown = {name: value for name, value in row.items() if name not in ("held_by", "hold_review_due_at")}
    return {
        **shown,
        "inscription_id": row["id"],
        "held_by": [_procedure(case, procedure_id) for procedure_id in row["held_by"]],
        "review_due_at": review_due_at,
        "review_overdue": review_due_at is not None and review_due_at <= at,
    }


def _procedure(case: Case, procedure_id: UUID) -> View:
    procedure = case.procedures[procedure_id]
    return {
        "procedure_id": procedure.id,
        "kind": procedure.kind,
        "opened_on": procedure.opened_on,
        "recorded_at": procedure.recorded_at,
    }
