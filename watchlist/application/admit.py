"""Let in who comes with a token: told again by issuer and subject, made known at first sight (T2, L5, C6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchlist.application.operators import add_operator
from watchlist.domain.operator import ApiKey, Operator
from watchlist.domain.passport import NotAdmitted, Passport, Reason
from watchlist.domain.tokens import Tokenizer
from watchlist.ports.clock import Clock
from watchlist.ports.operators import Operators

NOTED_EVERY = timedelta(minutes=1)
"""How often at most the last use of a key or of a token's holder is written."""


def holder_digest(requests: Tokenizer, passport: Passport) -> bytes:
    """What is kept of the issuer's name for a person: under the key that does not rotate, in one organisation."""
    return requests.digest("token holder", passport.issuer, passport.subject, passport.organisation)


def operator_of(
    operators: Operators, clock: Clock, requests: Tokenizer, passport: Passport
) -> tuple[Operator, datetime]:
    """Whose passport that is, and when they were last seen; raises NotAdmitted.

    At first sight they are the operator of that name, who holds keys perhaps: one person is one operator, so that
    four eyes holds between a key and a token (L5), and so that a leaver does not come back by the other door (T2).
    """
    digest = holder_digest(requests, passport)
    operator, seen_at = operators.holder(digest) or _first_seen(operators, clock, digest, passport)
    if operator.left_at is not None:
        raise NotAdmitted(Reason.LEFT)
    return operator, seen_at


def _first_seen(
    operators: Operators, clock: Clock, digest: bytes, passport: Passport
) -> tuple[Operator, datetime]:
    if not passport.organisation_is_named and not operators.knows(passport.organisation):
        raise NotAdmitted(Reason.ORGANISATION)
    now = clock.now()
    operator, _ = add_operator(operators, passport.organisation, passport.name)
    if operator.left_at is None:
        operators.keep_holder(digest, operator.operator_id, passport.roles, now)
    return operator, now


def is_worth_noting(last_used_at: datetime | None, now: datetime) -> bool:
    return last_used_at is None or now - last_used_at >= NOTED_EVERY


def note_key_use(operators: Operators, clock: Clock, key: ApiKey) -> None:
    now = clock.now()
    operators.note_key_use(key.key_id, now, now - NOTED_EVERY)


def note_holder_use(operators: Operators, clock: Clock, requests: Tokenizer, passport: Passport) -> None:
    now = clock.now()
    digest = holder_digest(requests, passport)
    operators.note_holder_use(digest, passport.roles, now, now - NOTED_EVERY)
