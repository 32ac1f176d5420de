"""Compile a dossier: how a subject stood on one day, who decided it and who was told, with what proves it (T3).

The leaves of every event of the streams it was made from come with it, so that its facts can be made again from them
alone: a stream without a gap in its versions hides nothing. Which cases there are is taken from the pictures, since no
stream of a subject names them: the dossier says that it does not prove it. An identity is told only to who asks for it
by name, and with the nonce of its commitment, so that it can be checked against the leaf; of an erased person there is
none.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from watchlist.application.attention import opened, shown
from watchlist.application.desk import Desk
from watchlist.audit.verifier import Broken, leaf_hash, root_by_inclusion
from watchlist.domain import dossier, periods, refusals, retention
from watchlist.domain.case import Case
from watchlist.domain.dossier import Day, Entered, Person
from watchlist.domain.dossier_paper import NOT_PROVEN, in_words
from watchlist.domain.subject import Subject
from watchlist.domain.trace import Telling
from watchlist.ports.seal import Inclusion, Published, SealedLog

View = dict[str, Any]
Histories = dict[UUID, list[Entered]]
FORMAT = 1
SIGNED_AS = "watchlist-dossier/v1"
"""What the text begins with that the log signs of a dossier: so that it is never taken for another one."""


@dataclass(frozen=True, slots=True)
class Proving:
    """What proves the log, and how that is brought up to what was recorded by now."""

    sealed: SealedLog
    seal: Callable[[], object]
    sign: Callable[[str], str]
    """A text, as a note that the log signed."""
    known: Callable[[Sequence[str]], list[str]]
    """The public keys that signed, and those that sign now."""


def compile_dossier(
    desk: Desk,
    proving: Proving,
    subject_id: UUID,
    day: date | None,
    scope: str | None,
    identified: bool = True,
) -> View:
    """`day`: None is today, as far as it is over. `scope`: the organisation whose subjects may be read; None: all's.

    Without `identified` no identity is opened: for whoever has no right to one.
    """
    today = periods.civil_date(desk.clock.now())
    if (asked := day or today) > today:
        raise refusals.DateInTheFuture("day")
    subjects = _together(desk, subject_id, scope)
    cases = desk.log.entered(desk.registry.cases_ever_about(list(subjects)))
    asked_day = _day(desk, asked, subjects, cases)
    person = Person(
        dossier.same_person(subjects, subject_id, asked_day.last),
        dossier.same_person(subjects, subject_id, retention.NEVER),
    )
    subjects = {id: history for id, history in subjects.items() if id in person.ever}
    cases = {id: history for id, history in cases.items() if dossier.is_about(history, person.ever)}
    shown(dossier.named_in(subjects))
    opened(cases)
    told = desk.registers.disclosed_of(sorted(person.ever))
    view = _told(subject_id, subjects, cases, person, asked_day, told)
    identity = _identity(desk, subject_id, subjects[subject_id], asked_day, identified)
    streams = _streams(desk, subjects, cases, person)
    return _signed(proving, {**view, "identity": identity, **_proofs(proving, streams)})


def _signed(proving: Proving, view: View) -> View:
    """With the log's signature over every byte of the rest, as it is written: what stands beside the proofs too."""
    if view["checkpoint"] is None:
        return view
    digest = hashlib.sha256(msgspec.json.encode(view)).hexdigest()
    return {**view, "signature": proving.sign(f"{SIGNED_AS}\n{digest}\n")}


# Fetched --------------------------------------------------------------------------------------


def _together(desk: Desk, subject_id: UUID, scope: str | None) -> Histories:
    """The streams of all that ever stood for the same person, near or far (C8)."""
    found: Histories = {}
    wanted = {subject_id}
    while wanted:
        fetched = desk.log.entered(wanted)
        for id in wanted:
            subject = dossier.known_at(fetched.get(id, ()), retention.NEVER)
            if not isinstance(subject, Subject) or scope not in (None, subject.organisation):
                raise refusals.NoSuchSubject()
            found[id] = fetched[id]
            wanted = wanted | dossier.ever_together(subject)
        wanted -= found.keys()
    return found


def _day(desk: Desk, day: date, subjects: Histories, cases: Histories) -> Day:
    """Of today, all that was recorded is over, whichever clock is a little ahead."""
    recorded = [one.recorded_at for history in (*subjects.values(), *cases.values()) for one in history]
    return dossier.day_of(day, max(desk.clock.now(), max(recorded) + dossier.INSTANT))


def _streams(desk: Desk, subjects: Histories, cases: Histories, person: Person) -> Histories:
    """All that the facts are made from: the subjects, the cases, and the imports that brought entries (L7)."""
    imports = {
        inscription.provenance.import_id
        for history in cases.values()
        for case in [dossier.known_at(history, retention.NEVER)]
        if isinstance(case, Case)
        for inscription in case.inscriptions.values()
        if inscription.provenance is not None and inscription.subject_id in person.ever
    }
    return {**subjects, **cases, **(desk.log.entered(imports) if imports else {})}


# Told -----------------------------------------------------------------------------------------


def _told(
    subject_id: UUID,
    subjects: Histories,
    cases: Histories,
    person: Person,
    day: Day,
    told: Sequence[Telling],
) -> View:
    standing = dossier.standing_on(cases.values(), person, day)
    organisation = subjects[subject_id][0].event.organisation
    later = dossier.learnt_later(cases.values(), subjects, person, day)
    return {
        "format": FORMAT,
        "subject_id": subject_id,
        "day": day.day,
        "from": day.since,
        "until": day.until,
        "complete": day.complete,
        "organisation": organisation,
        "subjects_then": sorted(person.then),
        "subjects_now": sorted(person.now),
        "in_words": in_words(standing.listed, standing.answered, day),
        "listed": standing.listed,
        "answered": standing.answered,
        "spans": [{"from": since, "until": until} for since, until in standing.spans],
        "entries": standing.entries,
        "told": [_telling(one) for one in told if one.at < day.until],
        "learnt_later": {
            "steps": later,
            "told": [_telling(one) for one in told if one.at >= day.until],
        },
        "not_proven": {"fr": NOT_PROVEN.fr, "en": NOT_PROVEN.en},
    }


def _telling(told: Telling) -> View:
    """To whom and when: never in which words."""
    return {
        "at": told.at,
        "kind": told.kind,
        "recipient": told.recipient,
        "organisation": told.organisation,
        "screening_id": told.screening_id,
        "subject_id": told.subject_id,
    }


def _identity(desk: Desk, subject_id: UUID, history: list[Entered], day: Day, identified: bool) -> View:
    """The identity that was registered by then; with what proves that it is the very one."""
    known = dossier.identity_known(history, day.last) or dossier.identity_known(history, retention.NEVER)
    assert known is not None  # a subject begins with its registration
    entered, sealed = known
    subject = dossier.known_at(history, retention.NEVER)
    revealed = desk.reveal(subject_id, sealed) if identified and not subject.is_erasing else None
    head = {
        "subject_id": subject_id,
        "erased": subject.is_erasing or (identified and revealed is None),
        "position": entered.position,
        "commitment": _base64(sealed.commitment),
    }
    if revealed is None:
        return {**head, "nonce": None, "value": None, "fields": None}
    nonce, value = revealed
    return {**head, "nonce": _base64(nonce), "value": value.decode(), "fields": _fields(value)}


def _fields(value: bytes) -> View:
    known: View = msgspec.json.decode(value)
    pairs = known.pop("identifiers", ())
    return {**known, "identifiers": [{"scheme": scheme, "value": number} for scheme, number in pairs]}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


# Proved ---------------------------------------------------------------------------------------


def _proofs(proving: Proving, streams: Mapping[UUID, Iterable[Entered]]) -> View:
    """The leaf of every event, and that it is in the tree of one published checkpoint; what is not sealed is said."""
    positions = sorted(one.position for history in streams.values() for one in history)
    proving.seal()
    latest = proving.sealed.latest()
    if latest is None:
        return {"proofs": [], "not_sealed": positions, "checkpoint": None, "keys": []}
    found = {position: _proven(proving.sealed, position, latest) for position in positions}
    return {
        "proofs": [
            {
                "leaf": proof.leaf.decode(),
                "leaf_index": proof.leaf_index,
                "tree_size": proof.tree_size,
                "path": [step.hex() for step in proof.path],
            }
            for proof in found.values()
            if proof is not None
        ],
        "not_sealed": [position for position, proof in found.items() if proof is None],
        "checkpoint": latest.note,
        "keys": proving.known(proving.sealed.keys()),
    }


def _proven(sealed: SealedLog, position: int, latest: Published) -> Inclusion | None:
    """That the event is in the tree of the checkpoint; None: it came later. PastChanged: it should be, and is not."""
    if position > latest.position:
        return None
    try:
        proof = sealed.inclusion(position, latest.size)
        if proof is not None:
            root = root_by_inclusion(leaf_hash(proof.leaf), proof.leaf_index, latest.size, proof.path)
            if root == latest.root:
                return proof
    except (Broken, LookupError):
        pass
    raise refusals.PastChanged()
