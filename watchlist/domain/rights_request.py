"""RightsRequest: what a person asked for of their data, by when, and what was answered (P1-P5).

Recorded, decided, remembered. Its texts are sealed under the subject's key: they go with the subject's erasure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from watchlist.domain import periods, refusals
from watchlist.domain.aggregate import Act, Event, remembers
from watchlist.domain.commitment import Sealed
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.procedure import require_past
from watchlist.domain.redaction import KeepsTexts
from watchlist.domain.reply import Reply, ReplyKind, ReplySent, ReplyState

DEFERRAL_MONTHS = 6
"""Ours (P3): how long a deferred part may wait before that is reviewed."""


class Right(StrEnum):
    """P1: what may be asked for."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    PORTABILITY = "portability"
    DIRECTIVES = "directives"


class RequestState(StrEnum):
    RECEIVED = "received"
    DECIDED = "decided"
    ANSWERED = "answered"


CONTESTING = frozenset({Right.OBJECTION, Right.RECTIFICATION})
"""P2: what restricts all the entries of the subject from its receipt until the person was answered."""

UPHELD: dict[Right, DelistingGround] = {
    Right.OBJECTION: DelistingGround.OBJECTION_UPHELD,
    Right.ERASURE: DelistingGround.ERASURE_UPHELD,
}
"""L9: on which ground the entries end when such a request is granted."""


# Refused --------------------------------------------------------------------------------------


class NoSuchRequest(refusals.NotFound):
    """There is no such request in your organisation.

    fr: Cette demande n'existe pas dans votre organisme.
    """


class ToldBeforeReceipt(refusals.Malformed):
    """The person was told before the request was received; check the date.

    fr: La personne aurait été informée avant la réception de la demande ; vérifiez la date.
    """


class ReasonMissing(refusals.Malformed):
    """Give the reason: only the refusal of portability has one of its own (P1, P4).

    fr: Donnez le motif : seul le refus de la portabilité a le sien (P1, P4).
    """


class ExtensionTooLate(refusals.Conflict):
    """An extension is told to the person by the first due day (P1).

    fr: Une prolongation est annoncée à la personne au plus tard à la première échéance (P1).
    """


class AlreadyExtended(refusals.Conflict):
    """The request was already extended, which it may be once (P1).

    fr: Le délai de la demande a déjà été prolongé ; il ne peut l'être qu'une fois (P1).
    """


class AlreadyDecided(refusals.Conflict):
    """The request was already decided.

    fr: La demande a déjà fait l'objet d'une décision.
    """


class NotDecided(refusals.Conflict):
    """The request was not decided yet: decide, then answer.

    fr: La demande n'a pas encore fait l'objet d'une décision : décidez, puis répondez.
    """


class AlreadyAnswered(refusals.Conflict):
    """The request was already answered.

    fr: Il a déjà été répondu à la demande.
    """


class PortabilityNotGranted(refusals.Malformed):
    """Portability is always refused: the data are processed for a legitimate interest, not by consent or contract (P4).

    fr: La portabilité est toujours refusée : le traitement repose sur un intérêt légitime, ni sur le consentement ni
    sur un contrat (P4).
    """


class RectifyFirst(refusals.Conflict):
    """The identity was not rectified since the request was received; rectify it first, then grant the request.

    fr: L'identité n'a pas été rectifiée depuis la réception de la demande ; rectifiez-la d'abord, puis accordez.
    """


class DeathNotRecorded(refusals.Conflict):
    """Directives apply after death, and no death is recorded of this person; record it first (P5).

    fr: Les directives s'appliquent après le décès, et aucun décès n'est enregistré ; enregistrez-le d'abord (P5).
    """


class DirectivesMisplaced(refusals.Malformed):
    """The text of the directives comes with a request of kind directives, and only with such a one (P5).

    fr: Le texte des directives accompagne une demande de type directives, et elle seule (P5).
    """


class NothingToDefer(refusals.Malformed):
    """Only parts of an access that is granted can be deferred (P3).

    fr: Seules des parties d'un accès accordé peuvent être différées (P3).
    """


class NothingDeferred(refusals.Conflict):
    """No part of this access is deferred.

    fr: Aucune partie de cet accès n'est différée.
    """


class DeferredPartOutOfRange(refusals.Malformed):
    """A deferred part, each named once, is reviewed after today and within six months (P3).

    fr: Une partie différée, nommée une fois, est réexaminée après aujourd'hui et dans les six mois (P3).
    """


class NothingToLift(refusals.Conflict):
    """This request restricts nothing that could be lifted: only a granted restriction is, once (P2).

    fr: Cette demande ne limite rien qui puisse être levé : seule une limitation accordée l'est, une fois (P2).
    """


class GrantNotTold(refusals.Conflict):
    """The person was not told yet that the restriction was granted: answer the request, then lift it (P2).

    fr: La personne n'a pas encore appris que la limitation est accordée : répondez à la demande, puis levez-la (P2).
    """


# Recorded -------------------------------------------------------------------------------------


class RightsEvent(Event, frozen=True, kw_only=True):
    """Anything recorded in the stream of a request."""


class RequestReceived(RightsEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "rights.received"
    kind: Right
    subject_id: UUID
    received_on: date
    due_on: date
    details: Sealed | None = None
    directives: Sealed | None = None


class RequestExtended(RightsEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "rights.extended"
    reason: Sealed | None
    """None: nothing that an erased person's key could seal; so in a lifting."""
    told_on: date
    due_on: date


class RequestDecided(RightsEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "rights.decided"
    granted: bool
    reason: Sealed | None = None
    """None: the reason of P4, or nothing that an erased person's key could seal."""
    deferred: Sealed | None = None
    review_on: date | None = None
    """Of the deferred parts, the first review (P3)."""
    delisted: tuple[UUID, ...] = ()
    """The entries that ended by this decision (L9)."""
    withdrawn: tuple[UUID, ...] = ()
    """The proposals that may not take effect any more."""


class RequestAnswered(RightsEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "rights.answered"
    told_on: date
    text: Sealed | None = None


class DeferralReviewed(RightsEvent, frozen=True, kw_only=True):
    """P3: what is still deferred; what is not any more was given to the person."""

    TOPIC: ClassVar[str] = "rights.deferral_reviewed"
    told_on: date
    deferred: Sealed | None = None
    review_on: date | None = None


class RestrictionEnded(RightsEvent, frozen=True, kw_only=True):
    TOPIC: ClassVar[str] = "rights.lifted"
    reason: Sealed | None
    told_on: date


# Required -------------------------------------------------------------------------------------


def require_reason(text: str | None) -> str:
    """P1: an extension, a decision, a lifting are reasoned."""
    if text is None or not text.strip():
        raise ReasonMissing("reason")
    return text


def require_told(told_on: date, received_on: date, at: datetime) -> None:
    """What was told was told neither in the future nor before the request came."""
    require_past(told_on, at, "told_on")
    if told_on < received_on:
        raise ToldBeforeReceipt("told_on")


def require_extensible(told_on: date, due_on: date) -> None:
    """P1: told within the first month, that is by the first due day."""
    if told_on > due_on:
        raise ExtensionTooLate("told_on")


def require_grantable(kind: Right, granted: bool) -> None:
    """P4: the portability of data held for a legitimate interest is refused."""
    if granted and kind is Right.PORTABILITY:
        raise PortabilityNotGranted("granted")


def require_directives(kind: Right, given: bool, is_deceased: bool) -> None:
    """P5: directives are a text that applies after a recorded death."""
    if (kind is Right.DIRECTIVES) is not given:
        raise DirectivesMisplaced("directives")
    if kind is Right.DIRECTIVES and not is_deceased:
        raise DeathNotRecorded("subject_id")


def require_reviews(reviews: Iterable[tuple[str, date]], at: datetime) -> date | None:
    """P3: each deferred part once, reviewed after today and within six months; the first of those days."""
    today = periods.civil_date(at)
    latest = periods.months_after(today, DEFERRAL_MONTHS)
    days: dict[str, date] = {}
    for place, (part, review_on) in enumerate(reviews):
        if part in days:
            raise DeferredPartOutOfRange(f"deferred[{place}].part")
        if not today < review_on <= latest:
            raise DeferredPartOutOfRange(f"deferred[{place}].review_on")
        days[part] = review_on
    return min(days.values(), default=None)


def was_rectified_since(rectified_at: datetime | None, received_on: date) -> bool:
    """P1: on the day of the receipt or after it; what was received may have been recorded later."""
    return rectified_at is not None and periods.civil_date(rectified_at) >= received_on


@dataclass(frozen=True, slots=True)
class Deferral:
    """P3: the parts of an access that wait, sealed with their reasons, and the first day that is reviewed."""

    parts: Sealed
    review_on: date


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a request, and what ended by it."""

    granted: bool
    reason: Sealed | None
    deferral: Deferral | None = None
    delisted: tuple[UUID, ...] = ()
    withdrawn: tuple[UUID, ...] = ()


class RightsRequest(KeepsTexts):
    BEGINS_WITH = (RequestReceived,)

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.kind: Right
        self.subject_id: UUID
        self.received_on: date
        self.recorded_at: datetime
        self.recorded_by: UUID
        self.due_on: date
        self.details: Sealed | None = None
        self.directives: Sealed | None = None
        self.state = RequestState.RECEIVED
        self.extension: RequestExtended | None = None
        self.decision: RequestDecided | None = None
        self.answer: RequestAnswered | None = None
        self.lifting: RestrictionEnded | None = None
        self.deferred: Sealed | None = None
        self.review_on: date | None = None
        self.replies: dict[ReplyKind, ReplySent] = {}

    # What others ask --------------------------------------------------------------------------

    @property
    def is_granted(self) -> bool:
        return self.decision is not None and self.decision.granted

    @property
    def contests(self) -> bool:
        """P2: whether the subject's entries are restricted because of this request."""
        if self.kind in CONTESTING:
            return self.answer is None
        return self.kind is Right.RESTRICTION and self.is_granted and self.lifting is None

    @property
    def is_open(self) -> bool:
        """Whether something is still owed to the person: an answer, a deferred part, a restriction kept up."""
        return self.answer is None or self.contests or self.review_on is not None

    @property
    def upheld_ground(self) -> DelistingGround | None:
        """L9: on which ground the entries end if this request is granted."""
        return UPHELD.get(self.kind)

    def reply_state(self, kind: ReplyKind) -> ReplyState | None:
        """How that letter stands; None: it has nothing to tell, or the person was told without it."""
        if kind in self.replies:
            return ReplyState.SENT
        if kind is ReplyKind.ANSWER:
            return ReplyState.DRAFT if self.decision is not None and self.answer is None else None
        if kind is ReplyKind.EXTENSION:
            return ReplyState.OPEN if self.decision is None and self.extension is None else None
        liftable = self.kind is Right.RESTRICTION and self.contests and self.answer is not None
        return ReplyState.OPEN if liftable else None

    # Decided ----------------------------------------------------------------------------------

    @classmethod
    def receive(
        cls,
        act: Act,
        id: UUID,
        kind: Right,
        subject_id: UUID,
        received_on: date,
        details: Sealed | None = None,
        directives: Sealed | None = None,
    ) -> RightsRequest:
        """P1: due one month after its receipt, which is not in the future."""
        require_past(received_on, act.at, "received_on")
        request = cls(id)
        request.record(
            RequestReceived,
            act,
            kind=kind,
            subject_id=subject_id,
            received_on=received_on,
            due_on=periods.reply_due(received_on),
            details=details,
            directives=directives,
        )
        return request

    def extend(self, act: Act, reason: Sealed | None, told_on: date) -> None:
        """P1: two months more, once, if the person was told why within the first."""
        self._require_undecided()
        if self.extension is not None:
            raise AlreadyExtended(state="extended")
        require_told(told_on, self.received_on, act.at)
        require_extensible(told_on, self.due_on)
        due_on = periods.reply_due(self.received_on, extended=True)
        self.record(RequestExtended, act, reason=reason, told_on=told_on, due_on=due_on)

    def require_decidable(self, granted: bool, defers: bool = False) -> None:
        """Whether `decide` would take such a decision."""
        self._require_undecided()
        require_grantable(self.kind, granted)
        if defers and not (granted and self.kind is Right.ACCESS):
            raise NothingToDefer("deferred")

    def decide(self, act: Act, decision: Decision) -> None:
        """Granted or refused; what it did to the list was decided with it, in the cases."""
        self.require_decidable(decision.granted, decision.deferral is not None)
        deferral = decision.deferral
        self.record(
            RequestDecided,
            act,
            granted=decision.granted,
            reason=decision.reason,
            deferred=deferral.parts if deferral else None,
            review_on=deferral.review_on if deferral else None,
            delisted=decision.delisted,
            withdrawn=decision.withdrawn,
        )

    def answer_to(self, act: Act, told_on: date, text: Sealed | None = None) -> None:
        """P2: the person was told what was decided; only now does a contest end."""
        if self.answer is not None:
            raise AlreadyAnswered(state=self.state)
        if self.decision is None:
            raise NotDecided(state=self.state)
        require_told(told_on, self.received_on, act.at)
        self.record(RequestAnswered, act, told_on=told_on, text=text)

    def review_deferral(self, act: Act, told_on: date, deferral: Deferral | None) -> None:
        """P3: what was deferred is given to the person, or waits again with a reason and a day."""
        if self.review_on is None:
            raise NothingDeferred(state=self.state)
        require_told(told_on, self.received_on, act.at)
        self.record(
            DeferralReviewed,
            act,
            told_on=told_on,
            deferred=deferral.parts if deferral else None,
            review_on=deferral.review_on if deferral else None,
        )

    def lift(self, act: Act, reason: Sealed | None, told_on: date) -> None:
        """P2: a granted restriction ends when it is lifted, and the person is told first: of it, then of its end."""
        if self.kind is not Right.RESTRICTION or not self.contests:
            raise NothingToLift(state=self.state)
        if self.answer is None:
            raise GrantNotTold(state=self.state)
        require_told(told_on, self.received_on, act.at)
        self.record(RestrictionEnded, act, reason=reason, told_on=told_on)

    def keep_reply(self, act: Act, reply: Reply) -> None:
        """The letter by which the person was told what was just recorded."""
        facts = {field.name: getattr(reply, field.name) for field in fields(reply)}
        self.record(ReplySent, act, **facts)

    def _require_undecided(self) -> None:
        if self.decision is not None:
            raise AlreadyDecided(state=self.state)

    # Remembered -------------------------------------------------------------------------------

    @remembers(RequestReceived)
    def _received(self, event: RequestReceived) -> None:
        self.organisation = event.organisation
        self.kind, self.subject_id = event.kind, event.subject_id
        self.received_on, self.due_on = event.received_on, event.due_on
        self.recorded_at, self.recorded_by = event.at, event.by
        self.details, self.directives = event.details, event.directives

    @remembers(RequestExtended)
    def _extended(self, event: RequestExtended) -> None:
        self.extension, self.due_on = event, event.due_on

    @remembers(RequestDecided)
    def _decided(self, event: RequestDecided) -> None:
        self.state, self.decision = RequestState.DECIDED, event
        self.deferred, self.review_on = event.deferred, event.review_on

    @remembers(RequestAnswered)
    def _answered(self, event: RequestAnswered) -> None:
        self.state, self.answer = RequestState.ANSWERED, event

    @remembers(DeferralReviewed)
    def _deferral_reviewed(self, event: DeferralReviewed) -> None:
        self.deferred, self.review_on = event.deferred, event.review_on

    @remembers(RestrictionEnded)
    def _lifted(self, event: RestrictionEnded) -> None:
        self.lifting = event

    @remembers(ReplySent)
    def _reply_sent(self, event: ReplySent) -> None:
        self.replies[event.kind] = event
