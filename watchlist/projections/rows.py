"""The rows of the pictures, as pure functions of the aggregates: the same for one command and for a replay."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from watchlist.domain import periods, retention
from watchlist.domain.case import Case
from watchlist.domain.correspondence import DueLetter, LetterKind, last_day_of
from watchlist.domain.import_batch import ImportBatch
from watchlist.domain.inscription import Inscription, State
from watchlist.domain.rights_request import RightsRequest
from watchlist.domain.subject import Subject


class CaseRow(Struct, frozen=True):
    case_id: UUID
    organisation: str
    state: str
    source: str | None
    raised_on: date | None
    import_id: UUID | None
    opened_at: datetime
    closed_at: datetime | None
    last_active_at: datetime
    alert_ends_at: datetime | None
    inactive_at: datetime | None
    data_end_at: datetime | None
    subject_ids: list[UUID]
    version: int
    victim_ids: list[UUID]
    purged_at: datetime | None
    data_due_at: datetime | None


class InscriptionRow(Struct, frozen=True):
    inscription_id: UUID
    case_id: UUID
    subject_id: UUID
    organisation: str
    state: str
    grounds: list[str]
    term_months: int
    proposed_at: datetime
    proposed_by: UUID
    import_id: UUID | None
    inscribed_at: datetime | None
    inscribed_on: date | None
    last_listed_day: date | None
    listed_until: datetime | None
    ends_at: datetime | None
    held_by: list[UUID]
    restricted: bool
    letter_due_at: datetime | None
    delisted_at: datetime | None
    delisting_ground: str | None
    hold_review_due_at: datetime | None
    last_amended_by: UUID
    approved_by: UUID | None


class LetterRow(Struct, frozen=True):
    """A letter that an entry makes due, or that was sent (L12)."""

    letter_id: UUID
    kind: str
    organisation: str
    case_id: UUID
    inscription_id: UUID
    subject_id: UUID
    due_at: datetime | None
    deferred_to: date | None
    sent_on: date | None
    channel: str | None
    template: str | None
    last_day: date | None


class Standing(Struct, frozen=True):
    """How an entry stands on the list: what its history is made of."""

    inscription_id: UUID
    case_id: UUID
    subject_id: UUID
    organisation: str
    inscribed_at: datetime
    inscribed_on: date
    term_months: int
    last_listed_day: date
    listed_until: datetime
    ends_at: datetime
    held_by: list[UUID]
    restricted: bool


class SubjectRow(Struct, frozen=True):
    subject_id: UUID
    organisation: str
    kind: str
    role: str
    identified: bool
    deceased: bool
    merged_into: UUID | None
    registered_at: datetime
    version: int
    erasing: bool
    erased: bool
    unnamed_until: datetime
    data_end_at: datetime | None
    """Of a new subject; from its first case on it follows from those too (`until_when`)."""
    death_review_at: datetime | None


class ImportRow(Struct, frozen=True):
    import_id: UUID
    organisation: str
    submitted_at: datetime
    submitted_by: UUID
    accepted: int
    refused: int
    approved_by: UUID | None
    purged_at: datetime | None


class RightsRequestRow(Struct, frozen=True):
    request_id: UUID
    organisation: str
    subject_id: UUID
    kind: str
    state: str
    received_on: date
    recorded_at: datetime
    due_on: date
    due_at: datetime
    extended: bool
    granted: bool | None
    answered_on: date | None
    restricts: bool
    review_on: date | None
    review_at: datetime | None
    is_open: bool
    version: int


def case_row(case: Case) -> CaseRow:
    return CaseRow(
        case_id=case.id,
        organisation=case.organisation,
        state=case.state,
        source=case.alert.source if case.alert else None,
        raised_on=case.alert.raised_on if case.alert else None,
        import_id=case.import_id,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        last_active_at=case.last_active_at,
        alert_ends_at=case.alert_ends_at,
        inactive_at=case.inactive_at,
        data_end_at=case.data_end_at,
        subject_ids=case.subjects_now(),
        version=case.version,
        victim_ids=case.victims_then_and_now(),
        purged_at=case.purged_at,
        data_due_at=case.data_due_at,
    )


def inscription_row(case: Case, inscription: Inscription) -> InscriptionRow:
    began = inscription.inscribed_on is not None
    listed = inscription.state is State.ACTIVE
    return InscriptionRow(
        inscription_id=inscription.id,
        case_id=case.id,
        subject_id=case.subject_now(inscription.subject_id),
        organisation=case.organisation,
        state=inscription.state,
        grounds=list(inscription.grounds),
        term_months=inscription.term_months,
        proposed_at=inscription.proposed_at,
        proposed_by=inscription.proposed_by,
        import_id=inscription.provenance.import_id if inscription.provenance else None,
        inscribed_at=inscription.inscribed_at,
        inscribed_on=inscription.inscribed_on,
        last_listed_day=inscription.term.last_listed_day if began else None,
        listed_until=inscription.term.elapses_at if began else None,
        ends_at=case.ends_at(inscription) if began else None,
        held_by=case.held_by(inscription) if listed else [],
        restricted=inscription.restricted,
        letter_due_at=case.letter(inscription.id, LetterKind.INSCRIPTION).due_at if listed else None,
        delisted_at=inscription.delisted_at,
        delisting_ground=inscription.delisting_ground,
        hold_review_due_at=case.hold_review_due_at(inscription),
        last_amended_by=inscription.last_amended_by,
        approved_by=inscription.approved_by,
    )


def letter_rows(case: Case, inscription: Inscription) -> list[LetterRow]:
    """None of what never took effect."""
    subject_id = case.subject_now(inscription.subject_id)
    return [_letter_row(case, inscription, subject_id, letter) for letter in case.letters_of(inscription)]


def _letter_row(case: Case, inscription: Inscription, subject_id: UUID, letter: DueLetter) -> LetterRow:
    sent = letter.sent
    return LetterRow(
        letter_id=letter.id,
        kind=letter.kind,
        organisation=case.organisation,
        case_id=case.id,
        inscription_id=inscription.id,
        subject_id=sent.subject_id if sent else subject_id,
        due_at=letter.due_at,
        deferred_to=letter.deferred_to,
        sent_on=sent.sent_on if sent else None,
        channel=sent.channel if sent else None,
        template=sent.template if sent else None,
        last_day=last_day_of(inscription, letter),
    )


def standing(case: Case, inscription: Inscription) -> Standing | None:
    """None unless it is on the list."""
    if inscription.state is not State.ACTIVE:
        return None
    assert inscription.inscribed_at is not None
    term = inscription.term
    return Standing(
        inscription_id=inscription.id,
        case_id=case.id,
        subject_id=case.subject_now(inscription.subject_id),
        organisation=case.organisation,
        inscribed_at=inscription.inscribed_at,
        inscribed_on=term.inscribed_on,
        term_months=term.months,
        last_listed_day=term.last_listed_day,
        listed_until=term.elapses_at,
        ends_at=case.ends_at(inscription),
        held_by=case.held_by(inscription),
        restricted=inscription.restricted,
    )


def subject_row(subject: Subject) -> SubjectRow:
    unnamed_until = retention.unnamed_ends_at(periods.civil_date(subject.registered_at))
    return SubjectRow(
        subject_id=subject.id,
        organisation=subject.organisation,
        kind=subject.kind,
        role=subject.role,
        identified=subject.identified,
        deceased=subject.is_deceased,
        merged_into=subject.merged_into,
        registered_at=subject.registered_at,
        version=subject.version,
        erasing=subject.is_erasing,
        erased=subject.is_erased,
        unnamed_until=unnamed_until,
        data_end_at=unnamed_until,
        death_review_at=_death_review_at(subject.death_recorded_at),
    )


def _death_review_at(recorded_at: datetime | None) -> datetime | None:
    return None if recorded_at is None else retention.death_review_due_at(periods.civil_date(recorded_at))


def import_row(batch: ImportBatch) -> ImportRow:
    return ImportRow(
        import_id=batch.id,
        organisation=batch.organisation,
        submitted_at=batch.submitted_at,
        submitted_by=batch.submitted_by,
        accepted=batch.accepted,
        refused=batch.refused,
        approved_by=batch.approved_by,
        purged_at=batch.purged_at,
    )


def rights_request_row(request: RightsRequest) -> RightsRequestRow:
    return RightsRequestRow(
        request_id=request.id,
        organisation=request.organisation,
        subject_id=request.subject_id,
        kind=request.kind,
        state=request.state,
        received_on=request.received_on,
        recorded_at=request.recorded_at,
        due_on=request.due_on,
        due_at=periods.end_of(request.due_on, 0),
        extended=request.extension is not None,
        granted=request.decision.granted if request.decision else None,
        answered_on=request.answer.told_on if request.answer else None,
        restricts=request.contests,
        review_on=request.review_on,
        review_at=periods.end_of(request.review_on, 0) if request.review_on else None,
        is_open=request.is_open,
        version=request.version,
    )
