"""`watchlist roles`: which role may what, from the routes' own declarations."""

from __future__ import annotations

import argparse

from watchlist.cli.terminal import tell
from watchlist.settings import Settings


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("roles", help="which role may what, and which scope opens it")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    """Needs no database: it is the same for every installation. The API is loaded only when it is asked for."""
    from api.matrix import rights, table
    from api.openapi import described

    openapi = described()
    found = [
        {"operation": operation, "roles": sorted(roles), "scopes": sorted(scopes)}
        for operation, roles, scopes in rights(openapi)
    ]
    tell(found, args.json, table(openapi))
    return 0
