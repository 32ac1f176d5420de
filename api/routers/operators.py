"""Operators and keys, for the admin of an organisation; and who one is oneself."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Depends, Path
from starlette.responses import Response

from api.answered.operators import KeyPage, KeyReceipt, Me, NewKeyReceipt, OperatorPage, OperatorReceipt
from api.asked import NewKey, NewOperator, Nothing
from api.errand import TheHouse, TheOperators, json_answer
from api.fields import Id
from api.operator import Asker, allowed
from api.paging import Pages
from api.problems import OtherOrganisation
from api.routes import COMMANDS, LISTS, OfNoPerson, router
from watchlist.application import operators as verbs
from watchlist.domain.operator import ApiKey, Operator, Role
from watchlist.domain.refusals import NotAllowed

routes = router("operators", route_class=OfNoPerson)

Admin = Annotated[Asker, Depends(allowed(Role.ADMIN))]
Anyone = Annotated[Asker, Depends(allowed(*Role))]
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["9f86d081884c7d65"])]
Empty = Annotated[Nothing | None, Body()]


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
            "key_id": asker.key_id,
            "expires_at": asker.expires_at,
        }
    )


@routes.get("/operators", response_model=OperatorPage, responses=LISTS)
def list_operators(asker: Admin, operators: TheOperators, pages: Pages) -> Response:
    """The operators of one's organisation, leavers too."""
    found = operators.operators(asker.organisation, pages.after_id, pages.fetch)
    return pages.answer(found, lambda one: one.operator_id, _operator)


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


@routes.get("/keys", response_model=KeyPage, responses=LISTS)
def list_keys(asker: Admin, operators: TheOperators, pages: Pages) -> Response:
    """The keys of one's organisation, revoked and expired ones too; never a secret."""
    found = operators.keys(asker.organisation, pages.after or verbs.FIRST_KEY, pages.fetch)
    return pages.answer(found, lambda held: held[0].key_id, lambda held: _key(*held))


@routes.post("/keys", status_code=201, response_model=NewKeyReceipt, responses=COMMANDS)
def issue_a_key(body: NewKey, asker: Admin, house: TheHouse, operators: TheOperators) -> Response:
    """Issue a key, shown this once; its operator is created when new. A repeated request issues another."""
    if body.organisation not in (None, asker.organisation):
        raise OtherOrganisation("organisation")
    if body.role.reads_all:
        raise IssuedByTheRegister("role")
    issued = verbs.issue_key(
        operators, house.clock, body.operator, body.role, asker.organisation, body.expires_at
    )
    return json_answer({**_key_receipt(issued.key, house), "key": issued.presented}, 201)


@routes.post("/keys/{key_id}/revocation", response_model=KeyReceipt, responses=COMMANDS)
def revoke_a_key(
    key_id: KeyId, asker: Admin, house: TheHouse, operators: TheOperators, body: Empty = None
) -> Response:
    """The key opens nothing any more, everywhere within a second."""
    key, _ = verbs.revoke_key(operators, house.clock, key_id, asker.organisation)
    return json_answer(_key_receipt(key, house))


def _operator(operator: Operator) -> dict[str, Any]:
    return {
        "operator_id": operator.operator_id,
        "organisation": operator.organisation,
        "name": operator.name,
        "left_at": operator.left_at,
    }


def _told_operator(operator: Operator, house: TheHouse, status: int) -> Response:
    body = {
        "id": operator.operator_id,
        "version": 1 if operator.left_at is None else 2,
        "position": house.pictures.position(),
        "name": operator.name,
        "left_at": operator.left_at,
    }
    return json_answer(body, status)


def _key(key: ApiKey, operator: Operator) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "operator_id": key.operator_id,
        "operator": operator.name,
        "organisation": operator.organisation,
        "role": key.role,
        "issued_at": key.issued_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
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
    }
