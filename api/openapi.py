"""`python -m api.openapi`: the OpenAPI on standard output, as it is committed in docs/openapi.json."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any, cast

from api.main import create_app
from watchlist.bootstrap import House
from watchlist.domain.quota import Quotas


def described() -> dict[str, Any]:
    """Without a database: nothing of the house is asked."""
    house = SimpleNamespace(operators=None, clock=None, buckets=None, quotas=Quotas())
    return create_app(cast(House, house)).openapi()


def text() -> str:
    return json.dumps(described(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
