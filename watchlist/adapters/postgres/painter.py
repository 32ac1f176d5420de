"""Paints the pictures of what was just recorded, inside the transaction that records it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor

from watchlist.adapters.postgres.queries import queries
from watchlist.application.work import Work
from watchlist.domain.aggregate import Aggregate, Event
from watchlist.domain.case import Case
from watchlist.domain.case_events import (
    CaseDataPurged,
    FindingEvent,
    HoldReviewed,
    InscriptionApproved,
    InscriptionDelisted,
    LetterEvent,
    ProposalEvent,
    SubjectFollowed,
)
from watchlist.domain.import_batch import ImportBatch
from watchlist.domain.inscription import Inscription
from watchlist.domain.rights_request import RightsRequest
from watchlist.domain.subject import (
    Subject,
    SubjectAbsorbed,
    SubjectErasureDecided,
    SubjectMergedInto,
    SubjectRectified,
    SubjectReleased,
    SubjectSplit,
)
from watchlist.projections import rows

SHOWN_ON_ENTRIES = (LetterEvent, HoldReviewed)
"""These show on the inscription and move nothing on the list."""
MAKE_LETTERS = (InscriptionApproved, InscriptionDelisted, SubjectFollowed, CaseDataPurged, LetterEvent)
"""What makes letters due, or changes how they stand (L12)."""
IDENTIFY_OTHERWISE = (SubjectRectified, SubjectMergedInto, SubjectAbsorbed, SubjectSplit, SubjectReleased)
"""What changes under which identities an entry answers: a death or an objection does not (S7, S8)."""
_encode = msgspec.json.Encoder().encode
SQL = queries("painter.sql")


def last_rows(cursor: Cursor[Any]) -> list[Any]:
    """The rows of the last statement of a pipelined cursor."""
    while cursor.nextset():
        pass
    return cursor.fetchall()


class Brush:
    """One transaction's cursor."""

    def __init__(self, cursor: Cursor[Any]) -> None:
        self._cursor = cursor
        self.answered: dict[UUID, bool] = {}
        """The entries that were painted anew as screenings see them, and whether their identity changed."""

    def paint(self, name: str, *params: object) -> None:
        self._cursor.execute(SQL[name], params, prepare=True)

    def ids(self, name: str, *params: object) -> list[UUID]:
        self.paint(name, *params)
        return [row["id"] for row in last_rows(self._cursor)]

    def rows(self, name: str, found: Sequence[msgspec.Struct]) -> None:
        if found:
            self.paint(name, _encode(found).decode())


def paint(brush: Brush, aggregates: Iterable[Aggregate], events: Sequence[Event], work: Work) -> None:
    """All that this work changes in the pictures; any error undoes the events too."""
    touched = list({id(aggregate): aggregate for aggregate in aggregates}.values())
    moving = {e.originator_id for e in events if e.MOVES_THE_LIST or isinstance(e, ProposalEvent)}
    subjects = [a for a in touched if isinstance(a, Subject)]
    _paint_subjects(brush, subjects, work)
    _forget_homonyms(brush, events)
    brush.rows(
        "rights_requests", [rows.rights_request_row(a) for a in touched if isinstance(a, RightsRequest)]
    )
    unfindable = [e.originator_id for e in events if isinstance(e, SubjectErasureDecided)]
    if unfindable:
        brush.paint("forget_tokens", unfindable)
    brush.rows("imports", [rows.import_row(a) for a in touched if isinstance(a, ImportBatch)])
    cases = [a for a in touched if isinstance(a, Case)]
    otherwise = {event.originator_id for event in events if not isinstance(event, FindingEvent)}
    _paint_activity(brush, [case for case in cases if case.id not in otherwise])
    brush.rows("cases", [rows.case_row(case) for case in cases if case.id in otherwise])
    if work.stolen:
        brush.paint("stolen_tokens", *_columns(work.stolen))
    _paint_list(brush, [case for case in cases if case.id in moving])
    _paint_letters(brush, cases, events, moving)
    _answer_for(brush, [subject.id for subject in subjects if subject.version > 1], events)
    _paint_imported(brush, work)


def tell(brush: Brush) -> None:
    """Who received a hit on these entries is told that it stopped, or resumed (S8).

    Once, when everything is painted: an entry is silenced and answers again within one transaction, and a command may
    paint it twice; nothing of that was ever seen outside.
    """
    for identity_changed in (False, True):
        entries = [id for id, changed in brush.answered.items() if changed is identity_changed]
        if entries:
            brush.paint("tell_changes", entries, identity_changed)


def _paint_activity(brush: Brush, cases: Sequence[Case]) -> None:
    for case in cases:
        brush.paint("activity", case.last_active_at, case.inactive_at, case.version, case.id)


def _paint_list(brush: Brush, cases: Sequence[Case]) -> None:
    """The list, its history, and what screening answers."""
    entries = [(case, inscription) for case in cases for inscription in case.inscriptions.values()]
    if not entries:
        return
    brush.rows("inscriptions", [rows.inscription_row(*entry) for entry in entries])
    began = [i.id for _, i in entries if i.inscribed_at is not None]
    if not began:
        return
    standings = [s for s in (rows.standing(*entry) for entry in entries) if s is not None]
    document = _encode(standings).decode()
    brush.paint("close_history", began, document)
    if standings:
        brush.paint("open_history", document)
    answer_again(brush, began)


def _paint_letters(
    brush: Brush, cases: Sequence[Case], events: Sequence[Event], painted: Collection[UUID]
) -> None:
    """The letters of the cases that this may have given one, and their entries unless the list was painted."""
    shown = {e.originator_id for e in events if isinstance(e, SHOWN_ON_ENTRIES)}.difference(painted)
    brush.rows("inscriptions", [rows.inscription_row(*entry) for entry in _entries(cases, shown)])
    making = {e.originator_id for e in events if isinstance(e, MAKE_LETTERS)}
    brush.rows("letters", [row for entry in _entries(cases, making) for row in rows.letter_rows(*entry)])


def paint_letters_of(brush: Brush, cases: Sequence[Case]) -> None:
    """All the letters of these cases, their entries and their rows, as they stand."""
    brush.rows("cases", [rows.case_row(case) for case in cases])
    entries = _entries(cases, {case.id for case in cases})
    brush.rows("inscriptions", [rows.inscription_row(*entry) for entry in entries])
    brush.rows("letters", [row for entry in entries for row in rows.letter_rows(*entry)])


def _entries(cases: Sequence[Case], among: Collection[UUID]) -> list[tuple[Case, Inscription]]:
    return [(case, i) for case in cases if case.id in among for i in case.inscriptions.values()]


def answer_again(brush: Brush, inscription_ids: list[UUID], identity_changed: bool = False) -> None:
    """What these entries answer to a screening, from their standing of now."""
    brush.paint("silence", inscription_ids)
    brush.paint("answer", inscription_ids)
    for id in inscription_ids:
        brush.answered[id] = brush.answered.get(id, False) or identity_changed


def _answer_for(brush: Brush, subject_ids: list[UUID], events: Sequence[Event]) -> None:
    """The entries of subjects whose identity changed, or who were merged or split; or who will be erased."""
    otherwise = {e.originator_id for e in events if isinstance(e, IDENTIFY_OTHERWISE)}
    for identity_changed in (False, True):
        ids = [id for id in subject_ids if (id in otherwise) is identity_changed]
        if ids:
            answer_again(brush, brush.ids("entries_of", ids), identity_changed)


def _paint_subjects(brush: Brush, subjects: Sequence[Subject], work: Work) -> None:
    brush.rows("subjects", [rows.subject_row(subject) for subject in subjects])
    if not work.subject_tokens:
        return
    changed = [s.id for s in subjects if s.version > 1]
    if changed:
        brush.paint("forget_tokens", [owner.subject_id for owner in work.subject_tokens])
    flat = [(token, owner) for owner in work.subject_tokens for token in owner.tokens]
    brush.paint(
        "subject_tokens",
        [token.digest for token, _ in flat],
        [owner.subject_id for _, owner in flat],
        [owner.organisation for _, owner in flat],
        [token.given for token, _ in flat],
        [token.answers for token, _ in flat],
        [token.generation for token, _ in flat],
    )


def _forget_homonyms(brush: Brush, events: Sequence[Event]) -> None:
    """S7: who was found to be somebody else may be the person under another identity; whoever asks is told again."""
    otherwise = [e.originator_id for e in events if isinstance(e, IDENTIFY_OTHERWISE)]
    if otherwise:
        brush.paint("forget_homonyms", otherwise)


def _paint_imported(brush: Brush, work: Work) -> None:
    for name, found in (("imported_lines", work.imported_lines), ("case_references", work.case_references)):
        if found:
            brush.paint(name, *_columns(found))


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
