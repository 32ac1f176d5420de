"""The OpenAPI as it is, without a service that answers it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from api.main import create_app
from watchlist.bootstrap import House


def described() -> dict[str, Any]:
    """Without a database: nothing of the house is asked."""
    return create_app(cast(House, SimpleNamespace(operators=None, clock=None))).openapi()
