"""What goes and what is certified, in the transaction of an erasure; and until when subjects are retained (P6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from watchlist.adapters.postgres.painter import Brush, answer_again
from watchlist.application.work import Work
from watchlist.domain import case_events as of_case
from watchlist.domain import import_batch as of_import
from watchlist.domain import subject as of_subject
from watchlist.domain.aggregate import Aggregate, Event
from watchlist.domain.case import Case
from watchlist.projections.certificates import certificate

CERTIFIES = (
    of_case.AlertDismissed,
    of_case.AlertLapsed,
    of_case.CaseDataExpired,
    of_case.CaseDataPurged,
    of_subject.SubjectErasureDecided,
    of_subject.SubjectErased,
    of_import.ImportPurged,
)
NAMES = (of_case.AlertRaised, of_case.CaseImported, of_case.SubjectAdded)
"""Events of a case that retains its subjects from then on, whatever else does: no look-up is needed to know."""
NAMES_OTHERS = (
    of_case.VictimRecorded,
    of_case.SubjectDetached,
    of_case.SubjectFollowed,
    of_case.CaseDataPurged,
)
"""Events of a case after which subjects may be retained until another instant."""
STANDS_OTHERWISE = (
    of_subject.SubjectErasureDecided,
    of_subject.SubjectMergedInto,
    of_subject.SubjectAbsorbed,
    of_subject.SubjectSplit,
    of_subject.SubjectReleased,
)


def paint(brush: Brush, aggregates: Iterable[Aggregate], events: Sequence[Event], work: Work) -> None:
    """After the other pictures: they say what stands, this what must go."""
    touched = {aggregate.id: aggregate for aggregate in aggregates}
    certified = {event.originator_id for event in events if isinstance(event, CERTIFIES)}
    if certified:
        found = [certificate(touched[id]) for id in certified]
        brush.rows("certificates", [one for one in found if one is not None])
    _forget_values(brush, touched, work)
    named = {id: None for e in events if isinstance(e, NAMES) for id in _subjects(touched[e.originator_id])}
    if named:
        brush.paint("named", list(named))
    retained = _retained(touched, events)
    if retained:
        brush.paint("retain", list(retained))


def _subjects(aggregate: Aggregate) -> list[UUID]:
    """Whom a case is about, its victims too (L10)."""
    if not isinstance(aggregate, Case):
        return []
    return [*aggregate.subjects_now(), *aggregate.victims_then_and_now()]


def _retained(touched: dict[UUID, Aggregate], events: Sequence[Event]) -> dict[UUID, None]:
    """The subjects that may be retained until another instant now."""
    found: dict[UUID, None] = {}
    for event in events:
        aggregate = touched[event.originator_id]
        if isinstance(event, STANDS_OTHERWISE):
            found[aggregate.id] = None
        elif isinstance(event, NAMES_OTHERS):
            found.update(dict.fromkeys(_subjects(aggregate)))
            if isinstance(event, of_case.SubjectDetached):
                found[event.subject_id] = None
            elif isinstance(event, of_case.SubjectFollowed):
                found[event.merged] = None
    return found


def _forget_values(brush: Brush, touched: dict[UUID, Aggregate], work: Work) -> None:
    if work.forgotten:
        _forget_owners(brush, touched, work)
    if work.redacted or work.dropped:
        brush.paint("forget_texts", [text.ref for text in work.redacted] + work.dropped)
    if work.redacted:
        _certify_texts(brush, work)
    for case_id, digests in work.stolen_again.items():
        brush.paint("forget_stolen", [case_id])
        stolen = list(digests)
        brush.paint(
            "stolen_tokens",
            [case_id] * len(stolen),
            [digest for digest, _ in stolen],
            [generation for _, generation in stolen],
        )
        case = touched[case_id]
        assert isinstance(case, Case)
        answer_again(brush, list(case.inscriptions))


def _forget_owners(brush: Brush, touched: dict[UUID, Aggregate], work: Work) -> None:
    owners = [one.owner for one in work.forgotten]
    cases = [case for owner in owners if isinstance(case := touched[owner], Case)]
    brush.paint(
        "forget_owners",
        owners,
        owners,
        [one.sequence for one in work.forgotten],
        [one.digest for one in work.forgotten],
    )
    entries = [entry for case in cases for entry in case.inscriptions]
    brush.paint("forget_hits", entries, owners)
    brush.paint("forget_reviews", entries, owners)
    if cases:
        ids = [case.id for case in cases]
        brush.paint("forget_stolen", ids)
        brush.paint("forget_imported", ids, entries)


def _certify_texts(brush: Brush, work: Work) -> None:
    brush.paint(
        "certify_texts",
        [text.ref for text in work.redacted],
        [text.organisation for text in work.redacted],
        [text.sequence for text in work.redacted],
        [text.digest for text in work.redacted],
        work.act.at,
    )
