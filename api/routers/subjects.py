"""Subjects: registered, rectified, searched, merged, found to be victims, deceased."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Annotated, Any

from fastapi import Depends
from starlette.responses import Response

from api.answered.cases import RedactionReceipt
from api.answered.common import Receipt
from api.answered.lists import SubjectStanding
from api.answered.subjects import Subject, SubjectsFound
from api.asked import (
    AskedIdentifier,
    Death,
    Duplicate,
    NewOrganisation,
    NewPerson,
    NewSubject,
    Rectification,
    Redaction,
    SubjectSearch,
    Victim,
)
from api.errand import ExpectedVersion, Investigation, TheHouse, json_answer
from api.fields import Id
from api.moments import AsOf, KnownAt, list_item, now_or_then
from api.operator import Asker, Reader, allowed
from api.problems import invalid, refused_identifier
from api.routes import CHANGES, COMMANDS, READS, problems, router
from watchlist.application import receipt as receipts
from watchlist.application.case_file import find_subject, read_subject
from watchlist.application.desk import Desk
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.person_texts import redact_subject_text
from watchlist.application.register_subject import (
    identity_of,
    record_death,
    rectify_subject,
    register_subject,
)
from watchlist.application.search_subjects import Wanted, search_subjects
from watchlist.application.work import Ask
from watchlist.application.work_on_case import record_victim
from watchlist.domain import refusals
from watchlist.domain.identifiers import Identifier, MalformedIdentifier, parse
from watchlist.domain.identity import Identity, Organisation, Person
from watchlist.domain.operator import Role

routes = router("subjects", "/subjects")

Searcher = Annotated[Asker, Depends(allowed(Role.INVESTIGATOR, Role.SUPERVISOR, Role.DPO))]

REQUIRED = ("family_name", "given_names", "name", "identifiers")
"""What may be rectified and never emptied."""


@routes.post("", status_code=201, response_model=Receipt, responses={200: {"model": Receipt}, **COMMANDS})
def register_a_subject(body: NewSubject, errand: Investigation) -> Response:
    """Register a subject; 200 with its id when this organisation already knows it by an exact identifier."""
    identity = identity_asked(body)
    return errand.make(lambda desk, ask: register_subject(desk, ask, body.role, identity))


@routes.post("/search", response_model=SubjectsFound, responses=problems(413, 415))
def search_for_subjects(body: SubjectSearch, asker: Searcher, house: TheHouse) -> Response:
    """Who of one's own organisation resembles this, best first, and why."""
    names = tuple((name, body.given_names) for name in (body.family_name, body.usage_name) if name)
    numbers = parsed(body.identifiers)
    if not names and not body.name and not numbers:
        raise invalid("body", "nothing_asked")
    wanted = Wanted(numbers, names, body.birth_date, body.name)
    return json_answer({"items": search_subjects(house.desk, asker.organisation, wanted)})


@routes.get("/{subject_id}", response_model=Subject, response_model_exclude_unset=True, responses=READS)
def read_a_subject(subject_id: Id, asker: Reader, house: TheHouse) -> Response:
    """One subject as it is known."""
    view = read_subject(house.desk, subject_id, asker.scope)
    return json_answer(view, version=view["version"])


@routes.get("/{subject_id}/standing", response_model=SubjectStanding, responses=READS)
def read_how_a_subject_stood(
    subject_id: Id,
    asker: Annotated[Asker, Depends(allowed(Role.DPO, Role.AUDITOR))],
    house: TheHouse,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """Whether the subject was listed at an instant (now, when none is said), and by which entries."""
    find_subject(house.desk, subject_id, asker.scope)
    moment = now_or_then(as_of, known_at, house)
    found = house.standings.of_subject(asker.scope, subject_id, moment)
    view = {"subject_id": subject_id, "as_of": moment.at, "known_at": moment.known_at, "listed": bool(found)}
    return json_answer(view | {"entries": [list_item(one) for one in found]})


@routes.patch("/{subject_id}", response_model=Receipt, responses=CHANGES)
def rectify_a_subject(
    subject_id: Id, body: Rectification, version: ExpectedVersion, errand: Investigation
) -> Response:
    """Rectify what is known of a subject, with the reason; its look-ups follow at once."""
    changes = changes_asked(body)

    def rectify(desk: Desk, ask: Ask) -> receipts.Receipt:
        before = identity_of(desk, desk.subject(subject_id, ask.organisation))
        if before is None:
            raise refusals.NoSuchSubject()
        return rectify_subject(desk, ask, subject_id, rectified(before, changes), body.reason, version)

    return errand.tell(rectify)


@routes.post("/{subject_id}/merge", response_model=Receipt, responses=COMMANDS)
def merge_a_duplicate(subject_id: Id, body: Duplicate, errand: Investigation) -> Response:
    """What was the duplicate's is this subject's from now on; its entries follow."""
    return errand.tell(
        lambda desk, ask: merge_subjects(desk, ask, subject_id, body.duplicate_id, body.reason)
    )


@routes.post("/{subject_id}/split", response_model=Receipt, responses=COMMANDS)
def split_a_duplicate(subject_id: Id, body: Duplicate, errand: Investigation) -> Response:
    """The merge was a mistake: each has its own again."""
    return errand.tell(
        lambda desk, ask: split_subjects(desk, ask, subject_id, body.duplicate_id, body.reason)
    )


@routes.post("/{subject_id}/redactions", status_code=201, response_model=RedactionReceipt, responses=COMMANDS)
def redact_a_text_of_a_subject(subject_id: Id, body: Redaction, errand: Investigation) -> Response:
    """Replace why the subject was rectified, merged or split, when that names somebody who is erased.

    `watchlist erase --find-texts` tells the id.
    """
    return errand.make(
        lambda desk, ask: redact_subject_text(desk, ask, subject_id, body.text_id, body.text, body.reason)
    )


@routes.post("/{subject_id}/victim", response_model=Receipt, responses=COMMANDS)
def record_a_victim(subject_id: Id, body: Victim, errand: Investigation) -> Response:
    """A victim of identity theft in a case: never listed by it, and what was stolen is no key to its entries."""
    stolen = parsed(body.identifiers)
    receipt = errand.run(
        lambda desk, ask: record_victim(desk, ask, subject_id, body.case_id, stolen, body.reason)
    )
    # The version is the case's: as an ETag it would be taken for the subject's.
    return json_answer(receipt.body())


@routes.post("/{subject_id}/death", response_model=Receipt, responses=COMMANDS)
def record_a_death(subject_id: Id, body: Death, errand: Investigation) -> Response:
    """The death sets the subject's entries for review."""
    return errand.tell(lambda desk, ask: record_death(desk, ask, subject_id, body.died_on))


# Identities -----------------------------------------------------------------------------------


def parsed(asked: list[AskedIdentifier], field: str = "identifiers") -> tuple[Identifier, ...]:
    """The identifiers, checked, each once; a refusal names the one that is wrong and never its value."""
    found = []
    for place, one in enumerate(asked):
        try:
            found.append(parse(one.scheme, one.value))
        except MalformedIdentifier as error:
            raise refused_identifier(error, f"{field}[{place}]") from None
    return tuple(dict.fromkeys(found))


def identity_asked(body: NewPerson | NewOrganisation) -> Identity:
    identifiers = parsed(body.identifiers)
    if isinstance(body, NewOrganisation):
        return Organisation(body.name, identifiers)
    return Person(
        body.family_name,
        body.given_names,
        body.birth_date,
        body.usage_name,
        body.birth_place,
        identifiers,
    )


def changes_asked(body: Rectification) -> dict[str, Any]:
    """The fields that were sent, parsed; refused when there are none, or one is emptied that may not be."""
    changes = {name: getattr(body, name) for name in body.model_fields_set - {"reason"}}
    if not changes:
        raise invalid("body", "nothing_changed")
    for name in REQUIRED:
        if name in changes and changes[name] is None:
            raise invalid(name, "missing")
    if body.identifiers is not None:
        changes["identifiers"] = parsed(body.identifiers)
    return changes


def rectified(before: Identity, changes: dict[str, Any]) -> Identity:
    own = {field.name for field in fields(before)}
    for name in changes:
        if name not in own:
            raise invalid(name, "other_kind")
    return replace(before, **changes)
