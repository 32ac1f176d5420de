"""`watchlist serve`: the service, in this process."""

from __future__ import annotations

import argparse

from watchlist.settings import Settings


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("serve", help="run the API and the scheduler")
    parser.add_argument("--no-scheduler", action="store_true", help="run the API alone")
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    """What the service is made of takes longer to load than all other commands: only when it is asked for."""
    from watchlist.cli import service

    return service.run(settings, with_scheduler=not args.no_scheduler)
