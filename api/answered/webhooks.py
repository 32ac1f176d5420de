"""What is answered of webhooks."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.answered.changes import ChangeId
from api.answered.common import Page, Receipt
from api.fields import Answered, Id, Instant
from watchlist.domain.webhook import Failure, WebhookState

SHOWN_ONCE = Field(
    description="shown once: whsec_ and 32 bytes in base64, for the libraries of Standard Webhooks",
    examples=["whsec_…"],
)
Number = Field(ge=1, description="of the secret, from 1 on", examples=[1])


class WebhookItem(Answered):
    webhook_id: Id
    url: str = Field(examples=["https://payer.example/hooks/watchlist"])
    description: str | None
    made_at: Instant
    made_by: Id
    state: WebhookState = Field(
        description="failing: given up on after three days; disabled: it answered 410; a replay revives it"
    )
    state_since: Instant


class WebhookPage(Page):
    items: list[WebhookItem]


class SecretItem(Answered):
    number: int = Number
    made_at: Instant
    retired_at: datetime | None


class WebhookDetail(WebhookItem):
    unsent: int = Field(description="changes that were not delivered yet", examples=[0])
    secrets: list[SecretItem]


class NewWebhookReceipt(Receipt):
    url: str = Field(examples=["https://payer.example/hooks/watchlist"])
    number: int = Number
    secret: str = SHOWN_ONCE


class NewSecretReceipt(Receipt):
    number: int = Number
    secret: str = SHOWN_ONCE


class RetirementReceipt(Receipt):
    number: int = Number
    retired_at: Instant


class ReplayReceipt(Receipt):
    state: WebhookState
    changes: int = Field(description="how many are sent again, with what never arrived", examples=[3])


class Delivery(Answered):
    """One attempt: that it was made and how it ended; never what was sent or answered."""

    delivery_id: Id
    change_id: ChangeId
    attempt: int = Field(ge=1, examples=[1])
    at: Instant
    status: int | None = Field(description="of the answer; null: there was none", examples=[204])
    failure: Failure | None
    milliseconds: int = Field(examples=[48])


class DeliveryPage(Page):
    items: list[Delivery]
