"""Search an organisation's texts for a person: in the cases that do not name it as a subject, and of others (P6).

The decision on an erasure reads the texts of the person's own cases. All others, of other cases, of other persons and
of their requests, can only be read one by one, which takes longer than a decision may hold up others: they are
searched before, and redacted where that is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from uuid import UUID

from watchlist.application.case_texts import every_identity_of, texts_naming
from watchlist.application.desk import Desk
from watchlist.application.person_texts import person_texts_naming
from watchlist.domain import refusals
from watchlist.domain.case import Case
from watchlist.domain.subject import Subject

Progress = Callable[[int], None]


def subject_to_search_for(desk: Desk, subject_id: UUID) -> Subject:
    """The one who stands for it, when it was merged (C8). Raises NoSuchSubject, and SubjectIsErased."""
    subject = desk.log.load([subject_id]).get(subject_id)
    if not isinstance(subject, Subject):
        raise refusals.NoSuchSubject("subject_id")
    if subject.merged_into is not None:
        return subject_to_search_for(desk, subject.merged_into)
    if subject.is_erasing:
        raise refusals.SubjectIsErased("subject_id", state="erased")
    return subject


def search_texts(
    desk: Desk, subject: Subject, case_ids: Iterable[UUID], progress: Progress
) -> Iterator[tuple[UUID, UUID]]:
    """The texts of these cases that name it, as (case, text), under any name or number it ever had."""
    known = every_identity_of(desk, [subject.id, *subject.absorbed])
    for done, case_id in enumerate(case_ids, start=1):
        case = desk.log.load([case_id]).get(case_id)
        if isinstance(case, Case) and case.purge_due is None:
            yield from ((case.id, text) for text in texts_naming(desk, case, known))
        progress(done)


def search_person_texts(
    desk: Desk, subject: Subject, pages: Iterable[Sequence[UUID]], progress: Progress
) -> Iterator[tuple[UUID, UUID]]:
    """The texts of these subjects or requests that name it, as (whose, text); what is its own goes with it."""
    own = [subject.id, *subject.absorbed]
    known, done = every_identity_of(desk, own), 0
    for ids in pages:
        yield from person_texts_naming(desk, ids, own, known)
        done += len(ids)
        progress(done)
