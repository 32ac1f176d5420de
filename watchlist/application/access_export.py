"""Access: everything one organisation holds of one person, told to that person (P3).

Told from what was recorded, event by event, so that what has no section of its own is told too (`other`). A text of
a matter that concerns several persons is withheld when it names another of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import structs

from watchlist.application.access_records import Records, facts_of, of_kind
from watchlist.application.access_requests import contests, letters_deferred, letters_sent, requests_told
from watchlist.application.desk import Desk
from watchlist.application.told_of import consultations_of, recipients_of
from watchlist.domain import access, periods, refusals, retention
from watchlist.domain import case_events as events
from watchlist.domain import identity as identities
from watchlist.domain import subject as subjects
from watchlist.domain.access import Consulted, Deferred, Disclosed, Part, PartDeferred, Text, Withheld
from watchlist.domain.aggregate import Event
from watchlist.domain.case import Case
from watchlist.domain.commitment import Sealed
from watchlist.domain.inscription import Inscription, State
from watchlist.domain.rights_request import Right, RightsRequest
from watchlist.domain.wording import in_words, in_words_if_any

E = TypeVar("E", bound=Event)
S = TypeVar("S")

TOLD = (
    events.AlertRaised, events.CaseImported, events.AlertQualified, events.AlertDismissed, events.AlertLapsed,
    events.CaseClosed, events.CaseDataPurged, events.NoteAdded, events.EvidenceAdded, events.VictimRecorded,
    events.ProcedureOpened, events.ProcedureEnded, events.InscriptionProposed, events.InscriptionAmended,
    events.InscriptionRejected, events.InscriptionApproved, events.InscriptionRestricted,
    events.RestrictionLifted, events.InscriptionDelisted, events.InscriptionContested, events.ContestSettled,
    events.LetterSent, events.LetterDeferred,
)  # fmt: skip
"""The events of a case that have a section of their own."""
REDACTED = (events.TextRedacted.TOPIC, "text")
"""What a text was redacted to stands where the text stood, and waits where that waits."""
OF_OTHERS = (events.SubjectAdded, events.SubjectFollowed)
"""What only says which subjects a case has."""
OF_A_HOLD = (events.HoldReviewed,)
"""What waits where the procedures do: a hold is a procedure's."""


def access_export(
    desk: Desk,
    subject_id: UUID,
    organisation: str,
    deferred: Sequence[Deferred] = (),
    disclosures: Iterable[Disclosed] = (),
    consultations: Iterable[Consulted] = (),
) -> dict[str, Any]:
    """An AccessExport, ready for JSON: the same bytes for the same records and the same instant.

    For a subject that was merged, what is held of the survivor. `disclosures` and `consultations` are what the
    registers of those know of the person. Raises NoSuchSubject, DeferralWithoutReason, PartOfNoCase.
    """
    access.require_deferrable(deferred, periods.civil_date(desk.clock.now()))
    records = Records.of(desk, subject_id, organisation)
    return _export(desk, records, deferred, disclosures, consultations)


def export_for(desk: Desk, request: RightsRequest) -> dict[str, Any]:
    """What answers that request of access, less what its decision deferred: that waits until it is reviewed, late too.

    Raises NoExport when it asks for something else, or was refused; NoSuchSubject once its subject is erased.
    """
    if request.kind is not Right.ACCESS or (request.decision is not None and not request.is_granted):
        raise refusals.NoExport(state=request.state)
    records = Records.of(desk, request.subject_id, request.organisation)
    if records.subject.is_erasing:
        raise refusals.NoSuchSubject()
    waiting = records.raw(request.deferred)
    deferred = [] if waiting is None else access.deferrals_in(waiting)
    consultations = consultations_of(desk, records.family, before=request.recorded_at)
    return _export(desk, records, deferred, recipients_of(desk, records.family), consultations)


def _export(
    desk: Desk,
    records: Records,
    deferred: Sequence[Deferred],
    disclosures: Iterable[Disclosed],
    consultations: Iterable[Consulted],
) -> dict[str, Any]:
    me, now = records.subject, desk.clock.now()
    export = access.AccessExport(
        made_at=now,
        organisation=me.organisation,
        subject_id=me.id,
        kind=me.kind,
        role=me.role,
        registered_at=me.registered_at,
        identity=access.deferral_of(deferred, Part.IDENTITY) or _identity(records, deferred),
        cases=access.deferral_of(deferred, Part.CASES) or _cases(records, deferred, now),
        requests=requests_told(records),
        contests=[told for stream in records.family.values() for told in contests(stream)],
        recipients=access.deferral_of(deferred, Part.RECIPIENTS)
        or _in_order(map(records.heard, disclosures)),
        consultations=access.deferral_of(deferred, Part.CONSULTATIONS) or _in_order(consultations),
        left_out=access.LEFT_OUT,
        purpose=access.PURPOSE,
    )
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(export))
    return told


def _in_order(told: Iterable[S]) -> list[S]:
    return sorted(told, key=msgspec.json.encode)


# Who they are ---------------------------------------------------------------------------------


def _identity(records: Records, deferred: Sequence[Deferred]) -> access.IdentityTold:
    streams = records.family.items()
    waiting = (Part.CASES, Part.PROCEDURES)
    unsaid = {id for id in records.cases for part in waiting if access.deferral_of(deferred, part, id)}
    return access.IdentityTold(
        versions=[version for id, stream in streams for version in _versions(records, id, stream)],
        merged=[_merge(records, id, stream) for id, stream in streams if id != records.subject.id],
        deceased=records.subject.is_deceased,
        died_on=records.text_if_any(records.subject.death),
        retention=access.identity_retention(records.cases.values(), unsaid),
    )


def _versions(records: Records, id: UUID, stream: Iterable[Event]) -> Iterator[access.IdentityVersion]:
    for event in stream:
        if isinstance(event, subjects.SubjectRegistered):
            yield access.IdentityVersion(id, event.at, _values(records, event.identity), [])
        elif isinstance(event, subjects.SubjectRectified):
            values = _values(records, event.identity)
            yield access.IdentityVersion(id, event.at, values, list(event.fields), records.text(event.reason))


def _values(records: Records, identity: Sealed) -> dict[str, Any] | None:
    raw = records.raw(identity)
    if raw is None:
        return None
    found = identities.decode(raw)
    return {name: value for name, value in msgspec.to_builtins(found).items() if value is not None}


def _merge(records: Records, id: UUID, stream: list[Event]) -> access.Merge:
    merged = of_kind(stream, subjects.SubjectMergedInto)[-1]
    return access.Merge(id, stream[0].at, merged.at, records.text(merged.reason))


# Their cases ----------------------------------------------------------------------------------


def _cases(
    records: Records, deferred: Sequence[Deferred], now: datetime
) -> list[access.CaseTold | PartDeferred]:
    return [
        access.deferral_of(deferred, Part.CASES, id) or _Matter(records, case, now, deferred).told()
        for id, case in records.cases.items()
    ]


class _Matter:
    """One case, as far as it concerns the person."""

    def __init__(self, records: Records, case: Case, now: datetime, deferred: Sequence[Deferred]) -> None:
        self._records, self._case, self._now, self._deferred = records, case, now, deferred
        self._stream = records.streams[case.id]
        self._unsaid = self._waits(Part.PROCEDURES)
        """What stands in the place of whatever would tell that there is a procedure."""

    def _waits(self, part: Part) -> PartDeferred | None:
        return access.deferral_of(self._deferred, part, self._case.id)

    def told(self) -> access.CaseTold:
        case, text = self._case, self._records
        purged, waits = of_kind(self._stream, events.CaseDataPurged), self._waits
        return access.CaseTold(
            case_id=case.id,
            state=case.state,
            source=in_words_if_any(case.alert.source if case.alert else None),
            raised_on=case.alert.raised_on if case.alert else None,
            opened_at=case.opened_at,
            closed_at=case.closed_at,
            closing_outcome=in_words_if_any(case.closing_outcome),
            purged_at=purged[0].at if purged else None,
            summary=waits(Part.SUMMARY) or self._summary(),
            notes=waits(Part.NOTES)
            or [access.NoteTold(note.at, text.text(note.text)) for note in case.notes],
            evidence=waits(Part.EVIDENCE) or self._evidence(),
            procedures=self._unsaid or self._procedures(),
            inscriptions=waits(Part.INSCRIPTIONS) or self._inscriptions(),
            victim_records=waits(Part.VICTIM_RECORDS) or self._victim_records(),
            other=waits(Part.OTHER) or self._other(),
            retention=access.case_retention(case, unsaid=self._unsaid is not None),
        )

    def _summary(self) -> access.SummaryTold:
        case, text_if_any = self._case, self._records.text_if_any
        return access.SummaryTold(
            text_if_any(case.alert.summary if case.alert else None),
            text_if_any(case.alert.amount_at_stake if case.alert else None),
            text_if_any(case.reference),
            text_if_any(case.qualification_reason),
        )

    def _evidence(self) -> list[access.EvidenceTold]:
        text = self._records.text
        return [access.EvidenceTold(e.at, text(e.description), text(e.sha256)) for e in self._case.evidence]

    def _victim_records(self) -> list[access.VictimTold]:
        recorded = of_kind(self._stream, events.VictimRecorded)
        return [self._victim(event) for event in recorded if self._is_me(event.subject_id)]

    def _victim(self, event: events.VictimRecorded) -> access.VictimTold:
        raw = self._records.raw(event.stolen)
        pairs = None if raw is None else msgspec.json.decode(raw)
        stolen = None if pairs is None else [{"scheme": scheme, "value": value} for scheme, value in pairs]
        return access.VictimTold(event.at, stolen, self._records.text(event.reason))

    def _is_me(self, subject_id: UUID) -> bool:
        return self._records.is_me(self._case, subject_id)

    def _procedures(self) -> list[access.ProcedureTold]:
        opened = of_kind(self._stream, events.ProcedureOpened)
        return [self._procedure(event) for event in opened if any(map(self._is_me, event.subject_ids))]

    def _procedure(self, event: events.ProcedureOpened) -> access.ProcedureTold:
        naming = self._case.procedures[event.procedure_id].names
        return access.ProcedureTold(
            procedure_id=event.procedure_id,
            kind=in_words(event.kind),
            court=self._records.text(event.court),
            reference=self._records.text(event.reference),
            opened_on=event.opened_on,
            recorded_at=event.at,
            continues=event.continues,
            ongoing=any(self._is_me(subject) and one.until is None for subject, one in naming.items()),
            ends=[self._end(end) for end in self._ends_of(event.procedure_id)],
        )

    def _ends_of(self, procedure_id: UUID) -> list[events.ProcedureEnded]:
        ended = of_kind(self._stream, events.ProcedureEnded)
        mine = (event for event in ended if any(map(self._is_me, event.subject_ids)))
        return [event for event in mine if event.procedure_id == procedure_id]

    def _end(self, event: events.ProcedureEnded) -> access.ProcedureEnd:
        basis = self._records.text(event.limitation_basis)
        return access.ProcedureEnd(
            event.ended_on, event.at, in_words(event.outcome), basis, event.limitation_ends_on
        )

    # Their inscriptions -----------------------------------------------------------------------

    def _inscriptions(self) -> list[access.InscriptionTold]:
        return [self._inscription(i) for i in self._case.inscriptions.values() if self._is_me(i.subject_id)]

    def _inscription(self, inscription: Inscription) -> access.InscriptionTold:
        case, began = self._case, inscription.inscribed_on is not None
        about = [event for event in self._stream if _names(event, inscription.id)]
        return access.InscriptionTold(
            inscription_id=inscription.id,
            state=self._state_now(inscription),
            proposals=self._proposals(inscription.id),
            imported_from=self._imported_from(inscription),
            rejection_reason=self._rejection_reason(inscription.id),
            inscribed_on=inscription.inscribed_on,
            recorded_at=inscription.inscribed_at,
            last_listed_day=inscription.term.last_listed_day if began else None,
            restricted=inscription.restricted,
            held_by=self._unsaid or self._held_by(inscription),
            restrictions=self._restrictions(inscription.id),
            contests=contests(about),
            letter=self._letter(inscription),
            letters_deferred=letters_deferred(self._records, about),
            letters_sent=letters_sent(self._records, about),
            delisting=self._delisting(inscription.id),
            retention=access.entry_retention(
                case.ends_at(inscription) if began and not self._unsaid else None
            ),
        )

    def _held_by(self, inscription: Inscription) -> list[UUID]:
        return sorted(self._case.held_by(inscription)) if inscription.state is State.ACTIVE else []

    def _state_now(self, inscription: Inscription) -> str:
        """L3: what is over is told as ended, though no sweep has recorded it."""
        over = inscription.state is State.ACTIVE and not self._case.is_listed(inscription, self._now)
        return "ended" if over else inscription.state.value

    def _about(self, kind: type[E], inscription_id: UUID) -> list[E]:
        return [event for event in of_kind(self._stream, kind) if _names(event, inscription_id)]

    def _proposals(self, id: UUID) -> list[access.ProposalTold]:
        proposed: list[events.InscriptionProposed | events.InscriptionAmended] = [
            *self._about(events.InscriptionProposed, id),
            *self._about(events.InscriptionAmended, id),
        ]
        return [
            access.ProposalTold(
                event.at,
                [in_words(ground) for ground in event.grounds],
                event.grounds_version,
                event.term_months,
                self._assessment(event.proportionality),
            )
            for event in proposed
        ]

    def _assessment(self, sealed: Sealed | None) -> dict[str, Text] | None:
        if sealed is None:
            return None
        raw = self._records.raw(sealed)
        if raw is None:
            return {"assessment": Text(withheld=Withheld.ERASED)}
        return {name: self._records.told(text) for name, text in msgspec.json.decode(raw).items()}

    def _imported_from(self, inscription: Inscription) -> Text | None:
        if inscription.provenance is None:
            return None
        raw = self._records.raw(inscription.provenance.line)
        if raw is None:
            return Text(withheld=Withheld.ERASED)
        place = msgspec.json.decode(raw)
        return self._records.told(f"{place['file']}, {place['line']}")

    def _rejection_reason(self, id: UUID) -> Text | None:
        rejected = self._about(events.InscriptionRejected, id)
        return self._records.text(rejected[0].reason) if rejected else None

    def _restrictions(self, id: UUID) -> list[access.RestrictionTold]:
        told: list[access.RestrictionTold] = []
        for event in self._stream:
            if isinstance(event, events.InscriptionRestricted) and event.inscription_id == id:
                told.append(access.RestrictionTold(event.at, self._records.text(event.reason)))
            elif isinstance(event, events.RestrictionLifted) and event.inscription_id == id:
                reason = self._records.text(event.reason)
                told[-1] = structs.replace(told[-1], lifted_at=event.at, lifting_reason=reason)
        return told

    def _letter(self, inscription: Inscription) -> access.LetterTold | None:
        for event in self._about(events.InscriptionApproved, inscription.id):
            taken_effect_on = periods.civil_date(event.at)
            due_at = retention.letter_due_at(taken_effect_on, inscription.notice_review_on)
            reason = self._records.text_if_any(event.notice_deferral)
            return access.LetterTold(due_at, reason, inscription.notice_review_on)
        return None

    def _delisting(self, id: UUID) -> access.DelistingTold | None:
        for event in self._about(events.InscriptionDelisted, id):
            reason = self._records.text_if_any(event.reason)
            return access.DelistingTold(event.at, in_words(event.ground), reason)
        return None

    # Anything else ----------------------------------------------------------------------------

    def _other(self) -> list[access.OtherTold]:
        elsewhere = (*TOLD, *OF_OTHERS, *(OF_A_HOLD if self._unsaid else ()))
        untold = (event for event in self._stream if not isinstance(event, elsewhere))
        return [self._as_recorded(event) for event in untold if self._concerns_me(event)]

    def _concerns_me(self, event: Event) -> bool:
        """Whatever names a subject or an inscription names this person's."""
        inscription_id = getattr(event, "inscription_id", None)
        found = self._case.inscriptions.get(inscription_id) if inscription_id else None
        named = [getattr(event, "subject_id", None), found.subject_id if found else None]
        return all(self._is_me(subject) for subject in named if subject is not None)

    def _as_recorded(self, event: Event) -> access.OtherTold:
        facts = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in facts_of(event)
            if _is_told(value)
        }
        texts = {
            name: self._records.text(value)
            for name, value in facts_of(event)
            if isinstance(value, Sealed) and (event.TOPIC, name) != REDACTED
        }
        return access.OtherTold(event.TOPIC, event.at, facts, texts)


def _names(event: Event, inscription_id: UUID) -> bool:
    return getattr(event, "inscription_id", None) == inscription_id


def _is_told(value: object) -> bool:
    """Codes, dates and numbers; random ids are somebody's, or of no use to the person."""
    if isinstance(value, tuple):
        return bool(value) and all(map(_is_told, value))
    return isinstance(value, Enum | date | bool | int | str)
