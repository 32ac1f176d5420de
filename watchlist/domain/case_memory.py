"""What a case remembers of its events, and what can be asked of it; it decides nothing (case.py does)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from watchlist.domain import case_events as events
from watchlist.domain import periods, refusals, retention
from watchlist.domain.aggregate import SCHEDULER, Aggregate, Event, remembers
from watchlist.domain.case_events import ClosingOutcome, PurgeBasis, Source
from watchlist.domain.commitment import Sealed
from watchlist.domain.correspondence import DueLetter, Followed, LetterKind, Sent, letter_id, letters_of
from watchlist.domain.inscription import BY_HAND, Inscription, Restriction, State
from watchlist.domain.procedure import Naming, Procedure

_NOBODY = SCHEDULER.int


class CaseState(StrEnum):
    ALERT = "alert"
    UNDER_INVESTIGATION = "under_investigation"
    CLOSED = "closed"
    DISMISSED = "dismissed"
    LAPSED = "lapsed"
    EXPIRED = "expired"
    PURGED = "purged"


PURGES = {
    CaseState.DISMISSED: PurgeBasis.NOT_RELEVANT,
    CaseState.LAPSED: PurgeBasis.ALERT_EXPIRED,
    CaseState.EXPIRED: PurgeBasis.RETENTION,
}
"""The states in which a case only waits for its purge, and why; an expired one says itself why."""


def is_over(state: str) -> bool:
    """C5: the data of a case in that state go, or went."""
    return state == CaseState.PURGED or state in PURGES


@dataclass(frozen=True, slots=True)
class Evidence:
    id: UUID
    at: datetime
    by: UUID
    description: Sealed
    sha256: Sealed


@dataclass(frozen=True, slots=True)
class Note:
    at: datetime
    by: UUID
    text: Sealed


@dataclass(frozen=True, slots=True)
class Alert:
    raised_on: date
    source: Source
    summary: Sealed
    amount_at_stake: Sealed | None


class CaseMemory(Aggregate):
    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.state = CaseState.ALERT
        self.opened_at: datetime
        self.opened_by: UUID
        self.last_active_at: datetime
        self.alert: Alert | None = None
        self.import_id: UUID | None = None
        self.reference: Sealed | None = None
        self.qualification_reason: Sealed | None = None
        self.closed_at: datetime | None = None
        self.closing_outcome: ClosingOutcome | None = None
        self.purge_basis: PurgeBasis | None = None
        self.expiry_basis: PurgeBasis | None = None
        self.over_at: datetime | None = None
        """Since when it only waits for its purge."""
        self.purged_at: datetime | None = None
        self.redacted: dict[UUID, Sealed | None] = {}
        self.subject_ids: list[UUID] = []
        self.followed: dict[UUID, UUID] = {}
        self.victims: set[UUID] = set()
        self.stolen: list[Sealed] = []
        self.stolen_from: dict[UUID, UUID] = {}
        self.notes: list[Note] = []
        self.evidence: list[Evidence] = []
        self.procedures: dict[UUID, Procedure] = {}
        self.inscriptions: dict[UUID, Inscription] = {}
        self.letters: dict[UUID, Followed] = {}

    # What others ask --------------------------------------------------------------------------

    def subject_now(self, subject_id: UUID) -> UUID:
        """Who stands for that subject today: itself, or the one it was merged into (C8)."""
        return self.followed.get(subject_id, subject_id)

    def subjects_now(self) -> list[UUID]:
        return list(dict.fromkeys(self.subject_now(subject) for subject in self.subject_ids))

    def victims_then_and_now(self) -> list[UUID]:
        """L10: the victims as they were recorded, and who stands for them today."""
        return sorted(self.victims | {self.subject_now(victim) for victim in self.victims})

    def ends_at(self, inscription: Inscription) -> datetime:
        """When the entry ends, as far as is known (L1)."""
        return retention.entry_ends_at(inscription.term, self._holds_on(inscription))

    def held_by(self, inscription: Inscription) -> list[UUID]:
        """The procedures that hold the entry, or will when its term elapses: those ongoing for its subject."""
        if not self.procedures:
            return []
        elapses_at = inscription.term.elapses_at
        return [
            procedure.id
            for procedure, subject in self._namings_of(inscription)
            if procedure.is_ongoing_for(subject)
            and procedure.hold_on(subject, inscription.imported_at).since < elapses_at
        ]

    def hold_review_due_at(self, inscription: Inscription) -> datetime | None:
        """When an entry that a procedure holds, or will hold past its term, is to be looked at again (L13)."""
        if inscription.state is not State.ACTIVE or not self.held_by(inscription):
            return None
        return retention.hold_review_due_at(inscription.term.last_listed_day, inscription.hold_reviewed_on)

    def letters_of(self, inscription: Inscription) -> list[DueLetter]:
        """The letters that this entry makes due, and those that were sent (L12)."""
        return letters_of(inscription, self.letters, purged=self.state is CaseState.PURGED)

    def letter(self, inscription_id: UUID, kind: LetterKind) -> DueLetter:
        letters = self.letters_of(self.inscription(inscription_id))
        found = next((letter for letter in letters if letter.kind is kind), None)
        if found is None:
            raise refusals.NoSuchLetter()
        return found

    def letter_with(self, letter_id: UUID) -> tuple[Inscription, DueLetter]:
        for inscription in self.inscriptions.values():
            for letter in self.letters_of(inscription):
                if letter.id == letter_id:
                    return inscription, letter
        raise refusals.NoSuchLetter()

    def is_listed(self, inscription: Inscription, at: datetime) -> bool:
        return inscription.state is State.ACTIVE and at < self.ends_at(inscription)

    def listed_of(self, subject_id: UUID, at: datetime) -> list[Inscription]:
        """The entries of whoever stands for that subject that are on the list at that instant, restricted or not."""
        return [one for one in self._inscriptions_of(subject_id) if self.is_listed(one, at)]

    def elapsed(self, at: datetime) -> list[Inscription]:
        """The entries that have ended by themselves and are not yet recorded as delisted (L4)."""
        active = (i for i in self.inscriptions.values() if i.state is State.ACTIVE)
        return [inscription for inscription in active if not self.is_listed(inscription, at)]

    @property
    def alert_ends_at(self) -> datetime | None:
        if self.state is not CaseState.ALERT or self.alert is None:
            return None
        return retention.alert_ends_at(self.alert.raised_on)

    @property
    def inactive_at(self) -> datetime | None:
        if self.state is not CaseState.UNDER_INVESTIGATION:
            return None
        return retention.inactive_at(periods.civil_date(self.last_active_at))

    @property
    def data_end_at(self) -> datetime | None:
        """When the data of a closed case go (C2), as far as is known; not while an entry is active (C3)."""
        if self.closed_at is None or self.state is not CaseState.CLOSED:
            return None
        if any(inscription.is_open for inscription in self.inscriptions.values()):
            return retention.NEVER
        return self._case_data_end_at(self.closed_at)

    def _case_data_end_at(self, closed_at: datetime) -> datetime:
        # A procedure that another continued is over without a limitation of its own.
        limitations = [
            None if p.is_ongoing else p.limitation_ends_on
            for p in self.procedures.values()
            if p.is_ongoing or p.limitation_ends_on is not None
        ]
        return retention.case_data_end_at(periods.civil_date(closed_at), limitations)

    @property
    def data_due_at(self) -> datetime | None:
        """C1, C2: from when on its data are to be gone, or were to be, once that is known; also after its purge."""
        basis = self.purge_due
        if basis is PurgeBasis.ALERT_EXPIRED and self.alert is not None:
            return retention.alert_ends_at(self.alert.raised_on)
        if basis is PurgeBasis.RETENTION and self.closed_at is not None:
            return max(self._case_data_end_at(self.closed_at), *self._ends_of_entries())
        if basis is not None:
            return self.over_at or self.purged_at
        if self.data_end_at is not None:
            return max(self.data_end_at, *self._ends_of_entries())
        return self.alert_ends_at

    def _ends_of_entries(self) -> list[datetime]:
        """C3: no data go while an entry is active; whether its end was recorded in time is another matter."""
        over = [one for one in self.inscriptions.values() if one.delisted_at and one.inscribed_on]
        return [self.opened_at, *(min(self.ends_at(one), one.delisted_at or retention.NEVER) for one in over)]

    @property
    def purge_due(self) -> PurgeBasis | None:
        """Why the data of a case that is over go, or went; None while it may still be worked on."""
        return self.purge_basis or self.expiry_basis or PURGES.get(self.state)

    def subjects_like(self, subject_id: UUID) -> list[UUID]:
        """The ids under which the case names whoever stands for that subject (C8)."""
        now = self.subject_now(subject_id)
        return [one for one in self.subject_ids if self.subject_now(one) == now]

    def _inscriptions_of(self, subject_id: UUID) -> list[Inscription]:
        subject = self.subject_now(subject_id)
        return [i for i in self.inscriptions.values() if self.subject_now(i.subject_id) == subject]

    def _open_inscription_of(self, subject_id: UUID, at: datetime) -> State | None:
        """L8: proposed, or listed at that instant: what has ended is not, swept or not (L1)."""
        return next(
            (
                inscription.state
                for inscription in self._inscriptions_of(subject_id)
                if inscription.state is State.PROPOSED or self.is_listed(inscription, at)
            ),
            None,
        )

    def _namings_of(self, inscription: Inscription) -> list[tuple[Procedure, UUID]]:
        if not self.procedures:
            return []
        subject = self.subject_now(inscription.subject_id)
        return [
            (procedure, named)
            for procedure in self.procedures.values()
            for named in procedure.names
            if self.subject_now(named) == subject
        ]

    def _holds_on(self, inscription: Inscription) -> list[retention.Hold]:
        return [p.hold_on(s, inscription.imported_at) for p, s in self._namings_of(inscription)]

    def inscription(self, inscription_id: UUID) -> Inscription:
        if inscription_id not in self.inscriptions:
            raise refusals.NoSuchInscription()
        return self.inscriptions[inscription_id]

    # Remembered -------------------------------------------------------------------------------

    def remember(self, event: Event) -> Self:
        super().remember(event)
        if event.by.int != _NOBODY:  # what ends by itself is nothing that happened in the case (C7)
            self.last_active_at = event.at
        return self

    @remembers(events.AlertRaised)
    def _alert_raised(self, event: events.AlertRaised) -> None:
        self.organisation = event.organisation
        self.opened_at, self.opened_by = event.at, event.by
        self.alert = Alert(event.raised_on, event.source, event.summary, event.amount_at_stake)
        self.subject_ids = list(event.subject_ids)

    @remembers(events.CaseImported)
    def _imported(self, event: events.CaseImported) -> None:
        self.organisation = event.organisation
        self.opened_at, self.opened_by = event.at, event.by
        self.state = CaseState.UNDER_INVESTIGATION
        self.import_id, self.reference = event.import_id, event.reference
        self.subject_ids = list(event.subject_ids)

    @remembers(events.AlertQualified)
    def _qualified(self, event: events.AlertQualified) -> None:
        self.state = CaseState.UNDER_INVESTIGATION
        self.qualification_reason = event.reason

    @remembers(events.AlertDismissed)
    def _dismissed(self, event: events.AlertDismissed) -> None:
        self.state = CaseState.DISMISSED
        self.over_at = event.at

    @remembers(events.AlertLapsed)
    def _lapsed(self, event: events.AlertLapsed) -> None:
        self.state = CaseState.LAPSED
        self.over_at = event.at

    @remembers(events.CaseDataExpired)
    def _data_expired(self, event: events.CaseDataExpired) -> None:
        self.state = CaseState.EXPIRED
        self.expiry_basis, self.over_at = event.basis, event.at

    @remembers(events.CaseDataPurged)
    def _purged(self, event: events.CaseDataPurged) -> None:
        self.state = CaseState.PURGED
        self.purge_basis = event.basis
        self.purged_at = event.at

    @remembers(events.SubjectAdded)
    def _subject_added(self, event: events.SubjectAdded) -> None:
        self.subject_ids.append(event.subject_id)

    @remembers(events.SubjectDetached)
    def _subject_detached(self, event: events.SubjectDetached) -> None:
        gone = set(self.subjects_like(event.subject_id))
        self.stolen = self.stolen_of_others(event.subject_id)
        self.victims = {victim for victim in self.victims if victim not in gone}
        self.subject_ids = [subject for subject in self.subject_ids if subject not in gone]

    def stolen_of_others(self, subject_id: UUID) -> list[Sealed]:
        now = self.subject_now(subject_id)
        return [one for one in self.stolen if self.subject_now(self.stolen_from[one.ref]) != now]

    @remembers(events.TextRedacted)
    def _text_redacted(self, event: events.TextRedacted) -> None:
        self.redacted[event.text_id] = event.text

    def text_now(self, text: Sealed | None) -> Sealed | None:
        """What remains of a text: itself, or what it was redacted to (P6)."""
        while text is not None and text.ref in self.redacted:
            text = self.redacted[text.ref]
        return text

    @remembers(events.NoteAdded)
    def _note_added(self, event: events.NoteAdded) -> None:
        self.notes.append(Note(event.at, event.by, event.text))

    @remembers(events.EvidenceAdded)
    def _evidence_added(self, event: events.EvidenceAdded) -> None:
        self.evidence.append(Evidence(event.evidence_id, event.at, event.by, event.description, event.sha256))

    @remembers(events.VictimRecorded)
    def _victim_recorded(self, event: events.VictimRecorded) -> None:
        self.victims.add(event.subject_id)
        self.stolen.append(event.stolen)
        self.stolen_from[event.stolen.ref] = event.subject_id

    @remembers(events.ProcedureOpened)
    def _procedure_opened(self, event: events.ProcedureOpened) -> None:
        continued = self.procedures[event.continues].names if event.continues else {}
        procedure = Procedure(
            event.procedure_id,
            event.kind,
            event.court,
            event.reference,
            event.opened_on,
            event.at,
            event.continues,
        )
        for subject in event.subject_ids:
            before = continued.get(subject)
            if before is None:
                procedure.names[subject] = Naming(event.at, event.opened_on)
            else:
                procedure.names[subject] = Naming(before.since, before.opened_on)
                before.until = event.at
        self.procedures[procedure.id] = procedure

    @remembers(events.ProcedureEnded)
    def _procedure_ended(self, event: events.ProcedureEnded) -> None:
        procedure = self.procedures[event.procedure_id]
        for subject in event.subject_ids:
            naming = procedure.names[subject]
            naming.until, naming.outcome = event.at, event.outcome
        known = procedure.limitation_ends_on
        procedure.limitation_ends_on = max(filter(None, (known, event.limitation_ends_on)))

    @remembers(events.CaseClosed)
    def _closed(self, event: events.CaseClosed) -> None:
        self.state = CaseState.CLOSED
        self.closed_at, self.closing_outcome = event.at, event.outcome

    @remembers(events.SubjectFollowed)
    def _subject_followed(self, event: events.SubjectFollowed) -> None:
        if event.into is None:
            self.followed.pop(event.merged, None)
        else:
            self.followed[event.merged] = event.into

    @remembers(events.InscriptionProposed)
    def _inscription_proposed(self, event: events.InscriptionProposed) -> None:
        self.inscriptions[event.inscription_id] = Inscription(
            id=event.inscription_id,
            subject_id=event.subject_id,
            grounds=event.grounds,
            term_months=event.term_months,
            proportionality=event.proportionality,
            proposed_by=event.by,
            proposed_at=event.at,
            last_amended_by=event.by,
            provenance=event.provenance,
        )

    @remembers(events.InscriptionAmended)
    def _inscription_amended(self, event: events.InscriptionAmended) -> None:
        inscription = self.inscriptions[event.inscription_id]
        inscription.grounds = event.grounds
        inscription.term_months = event.term_months
        inscription.proportionality = event.proportionality
        inscription.last_amended_by = event.by

    @remembers(events.InscriptionWithdrawn)
    def _inscription_withdrawn(self, event: events.InscriptionWithdrawn) -> None:
        self.inscriptions[event.inscription_id].state = State.WITHDRAWN

    @remembers(events.InscriptionRejected)
    def _inscription_rejected(self, event: events.InscriptionRejected) -> None:
        self.inscriptions[event.inscription_id].state = State.REJECTED

    @remembers(events.InscriptionApproved)
    def _inscription_approved(self, event: events.InscriptionApproved) -> None:
        inscription = self.inscriptions[event.inscription_id]
        inscription.state = State.ACTIVE
        inscription.inscribed_at, inscription.inscribed_on = event.at, event.inscribed_on
        inscription.approved_by = event.by
        inscription.notice_review_on = event.notice_review_on

    @remembers(events.InscriptionRestricted)
    def _inscription_restricted(self, event: events.InscriptionRestricted) -> None:
        self._restricted(event.inscription_id, BY_HAND, event)

    @remembers(events.RestrictionLifted)
    def _restriction_lifted(self, event: events.RestrictionLifted) -> None:
        self.inscriptions[event.inscription_id].restrictions.pop(BY_HAND, None)

    @remembers(events.InscriptionContested)
    def _inscription_contested(self, event: events.InscriptionContested) -> None:
        self._restricted(event.inscription_id, event.request_id, event)

    @remembers(events.ContestSettled)
    def _contest_settled(self, event: events.ContestSettled) -> None:
        self.inscriptions[event.inscription_id].restrictions.pop(event.request_id, None)

    def _restricted(self, inscription_id: UUID, because_of: UUID | None, event: Event) -> None:
        self.inscriptions[inscription_id].restrictions[because_of] = Restriction(event.at, event.by)

    @remembers(events.InscriptionDelisted)
    def _inscription_delisted(self, event: events.InscriptionDelisted) -> None:
        inscription = self.inscriptions[event.inscription_id]
        inscription.state = State.DELISTED
        inscription.delisted_at, inscription.delisting_ground = event.at, event.ground

    @remembers(events.HoldReviewed)
    def _hold_reviewed(self, event: events.HoldReviewed) -> None:
        self.inscriptions[event.inscription_id].hold_reviewed_on = periods.civil_date(event.at)

    @remembers(events.LetterSent)
    def _letter_sent(self, event: events.LetterSent) -> None:
        followed = self.letters.setdefault(letter_id(event.inscription_id, event.kind), Followed())
        followed.sent = Sent(
            event.sent_on, event.channel, event.template, event.subject_id, event.content, event.document
        )

    @remembers(events.LetterDeferred)
    def _letter_deferred(self, event: events.LetterDeferred) -> None:
        followed = self.letters.setdefault(letter_id(event.inscription_id, event.kind), Followed())
        followed.deferred_to = event.review_on
