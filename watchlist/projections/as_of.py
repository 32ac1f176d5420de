"""The list as of an instant, and the difference between two, from the rows of a history: live ones or a replay's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct, structs

from watchlist.domain.inscription import DelistingGround
from watchlist.domain.retention import NEVER
from watchlist.domain.standing import Moment, stood, why_ended
from watchlist.projections.rows import Standing


class HistoryRow(Struct):
    """A standing, and from when until when the register knew it so."""

    standing: Standing
    recorded_from: datetime
    recorded_until: datetime = NEVER

    @property
    def inscribed_at(self) -> datetime:
        return self.standing.inscribed_at

    @property
    def inscribed_on(self) -> date:
        return self.standing.inscribed_on

    @property
    def ends_at(self) -> datetime:
        return self.standing.ends_at


class Turn(StrEnum):
    """What became of an entry between two instants."""

    ENTERED = "entered"
    LEFT = "left"
    CHANGED = "changed"


class Difference(Struct, frozen=True):
    """An entry that stood otherwise at the second instant than at the first."""

    turn: Turn
    before: Standing | None
    after: Standing | None
    ground: DelistingGround | None
    """Why it left."""
    fields: list[str]
    """What of it changed."""

    @property
    def entry(self) -> Standing:
        """Which entry that is, as it stood last."""
        found = self.after or self.before
        assert found is not None
        return found


def standing_at(history: Sequence[HistoryRow], moment: Moment) -> Standing | None:
    """How one entry stood then, as it was known; None when it was not listed."""
    found = stood(history, moment)
    if found is None:
        return None
    then = found.then.standing if found.then else None
    return structs.replace(
        found.latest.standing,
        held_by=then.held_by if then else [],
        restricted=then.restricted if then else False,
    )


def difference(
    history: Sequence[HistoryRow], first: Moment, second: Moment, ground: DelistingGround | None
) -> Difference | None:
    """What became of one entry between two instants; None when nothing did. `ground`: of its delisting, if any."""
    before, after = standing_at(history, first), standing_at(history, second)
    if before is None and after is None:
        return None
    if before is None:
        return Difference(Turn.ENTERED, None, after, None, [])
    if after is None:
        return Difference(Turn.LEFT, before, None, _why(history, second, ground), [])
    fields = [name for name in SHOWN if getattr(before, name) != getattr(after, name)]
    return Difference(Turn.CHANGED, before, after, None, fields) if fields else None


SHOWN = tuple(name for name in Standing.__struct_fields__ if name not in ("inscribed_at", "ends_at"))
"""What is told of an entry that is listed."""


def _why(
    history: Sequence[HistoryRow], moment: Moment, ground: DelistingGround | None
) -> DelistingGround | None:
    known = [row for row in history if row.recorded_from <= moment.known_at]
    return why_ended(known[-1], moment.known_at, ground) if known else None
