"""Webhooks: where one's organisation has its changes sent, signed; and how that went (S8)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Depends, Path
from starlette.responses import Response

from api.answered.common import Receipt
from api.answered.webhooks import (
    DeliveryPage,
    NewSecretReceipt,
    NewWebhookReceipt,
    ReplayReceipt,
    RetirementReceipt,
    WebhookDetail,
    WebhookPage,
)
from api.asked import NewWebhook, Nothing, Replay
from api.errand import TheHouse, json_answer
from api.fields import Id
from api.operator import Asker, allowed
from api.paging import Pages
from api.routes import COMMANDS, LISTS, READS, OfNoPerson, router
from watchlist.application import webhooks as verbs
from watchlist.domain.operator import Role
from watchlist.domain.webhook import Webhook

routes = router("webhooks", "/webhooks", OfNoPerson)

Integrator = Annotated[Asker, Depends(allowed(Role.INTEGRATOR))]
SecretNumber = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[1])]
Empty = Annotated[Nothing | None, Body()]


@routes.get("", response_model=WebhookPage, responses=LISTS)
def list_webhooks(asker: Integrator, house: TheHouse, pages: Pages) -> Response:
    """The webhooks of one's organisation; never a secret."""
    found = house.webhooks.webhooks(asker.organisation, pages.after_id, pages.fetch)
    return pages.answer(found, lambda one: one.webhook_id, _item)


@routes.post("", status_code=201, response_model=NewWebhookReceipt, responses=COMMANDS)
def add_a_webhook(body: NewWebhook, asker: Integrator, house: TheHouse) -> Response:
    """Changes are sent there from now on, signed with a secret shown this once. A repeated request adds another."""
    made, secret = verbs.add_webhook(
        house.webhooks,
        house.clock,
        house.desk.lookups.now.requests,
        asker.organisation,
        asker.operator_id,
        body.url,
        body.description,
        house.private_webhooks,
    )
    shown = {"url": made.url, "number": secret.number, "secret": secret.shown}
    return json_answer(_receipt(made.webhook_id, 1, house) | shown, 201)


@routes.get("/{webhook_id}", response_model=WebhookDetail, responses=READS)
def read_a_webhook(webhook_id: Id, asker: Integrator, house: TheHouse) -> Response:
    """How it stands, what it was not sent yet, and which secrets it is signed with."""
    found = verbs.webhook_of(house.webhooks, asker.organisation, webhook_id)
    secrets = [
        {"number": number, "made_at": made, "retired_at": retired}
        for number, made, retired in house.webhooks.secrets(webhook_id)
    ]
    return json_answer(_item(found) | {"unsent": house.webhooks.unsent(webhook_id), "secrets": secrets})


@routes.post("/{webhook_id}/removal", response_model=Receipt, responses=COMMANDS)
def remove_a_webhook(webhook_id: Id, asker: Integrator, house: TheHouse, body: Empty = None) -> Response:
    """Nothing is sent there any more; its secrets and its delivery log go."""
    verbs.remove_webhook(house.webhooks, asker.organisation, webhook_id)
    return json_answer(_receipt(webhook_id, 2, house))


@routes.post("/{webhook_id}/secrets", status_code=201, response_model=NewSecretReceipt, responses=COMMANDS)
def add_a_secret(webhook_id: Id, asker: Integrator, house: TheHouse, body: Empty = None) -> Response:
    """A second live secret, shown this once: everything is signed with both until one is retired."""
    tokenizer = house.desk.lookups.now.requests
    secret = verbs.add_secret(house.webhooks, house.clock, tokenizer, asker.organisation, webhook_id)
    shown = {"number": secret.number, "secret": secret.shown}
    return json_answer(_receipt(webhook_id, secret.number, house) | shown, 201)


@routes.post(
    "/{webhook_id}/secrets/{number}/retirement", response_model=RetirementReceipt, responses=COMMANDS
)
def retire_a_secret(
    webhook_id: Id, number: SecretNumber, asker: Integrator, house: TheHouse, body: Empty = None
) -> Response:
    """Nothing is signed with it any more; the last live one stays."""
    retired = verbs.retire_secret(house.webhooks, house.clock, asker.organisation, webhook_id, number)
    told = {"number": number, "retired_at": retired}
    return json_answer(_receipt(webhook_id, number, house) | told)


@routes.get("/{webhook_id}/deliveries", response_model=DeliveryPage, responses=READS)
def list_deliveries(webhook_id: Id, asker: Integrator, house: TheHouse, pages: Pages) -> Response:
    """The delivery log of the last three months: each attempt and how it ended, oldest first."""
    verbs.webhook_of(house.webhooks, asker.organisation, webhook_id)
    found = house.webhooks.attempts(webhook_id, pages.after_id, pages.fetch)
    return pages.answer(found, lambda row: row["attempt_id"], _delivery)


@routes.post("/{webhook_id}/replay", response_model=ReplayReceipt, responses=COMMANDS)
def replay_changes(webhook_id: Id, body: Replay, asker: Integrator, house: TheHouse) -> Response:
    """Everything behind that id is sent again, with what never arrived; who was given up on is live again."""
    found, again = verbs.replay_changes(
        house.webhooks, house.clock, asker.organisation, webhook_id, int(body.after)
    )
    return json_answer(_receipt(webhook_id, 1, house) | {"state": found.state, "changes": again})


def _item(webhook: Webhook) -> dict[str, Any]:
    return {
        "webhook_id": webhook.webhook_id,
        "url": webhook.url,
        "description": webhook.description,
        "made_at": webhook.made_at,
        "made_by": webhook.made_by,
        "state": webhook.state,
        "state_since": webhook.state_since,
    }


def _delivery(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "delivery_id": row["attempt_id"],
        "change_id": str(row["sequence"]),
        "attempt": row["attempt"],
        "at": row["at"],
        "status": row["status"],
        "failure": row["failure"],
        "milliseconds": row["milliseconds"],
    }


def _receipt(webhook_id: Id, version: int, house: TheHouse) -> dict[str, Any]:
    return {"id": webhook_id, "version": version, "position": house.pictures.position()}
