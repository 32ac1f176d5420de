"""Where it is all measured: a temporary folder, PostgreSQL with the product's settings, a seeded house."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.seed import seed
from bench.sizes import Sizes
from watchlist.adapters.embedded_postgres import DATABASE, SUPERUSER, Cluster, EmbeddedPostgres
from watchlist.adapters.erasure_journal import FileErasureJournal
from watchlist.adapters.postgres.operators import PostgresOperators
from watchlist.application.operators import issue_key
from watchlist.bootstrap import House, bring_up_to_date, build, key_of
from watchlist.cli.terminal import bar
from watchlist.domain.operator import Role
from watchlist.ports.clock import Clock
from watchlist.settings import Settings

ROOT = Path(__file__).parent.parent
QUOTAS = [f"WATCHLIST_RATE_{of}{burst}" for of in ("SCREENINGS", "REQUESTS") for burst in ("", "_BURST")]
"""Counted as ever, and never used up: one client asks for all of them here."""


@dataclass
class Premises:
    sizes: Sizes
    settings: Settings
    cluster: Cluster
    house: House
    closing: ExitStack = field(repr=False)

    def another_house(self, clock: Clock) -> House:
        """On the same database, at another time."""
        conninfo = self.cluster.conninfo()
        return a_house(self.settings, conninfo, clock)

    def key(self, role: Role) -> str:
        operators = PostgresOperators(self.house.pool)
        return issue_key(operators, self.house.clock, f"bench {role}", role, "BENCH").presented

    @property
    def environment(self) -> dict[str, str]:
        """For a process of ours on the same data."""
        kept = {name: os.environ[name] for name in ("PATH", "PG_BIN", "HOME", "LANG") if name in os.environ}
        ours = {
            "WATCHLIST_DATA": str(self.settings.data),
            "WATCHLIST_DEMO": "0",
            "WATCHLIST_LOG_LEVEL": "WARNING",
            **dict.fromkeys(QUOTAS, "100000000"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        }
        return kept | ours

    def settle(self) -> None:
        """What seeding left to do in the background is done now, not while something is measured."""
        conninfo = self.cluster.conninfo(DATABASE, SUPERUSER)
        with psycopg.connect(conninfo, autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE")
            conn.execute("CHECKPOINT")

    def vacate(self) -> None:
        """Close the house and stop PostgreSQL: what remains is the data."""
        self.closing.close()


def a_house(settings: Settings, conninfo: str, clock: Clock | None = None) -> House:
    """Its erasures journalled as the service does: on disk, and found again when that opens."""
    journal = FileErasureJournal(settings.journal)
    return build(conninfo, key_of(settings, conninfo), clock, journal=journal)


@contextmanager
def premises(sizes: Sizes) -> Iterator[Premises]:
    with tempfile.TemporaryDirectory(prefix="watchlist-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # root's server is another user's
        pg_bin = os.environ.get("PG_BIN")
        settings = Settings(data=folder / "data", demo=False, pg_bin=Path(pg_bin) if pg_bin else None)
        settings.data.mkdir(mode=0o711)
        with ExitStack() as closing:
            cluster = closing.enter_context(EmbeddedPostgres(settings.data / "postgres", settings.pg_bin))
            conninfo = cluster.conninfo()
            bring_up_to_date(conninfo)
            house = closing.enter_context(a_house(settings, conninfo))
            made = Premises(sizes, settings, cluster, house, closing)
            with bar(f"seeding {sizes.entries:,} entries", sizes.entries) as moved:
                seed(house, sizes.entries, moved)
            made.settle()
            yield made
