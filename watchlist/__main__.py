"""The command line: `watchlist COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import psycopg

from watchlist.adapters.ciphers import Tampered
from watchlist.adapters.embedded_postgres import EmbeddedPostgresError
from watchlist.adapters.master_key import MasterKeyMissing, MasterKeyUnavailable
from watchlist.adapters.postgres.lookups import WrongKeyStore
from watchlist.adapters.postgres.migrate import MigrationError
from watchlist.adapters.postgres.rewrap import NotTheOwner
from watchlist.application.export_events import BundleThere, NoRoom, NothingSealed, NotWhatWasSealed
from watchlist.application.follow_journal import JournalBehind
from watchlist.bootstrap import ExtraMissing, NotMigrated
from watchlist.cli import (
    bundle,
    database,
    demo,
    erase,
    history,
    import_file,
    keyring,
    people,
    privacy,
    roles,
    seal,
    serve,
)
from watchlist.cli.terminal import Stop, say
from watchlist.domain.refusals import Refusal
from watchlist.ports.erasure_journal import JournalDamaged, JournalThere
from watchlist.settings import Settings, SettingsError

SAID = (
    BundleThere,
    EmbeddedPostgresError,
    ExtraMissing,
    JournalBehind,
    JournalDamaged,
    JournalThere,
    MasterKeyMissing,
    MasterKeyUnavailable,
    MigrationError,
    NoRoom,
    NotMigrated,
    NotTheOwner,
    NotWhatWasSealed,
    NothingSealed,
    SettingsError,
    Stop,
    Tampered,
    WrongKeyStore,
)
"""Errors whose text is meant for people and names what to do."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="watchlist", description="The fraud watchlist service.")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for room in (
        serve, database, demo, import_file, history, erase, people, roles, privacy, keyring, seal, bundle,
    ):  # fmt: skip
        room.add_to(commands)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        # what is verified offline must not depend on how a service is set up here
        settings = None if args.command in bundle.OFFLINE else Settings.from_environment()
        status: int = args.run(settings, args)
        return status
    except SAID as error:
        say(str(error))
    except Refusal as refusal:
        say(f"{refusal.detail} ({refusal.code}{f', {refusal.field}' if refusal.field else ''})")
    except psycopg.OperationalError as error:
        say(f"the database cannot be reached ({type(error).__name__}): check DATABASE_URL and that it runs")
    except BrokenPipeError:
        sys.stderr.close()
    except KeyboardInterrupt:
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
