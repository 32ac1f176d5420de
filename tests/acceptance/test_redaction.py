"""Nothing personal is in anything the service wrote, but as ciphertext: every path is driven with marked data.

Searched are its log at DEBUG, the data folder with the heap, the write-ahead log and the log of PostgreSQL, dumps of
every database, the answers that are no file of a person (problems, lists, histories, the log's export, the OpenAPI),
every header, and what the commands say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.marked import PERSONAL, STAFF, Told, drive, dump, owner, table
from tests.acceptance.searched import traces_of
from tests.acceptance.service import Service, service
from watchlist.domain.vault_field import VaultField


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with service(WATCHLIST_LOG_LEVEL="DEBUG") as made:
        yield made.start()


@pytest.fixture(scope="module")
def told(running: Service) -> Told:
    return drive(running)


def test_the_search_would_find_what_is_kept_in_clear(running: Service, told: Told) -> None:
    """The names of operators are: found in the dump and in the heap, the search works where it searches."""
    with owner(running) as conn:
        conn.execute("CHECKPOINT")
    assert traces_of(STAFF, table(dump(running, "watchlist"), "operators"))
    folders = {part for trace in traces_of(STAFF, running.data) for part in Path(trace.place).parts}
    assert {"base", "pg_wal"} <= folders


def test_every_kind_of_answer_was_given(told: Told) -> None:
    assert len(told.bodies) > 150
    assert {200, 201, 401, 403, 404, 405, 409, 413, 415, 422, 500, 503} <= set(told.statuses)


def test_every_field_of_the_vault_was_written(running: Service, told: Told) -> None:
    with owner(running) as conn:
        found = set(conn.execute("SELECT DISTINCT field FROM watchlist.vault").fetchall())
    a_year_past_its_term = {VaultField.HOLD_REVIEW}
    assert found == set(VaultField) - a_year_past_its_term


def test_nothing_personal_is_in_the_log_of_the_service(running: Service, told: Told) -> None:
    assert "DEBUG" in running.said()
    assert "ERROR" in running.said()
    assert traces_of(PERSONAL + STAFF, running.log) == []


def test_nothing_personal_is_in_problems_histories_lists_and_documents(told: Told) -> None:
    assert traces_of(PERSONAL, told.bodies) == []


def test_nothing_personal_is_in_a_header(told: Told) -> None:
    assert traces_of(PERSONAL + STAFF, "\n".join(told.headers).encode()) == []


def test_nothing_personal_is_in_what_commands_say(told: Told) -> None:
    assert traces_of(PERSONAL, "\n".join(told.said).encode()) == []


def test_nothing_personal_is_in_any_dump(running: Service, told: Told) -> None:
    dumps = {name: dump(running, name) for name in ("watchlist", "postgres")}
    assert traces_of(PERSONAL, dumps.values()) == []
    elsewhere = dumps["watchlist"].replace(table(dumps["watchlist"], "operators"), b"")
    assert traces_of(STAFF, elsewhere) == []


def test_nothing_personal_is_in_the_data_folder(running: Service, told: Told) -> None:
    with owner(running) as conn:
        conn.execute("CHECKPOINT")
    assert traces_of(PERSONAL, running.folder) == []


def test_no_secret_of_a_key_is_in_anything(running: Service, told: Told) -> None:
    secrets = [key.partition(".")[2] for key in told.keys]
    assert traces_of(secrets, running.folder) == []
    assert traces_of(secrets, [dump(running, "watchlist"), *told.bodies]) == []


def test_nothing_personal_is_left_when_the_service_has_stopped(running: Service, told: Told) -> None:
    assert running.end() == 0
    assert traces_of(PERSONAL, running.folder) == []
