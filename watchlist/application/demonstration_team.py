"""The demonstration's teams, and what they do about what falls due: nothing is late when it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.letters import Posting, Writing, defer_letter, record_sent
from watchlist.application.open_case import close_case
from watchlist.application.review_hold import review_hold
from watchlist.application.work import Ask
from watchlist.domain import periods, retention
from watchlist.domain.case_events import ClosingOutcome
from watchlist.domain.correspondence import Channel
from watchlist.domain.refusals import LettersUnavailable
from watchlist.domain.schedule import DeadlineKind

VISITS = timedelta(days=10)
"""How often a team looks at what falls due."""
AHEAD = VISITS + timedelta(days=1)
"""How far it looks: behind this, the next visit is in time."""


@dataclass(frozen=True, slots=True)
class Team:
    """Who acts for one organisation."""

    organisation: str
    investigator: UUID
    supervisor: UUID
    dpo: UUID

    def investigates(self) -> Ask:
        return Ask(self.investigator, self.organisation)

    def decides(self) -> Ask:
        return Ask(self.supervisor, self.organisation)

    def informs(self) -> Ask:
        return Ask(self.dpo, self.organisation)


def work_off(desk: Desk, writing: Writing, teams: Mapping[str, Team]) -> None:
    """See to what falls due before the next visit; what has more time is left, and shown as due."""
    until = desk.clock.now() + AHEAD
    for kind, see_to in DUTIES.items():
        for id, organisation in desk.registry.falling_due(kind, until):
            see_to(desk, writing, teams[organisation], id)


def _send(desk: Desk, writing: Writing, team: Team, letter_id: UUID) -> None:
    """L12: sent; where nothing can be printed, deferred for as long as a deferral lasts, again and again."""
    today = periods.civil_date(desk.clock.now())
    posting = Posting(today, Channel.REGISTERED_POST)
    try:
        record_sent(desk, writing, team.informs(), letter_id, posting)
    except LettersUnavailable:
        review_on = periods.months_after(today, retention.DEFERRAL_MONTHS)
        defer_letter(desk, team.informs(), letter_id, "Aucune imprimerie installée (fictif).", review_on)


def _review_hold(desk: Desk, writing: Writing, team: Team, inscription_id: UUID) -> None:
    """L13: once a year."""
    review_hold(desk, team.decides(), inscription_id, "La procédure est toujours en cours (fictif).")


def _close(desk: Desk, writing: Writing, team: Team, case_id: UUID) -> None:
    """C7: a case in which nothing happens any more; closing ends no entry (C3)."""
    listed = desk.case(case_id, team.organisation).inscriptions
    outcome = ClosingOutcome.ESTABLISHED if listed else ClosingOutcome.ABANDONED
    close_case(desk, team.investigates(), case_id, outcome)


DUTIES: Mapping[DeadlineKind, Callable[[Desk, Writing, Team, UUID], None]] = {
    DeadlineKind.LETTER: _send,
    DeadlineKind.DELISTING_LETTER: _send,
    DeadlineKind.HOLD_REVIEW: _review_hold,
    DeadlineKind.CASE_INACTIVE: _close,
}
