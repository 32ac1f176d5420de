"""A service that is told to stop finishes what it began, ends its streams, and is gone in a bounded time."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import psycopg
import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse

from api.main import create_app
from tests.acceptance.marked import owner
from tests.acceptance.service import Service, service, soon
from tests.acceptance.story import person
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.bootstrap import House, build
from watchlist.cli.service import FINISHED_WITHIN_SECONDS, Server
from watchlist.settings import Settings


def waits_for_the_lock(conn: psycopg.Connection[int]) -> bool:
    waiting = conn.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    return waiting.fetchone() == 1


def test_a_command_in_flight_is_finished_and_meanwhile_others_are_told_to_go_elsewhere() -> None:
    with service(WATCHLIST_DRAIN_SECONDS="3") as running:
        running.start()
        investigator = running.hire("investigator")
        with owner(running) as conn, ThreadPoolExecutor(1) as threads:
            conn.execute("SELECT pg_advisory_lock(%s)", (WRITE_LOCK,))
            command = threads.submit(investigator.post, "/subjects", person(1))
            assert soon(lambda: waits_for_the_lock(conn))
            _tell_to_stop(running)
            assert soon(lambda: running.http.get("/readyz").status_code == 503)
            assert running.http.get("/readyz").json()["code"] == "stopping"
            assert investigator.ask("GET", "/me").status_code == 200
            assert not command.done()
            conn.execute("SELECT pg_advisory_unlock(%s)", (WRITE_LOCK,))
            assert command.result().status_code == 201
        assert running.process is not None
        assert running.process.wait(FINISHED_WITHIN_SECONDS + 10) == 0


def test_told_twice_it_stops_at_once() -> None:
    with service(WATCHLIST_DRAIN_SECONDS="300") as running:
        running.start()
        _tell_to_stop(running)
        assert soon(lambda: running.http.get("/readyz").status_code == 503)
        began = time.monotonic()
        assert running.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < FINISHED_WITHIN_SECONDS + 10


def _tell_to_stop(running: Service) -> None:
    assert running.process is not None
    running.process.send_signal(signal.SIGTERM)


# Streams --------------------------------------------------------------------------------------


def add_a_stream(app: FastAPI) -> None:
    """What waits for something to tell, and for the end."""

    async def until_the_end(request: Request) -> AsyncIterator[bytes]:
        yield b"begun\n"
        await request.app.state.closing.wait()
        yield b"ended\n"

    @app.get("/stream")
    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(until_the_end(request))


@dataclass
class InAThread:
    server: Server
    thread: threading.Thread

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    with build(database_url, b"k" * 32) as house:
        yield house


@pytest.fixture
def serving(house: House) -> Iterator[InAThread]:
    app = create_app(house)
    add_a_stream(app)
    config = uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=FINISHED_WITHIN_SECONDS)
    server = Server(app, config, Settings())
    made = InAThread(server, threading.Thread(target=server.run))
    made.thread.start()
    assert soon(lambda: server.started)
    yield made
    server.should_exit = True
    made.thread.join()


def test_a_stream_that_waits_is_ended_in_order(serving: InAThread) -> None:
    with httpx.stream("GET", f"{serving.url}/stream", timeout=30) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "begun"
        began = time.monotonic()
        serving.server.handle_exit(signal.SIGTERM, None)
        assert list(lines) == ["ended"]
    serving.thread.join(FINISHED_WITHIN_SECONDS)
    assert not serving.thread.is_alive()
    assert time.monotonic() - began < FINISHED_WITHIN_SECONDS
