"""Pages of a collection: a keyset cursor that only continues the collection it came from."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.errand import json_answer
from api.operator import Asker
from api.problems import invalid
from watchlist.adapters.postgres.pictures import FIRST
from watchlist.domain.tokens import Tokenizer

T = TypeVar("T")
LARGEST = 1000
_MAC_BYTES = 9


@dataclass(frozen=True, slots=True)
class Paging:
    """Where a page begins, how long it is, and which collection it belongs to."""

    path: str
    filters: Sequence[tuple[str, str]]
    after: str | None
    """The place of the last item of the page before; None on the first page."""
    limit: int
    tokenizer: Tokenizer
    whose: str

    @property
    def after_id(self) -> UUID:
        return FIRST if self.after is None else UUID(self.after)

    @property
    def fetch(self) -> int:
        """How many to read: one more than is shown tells whether there are more."""
        return self.limit + 1

    def answer(
        self, found: Sequence[T], place: Callable[[T], object], show: Callable[[T], Mapping[str, Any]]
    ) -> Response:
        shown = found[: self.limit]
        more = len(found) > self.limit
        cursor = self._cursor(str(place(shown[-1]))) if more else None
        items = [show(one) for one in shown]
        headers = {"Link": self._link(cursor)} if cursor else None
        return json_answer({"items": items, "next": cursor}, headers=headers)

    def _cursor(self, place: str) -> str:
        mac = _mac(self.tokenizer, self.path, self.filters, self.whose, place)
        return base64.urlsafe_b64encode(mac + place.encode()).rstrip(b"=").decode()

    def _link(self, cursor: str) -> str:
        query = urlencode([*self.filters, ("limit", str(self.limit)), ("cursor", cursor)])
        return f'<{self.path}?{query}>; rel="next"'


async def paging(
    request: Request,
    cursor: str | None = Query(
        None, max_length=400, description="`next` of the page before, with the same filters"
    ),
    limit: int = Query(100, ge=1, le=LARGEST, description="how many items at most"),
) -> Paging:
    asker: Asker = request.scope["watchlist.asker"]
    tokenizer: Tokenizer = request.app.state.house.desk.lookups.now.requests
    path: str = request.scope["path"]
    filters = sorted(
        pair for pair in request.query_params.multi_items() if pair[0] not in ("cursor", "limit")
    )
    whose = asker.scope or "*"
    after = None if cursor is None else _opened(tokenizer, path, filters, whose, cursor)
    return Paging(path, filters, after, limit, tokenizer, whose)


Pages = Annotated[Paging, Depends(paging)]


def _opened(
    tokenizer: Tokenizer, path: str, filters: Sequence[tuple[str, str]], whose: str, cursor: str
) -> str:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mac, place = raw[:_MAC_BYTES], raw[_MAC_BYTES:].decode()
    except (binascii.Error, ValueError):
        raise invalid("cursor", "cursor") from None
    if mac != _mac(tokenizer, path, filters, whose, place):
        raise invalid("cursor", "cursor")
    return place


def _mac(
    tokenizer: Tokenizer, path: str, filters: Sequence[tuple[str, str]], whose: str, place: str
) -> bytes:
    return tokenizer.digest("cursor", path, urlencode(filters), whose, place)[:_MAC_BYTES]
