"""The access log at the door: a request that touched personal data is on disk before its answer leaves (T1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.responses import Response

from api.operator import Asker
from watchlist.application.attention import Attention, watching
from watchlist.bootstrap import House
from watchlist.domain.trace import Access, Asking

Handler = Callable[[Request], Awaitable[Response]]


def asking_of(request: Request, asker: Asker, operation: str) -> Asking:
    return Asking(
        operation,
        asker.operator_id,
        asker.organisation,
        asker.role,
        asker.key_id,
        request.scope["watchlist.request_id"],
    )


async def traced(request: Request, operation: str, handle: Handler) -> Response:
    """Answered with its trace written, a refusal too when something was opened before it; Busy when it cannot be."""
    with watching() as attention:
        try:
            answer = await handle(request)
        except Exception:
            if attention:
                await _write(request, operation, attention)
            raise
    await _write(request, operation, attention)
    return answer


async def _write(request: Request, operation: str, attention: Attention) -> None:
    house: House = request.app.state.house
    asking = asking_of(request, request.scope["watchlist.asker"], operation)
    subjects, owners = tuple(attention.subjects), tuple(attention.owners)
    await house.traces.write(Access(house.clock.now(), asking, subject_ids=subjects, owners=owners))
