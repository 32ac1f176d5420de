"""Register a subject, rectify what is known of it, record its death."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

from watchlist.application.desk import Desk
from watchlist.application.receipt import Decided, Receipt, decided
from watchlist.application.work import Ask, SubjectTokens, Work
from watchlist.domain import identity as identities
from watchlist.domain import refusals
from watchlist.domain.identity import Identity, Person
from watchlist.domain.procedure import require_past
from watchlist.domain.subject import Role, Subject, SubjectKind
from watchlist.domain.vault_field import VaultField


def known_subject(desk: Desk, organisation: str, identity: Identity) -> UUID | None:
    """The subject that this organisation already knows by an identifier of its own (C6: of no other organisation)."""
    own = [desk.tokenizer.of_own(key) for key in identities.own_keys(identity)]
    return desk.registry.subject_with(organisation, own) if own else None


def begin_subject(desk: Desk, work: Work, id: UUID, role: Role, identity: Identity) -> Subject:
    """A new subject, its identity sealed under its new key, its look-ups made."""
    kind = SubjectKind.PERSON if isinstance(identity, Person) else SubjectKind.ORGANISATION
    sealed = work.seal(id, VaultField.IDENTITY, identities.encode(identity))
    lookups = desk.lookups.now
    tokens = tuple(token for tokenizer in lookups.written for token in tokenizer.of_subject(identity))
    work.subject_tokens.append(SubjectTokens(id, work.act.organisation, tokens))
    work.unknown_before.extend(lookups.asked.of_own(key) for key in identities.own_keys(identity))
    return Subject.register(work.act, id, kind, role, sealed, identities.is_identified(identity))


def require_born(identity: Identity, work: Work) -> None:
    """Nobody is born in the future."""
    if isinstance(identity, Person) and identity.birth_date is not None:
        require_past(identity.birth_date, work.act.at, "birth_date")


def register_subject(desk: Desk, ask: Ask, role: Role, identity: Identity) -> Receipt:
    """A new subject; or the one that this organisation already knows (`created` is then False)."""

    def decide(work: Work) -> Decided | Receipt:
        known = known_subject(desk, ask.organisation, identity)
        if known is not None:
            subject = desk.subject(known, ask.organisation)
            _require_the_same(desk, subject, identity)
            return Receipt(known, subject.version, desk.log.position(), created=False)
        require_born(identity, work)
        id = uuid4()
        work.new_owners(id)
        return decided(begin_subject(desk, work, id, role, identity))

    return desk.carry_out(ask, decide)


def _require_the_same(desk: Desk, known: Subject, identity: Identity) -> None:
    """A mistyped or shared identifier is not to inscribe somebody else."""
    before = identity_of(desk, known)
    if before is not None and identities.contradict(before, identity):
        raise refusals.IdentifierOfAnother("identifiers", state="registered")


def identity_of(desk: Desk, subject: Subject) -> Identity | None:
    """What is known of the subject; None once its erasure was decided (KeyLost when it is lost instead)."""
    if subject.is_erasing:
        return None
    opened = desk.open_sealed(subject.id, [subject.identity])
    value = opened.get(subject.identity.ref)
    return None if value is None else identities.decode(value)


def rectify_subject(
    desk: Desk, ask: Ask, subject_id: UUID, identity: Identity, reason: str, if_version: int
) -> Receipt:
    """A rectification with its reason; its look-ups follow at once (P1)."""

    def decide(work: Work) -> Decided:
        subject = desk.subject(subject_id, ask.organisation)
        subject.require_kept()
        if subject.version != if_version:
            raise refusals.StaleVersion(state=str(subject.version))
        before = identity_of(desk, subject)
        if before is None:
            raise refusals.NoSuchSubject()
        require_born(identity, work)
        if not identities.is_identified(identity) and desk.registry.has_open_entry(subject.id):
            raise refusals.SubjectNotIdentified()
        subject.rectify(
            work.act,
            work.seal(subject.id, VaultField.IDENTITY, identities.encode(identity)),
            identities.is_identified(identity),
            tuple(sorted(identities.changed_fields(before, identity))),
            work.seal(subject.id, VaultField.REASON, reason),
        )
        work.subject_tokens.append(SubjectTokens(subject.id, ask.organisation, desk.tokens_of(identity)))
        return decided(subject)

    return desk.carry_out(ask, decide)


def record_death(desk: Desk, ask: Ask, subject_id: UUID, died_on: date) -> Receipt:
    """P5: the death sets the subject's entries for review."""

    def decide(work: Work) -> Decided:
        subject = desk.subject(subject_id, ask.organisation)
        subject.require_kept()
        require_past(died_on, work.act.at, "died_on")
        subject.record_death(work.act, work.seal(subject.id, VaultField.DIED_ON, died_on.isoformat()))
        return decided(subject)

    return desk.carry_out(ask, decide)
