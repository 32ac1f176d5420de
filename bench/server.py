"""The service in a process of its own, as `watchlist serve` runs it, with one bare route beside the others.

`python -m bench.server PORT`; ends with its standard input.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from api.main import create_app
from watchlist.bootstrap import open_house
from watchlist.logs import log_to_stderr
from watchlist.process import end_on_signals
from watchlist.settings import Settings

BARE = "/bare"


class BareIdentifier(BaseModel):
    scheme: str
    value: str


class BareSubject(BaseModel):
    kind: str | None = None
    family_name: str | None = None
    given_names: str | None = None
    birth_date: str | None = None
    identifiers: list[BareIdentifier] = []


class BareQuestion(BaseModel):
    purpose: str
    file_reference: str
    subjects: dict[str, BareSubject]


def add_bare_route(app: FastAPI) -> None:
    """What FastAPI does at least for a body as small as a screening's: read it, answer a few fields.

    It comes first, so that it is found at once however many routes the service has.
    """

    @app.post(BARE)
    async def bare(question: BareQuestion) -> dict[str, object]:
        return {"results": {key: {"hit": False} for key in question.subjects}, "review_required": True}

    app.router.routes.insert(0, app.router.routes.pop())


def main(port: int) -> None:
    settings = Settings.from_environment()
    log_to_stderr(settings.log_level, settings.log_format)
    end_on_signals()
    threading.Thread(target=_end_with_input, daemon=True).start()
    with open_house(settings) as house:
        app = create_app(house)
        add_bare_route(app)
        uvicorn.run(
            app,
            port=port,
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
        )


def _end_with_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(int(sys.argv[1]))
