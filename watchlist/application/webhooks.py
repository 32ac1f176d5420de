"""Webhooks: an organisation says where its changes are sent, and changes the secrets they are signed with (S8).

A secret is kept nowhere: it is derived from a random salt in its row, by the key of the keyring that does not rotate.
Who reads the database cannot sign; a salt that was cleared gives the secret to nobody again.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from watchlist.application.ordered_id import ordered_id
from watchlist.domain import refusals
from watchlist.domain.tokens import Tokenizer
from watchlist.domain.webhook import (
    MOST_SECRETS,
    MOST_WEBHOOKS,
    SigningSecret,
    Webhook,
    WebhookState,
    require_address,
)
from watchlist.ports.clock import Clock
from watchlist.ports.feed import Webhooks

SALT_BYTES = 16
PREFIX = "whsec_"
HALVES = ("first", "second")


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret, shown once."""

    number: int
    shown: str

    def __repr__(self) -> str:
        return f"NewSecret({self.number}, sealed)"


def derived(tokenizer: Tokenizer, webhook_id: UUID, secret: SigningSecret) -> bytes:
    """The 32 bytes that sign: the same in every process that holds the key."""
    parts = ("webhook secret", str(webhook_id), str(secret.number), secret.salt.hex())
    return b"".join(tokenizer.digest(*parts, half) for half in HALVES)


def _shown(tokenizer: Tokenizer, webhook_id: UUID, secret: SigningSecret) -> NewSecret:
    encoded = base64.b64encode(derived(tokenizer, webhook_id, secret)).decode()
    return NewSecret(secret.number, PREFIX + encoded)


def add_webhook(
    webhooks: Webhooks,
    clock: Clock,
    tokenizer: Tokenizer,
    organisation: str,
    by: UUID,
    url: str,
    description: str | None,
    private_allowed: bool,
) -> tuple[Webhook, NewSecret]:
    """It is sent what changes from now on."""
    now = clock.now()
    require_address(url, private_allowed)
    made = Webhook(ordered_id(), organisation, url, description, now, by, WebhookState.LIVE, now)
    secret = SigningSecret(1, os.urandom(SALT_BYTES))
    if not webhooks.add(made, secret, MOST_WEBHOOKS):
        raise refusals.TooManyWebhooks("url", state="full")
    return made, _shown(tokenizer, made.webhook_id, secret)


def webhook_of(webhooks: Webhooks, organisation: str, webhook_id: UUID) -> Webhook:
    found = webhooks.webhook(organisation, webhook_id)
    if found is None:
        raise refusals.NoSuchWebhook()
    return found


def remove_webhook(webhooks: Webhooks, organisation: str, webhook_id: UUID) -> None:
    """Nothing is sent there any more; its secrets and its delivery log go."""
    if not webhooks.remove(organisation, webhook_id):
        raise refusals.NoSuchWebhook()


def add_secret(
    webhooks: Webhooks, clock: Clock, tokenizer: Tokenizer, organisation: str, webhook_id: UUID
) -> NewSecret:
    """A second one: until the first is retired, everything is signed with both."""
    found = webhook_of(webhooks, organisation, webhook_id)
    salt = os.urandom(SALT_BYTES)
    number = webhooks.add_secret(found.webhook_id, salt, clock.now(), MOST_SECRETS)
    if number is None:
        raise refusals.TooManySecrets(state="two")
    return _shown(tokenizer, found.webhook_id, SigningSecret(number, salt))


def retire_secret(
    webhooks: Webhooks, clock: Clock, organisation: str, webhook_id: UUID, number: int
) -> datetime:
    """When it was retired; one retired before stays as it was."""
    found = webhook_of(webhooks, organisation, webhook_id)
    if number not in _numbers(webhooks.secrets(found.webhook_id)):
        raise refusals.NoSuchSecret()
    retired = webhooks.retire_secret(found.webhook_id, number, clock.now())
    if retired is None:
        raise refusals.LastSecret(state="one")
    return retired


def _numbers(secrets: Sequence[tuple[int, datetime, datetime | None]]) -> set[int]:
    return {number for number, _, _ in secrets}


def replay_changes(
    webhooks: Webhooks, clock: Clock, organisation: str, webhook_id: UUID, after: int
) -> tuple[Webhook, int]:
    """Everything behind that number is sent again, and what never arrived; a webhook that was given up on is live."""
    found = webhook_of(webhooks, organisation, webhook_id)
    again = webhooks.replay(found.webhook_id, after, clock.now())
    return webhook_of(webhooks, organisation, webhook_id), again
