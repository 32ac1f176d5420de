"""Redaction: a text that is kept under a person's key and names somebody who is erased is deleted (P6).

A case has its own, of the texts under its key; here are those of a subject and of a request.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from watchlist.domain.aggregate import Act, Aggregate, Event, remembers
from watchlist.domain.commitment import Sealed


class PersonTextRedacted(Event, frozen=True, kw_only=True):
    """In the stream that sealed it; what it said is deleted, what remains of it is sealed anew."""

    TOPIC: ClassVar[str] = "person.text_redacted"
    text_id: UUID
    """The reference of the value that is gone: of a text, or of a letter that told of somebody else."""
    text: Sealed | None = None
    """None: nothing of it remains."""
    reason: Sealed | None = None


class KeepsTexts(Aggregate):
    """Whoever's texts may be redacted."""

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.redacted: dict[UUID, Sealed | None] = {}

    def redact(
        self, act: Act, text_id: UUID, text: Sealed | None = None, reason: Sealed | None = None
    ) -> None:
        """A text is redacted once, what remains of it again."""
        self.record(PersonTextRedacted, act, text_id=text_id, text=text, reason=reason)

    def text_now(self, text: Sealed | None) -> Sealed | None:
        """What remains of a text: itself, or what it was redacted to."""
        while text is not None and text.ref in self.redacted:
            text = self.redacted[text.ref]
        return text

    @remembers(PersonTextRedacted)
    def _person_text_redacted(self, event: PersonTextRedacted) -> None:
        self.redacted[event.text_id] = event.text
