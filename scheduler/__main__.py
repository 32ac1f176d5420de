"""`python -m scheduler`: the scheduler alone, as in production."""

from __future__ import annotations

import sys

from scheduler.main import alone
from watchlist.adapters.master_key import MasterKeyMissing, MasterKeyUnavailable
from watchlist.adapters.postgres.lookups import WrongKeyStore
from watchlist.application.follow_journal import JournalBehind
from watchlist.bootstrap import ExtraMissing, NotMigrated, open_house, spans_recorded
from watchlist.logs import log_to_stderr
from watchlist.ports.erasure_journal import JournalDamaged
from watchlist.process import end_on_signals
from watchlist.settings import Settings, SettingsError


def main() -> int:
    try:
        settings = Settings.from_environment()
        log_to_stderr(settings.log_level, settings.log_format)
        end_on_signals()
        with spans_recorded(settings), open_house(settings) as house:
            alone(house)
    except (
        SettingsError,
        ExtraMissing,
        NotMigrated,
        JournalBehind,
        JournalDamaged,
        MasterKeyMissing,
        MasterKeyUnavailable,
        WrongKeyStore,
    ) as error:
        print(f"scheduler: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
