"""Finish the approvals of imports that a crash interrupted (L7)."""

from __future__ import annotations

from watchlist.application.import_list import finish_imports
from watchlist.bootstrap import House


def finish_interrupted_imports(house: House) -> str | None:
    finished = finish_imports(house.desk)
    return f"finished {finished} imports" if finished else None
