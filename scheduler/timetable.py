"""The timetable: every job of the scheduler on one page. Times are UTC; every job may run twice or late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.jobs.deliver_changes import deliver_due_changes, forget_old_attempts, forget_old_changes
from scheduler.jobs.finish_imports import finish_interrupted_imports
from scheduler.jobs.forget_answers import forget_old_answers
from scheduler.jobs.seal import seal_the_log
from scheduler.jobs.sweep import sweep_the_list
from scheduler.jobs.tidy_keys import tidy_the_keyring
from scheduler.jobs.turn_access_log import turn_the_access_log
from scheduler.jobs.watch_use import watch_the_use
from watchlist.bootstrap import House


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    every_seconds: int
    run: Callable[[House], str | None]
    """Does the work; gives one line for the log when there is something to say."""
    at_once: int = 1
    """In one process: a run that is held up by somebody outside does not hold up the next."""


TIMETABLE = (
    Job("sweep", 60, sweep_the_list),
    Job("seal", 20, seal_the_log),
    Job("watch_use", 300, watch_the_use),
    Job("finish_imports", 60, finish_interrupted_imports),
    Job("deliver_changes", 30, deliver_due_changes, at_once=2),
    Job("forget_attempts", 86_400, forget_old_attempts),
    Job("forget_changes", 86_400, forget_old_changes),
    Job("forget_answers", 3600, forget_old_answers),
    Job("turn_access_log", 3600, turn_the_access_log),
    Job("tidy_keys", 86_400, tidy_the_keyring),
)
"""Intervals rather than times of day: cron at 02:30 in Paris runs twice one night in October and never one in March."""
