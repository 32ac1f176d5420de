"""Case: one matter, its subjects, its judicial procedures and its inscriptions (the consistency boundary).

Recorded in case_events.py, remembered in case_memory.py, decided here: rules stand nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from watchlist.domain import case_events as events
from watchlist.domain import inscription as rules
from watchlist.domain import periods, refusals, retention
from watchlist.domain.aggregate import SCHEDULER, Act
from watchlist.domain.case_events import ClosingOutcome, PurgeBasis
from watchlist.domain.case_memory import PURGES, Alert, CaseMemory, CaseState
from watchlist.domain.commitment import Sealed
from watchlist.domain.correspondence import DueLetter, LetterKind, LetterState, Sent, told_from
from watchlist.domain.inscription import (
    BY_HAND,
    Candidate,
    DelistingGround,
    Ground,
    Inscription,
    Provenance,
    State,
)
from watchlist.domain.procedure import (
    Kind,
    Outcome,
    Procedure,
    require_foreseeable,
    require_names,
    require_past,
)


@dataclass(frozen=True, slots=True)
class NewProcedure:
    """What a person records of a procedure that was opened (C4)."""

    kind: Kind
    court: Sealed
    reference: Sealed
    opened_on: date
    subject_ids: tuple[UUID, ...]
    continues: UUID | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """What a person records of a procedure that has definitively ended (C4, C2)."""

    outcome: Outcome
    ended_on: date
    limitation_basis: Sealed
    limitation_ends_on: date
    subject_ids: tuple[UUID, ...] | None = None
    """None: all those for whom it is ongoing."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed, or amended: grounds, term, and why that is proportionate (L6)."""

    grounds: tuple[Ground, ...]
    term_months: int
    proportionality: Sealed | None
    provenance: Provenance | None = None


class Case(CaseMemory):
    BEGINS_WITH = (events.AlertRaised, events.CaseImported)

    # Decided ----------------------------------------------------------------------------------

    @classmethod
    def raise_alert(cls, act: Act, id: UUID, alert: Alert, subject_ids: Sequence[UUID]) -> Case:
        """C1: `raised_on` is neither in the future nor older than six months."""
        require_past(alert.raised_on, act.at, "raised_on")
        if act.at >= retention.alert_ends_at(alert.raised_on):
            raise refusals.AlertTooOld("raised_on")
        case = cls(id)
        case.record(
            events.AlertRaised,
            act,
            raised_on=alert.raised_on,
            source=alert.source,
            subject_ids=tuple(subject_ids),
            summary=alert.summary,
            amount_at_stake=alert.amount_at_stake,
        )
        return case

    @classmethod
    def take_over(
        cls, act: Act, id: UUID, import_id: UUID, reference: Sealed, subject_ids: Sequence[UUID]
    ) -> Case:
        """L7: a case that comes with an imported list is already qualified."""
        case = cls(id)
        case.record(
            events.CaseImported, act, import_id=import_id, reference=reference, subject_ids=tuple(subject_ids)
        )
        return case

    def qualify(self, act: Act, reason: Sealed) -> None:
        """The alert is relevant: it becomes a case under investigation."""
        self._require_alert(act)
        self.record(events.AlertQualified, act, reason=reason)

    def dismiss(self, act: Act) -> None:
        """C1: found not relevant; its purge follows at once."""
        self._require_alert(act)
        self.record(events.AlertDismissed, act)

    def lapse(self, act: Act) -> bool:
        """C1: not qualified within six months of being raised; whether that is so. Its purge follows."""
        ends_at = self.alert_ends_at
        if ends_at is None or act.at < ends_at:
            return False
        self.record(events.AlertLapsed, act)
        return True

    def expire(self, act: Act) -> bool:
        """C2, C3: the data of a closed case have come to their end; whether that is so. Its purge follows."""
        ends_at = self.data_end_at
        if ends_at is None or act.at < ends_at:
            return False
        self.record(events.CaseDataExpired, act, basis=PurgeBasis.RETENTION)
        return True

    def give_up(self, act: Act, basis: PurgeBasis) -> None:
        """P6: nobody is left in the case, or its erasure was undone by a restore: whatever state it is in."""
        if self.purge_due is not None:
            return
        for subject_id in self.subjects_now():
            self._end_entries_of(act, subject_id)
        self.record(events.CaseDataExpired, act, basis=basis)

    def detach(self, act: Act, subject_id: UUID, basis: PurgeBasis = PurgeBasis.ERASURE_UPHELD) -> None:
        """P6, L9: the subject is erased: its entries end, its proposals are withdrawn, the case goes on without it.

        A case that is left with nobody is over.
        """
        if self.purge_due is not None or not self.subjects_like(subject_id):
            return
        self._end_entries_of(act, subject_id)
        self.record(events.SubjectDetached, act, subject_id=self.subject_now(subject_id))
        if not self.subject_ids:
            self.give_up(act, basis)

    def _end_entries_of(self, act: Act, subject_id: UUID) -> None:
        self.delist_elapsed(act)
        for inscription in self._inscriptions_of(subject_id):
            if inscription.state is State.PROPOSED:
                self.withdraw(act, inscription.id)
            elif inscription.state is State.ACTIVE:
                self.record(
                    events.InscriptionDelisted,
                    act,
                    inscription_id=inscription.id,
                    ground=DelistingGround.ERASURE_UPHELD,
                )

    def require_erasable(self, act: Act, subject_id: UUID) -> None:
        """P6 (art. 17(3)(e)): no erasure while a procedure that names it is ongoing, or its limitation runs."""
        subject = self.subject_now(subject_id)
        for procedure in self.procedures.values():
            named = [one for one in procedure.names if self.subject_now(one) == subject]
            if any(procedure.is_ongoing_for(one) for one in named):
                raise refusals.ProcedureForbidsErasure("subject_id", state="procedure_ongoing")
            last = procedure.limitation_ends_on
            if named and last is not None and act.at < periods.end_of(last, 0):
                raise refusals.ProcedureForbidsErasure("subject_id", state="limitation_running")

    def redact(self, act: Act, text_id: UUID, text: Sealed | None, reason: Sealed | None) -> None:
        """P6: closed or not, as long as the case has its key; a text is redacted once, what remains again."""
        if self.purge_due is not None:
            raise refusals.CasePurged(state=self.state)
        if text_id in self.redacted:
            raise refusals.AlreadyRedacted("text_id", state="redacted")
        self.record(events.TextRedacted, act, text_id=text_id, text=text, reason=reason)

    def purge(self, act: Act) -> bool:
        """C5: record that the data of a case that is over are gone; whether that was still to be recorded.

        Decided apart from what made it due: a key is destroyed between the two, and no command may
        come in between that would still need it.
        """
        basis = self.purge_due
        if basis is None or self.state is CaseState.PURGED:
            return False
        self.record(events.CaseDataPurged, act, basis=basis)
        return True

    def add_subject(self, act: Act, subject_id: UUID) -> None:
        self._require_open(act)
        if subject_id not in self.subjects_now():
            self.record(events.SubjectAdded, act, subject_id=subject_id)

    def add_note(self, act: Act, text: Sealed) -> None:
        self._require_open(act)
        self.record(events.NoteAdded, act, text=text)

    def add_evidence(self, act: Act, id: UUID, description: Sealed, sha256: Sealed) -> None:
        self._require_open(act)
        self.record(events.EvidenceAdded, act, evidence_id=id, description=description, sha256=sha256)

    def record_victim(self, act: Act, subject_id: UUID, stolen: Sealed, reason: Sealed) -> None:
        """L10: a victim is never listed by the case it is a victim in; the case is about it too (C8, P3)."""
        self._require_open(act)
        if self._open_inscription_of(subject_id, act.at) is not None:
            raise refusals.EntryActive("subject_id")
        self.add_subject(act, subject_id)
        self.record(events.VictimRecorded, act, subject_id=subject_id, stolen=stolen, reason=reason)

    def open_procedure(self, act: Act, id: UUID, new: NewProcedure) -> None:
        """C4: needs a qualified case, closed or not; continuing another leaves no gap."""
        self._require_qualified(act)
        require_past(new.opened_on, act.at, "opened_on")
        named = require_names(new.subject_ids, self.subject_ids + self.subjects_now())
        if new.continues is not None:
            named = self._ongoing_for(self._procedure(new.continues, "continues"), named)
        self.record(
            events.ProcedureOpened,
            act,
            procedure_id=id,
            kind=new.kind,
            court=new.court,
            reference=new.reference,
            opened_on=new.opened_on,
            subject_ids=named,
            continues=new.continues,
        )

    def end_procedure(self, act: Act, procedure_id: UUID, ending: Ending) -> None:
        """C4: definitively, for one or several subjects, on a date not in the future."""
        self._require_qualified(act)
        procedure = self._procedure(procedure_id)
        require_past(ending.ended_on, act.at, "ended_on")
        require_foreseeable(ending.limitation_ends_on, "limitation.ends_on")
        if ending.ended_on < procedure.opened_on:
            raise refusals.EndsBeforeItBegan("ended_on")
        if ending.subject_ids is None:
            asked = tuple(s for s in procedure.names if procedure.is_ongoing_for(s))
        else:
            asked = require_names(ending.subject_ids, self.subject_ids + self.subjects_now())
        named = self._ongoing_for(procedure, asked)
        self.record(
            events.ProcedureEnded,
            act,
            procedure_id=procedure_id,
            subject_ids=named,
            outcome=ending.outcome,
            ended_on=ending.ended_on,
            limitation_basis=ending.limitation_basis,
            limitation_ends_on=ending.limitation_ends_on,
        )

    def close(self, act: Act, outcome: ClosingOutcome) -> None:
        """C3: not while a proposal is pending; entries stay."""
        self._require_qualified(act)
        if self.state is CaseState.CLOSED:
            raise refusals.CaseIsClosed(state=self.state)
        if any(i.state is State.PROPOSED for i in self.inscriptions.values()):
            raise refusals.ProposalPending(state=self.state)
        self.record(events.CaseClosed, act, outcome=outcome)

    def follow(self, act: Act, merged: UUID, into: UUID | None) -> None:
        """C8: entries follow a merge, and a split.

        Never two open entries of one subject (L8), nor one of a victim (L10). What has ended is recorded as
        such first: a procedure that names the other one would revive it (L1).
        """
        if into is not None:
            self._require_mergeable(act, merged, into)
        self.delist_elapsed(act)
        self.record(events.SubjectFollowed, act, merged=merged, into=into)

    def propose(
        self, act: Act, id: UUID, subject_id: UUID, subject: Candidate, proposal: Proposal
    ) -> Inscription:
        """L6, L7, L8."""
        self._require_inscribable(act, subject_id, subject)
        self._require_room_for(act, subject_id)
        rules.require_assessed(proposal.proportionality, proposal.provenance)
        if proposal.provenance is not None:
            require_past(proposal.provenance.inscribed_on, act.at, "inscribed_on")
        self.delist_elapsed(act)
        self.record(
            events.InscriptionProposed,
            act,
            inscription_id=id,
            subject_id=subject_id,
            grounds=proposal.grounds,
            grounds_version=rules.GROUNDS_VERSION,
            term_months=rules.require_term(proposal.term_months),
            proportionality=proposal.proportionality,
            provenance=proposal.provenance,
        )
        return self.inscriptions[id]

    def amend(self, act: Act, inscription_id: UUID, proposal: Proposal) -> None:
        """L6: a proposal can be amended; whoever amended it last cannot approve it (L5)."""
        amended = self._proposed(inscription_id)
        rules.require_assessed(proposal.proportionality, amended.provenance)
        self.record(
            events.InscriptionAmended,
            act,
            inscription_id=inscription_id,
            grounds=proposal.grounds,
            grounds_version=rules.GROUNDS_VERSION,
            term_months=rules.require_term(proposal.term_months),
            proportionality=proposal.proportionality,
        )

    def withdraw(self, act: Act, inscription_id: UUID) -> None:
        self._proposed(inscription_id)
        self.record(events.InscriptionWithdrawn, act, inscription_id=inscription_id)

    def reject(self, act: Act, inscription_id: UUID, reason: Sealed) -> None:
        self._proposed(inscription_id)
        self.record(events.InscriptionRejected, act, inscription_id=inscription_id, reason=reason)

    def approve(
        self,
        act: Act,
        inscription_id: UUID,
        subject: Candidate,
        notice_deferral: Sealed | None = None,
        notice_review_on: date | None = None,
    ) -> Inscription:
        """L5, L6, L7: inscribed on today's civil date in Paris; an imported entry keeps its own."""
        inscription = self._proposed(inscription_id)
        rules.require_second_person(inscription, act.by)
        rules.require_review(notice_review_on, periods.civil_date(act.at))
        self._require_inscribable(act, inscription.subject_id, subject)
        inscribed_on = periods.civil_date(act.at)
        if inscription.provenance is not None:
            inscribed_on = inscription.provenance.inscribed_on
            self._require_not_elapsed(act, inscription, inscribed_on)
        self.record(
            events.InscriptionApproved,
            act,
            inscription_id=inscription_id,
            inscribed_on=inscribed_on,
            notice_deferral=notice_deferral,
            notice_review_on=notice_review_on,
        )
        self._contest(act, inscription, subject.contested_by)
        return inscription

    def restrict(self, act: Act, inscription_id: UUID, reason: Sealed) -> None:
        """P2, L9: no hit from the moment this is recorded; the term runs on."""
        inscription = self._listed(act, inscription_id)
        if BY_HAND in inscription.restrictions:
            raise refusals.AlreadyRestricted(state="restricted")
        self.record(events.InscriptionRestricted, act, inscription_id=inscription_id, reason=reason)

    def lift_restriction(self, act: Act, inscription_id: UUID, reason: Sealed) -> None:
        """P2: lifting never revives what has ended, nor answers a request of the person."""
        inscription = self._listed(act, inscription_id)
        if not inscription.restricted:
            raise refusals.NotRestricted(state=inscription.state)
        if BY_HAND not in inscription.restrictions:
            raise refusals.ContestedByRequest(state="contested")
        self.record(events.RestrictionLifted, act, inscription_id=inscription_id, reason=reason)

    def contest(self, act: Act, subject_id: UUID, request_ids: Collection[UUID]) -> None:
        """P2: exactly these requests restrict the listed entries of the subject, besides what was done by hand.

        What has ended is neither restricted nor revived.
        """
        for inscription in self._inscriptions_of(subject_id):
            if self.is_listed(inscription, act.at):
                self._contest(act, inscription, request_ids)

    def _contest(self, act: Act, inscription: Inscription, request_ids: Collection[UUID]) -> None:
        before, now = inscription.contested_by, set(request_ids)
        for request_id in sorted(now - before):
            self.record(
                events.InscriptionContested, act, inscription_id=inscription.id, request_id=request_id
            )
        for request_id in sorted(before - now):
            self.record(events.ContestSettled, act, inscription_id=inscription.id, request_id=request_id)

    def uphold(self, act: Act, subject_id: UUID, ground: DelistingGround) -> tuple[list[UUID], list[UUID]]:
        """L9: a request of the subject was granted: its listed entries end on that ground, and its proposals
        are withdrawn. Which ended, and which were withdrawn; the request says why."""
        of_subject = self._inscriptions_of(subject_id)
        listed = [i.id for i in of_subject if self.is_listed(i, act.at)]
        proposed = [i.id for i in of_subject if i.state is State.PROPOSED]
        for inscription_id in listed:
            self.delist(act, inscription_id, ground, None)
        for inscription_id in proposed:
            self.withdraw(act, inscription_id)
        return listed, proposed

    def delist(self, act: Act, inscription_id: UUID, ground: DelistingGround, reason: Sealed | None) -> None:
        """L9: on a ground of a person's decision."""
        self._listed(act, inscription_id)
        self.record(
            events.InscriptionDelisted,
            act,
            inscription_id=inscription_id,
            ground=rules.require_ground_of_a_person(ground),
            reason=reason,
        )

    def delist_elapsed(self, act: Act) -> int:
        """L1, L4: record the end of every entry that has ended by itself; how many. Nobody's decision."""
        elapsed = self.elapsed(act.at)
        act = Act(at=act.at, by=SCHEDULER, organisation=self.organisation)
        for inscription in elapsed:
            self.record(
                events.InscriptionDelisted,
                act,
                inscription_id=inscription.id,
                ground=DelistingGround.TERM_ELAPSED,
            )
        return len(elapsed)

    def review_hold(self, act: Act, inscription_id: UUID, reason: Sealed) -> None:
        """L13: an entry that a procedure holds past its term was looked at again, and the hold stands."""
        inscription = self._listed(act, inscription_id)
        if act.at < inscription.term.elapses_at:
            raise refusals.NotHeld(state=inscription.state)
        self.record(events.HoldReviewed, act, inscription_id=inscription_id, reason=reason)

    def send_letter(self, act: Act, inscription_id: UUID, kind: LetterKind, sent: Sent) -> None:
        """L12: once, on a day that is neither to come nor before what the letter tells."""
        self.require_sendable(act, inscription_id, kind, sent.sent_on)
        self.record(
            events.LetterSent,
            act,
            inscription_id=inscription_id,
            kind=kind,
            subject_id=sent.subject_id,
            template=sent.template,
            sent_on=sent.sent_on,
            channel=sent.channel,
            content=sent.content,
            document=sent.document,
        )

    def defer_letter(
        self, act: Act, inscription_id: UUID, kind: LetterKind, reason: Sealed, review_on: date
    ) -> DueLetter:
        """L12: with a reason, and the day on which that is reviewed."""
        if self._unsent(act, inscription_id, kind).due_at is None:
            raise refusals.LetterReplaced(state=LetterState.NOT_DUE)
        rules.require_review(review_on, periods.civil_date(act.at), "review_on")
        self.record(
            events.LetterDeferred,
            act,
            inscription_id=inscription_id,
            kind=kind,
            reason=reason,
            review_on=review_on,
        )
        return self.letter(inscription_id, kind)

    # What the decisions require ---------------------------------------------------------------

    def _require_alive(self, act: Act) -> None:
        if self.state in (CaseState.PURGED, *PURGES):
            raise refusals.CasePurged(state=self.state)
        ends_at = self.alert_ends_at
        if ends_at is not None and act.at >= ends_at:
            raise refusals.AlertExpired(state=self.state)

    def require_sendable(self, act: Act, inscription_id: UUID, kind: LetterKind, sent_on: date) -> None:
        """L12: whether `send_letter` would take that day; a letter that crossed with the delisting counts."""
        self._unsent(act, inscription_id, kind)
        inscription = self.inscription(inscription_id)
        require_past(sent_on, act.at, "sent_on")
        if sent_on < told_from(inscription, kind):
            raise refusals.SentBeforeItsFacts("sent_on")
        over = inscription.delisted_at
        if kind is LetterKind.INSCRIPTION and over is not None and sent_on > periods.civil_date(over):
            raise refusals.LetterReplaced(state=LetterState.NOT_DUE)

    def _unsent(self, act: Act, inscription_id: UUID, kind: LetterKind) -> DueLetter:
        self._require_alive(act)
        letter = self.letter(inscription_id, kind)
        if letter.sent is not None:
            raise refusals.LetterAlreadySent(state=LetterState.SENT)
        return letter

    def _require_alert(self, act: Act) -> None:
        self._require_alive(act)
        if self.state is not CaseState.ALERT:
            raise refusals.AlreadyQualified(state=self.state)

    def _require_open(self, act: Act) -> None:
        self._require_alive(act)
        if self.state is CaseState.CLOSED:
            raise refusals.CaseIsClosed(state=self.state)

    def _require_qualified(self, act: Act) -> None:
        self._require_alive(act)
        if self.state is CaseState.ALERT:
            raise refusals.CaseNotQualified(state=self.state)

    def require_proposable(self, act: Act, subject_id: UUID, subject: Candidate) -> None:
        """L6, L8: whether `propose` would take this subject, once it is one of the case."""
        self._require_qualified(act)
        self._require_open(act)
        self._require_eligible(subject_id, subject)
        self._require_room_for(act, subject_id)

    def _require_inscribable(self, act: Act, subject_id: UUID, subject: Candidate) -> None:
        """L6: a qualified case that is not closed, an identified subject of it, not its victim (L10)."""
        self._require_qualified(act)
        self._require_open(act)
        if subject_id not in self.subject_ids and subject_id not in self.subjects_now():
            raise refusals.SubjectNotInCase("subject_id")
        self._require_eligible(subject_id, subject)

    def _require_eligible(self, subject_id: UUID, subject: Candidate) -> None:
        """L6, L10: identified, alive, standing for itself, and not the case's victim."""
        if self.subject_now(subject_id) in self._victims_now():
            raise refusals.VictimNotListed("subject_id")
        rules.require_candidate(subject)

    def _require_room_for(self, act: Act, subject_id: UUID) -> None:
        """L8: one open entry at a time; a second needs evidence recorded after the first began."""
        if (state := self._open_inscription_of(subject_id, act.at)) is not None:
            raise refusals.AlreadyProposed("subject_id", state=state)
        began = [i.inscribed_at for i in self._inscriptions_of(subject_id) if i.inscribed_at is not None]
        if began and not any(evidence.at > max(began) for evidence in self.evidence):
            raise refusals.NewEvidenceNeeded("subject_id", state=self.state)

    def _require_not_elapsed(self, act: Act, inscription: Inscription, inscribed_on: date) -> None:
        """L7: an imported entry whose term has elapsed needs a procedure that holds it."""
        term = retention.Term(inscribed_on, inscription.term_months)
        holds = [p.hold_on(s, act.at) for p, s in self._namings_of(inscription)]
        if retention.entry_ends_at(term, holds) <= act.at:
            raise refusals.TermElapsed("inscribed_on")

    def _require_mergeable(self, act: Act, merged: UUID, into: UUID) -> None:
        """L8, L10."""
        both = {self.subject_now(merged), self.subject_now(into)}
        listed = [subject for subject in both if self._open_inscription_of(subject, act.at) is not None]
        if len(listed) > 1:
            raise refusals.AlreadyProposed("duplicate_id")
        if listed and both & self._victims_now():
            raise refusals.VictimNotListed("duplicate_id")

    def _procedure(self, procedure_id: UUID, field: str | None = None) -> Procedure:
        if procedure_id not in self.procedures:
            raise refusals.NoSuchProcedure(field)
        return self.procedures[procedure_id]

    def _ongoing_for(self, procedure: Procedure, subject_ids: Iterable[UUID]) -> tuple[UUID, ...]:
        """C4: as the procedure names them, those subjects it is ongoing for; a merged one under either id."""
        asked = {self.subject_now(subject) for subject in subject_ids}
        ongoing = [named for named in procedure.names if procedure.is_ongoing_for(named)]
        if not asked or asked - {self.subject_now(named) for named in ongoing}:
            raise refusals.ProcedureNotOngoing("subject_ids", state="ended")
        return tuple(named for named in ongoing if self.subject_now(named) in asked)

    def _victims_now(self) -> set[UUID]:
        return {self.subject_now(victim) for victim in self.victims}

    def _proposed(self, inscription_id: UUID) -> Inscription:
        inscription = self.inscription(inscription_id)
        if inscription.state is not State.PROPOSED:
            raise refusals.NotProposed(state=inscription.state)
        return inscription

    def _listed(self, act: Act, inscription_id: UUID) -> Inscription:
        inscription = self.inscription(inscription_id)
        if not self.is_listed(inscription, act.at):
            ended = inscription.state is State.ACTIVE
            raise refusals.NotListed(state="ended" if ended else inscription.state)
        return inscription
