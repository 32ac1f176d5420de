"""`watchlist witness`: a witness of a log, on whichever machine, without settings and database; `watchlist stamp`."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from watchlist.adapters.witness_folder import WitnessFolder
from watchlist.application.stamp import stamp
from watchlist.audit.verifier import Broken, VerifierKey
from watchlist.audit.witness import Trusted, named, trusted_logs
from watchlist.bootstrap import open_house
from watchlist.cli.terminal import Stop, say, tell
from watchlist.ports.witness import Unanswered
from watchlist.settings import Settings

if TYPE_CHECKING:
    from watchlist.application.add_checkpoint import Witnessing

FINISHED_WITHIN_SECONDS = 10
MOST_AT_ONCE = 100
"""Connections."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "stamp", help="have the last checkpoint stamped now by the authority of the settings"
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=stamp_now)
    parser = commands.add_parser("witness", help="cosign checkpoints of a log, with a key of one's own")
    actions = parser.add_subparsers(dest="action", required=True)
    serve = actions.add_parser("serve", help="answer a log's requests to cosign")
    serve.add_argument(
        "--log", action="append", required=True, metavar="VKEY|FILE", help="a log's public key; several times"
    )
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8900)
    key = actions.add_parser("key", help="print the public key of a witness; make one when there is none")
    key.add_argument("--json", action="store_true")
    for action in (serve, key):
        action.add_argument("--state", required=True, type=Path, metavar="FOLDER")
        action.add_argument("--name", help="of a new witness, such as witness.example/1")
    serve.set_defaults(alone=run)
    key.set_defaults(alone=print_key)


def stamp_now(settings: Settings, args: argparse.Namespace) -> int:
    if settings.tsa_url is None:
        raise Stop("no authority is set: WATCHLIST_TSA_URL and WATCHLIST_TSA_ROOT (docs/sealing.md)")
    with open_house(settings) as house:
        assert house.timestamping is not None
        try:
            made = stamp(house.sealed_log, house.cosigning, house.timestamping)
        except Unanswered as error:
            raise Stop(f"the authority did not stamp: {error}") from None
    if made is None:
        raise Stop("nothing was sealed yet")
    facts = {"size": made.size, "at": made.at, "authority": made.authority}
    tell(facts, args.json, f"{made.size} leaves stamped at {made.at:%Y-%m-%dT%H:%M:%SZ} by {made.authority}")
    return 0


def print_key(args: argparse.Namespace) -> int:
    """While the witness serves, too: its key is made once and stays."""
    folder = WitnessFolder(args.state)
    if folder.has_key():
        public = _key_of(folder, args.name)
    else:
        with folder:
            public = _key_of(folder, args.name)
    tell({"key": str(public), "name": public.name, "number": public.id.hex()}, args.json, str(public))
    return 0


def _key_of(folder: WitnessFolder, name: str | None) -> VerifierKey:
    try:
        return folder.key(name).public
    except Broken as broken:
        raise Stop(str(broken)) from None


def logs_of(given: list[str]) -> Trusted:
    """The keys of the logs: each itself, or a file with one a line."""
    keys = []
    for one in given:
        try:
            lines = Path(one).read_text("utf-8").split() if Path(one).is_file() else [one]
            keys += [VerifierKey.parse(line) for line in lines]
        except (Broken, OSError, ValueError):
            raise Stop(
                "--log is the public key of a log, as `watchlist seal --keys` prints it, or a file of them"
            ) from None
    try:
        return trusted_logs(keys)
    except Broken as broken:
        raise Stop(str(broken)) from None


def run(args: argparse.Namespace) -> int:
    """Until Ctrl-C or SIGTERM."""
    from watchlist.adapters.clock import SystemClock
    from watchlist.application.add_checkpoint import Witnessing
    from watchlist.logs import log_to_stderr
    from watchlist.process import end_on_signals

    logs = logs_of(args.log)
    log_to_stderr("INFO", "auto")
    end_on_signals()
    try:
        with WitnessFolder(args.state) as folder, _listening(args) as listener:
            _key_of(folder, args.name)
            witnessing = Witnessing(folder.key(), logs, folder, SystemClock())
            say(f"witness {named(witnessing.key.public)} on http://{args.host}:{listener.getsockname()[1]}")
            for origin in logs:
                say(f"{witnessing.seen(origin).size} leaves seen of {origin}")
            _serve(witnessing, listener)
    except KeyboardInterrupt:
        pass
    say("stopped")
    return 0


@contextmanager
def _listening(args: argparse.Namespace) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((args.host, args.port))
    except OSError as error:
        raise Stop(
            f"cannot listen on {args.host}:{args.port} ({error.strerror}): choose another with --port"
        ) from None
    with listener:
        yield listener


def _serve(witnessing: Witnessing, listener: socket.socket) -> None:
    import uvicorn

    from api.protocol import BoundedHead
    from api.witness import witness_app

    config = uvicorn.Config(
        witness_app(witnessing),
        http=BoundedHead,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=FINISHED_WITHIN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])
