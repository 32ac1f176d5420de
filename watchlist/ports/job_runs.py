"""How the jobs of the scheduler ended."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class JobRun(Struct, frozen=True):
    """When a job last succeeded and last failed, in whichever process."""

    job: str
    succeeded_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    """The kind of the error, never its text."""

    @property
    def failed_last(self) -> bool:
        """Whether it failed since it last succeeded."""
        return self.failed_at is not None and (
            self.succeeded_at is None or self.failed_at > self.succeeded_at
        )


class JobRuns(Protocol):
    """Remembers how each job of the scheduler last ended."""

    def succeeded(self, job: str, at: datetime) -> None: ...

    def failed(self, job: str, at: datetime, kind: str) -> None: ...

    def all(self) -> list[JobRun]: ...
