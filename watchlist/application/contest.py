"""Contest the entries of a subject: all of them at once, in every case, for the requests that stand (P2, C8)."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.work import Work
from watchlist.domain.case import Case
from watchlist.domain.subject import Subject


def every_case_of(desk: Desk, work: Work, *subject_ids: UUID) -> list[Case]:
    """All the cases about these subjects; the work is bound to there being no other when it is recorded."""
    ids = {case_id for subject_id in subject_ids for case_id in desk.registry.cases_about(subject_id)}
    found = [case for case in desk.log.load(ids).values() if isinstance(case, Case)] if ids else []
    work.about.extend(subject_ids)
    work.cases_known.extend(case.id for case in found)
    return found


def contest_entries(work: Work, cases: Iterable[Case], *subjects: Subject) -> list[Case]:
    """Restrict and release as the subjects' open requests say; the cases in which anything differs.

    The others may not change meanwhile: an entry approved in one of them would miss it.
    """
    changed = []
    for case in cases:
        for subject in subjects:
            case.contest(work.act, subject.id, subject.contested_by)
        if case.pending:
            changed.append(case)
        else:
            work.unchanged.append(case)
    return changed
