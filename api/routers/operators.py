"""Operators and keys, for the admin of an organisation; and who one is oneself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Body, Depends, Path
from starlette.responses import Response

from api.answered.operators import (
    KeyPage,
    KeyReceipt,
    Me,
    NewKeyReceipt,
    OperatorPage,
    OperatorReceipt,
    ReviewReceipt,
    RotationReceipt,
)
from api.asked import NewKey, NewOperator, Nothing, Rotation
from api.errand import TheHouse, TheOperators, json_answer
from api.fields import Id
from api.operator import Asker, allowed
from api.paging import Pages
from api.problems import OtherOrganisation
from api.routes import COMMANDS, LISTS, OfNoPerson, router
from watchlist.application import operators as verbs
from watchlist.domain.operator import ApiKey, Habilitation, Operator, Role
from watchlist.domain.refusals import NotAllowed
from watchlist.domain.scope import Scope

routes = router("operators", route_class=OfNoPerson)

Admin = Annotated[Asker, Depends(allowed(Role.ADMIN))]
Anyone = Annotated[Asker, Depends(allowed(*Role))]
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["9f86d081884c7d65"])]
Empty = Annotated[Nothing | None, Body()]
Rotating = Annotated[Rotation | None, Body()]


class IssuedByTheRegister(NotAllowed):
    """An auditor reads the records of every organisation: the register issues its key, by `watchlist key issue`.

    fr: Un auditeur lit les enregistrements de tous les organismes : sa clé vient du registre,
    par « watchlist key issue ».
    """


@routes.get("/me", response_model=Me, responses=LISTS)
def read_who_i_am(asker: Anyone) -> Response:
    """Whose key this is, and what it allows."""
    return json_answer(
        {
            "operator_id": asker.operator_id,
            "organisation": asker.organisation,
            "role": asker.role,
            "roles": sorted(asker.held),
            "key_id": asker.key_id,
            "expires_at": asker.expires_at,
            "scopes": _scopes(asker.scopes),
            "sandbox": asker.sandbox,
        }
    )


@routes.get("/operators", response_model=OperatorPage, responses=LISTS)
def list_operators(asker: Admin, house: TheHouse, operators: TheOperators, pages: Pages) -> Response:
    """The operators of one's organisation, leavers too: what they hold, when they used it, when it was reviewed."""
    now = house.clock.now()
    found = operators.habilitations(asker.organisation, now, pages.after_id, pages.fetch)

    def show(one: Habilitation) -> dict[str, Any]:
        return _habilitation(one, now, house.habilitation_months)

    return pages.answer(found, lambda one: one.operator.operator_id, show)


@routes.post(
    "/operators",
    status_code=201,
    response_model=OperatorReceipt,
    responses={200: {"model": OperatorReceipt}, **COMMANDS},
)
def add_an_operator(body: NewOperator, asker: Admin, house: TheHouse, operators: TheOperators) -> Response:
    """Add an operator; 200 when one of that name is there."""
    operator, new = verbs.add_operator(operators, asker.organisation, body.name)
    return _told_operator(operator, house, 201 if new else 200)


@routes.post("/operators/{operator_id}/leaving", response_model=OperatorReceipt, responses=COMMANDS)
def record_that_an_operator_left(
    operator_id: Id, asker: Admin, house: TheHouse, operators: TheOperators, body: Empty = None
) -> Response:
    """A leaver's rights end at once, whatever keys they hold."""
    operator = verbs.leave(operators, house.clock, operator_id, asker.organisation)
    return _told_operator(operator, house, 200)


@routes.post("/operators/{operator_id}/review", response_model=ReviewReceipt, responses=COMMANDS)
def review_a_habilitation(
    operator_id: Id, asker: Admin, house: TheHouse, operators: TheOperators, body: Empty = None
) -> Response:
    """What this operator may do was looked at and stands (T2); due again a year later."""
    organisation, by = asker.organisation, asker.operator_id
    found = verbs.review_habilitation(operators, house.clock, operator_id, by, organisation)
    body_told = {
        "id": operator_id,
        "version": 1,
        "position": house.pictures.position(),
        "reviewed_at": found.reviewed_at,
        "review_due_at": found.review_due_at(house.habilitation_months),
    }
    return json_answer(body_told)


@routes.get("/keys", response_model=KeyPage, responses=LISTS)
def list_keys(asker: Admin, house: TheHouse, operators: TheOperators, pages: Pages) -> Response:
    """The keys of one's organisation, revoked and expired ones too; never a secret."""
    now = house.clock.now()
    found = operators.keys(asker.organisation, pages.after or verbs.FIRST_KEY, pages.fetch)
    return pages.answer(found, lambda held: held[0].key_id, lambda held: _key(*held, now))


@routes.post("/keys", status_code=201, response_model=NewKeyReceipt, responses=COMMANDS)
def issue_a_key(body: NewKey, asker: Admin, house: TheHouse, operators: TheOperators) -> Response:
    """Issue a key, shown this once; its operator is created when new. A repeated request issues another."""
    if body.organisation not in (None, asker.organisation):
        raise OtherOrganisation("organisation")
    if body.role.reads_all:
        raise IssuedByTheRegister("role")
    scopes = None if body.scopes is None else frozenset(body.scopes)
    grant = verbs.Grant(body.role, body.expires_at, scopes, body.sandbox)
    issued = verbs.grant_key(operators, house.clock, body.operator, asker.organisation, grant)
    return json_answer({**_key_receipt(issued.key, house), "key": issued.presented}, 201)


@routes.post("/keys/{key_id}/rotation", status_code=201, response_model=RotationReceipt, responses=COMMANDS)
def rotate_a_key(
    key_id: KeyId, asker: Admin, house: TheHouse, operators: TheOperators, body: Rotating = None
) -> Response:
    """A successor, shown this once: both open the same until the older expires. Two of one rotation at most live."""
    asked = body or Rotation()
    _require_ones_own_to_give(operators, key_id, asker)
    grace = timedelta(days=asked.grace_days)
    issued = verbs.rotate_key(operators, house.clock, key_id, asker.organisation, grace, asked.expires_at)
    older = operators.key(key_id)
    assert older is not None
    receipt = {**_key_receipt(issued.key, house), "key": issued.presented, "rotated_from": key_id}
    return json_answer({**receipt, "older_expires_at": older[0].expires_at}, 201)


def _require_ones_own_to_give(operators: TheOperators, key_id: str, asker: Asker) -> None:
    """An auditor's key reads every organisation: whoever may not issue one gets no successor of one either."""
    found = operators.key(key_id)
    if found and found[1].organisation == asker.organisation and found[0].role.reads_all:
        raise IssuedByTheRegister()


@routes.post("/keys/{key_id}/revocation", response_model=KeyReceipt, responses=COMMANDS)
def revoke_a_key(
    key_id: KeyId, asker: Admin, house: TheHouse, operators: TheOperators, body: Empty = None
) -> Response:
    """The key opens nothing any more, everywhere within a second."""
    key, _ = verbs.revoke_key(operators, house.clock, key_id, asker.organisation)
    return json_answer(_key_receipt(key, house))


def _habilitation(held: Habilitation, now: datetime, months: int) -> dict[str, Any]:
    due = held.review_due_at(months)
    return {
        "operator_id": held.operator.operator_id,
        "organisation": held.operator.organisation,
        "name": held.operator.name,
        "left_at": held.operator.left_at,
        "roles": held.roles,
        "live_keys": held.live_keys,
        "last_used_at": held.last_used_at,
        "reviewed_at": held.reviewed_at,
        "review_due_at": due,
        "review_late": due is not None and due <= now,
    }


def _scopes(scopes: frozenset[Scope] | None) -> list[Scope] | None:
    return None if scopes is None else sorted(scopes)


def _told_operator(operator: Operator, house: TheHouse, status: int) -> Response:
    body = {
        "id": operator.operator_id,
        "version": 1 if operator.left_at is None else 2,
        "position": house.pictures.position(),
        "name": operator.name,
        "left_at": operator.left_at,
    }
    return json_answer(body, status)


def _key(key: ApiKey, operator: Operator, now: datetime) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "operator_id": key.operator_id,
        "operator": operator.name,
        "organisation": operator.organisation,
        "role": key.role,
        "issued_at": key.issued_at,
        "expires_at": key.expires_at,
        "expires_soon": key.expires_soon(now),
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "scopes": _scopes(key.scopes),
        "sandbox": key.sandbox,
        "rotated_from": key.rotated_from,
    }


def _key_receipt(key: ApiKey, house: TheHouse) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "version": 1 if key.revoked_at is None else 2,
        "position": house.pictures.position(),
        "operator_id": key.operator_id,
        "role": key.role,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "scopes": _scopes(key.scopes),
        "sandbox": key.sandbox,
    }
