"""An errand: one command that somebody asks for, carried out once however often it is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Depends, Header, Request
from starlette.responses import Response

from api.operator import Allowed, Asker
from api.problems import PreconditionRequired, invalid
from watchlist.application.attention import opened, shown
from watchlist.application.desk import Desk, answered_before
from watchlist.application.receipt import Receipt
from watchlist.application.work import Ask
from watchlist.bootstrap import House
from watchlist.domain.operator import Role
from watchlist.domain.tokens import Tokenizer
from watchlist.ports.operators import Operators
from watchlist.tracing import span

IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG = re.compile(r'"([1-9][0-9]{0,17})"')


async def the_house(request: Request) -> House:
    house: House = request.app.state.house
    return house


async def the_operators(request: Request) -> Operators:
    operators: Operators = request.app.state.operators
    return operators


TheOperators = Annotated[Operators, Depends(the_operators)]
TheHouse = Annotated[House, Depends(the_house)]


@dataclass(frozen=True, slots=True)
class Errand:
    """Who asks for a command, at which desk, under which id."""

    desk: Desk
    asker: Asker
    ask: Ask

    def run(self, verb: Callable[[Desk, Ask], Receipt]) -> Receipt:
        """The receipt of the verb; of its first time, when the same command was carried out before."""
        done = self.desk.log.answered(self.ask.command_id) if self.ask.mac else None
        if done:
            return answered_before(done, self.ask)
        with span("command"):
            return verb(self.desk, self.ask)

    def tell(self, verb: Callable[[Desk, Ask], Receipt]) -> Response:
        """Carried out: 200 and the receipt."""
        return told(self.run(verb), 200)

    def make(self, verb: Callable[[Desk, Ask], Receipt]) -> Response:
        """Created: 201 and the receipt; 200 when it was there before."""
        receipt = self.run(verb)
        return told(receipt, 201 if receipt.created else 200)


def errand(*roles: Role) -> Callable[..., Awaitable[Errand]]:
    """For `Depends`: the errand of whoever has one of these roles."""
    gate = Allowed(*roles)

    async def bring(
        request: Request,
        asker: Asker = Depends(gate),
        idempotency_key: str | None = Header(
            None,
            description="1 to 255 visible ASCII characters: the same key and request get the same answer for 24 h",
            examples=["6b0c3f1e-raise-alert"],
        ),
    ) -> Errand:
        house: House = request.app.state.house
        if idempotency_key is None:
            return Errand(house.desk, asker, Ask(asker.operator_id, asker.organisation))
        if not IDEMPOTENCY_KEY.fullmatch(idempotency_key):
            raise invalid("Idempotency-Key", "header")
        command_id, mac = await _sealed(house.desk.lookups.now.requests, asker, idempotency_key, request)
        return Errand(house.desk, asker, Ask(asker.operator_id, asker.organisation, command_id, mac))

    return bring


async def _sealed(tokenizer: Tokenizer, asker: Asker, key: str, request: Request) -> tuple[UUID, bytes]:
    """The command's id, from the client and its key; and what proves the same request, without keeping it."""
    command_id = UUID(bytes=tokenizer.digest("idempotency", asker.client, key))
    mac = tokenizer.digest(
        "idempotent request",
        request.method,
        request.scope["path"],
        request.scope["query_string"].decode("latin-1"),
        request.headers.get("if-match", ""),
        hashlib.sha256(_canonical(await request.body())).hexdigest(),
    )
    return command_id, mac


def _canonical(body: bytes) -> bytes:
    """The same for the same JSON, however it is spaced or ordered."""
    try:
        return msgspec.json.encode(msgspec.json.decode(body), order="sorted")
    except (msgspec.DecodeError, RecursionError):
        return body


Investigation = Annotated[Errand, Depends(errand(Role.INVESTIGATOR))]
Supervision = Annotated[Errand, Depends(errand(Role.SUPERVISOR))]
Integration = Annotated[Errand, Depends(errand(Role.INTEGRATOR))]
"""A payment operator's."""
Protection = Annotated[Errand, Depends(errand(Role.DPO))]
"""A data protection officer's."""


async def expected_version(
    if_match: str | None = Header(
        None, description="the ETag of what is changed, as it was read", examples=['"3"']
    ),
) -> int:
    """The version a change was made from."""
    if if_match is None:
        raise PreconditionRequired("If-Match")
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise invalid("If-Match", "etag")
    return int(found[1])


ExpectedVersion = Annotated[int, Depends(expected_version)]


# Answers --------------------------------------------------------------------------------------


def told(receipt: Receipt, status: int) -> Response:
    return json_answer(receipt.body(), status, receipt.version)


def json_answer(
    body: object, status: int = 200, version: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    _see(body)
    sent = dict(headers or {})
    if version is not None:
        sent["ETag"] = f'"{version}"'
    return Response(msgspec.json.encode(body), status, sent, "application/json")


def _see(body: object) -> None:
    """T1: whom an answer shows, by its own ids or by those of its items; a case stands for its subjects."""
    if not isinstance(body, Mapping):
        return
    subjects = [*body.get("subject_ids", ()), *filter(None, [body.get("subject_id")])]
    shown(map(_id, subjects))
    if not subjects and body.get("case_id"):
        opened([_id(body["case_id"])])
    for item in body.get("items", ()):
        _see(item)


def _id(given: UUID | str) -> UUID:
    return given if isinstance(given, UUID) else UUID(given)
