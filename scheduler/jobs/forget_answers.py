"""Forget the answers kept for repeated commands once their day is over (contract, Idempotency-Key)."""

from __future__ import annotations

from datetime import timedelta

from watchlist.bootstrap import House

KEPT = timedelta(hours=24)


def forget_old_answers(house: House) -> str | None:
    forgotten = house.register.forget_answers(house.clock.now() - KEPT)
    return f"forgot {forgotten} answers" if forgotten else None
