"""The scheduler: runs the timetable, beside the API or alone, any number of times at once."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from datetime import UTC

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler

from scheduler.jobs.sweep import RunsElsewhere
from scheduler.timetable import TIMETABLE, Job
from watchlist.bootstrap import House
from watchlist.domain.refusals import Busy
from watchlist.tracing import begin

log = logging.getLogger("scheduler")


def beside_the_api(house: House) -> BackgroundScheduler:
    """Started in a thread of the calling process."""
    scheduler = BackgroundScheduler(timezone=UTC)
    _fill(scheduler, house)
    scheduler.start()
    return scheduler


def alone(house: House) -> None:
    """Blocks until it is interrupted.

    The main thread only waits: where the library hands a job over it swallows every exception, and an interrupt that
    came just then was lost.
    """
    scheduler = beside_the_api(house)
    try:
        house.stopping.wait()
    finally:
        house.stopping.set()
        scheduler.shutdown(wait=True)


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
    begin(f"{job.name}-{os.urandom(4).hex()}")
    try:
        said = job.run(house)
        house.job_runs.succeeded(job.name, house.clock.now())
    except RunsElsewhere:
        log.debug("%s: another process is doing it", job.name)
        return
    except Exception as error:
        log.error("%s failed: %s; it runs again in %d s", job.name, type(error).__name__, job.every_seconds)
        with suppress(Busy):
            house.job_runs.failed(job.name, house.clock.now(), type(error).__name__)
        return
    log.log(logging.INFO if said else logging.DEBUG, "%s: %s", job.name, said or "nothing to do")
