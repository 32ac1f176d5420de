"""The service: API and scheduler in one process, on a database that it starts if none is configured."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.main import create_app
from api.protocol import BoundedHead
from scheduler.main import beside_the_api
from watchlist.bootstrap import House, open_house, spans_recorded
from watchlist.cli.demo import KEYS, SHOWN, load_if_empty
from watchlist.cli.terminal import Stop, say
from watchlist.logs import log_to_stderr
from watchlist.process import end_on_signals
from watchlist.settings import Settings

BACKLOG = 2048
FINISHED_WITHIN_SECONDS = 10
"""What is being answered when the process stops is finished within this time, or given up."""
FOLLOWED_UNSEEN = 10_000
"""Lines of the erasure journal that take less than a second."""


def run(settings: Settings, *, with_scheduler: bool) -> int:
    """Until Ctrl-C or SIGTERM; the second of two on one data folder says so and ends."""
    log_to_stderr(settings.log_level, settings.log_format)
    end_on_signals()
    try:
        with (
            spans_recorded(settings),
            _only_one(settings),
            _listening(settings) as listener,
            open_house(settings, progress=_follow_shown) as house,
        ):
            if settings.demo and settings.database_url is None:
                load_if_empty(settings, house)
            _serve(settings, house, listener, with_scheduler=with_scheduler)
    except KeyboardInterrupt:
        pass
    say("stopped")
    return 0


def _follow_shown(done: int, total: int | None) -> None:
    """A long journal is followed before anything is served: whoever waits sees how far it is."""
    if total is not None and total > FOLLOWED_UNSEEN:
        say(f"erasure journal: {done:,} of {total:,} lines followed")


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    if settings.database_url is not None:
        yield
        return
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o711)
    lock = os.open(settings.data / "service.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Stop(
            f"a service already runs on {settings.data}: stop it first, or choose another folder with DATA=..."
        ) from None
    finally:
        os.close(lock)


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((settings.host, settings.port), backlog=BACKLOG)
    except OSError as error:
        raise Stop(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}): choose another with PORT=..."
        ) from None
    with listener:
        yield listener


class Server(uvicorn.Server):
    """Says what to try once it answers; told to stop, it first lets whoever sends it requests notice."""

    def __init__(self, app: FastAPI, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings
        self._closing: asyncio.Event = app.state.closing
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            _announce(self._settings)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """From now on /readyz says 503 and streams end; requests are taken for a while yet. Told twice: at once."""
        if self._loop is None:
            super().handle_exit(sig, frame)
            return
        wait = 0 if self._told else self._settings.drain_seconds
        self._told = True
        self._loop.call_soon_threadsafe(self._closing.set)
        if not wait:
            super().handle_exit(sig, frame)
            return
        self._loop.call_soon_threadsafe(self._loop.call_later, wait, super().handle_exit, sig, frame)


def _serve(settings: Settings, house: House, listener: socket.socket, *, with_scheduler: bool) -> None:
    app = create_app(house, behind_tls=settings.behind_tls)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedHead,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FINISHED_WITHIN_SECONDS,
    )
    scheduler = beside_the_api(house) if with_scheduler else None
    try:
        Server(app, config, settings).run(sockets=[listener])
    finally:
        house.stopping.set()
        if scheduler is not None:
            scheduler.shutdown(wait=True)


def _announce(settings: Settings) -> None:
    say(f"ready on http://{settings.host}:{settings.port}  (documentation: /docs, Ctrl-C stops)")
    keys, shown = settings.data / KEYS, settings.data / SHOWN
    if keys.exists():
        say(f"a key for each role: {keys}; examples to ask for: {shown}; a first session: README.md")
    elif settings.database_url is None:
        say(
            "a first key: .venv/bin/watchlist key issue --operator NAME --role investigator --organisation CODE"
        )
