"""A letter as a PDF: what is answered, and how it compares with the one that was sent."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from api.routes import problems
from watchlist.application.letters import Document

MEDIA_TYPE = "application/pdf"
HOW_IT_COMPARES = {
    "Letter-Document": {
        "description": (
            "draft: not sent yet; identical: byte for byte what was sent; differs: the "
            "same words, other bytes; or what a purged or redacted case left of them"
        ),
        "schema": {"type": "string", "enum": [document.value for document in Document]},
    }
}
PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "PDF/A-2a and PDF/UA-1, in French",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "headers": HOW_IT_COMPARES,
    },
    **problems(404, 409),
}
AsPrintedNow = Annotated[bool, Query(description="also when it is not byte for byte what was sent any more")]


class Pdf(Response):
    media_type = MEDIA_TYPE


def printed(letter_id: UUID, content: bytes, document: Document) -> Pdf:
    headers = {
        "Content-Disposition": f'attachment; filename="{letter_id}.pdf"',
        "Letter-Document": document.value,
    }
    return Pdf(content, headers=headers)
