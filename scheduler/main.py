"""The scheduler: runs the timetable, beside the API or alone, any number of times at once."""

from __future__ import annotations

import logging
from datetime import UTC

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from scheduler.timetable import TIMETABLE, Job
from watchlist.bootstrap import House

log = logging.getLogger("scheduler")


def beside_the_api(house: House) -> BackgroundScheduler:
    """Started in a thread of the calling process."""
    scheduler = BackgroundScheduler(timezone=UTC)
    _fill(scheduler, house)
    scheduler.start()
    return scheduler


def alone(house: House) -> None:
    """Blocks until it is interrupted."""
    scheduler = BlockingScheduler(timezone=UTC)
    _fill(scheduler, house)
    try:
        scheduler.start()
    finally:
        house.stopping.set()


def _fill(scheduler: BaseScheduler, house: House) -> None:
    """A late job still runs, once for all the times it missed, and each job first runs at once."""
    for job in TIMETABLE:
        scheduler.add_job(
            run,
            "interval",
            (job, house),
            seconds=job.every_seconds,
            id=job.name,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=job.at_once,
            next_run_time=house.clock.now(),
        )


def run(job: Job, house: House) -> None:
    """One run of one job; an error is told by its kind only, its text may hold what a database was given."""
    try:
        said = job.run(house)
    except Exception as error:
        log.error("%s failed: %s; it runs again in %d s", job.name, type(error).__name__, job.every_seconds)
        return
    log.log(logging.INFO if said else logging.DEBUG, "%s: %s", job.name, said or "nothing to do")
