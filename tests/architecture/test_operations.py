"""docs/operations.md is true: it names every metric, every lateness, and nothing that there is not."""

import re
from pathlib import Path

import pytest

from api.lateness import CHECKS
from api.metrics import GAUGES, Counted
from tests.drills import test_failover, test_point_in_time, test_upgrade
from watchlist.adapters.postgres.buckets import CONNECTIONS as BUCKET_CONNECTIONS
from watchlist.adapters.postgres.list_index import CONNECTIONS as INDEX_CONNECTIONS
from watchlist.adapters.postgres.migrate import LOCK_MILLISECONDS, PATIENCE_SECONDS
from watchlist.adapters.postgres.replica_index import LOOK_SECONDS
from watchlist.adapters.postgres.standby import REMEDIES, Standing
from watchlist.adapters.postgres.traces import CONNECTIONS as TRACE_CONNECTIONS
from watchlist.bootstrap import POOL_SIZE
from watchlist.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
WATCHED = set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("## What to watch")[2], re.MULTILINE))
COUNTED = {family.name for family in Counted().collect()}
UP = "watchlist_up"


def test_every_metric_and_every_lateness_is_explained_and_no_other() -> None:
    assert {gauge.name for gauge in GAUGES} | COUNTED | {UP} | set(CHECKS) == WATCHED


def test_every_setting_named_is_one() -> None:
    named = set(re.findall(r"\b(WATCHLIST_[A-Z_]+)\b", PAGE))
    assert {name.removesuffix("_FILE") for name in named} <= set(Settings().shown())


def test_the_horizons_are_those_of_the_settings() -> None:
    assert f"`WATCHLIST_BACKUP_DAYS` ({Settings().backup_days})" in PAGE
    assert f"`WATCHLIST_KEY_BACKUP_DAYS` ({Settings().key_backup_days})" in PAGE


def test_the_intervals_are_those_of_the_code() -> None:
    assert LOOK_SECONDS == 5, "looked at every five seconds"
    assert (LOCK_MILLISECONDS, PATIENCE_SECONDS) == (100, 600), "in tries of 0.1 s, ten minutes"
    verbs_and_register, bell = 2 * POOL_SIZE, 1
    every = verbs_and_register + bell + INDEX_CONNECTIONS + TRACE_CONNECTIONS + BUCKET_CONNECTIONS
    assert every <= 30, "30 connections a process at most"


@pytest.mark.parametrize("drill", [test_failover, test_point_in_time, test_upgrade])
def test_every_drill_of_it_is_named(drill: object) -> None:
    file = Path(str(getattr(drill, "__file__", ""))).relative_to(ROOT)
    assert f"`{file}`" in PAGE


def test_the_readme_leads_there() -> None:
    assert "](docs/operations.md)" in (ROOT / "README.md").read_text("utf-8")


def test_whatever_keeps_a_replica_from_answering_and_can_be_mended_has_its_remedy() -> None:
    nothing_to_do = {Standing.SERVED, Standing.UNKNOWN, Standing.PRIMARY_UNREACHABLE, Standing.BEHIND}
    assert set(REMEDIES) == set(Standing) - nothing_to_do
    assert "GRANT pg_read_all_stats TO watchlist_service" in PAGE
