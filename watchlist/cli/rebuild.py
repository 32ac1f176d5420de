"""`watchlist rebuild`: the pictures painted again from the log, compared, and swapped in while the service goes on."""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue

from watchlist.adapters.codec import UnreadableEvent
from watchlist.adapters.postgres.easel import PostgresEasel, PostgresPainting
from watchlist.application import rebuild as verbs
from watchlist.application.rebuild import Progress, RebuildReport, paint_part
from watchlist.bootstrap import House, build, database, key_of, open_house
from watchlist.cli.terminal import Bar, Stop, bar, tell
from watchlist.ports.easel import Overtaken
from watchlist.settings import Settings

WORKERS = 2
LOOK_SECONDS = 0.2


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "rebuild", help="paint every picture again from the log, and swap it in while the service goes on"
    )
    parser.add_argument(
        "--check-only", action="store_true", help="compare, and leave live as it is; exits 1 if they differ"
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep the tables before in the schema watchlist_old, without look-ups (P6)",
    )
    parser.add_argument("--workers", type=int, default=WORKERS, metavar="N", help="processes that paint")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    with database(settings) as owner, open_house(settings) as house, bar("rebuild") as moved:
        report = rebuilt(
            house,
            owner,
            settings,
            workers=args.workers,
            progress=_shown(moved),
            check_only=args.check_only,
            keep=args.keep,
        )
    if not report.alone:
        raise Stop(
            "another rebuild, or a rotation of the look-up key, is running: nothing was done by this one"
        )
    tell(_facts(report), args.json, _said(report))
    return 1 if args.check_only and report.rows_different else 0


def rebuilt(
    house: House,
    owner: str,
    settings: Settings,
    workers: int = WORKERS,
    progress: Progress = lambda phase, done, total: None,
    check_only: bool = False,
    keep: bool = False,
) -> RebuildReport:
    """`owner`: the connection string of whoever owns the pictures. Several processes paint, each with a house."""
    with PostgresEasel(owner, house.register.codec) as easel:
        crew = _Crew(settings, owner, house.conninfo, workers, easel, progress)
        return verbs.rebuild(house.desk, easel, crew.paint, progress, check_only, keep, parts=8 * workers)


class _Crew:
    """Processes that paint, and are looked at meanwhile."""

    def __init__(
        self,
        settings: Settings,
        owner: str,
        conninfo: str,
        workers: int,
        easel: PostgresEasel,
        progress: Progress,
    ) -> None:
        self._places = settings, owner, conninfo
        self._workers = workers
        self._easel = easel
        self._progress = progress

    def paint(self) -> None:
        if not self._easel.parts():
            return
        context = multiprocessing.get_context("spawn")
        failed: SimpleQueue[str] = context.SimpleQueue()
        hands = [
            context.Process(target=paint_parts, args=(*self._places, n, self._workers, failed), daemon=True)
            for n in range(self._workers)
        ]
        for hand in hands:
            hand.start()
        try:
            while any(hand.is_alive() for hand in hands):
                self._progress("paint", self._easel.done(), None)
                time.sleep(LOOK_SECONDS)
        finally:
            _end(hands)
        if not failed.empty():
            raise Stop(failed.get())
        if self._easel.parts():
            raise Stop(
                "a process that painted has ended before its time: run it again, it goes on where it was"
            )


def _end(hands: Sequence[BaseProcess]) -> None:
    for hand in hands:
        hand.terminate()
        hand.join()


def paint_parts(
    settings: Settings, owner: str, conninfo: str, hand: int, hands: int, failed: SimpleQueue[str]
) -> None:
    """What one process does; it ends with the one that started it."""
    try:
        _paint_parts(settings, owner, conninfo, hand, hands)
    except UnreadableEvent as error:
        failed.put(str(error))


def _paint_parts(settings: Settings, owner: str, conninfo: str, hand: int, hands: int) -> None:
    with (
        build(
            conninfo, key_of(settings, conninfo), keys_conninfo=settings.keys_database_url, pool_size=2
        ) as house,
        PostgresPainting(owner, house.register.codec) as painting,
    ):
        house.desk.lookups.refresh()
        for part in painting.parts():
            if part.number % hands == hand:
                with suppress(Overtaken):
                    paint_part(house.desk, painting, part, _parent_lives)


def _parent_lives() -> bool:
    parent = multiprocessing.parent_process()
    return parent is None or parent.is_alive()


def _shown(moved: Bar) -> Callable[[str, int, int | None], None]:
    """The phase, how many events a second, and (of the painting) the time that is left."""
    began, total = time.monotonic(), 0

    def show(phase: str, done: int, of: int | None) -> None:
        nonlocal total
        total = of or total
        rate = done / max(time.monotonic() - began, 0.001)
        if phase == "paint":
            moved.retitle(f"paint, {rate:,.0f} events/s")
            moved(done, total)
        else:
            moved.retitle(phase)

    return show


def _facts(report: RebuildReport) -> dict[str, object]:
    return asdict(report) | {
        "same": not report.rows_different,
        "rows_different": report.rows_different,
        "events_per_second": round(report.events / report.seconds) if report.seconds else 0,
    }


def _said(report: RebuildReport) -> str:
    lines = [
        f"{one.table}: {one.missing} rows missing, {one.unexpected} unexpected, {one.different} different"
        for one in report.differences
    ]
    verdict = "the live pictures were what the log says" if not lines else "not what the log says:"
    done = "swapped" if report.swapped else "live is as it was"
    resumed = ", resumed" if report.resumed else ""
    first = (
        f"{report.events} events in {report.seconds:.1f} s{resumed}; {done}; recording waited "
        f"{report.held_seconds * 1000:.0f} ms at most; {verdict}"
    )
    return "\n".join([first, *lines])
