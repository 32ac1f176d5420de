"""Attention: of whom somebody's request opened or showed something, gathered while it is carried out (T1).

A request begins to watch, and whatever is opened or shown until it ends is added, in whichever of its threads. What
the machine looks at for itself alone, to decide or to compare, is not seen by anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Attention:
    """What was seen, each once."""

    subjects: set[UUID] = field(default_factory=set)
    """Shown by their ids."""
    owners: set[UUID] = field(default_factory=set)
    """Whose records were opened: subjects, cases, or others, whatever their id is the id of."""

    def __bool__(self) -> bool:
        return bool(self.subjects or self.owners)


_paid: ContextVar[Attention | None] = ContextVar("attention", default=None)


@contextmanager
def watching() -> Iterator[Attention]:
    """What is seen until this is over."""
    attention = Attention()
    token = _paid.set(attention)
    try:
        yield attention
    finally:
        _paid.reset(token)


@contextmanager
def unseen() -> Iterator[None]:
    """What is opened meanwhile is shown to nobody."""
    token = _paid.set(None)
    try:
        yield
    finally:
        _paid.reset(token)


def opened(owners: Iterable[UUID]) -> None:
    attention = _paid.get()
    if attention is not None:
        attention.owners.update(owners)


def shown(subjects: Iterable[UUID]) -> None:
    attention = _paid.get()
    if attention is not None:
        attention.subjects.update(subjects)
