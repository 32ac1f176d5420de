"""`watchlist seal` as its people use it: it seals, compares, publishes its keys and rotates them (T4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.stories import Story, a_person, rpps
from watchlist.__main__ import main
from watchlist.audit.verifier import Note, VerifierKey
from watchlist.bootstrap import open_house
from watchlist.settings import Settings

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """run(option, ...): the status of `watchlist seal`, and what it told."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("WATCHLIST_DATA", str(tmp_path))

    def run(*options: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        status = main(["seal", *options, "--json"])
        out = capsys.readouterr().out
        return status, json.loads(out) if out else {}

    return run


def somebody_is_listed(number: int) -> None:
    with open_house(Settings.from_environment()) as house:
        Story(house).listed(a_person("Martin", "Anne", rpps(number)))


def test_it_seals_what_is_new_and_says_the_checkpoint(run: Run, tmp_path: Path) -> None:
    assert run() == (0, {"new": False, "checkpoint": None})
    somebody_is_listed(1)
    status, told = run()
    assert (status, told["new"], told["checkpoint"]["tree_size"]) == (0, True, 5)
    assert run() == (0, {"new": False, "checkpoint": told["checkpoint"]})
    assert ((tmp_path / "seal.key").stat().st_mode & 0o777) == 0o600
    assert (tmp_path / "seal.key").read_text().strip() not in json.dumps(told)


def test_it_compares_and_names_what_differs(run: Run, database_url: str) -> None:
    somebody_is_listed(1)
    run()
    assert run("--check") == (0, {"tree_size": 5, "same": True, "differences": []})
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("ALTER TABLE watchlist.events DISABLE TRIGGER USER")
        conn.execute("UPDATE watchlist.events SET topic = 'x' WHERE notification_id = 3")
    status, told = run("--check")
    assert (status, told["same"]) == (1, False)
    assert told["differences"] == [{"what": "event_changed", "position": 3, "leaf_index": 2}]
    assert main(["seal", "--check"]) == 1


def test_keys_are_published_rotated_and_dropped_once_the_new_one_has_signed(run: Run, tmp_path: Path) -> None:
    assert run("--rotate-key")[0] == 1
    somebody_is_listed(1)
    _, first = run("--keys")
    assert len(first["keys"]) == 1
    _, both = run("--rotate-key")
    assert both["keys"][0] == first["keys"][0]
    assert len(set(both["keys"])) == 2
    assert run("--drop-old-keys")[0] == 1
    somebody_is_listed(2)
    note = Note.parse(run()[1]["checkpoint"]["note"].encode())
    assert all(note.signed_by(VerifierKey.parse(key)) for key in both["keys"])
    assert run("--drop-old-keys") == (0, {"dropped": 1})
    somebody_is_listed(3)
    note = Note.parse(run()[1]["checkpoint"]["note"].encode())
    assert [note.signed_by(VerifierKey.parse(key)) is not None for key in both["keys"]] == [False, True]
    assert run("--keys")[1] == both
    assert run("--check")[0] == 0


def test_a_lost_key_is_not_made_again(run: Run, tmp_path: Path) -> None:
    somebody_is_listed(1)
    run()
    (tmp_path / "seal.key").unlink()
    somebody_is_listed(2)
    assert run()[0] == 1
    assert not (tmp_path / "seal.key").exists()
    assert run("--check")[0] == 0


def test_keys_of_a_setting_are_rotated_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLIST_SEAL_KEY", "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28=")
    monkeypatch.setenv("WATCHLIST_LOG_ORIGIN", "log.example.fr/a")
    somebody_is_listed(1)
    assert run()[1]["checkpoint"]["note"].startswith("log.example.fr/a\n5\n")
    assert run("--rotate-key")[0] == run("--drop-old-keys")[0] == 1


def test_a_log_that_is_shorter_than_what_was_signed_goes_on_when_somebody_asks(
    run: Run, tmp_path: Path, database_url: str
) -> None:
    somebody_is_listed(1)
    signed = run()[1]["checkpoint"]
    with psycopg.connect(database_url, autocommit=True) as conn:
        for table in ("checkpoints", "seal_tiles", "seal_leaves", "seal_keys", "events"):
            conn.execute(f"ALTER TABLE watchlist.{table} DISABLE TRIGGER USER")
            where = " WHERE notification_id > 4" if table == "events" else ""
            conn.execute(f"DELETE FROM watchlist.{table}{where}")
    assert run()[0] == 1
    assert run("--begin-after-restore") == (0, {"before": signed["note"], "now": None})
    assert run()[1]["checkpoint"]["tree_size"] == 4
    assert main(["seal", "--begin-after-restore"]) == 0
