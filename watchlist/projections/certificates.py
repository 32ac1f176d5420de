"""Until when somebody is retained, and what certifies an erasure (P6, C5): pure functions of the aggregates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from watchlist.domain import periods, retention
from watchlist.domain.aggregate import Aggregate
from watchlist.domain.case import Case
from watchlist.domain.erasure import RULES, Certificate, ErasureKind
from watchlist.domain.import_batch import ImportBatch
from watchlist.domain.subject import Subject


def until_when(group: Sequence[Subject], purged: Iterable[datetime | None]) -> datetime | None:
    """P6: when the first of `group`, with the others merged into it, is retained no longer; None: no end yet."""
    subject = group[0]
    if subject.merged_into is not None or subject.is_erasing:
        return None
    registered_on = max(periods.civil_date(one.registered_at) for one in group)
    ends = retention.subject_data_end_at(registered_on, purged)
    return None if ends == retention.NEVER else ends


def certificate(aggregate: Aggregate) -> Certificate | None:
    """None while nothing of it is to be forgotten."""
    if isinstance(aggregate, Case):
        return _of_case(aggregate)
    if isinstance(aggregate, Subject):
        return _of_subject(aggregate)
    return _of_import(aggregate) if isinstance(aggregate, ImportBatch) else None


def _of_case(case: Case) -> Certificate | None:
    basis = case.purge_due
    if basis is None or case.over_at is None:
        return None
    return Certificate(
        case.id, ErasureKind.CASE, case.organisation, basis, RULES[basis], case.over_at, case.purged_at
    )


def _of_subject(subject: Subject) -> Certificate | None:
    if subject.erasure_basis is None or subject.erasing_since is None:
        return None
    kind, basis = ErasureKind.SUBJECT, subject.erasure_basis
    return Certificate(
        subject.id, kind, subject.organisation, basis, "P6", subject.erasing_since, subject.erased_at
    )


def _of_import(batch: ImportBatch) -> Certificate | None:
    if batch.purged_at is None or batch.purge_basis is None:
        return None
    kind, basis = ErasureKind.IMPORT, batch.purge_basis
    return Certificate(
        batch.id, kind, batch.organisation, basis, RULES[basis], batch.purged_at, batch.purged_at
    )
