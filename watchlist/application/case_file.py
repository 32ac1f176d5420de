"""The case file: what is known of a case, an inscription or a subject, opened for those who may read it.

`scope` is the organisation whose records may be read, None for those of all (T3). What was erased is None, and the
part it belonged to says `erased`. Everything sealed of one owner is read from the vault at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from watchlist.application.attention import opened as seen
from watchlist.application.desk import Desk
from watchlist.domain import identity as identities
from watchlist.domain import refusals, retention
from watchlist.domain.aggregate import Aggregate
from watchlist.domain.case import Case
from watchlist.domain.case_memory import Evidence, Note
from watchlist.domain.commitment import Sealed
from watchlist.domain.identity import Identity, Person
from watchlist.domain.inscription import Inscription, State
from watchlist.domain.procedure import Procedure
from watchlist.domain.redaction import KeepsTexts
from watchlist.domain.subject import Subject

A = TypeVar("A", bound=Aggregate)
View = dict[str, Any]

ENDED = "ended"
"""The state of an entry that is over, whether its end was recorded yet or not (L3)."""
WHOSE = frozenset({"stream", "version", "format", "at", "by", "organisation"})
"""What every event has; the rest are its facts."""


class Opened:
    """The sealed values of one owner, opened; notices when one was erased."""

    def __init__(self, values: Mapping[UUID, bytes], case: Case | KeepsTexts | None = None) -> None:
        self._values = values
        self.case = case

    def now(self, sealed: Sealed | None) -> Sealed | None:
        """The value, or what it was redacted to."""
        return self.case.text_now(sealed) if self.case else sealed

    def ids(self, **sealed: Sealed | None) -> View:
        """The ids of texts, as a redaction names them, and whether one was redacted before."""
        now = {name: self.now(one) for name, one in sealed.items()}
        return {
            "text_ids": {name: one.ref for name, one in now.items() if one is not None},
            "redacted": any(now[name] != one for name, one in sealed.items()),
        }

    def raw(self, sealed: Sealed | None) -> bytes | None:
        sealed = self.now(sealed)
        return None if sealed is None else self._values.get(sealed.ref)

    def text(self, sealed: Sealed | None) -> str | None:
        raw = self.raw(sealed)
        return None if raw is None else raw.decode()

    def lacks(self, *sealed: Sealed | None) -> bool:
        """Whether one of them was recorded and cannot be read any more."""
        return any(one is not None and one.ref not in self._values for one in map(self.now, sealed))


# Fetched --------------------------------------------------------------------------------------


def read_case(desk: Desk, case_id: UUID, scope: str | None, as_of: datetime | None = None) -> View:
    """The whole file of a case; as the log told it by an instant, its texts as they are held today."""
    wrapped: dict[UUID, bytes] = {}
    today = _found(desk, case_id, Case, scope, refusals.NoSuchCase, wrapped)
    case = today if as_of is None else _as_of(desk, today, as_of)
    opened = Opened(desk.open_sealed(case.id, sealed_in(case, today), wrapped), today)
    at = as_of or desk.clock.now()
    return {
        **_case_head(case, opened),
        "notes": [_note(note, opened) for note in case.notes],
        "evidence": [_evidence(piece, opened) for piece in case.evidence],
        "procedures": [_procedure(procedure, opened) for procedure in case.procedures.values()],
        "inscriptions": [_inscription(case, i, opened, at) for i in case.inscriptions.values()],
    }


def _as_of(desk: Desk, case: Case, at: datetime) -> Case:
    """The case by what had been recorded of it up to that instant."""
    then = desk.log.load_as_of(case.id, at)
    if not isinstance(then, Case):
        raise refusals.NoSuchCase()
    return then


def read_inscription(desk: Desk, inscription_id: UUID, scope: str | None) -> View:
    """One inscription as it stands."""
    case_id = desk.registry.case_of(inscription_id)
    if case_id is None:
        raise refusals.NoSuchInscription()
    case = _found(desk, case_id, Case, scope, refusals.NoSuchInscription)
    inscription = case.inscription(inscription_id)
    assessment = case.text_now(inscription.proportionality)
    opened = Opened(desk.open_sealed(case.id, _only(assessment)), case)
    view = _inscription(case, inscription, opened, desk.clock.now())
    return {"id": inscription.id, "version": case.version, **view}


def read_subject(desk: Desk, subject_id: UUID, scope: str | None) -> View:
    """One subject, its identity opened; the fields of an erased one are absent."""
    subject = _found(desk, subject_id, Subject, scope, refusals.NoSuchSubject)
    kept = () if subject.is_erasing else (subject.identity, subject.death)
    opened = Opened(desk.open_sealed(subject.id, _only(*kept)))
    identity = opened.raw(subject.identity)
    return {
        "id": subject.id,
        "version": subject.version,
        "organisation": subject.organisation,
        "kind": subject.kind,
        "role": subject.role,
        "identified": subject.identified,
        "deceased": subject.is_deceased,
        "died_on": opened.text(subject.death),
        "merged_into": subject.merged_into,
        "contested_by": sorted(subject.contested_by),
        "registered_at": subject.registered_at,
        "erased": identity is None,
        **({} if identity is None else _identity(identities.decode(identity))),
    }


def find_case(desk: Desk, case_id: UUID, scope: str | None) -> Case:
    """The case, its sealed values still sealed."""
    return _found(desk, case_id, Case, scope, refusals.NoSuchCase)


def find_subject(desk: Desk, subject_id: UUID, scope: str | None) -> Subject:
    """The subject, its sealed values still sealed."""
    return _found(desk, subject_id, Subject, scope, refusals.NoSuchSubject)


def event_view(state: bytes) -> View:
    """Who recorded an event and when, and what it says in codes, dates and random ids; what it sealed is left out."""
    document: View = msgspec.json.decode(state)
    facts = {name: value for name, value in document.items() if name not in WHOSE}
    return {"at": document["at"], "by": document["by"], "facts": _unsealed(facts)}


def _found(
    desk: Desk,
    id: UUID,
    kind: type[A],
    scope: str | None,
    missing: type[refusals.NotFound],
    wrapped: dict[UUID, bytes] | None = None,
) -> A:
    """With `wrapped`, its key comes along."""
    found = desk.log.load([id], wrapped).get(id)
    if not isinstance(found, kind) or scope not in (None, found.organisation):
        raise missing()
    seen([found.id])
    return found


# Shown ----------------------------------------------------------------------------------------


def _case_head(case: Case, opened: Opened) -> View:
    alert = case.alert
    summary, amount = (alert.summary, alert.amount_at_stake) if alert else (None, None)
    return {
        "id": case.id,
        "version": case.version,
        "organisation": case.organisation,
        "state": case.state,
        "source": alert.source if alert else None,
        "raised_on": alert.raised_on if alert else None,
        "opened_at": case.opened_at,
        "opened_by": case.opened_by,
        "closed_at": case.closed_at,
        "closing_outcome": case.closing_outcome,
        "purge_basis": case.purge_basis,
        "purged_at": case.purged_at,
        "import_id": case.import_id,
        "alert_ends_at": case.alert_ends_at,
        "data_end_at": _unless_never(case.data_end_at),
        "subject_ids": case.subjects_now(),
        "victim_ids": sorted({case.subject_now(victim) for victim in case.victims}),
        "summary": opened.text(summary),
        "amount_at_stake": _amount(opened.text(amount)),
        "reference": opened.text(case.reference),
        "qualification_reason": opened.text(case.qualification_reason),
        **opened.ids(
            summary=summary, reference=case.reference, qualification_reason=case.qualification_reason
        ),
        "erased": opened.lacks(summary, amount, case.reference, case.qualification_reason),
    }


def _note(note: Note, opened: Opened) -> View:
    text = opened.text(note.text)
    return {"at": note.at, "by": note.by, "text": text, **opened.ids(text=note.text), "erased": text is None}


def _evidence(piece: Evidence, opened: Opened) -> View:
    return {
        "evidence_id": piece.id,
        "at": piece.at,
        "by": piece.by,
        "description": opened.text(piece.description),
        "sha256": opened.text(piece.sha256),
        **opened.ids(description=piece.description),
        "erased": opened.lacks(piece.description, piece.sha256),
    }


def _procedure(procedure: Procedure, opened: Opened) -> View:
    return {
        "procedure_id": procedure.id,
        "kind": procedure.kind,
        "court": opened.text(procedure.court),
        "reference": opened.text(procedure.reference),
        "opened_on": procedure.opened_on,
        "continues": procedure.continues,
        "ongoing": procedure.is_ongoing,
        "limitation_ends_on": procedure.limitation_ends_on,
        "subjects": [
            {
                "subject_id": subject,
                "ongoing": naming.until is None,
                "since": naming.since,
                "until": naming.until,
                "outcome": naming.outcome,
            }
            for subject, naming in procedure.names.items()
        ],
        **opened.ids(court=procedure.court, reference=procedure.reference),
        "erased": opened.lacks(procedure.court, procedure.reference),
    }


def _inscription(case: Case, inscription: Inscription, opened: Opened, at: datetime) -> View:
    assessment = opened.raw(inscription.proportionality)
    return {
        "inscription_id": inscription.id,
        "subject_id": case.subject_now(inscription.subject_id),
        "case_id": case.id,
        "organisation": case.organisation,
        "state": _state_at(case, inscription, at),
        "grounds": inscription.grounds,
        "term_months": inscription.term_months,
        "proportionality": None if assessment is None else msgspec.json.decode(assessment),
        "proportionality_inherited": inscription.proportionality is None,
        "proposed_at": inscription.proposed_at,
        "proposed_by": inscription.proposed_by,
        "last_amended_by": inscription.last_amended_by,
        "import_id": inscription.provenance.import_id if inscription.provenance else None,
        "approved_by": inscription.approved_by,
        "notice_review_on": inscription.notice_review_on,
        **_standing(case, inscription),
        "restricted": inscription.restricted,
        "restrictions": _restrictions(inscription),
        "delisted_at": inscription.delisted_at,
        "delisting_ground": inscription.delisting_ground,
        **opened.ids(proportionality=inscription.proportionality),
        "erased": opened.lacks(inscription.proportionality),
    }


def _restrictions(inscription: Inscription) -> list[View]:
    """P2: since when, recorded by whom, and for which request of the person; by hand, for none."""
    made = inscription.restrictions.items()
    return [{"since": one.at, "by": one.by, "request_id": request_id} for request_id, one in made]


def _standing(case: Case, inscription: Inscription) -> View:
    """Since when it is listed and until when; all None while it is not inscribed."""
    began = inscription.inscribed_on is not None
    return {
        "inscribed_on": inscription.inscribed_on,
        "last_listed_day": inscription.term.last_listed_day if began else None,
        "listed_until": inscription.term.elapses_at if began else None,
        "ends_at": _unless_never(case.ends_at(inscription)) if began else None,
        "held_by": case.held_by(inscription) if inscription.state is State.ACTIVE else [],
    }


def _state_at(case: Case, inscription: Inscription, at: datetime) -> str:
    over = inscription.state is State.ACTIVE and not case.is_listed(inscription, at)
    return ENDED if over else inscription.state.value


def _identity(identity: Identity) -> View:
    numbers = [{"scheme": i.scheme, "value": i.value} for i in identity.identifiers]
    if not isinstance(identity, Person):
        return {"name": identity.name, "identifiers": numbers}
    return {
        "family_name": identity.family_name,
        "usage_name": identity.usage_name,
        "given_names": identity.given_names,
        "birth_date": identity.birth_date,
        "birth_place": identity.birth_place,
        "identifiers": numbers,
    }


def _amount(text: str | None) -> View | None:
    if text is None:
        return None
    amount, currency = text.split(" ")
    return {"amount": amount, "currency": currency}


def _unless_never(instant: Any) -> Any:
    return None if instant == retention.NEVER else instant


# Sealed ---------------------------------------------------------------------------------------


def _only(*sealed: Sealed | None) -> list[Sealed]:
    return [one for one in sealed if one is not None]


def sealed_in(case: Case, today: Case | None = None) -> list[Sealed]:
    """All that the file of a case opens, redacted texts as they read now: `today` knows, of an earlier state of it."""
    return _only(*((today or case).text_now(part) for part in _sealed_parts(case)))


def _sealed_parts(case: Case) -> Iterator[Sealed | None]:
    if case.alert:
        yield from (case.alert.summary, case.alert.amount_at_stake)
    yield from (case.reference, case.qualification_reason)
    yield from (note.text for note in case.notes)
    yield from _pairs((piece.description, piece.sha256) for piece in case.evidence)
    yield from _pairs((procedure.court, procedure.reference) for procedure in case.procedures.values())
    yield from (inscription.proportionality for inscription in case.inscriptions.values())


def _pairs(pairs: Iterable[tuple[Sealed, Sealed]]) -> Iterator[Sealed]:
    for pair in pairs:
        yield from pair


def _is_sealed(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"ref", "commitment"}


def _unsealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unsealed(inner) for name, inner in value.items() if not _is_sealed(inner)}
    if isinstance(value, list):
        return [_unsealed(inner) for inner in value]
    return value
