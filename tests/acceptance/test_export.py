"""`watchlist export-events` and `watchlist verify` as auditors use them (T4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.audit.logbook import WITNESS
from tests.stories import Story, a_person, rpps
from watchlist.__main__ import main
from watchlist.adapters.postgres.sealed_leaves import PostgresSealedLeaves
from watchlist.audit.signer import Signer
from watchlist.audit.verifier import VerifierKey, leaf_hash, root_of
from watchlist.bootstrap import open_house
from watchlist.settings import Settings

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """run(command, ...): its status, and what it told."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("WATCHLIST_DATA", str(tmp_path / "data"))

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        status = main([*arguments, "--json"])
        out = capsys.readouterr().out
        return status, json.loads(out) if out else {}

    return run


def somebody_is_listed(number: int) -> None:
    with open_house(Settings.from_environment()) as house:
        Story(house).listed(a_person("Martin", "Anne", rpps(number)))


def test_what_is_recorded_is_sealed_exported_and_verified(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar"
    assert run("export-events", str(path)) == (1, {})
    somebody_is_listed(1)
    status, exported = run("export-events", str(path))
    assert (status, exported["size"], exported["path"]) == (0, 5, str(path))
    status, told = run("verify", str(path))
    assert (status, told["right"], told["size"], told["root"]) == (0, True, 5, exported["root"])
    assert (told["origin"], told["last_position"]) == (exported["origin"], exported["position"])
    assert run("export-events", str(path)) == (1, {}), "it goes over nothing"


def test_after_a_rotation_of_keys_whoever_trusts_the_first_still_can(run: Run, tmp_path: Path) -> None:
    somebody_is_listed(1)
    run("export-events", str(tmp_path / "one"))
    first = (tmp_path / "one" / "keys.txt").read_text().strip()
    assert run("seal", "--rotate-key")[0] == 0
    somebody_is_listed(2)
    assert run("export-events", str(tmp_path / "two"))[0] == 0
    assert len((tmp_path / "two" / "keys.txt").read_text().splitlines()) == 2
    earlier = tmp_path / "earlier.note"
    earlier.write_text((tmp_path / "one" / "checkpoints.txt").read_text())
    status, told = run("verify", str(tmp_path / "two"), "--key", first, "--checkpoint", str(earlier))
    assert (status, told["findings"], told["not_checked"]) == (0, [], [])
    status, told = run("export-events", str(tmp_path / "until"), "--until", "7")
    assert (status, told["size"]) == (0, 5)


def test_the_witnesses_of_the_log_are_named_in_its_bundles(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHLIST_WITNESSES", f"{WITNESS.public} https://witness.example")
    somebody_is_listed(1)
    assert run("export-events", str(tmp_path / "bundle"))[0] == 0
    assert str(WITNESS.public) in (tmp_path / "bundle" / "keys.txt").read_text().splitlines()
    assert run("verify", str(tmp_path / "bundle"))[1]["right"]


def test_what_another_key_signed_in_the_database_is_not_exported(
    run: Run, tmp_path: Path, database_url: str
) -> None:
    somebody_is_listed(1)
    run("seal")
    other = Signer((key := VerifierKey.parse(run("seal", "--keys")[1]["keys"][0])).name, (b"e" * 32,))
    with psycopg.connect(database_url, autocommit=True) as conn:
        for table in ("events", "checkpoints"):
            conn.execute(f"ALTER TABLE watchlist.{table} DISABLE TRIGGER USER")
        conn.execute("UPDATE watchlist.events SET recorded_at = recorded_at - interval '3 days'")
        with open_house(Settings.from_environment()) as house:
            leaves = PostgresSealedLeaves(house.pool).leaves(0, 5)
        root = root_of(map(leaf_hash, leaves))
        conn.execute("INSERT INTO watchlist.seal_keys VALUES (%s, now())", (str(other.keys[0]),))
        conn.execute(
            "UPDATE watchlist.checkpoints SET root = %s, note = %s", (root, str(other.note(5, root)))
        )
    assert key != other.keys[0]
    assert run("export-events", str(tmp_path / "bundle"), "--until", "5")[0] == 1
    assert not (tmp_path / "bundle").exists()


def test_a_size_is_a_number(run: Run, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run("export-events", str(tmp_path / "bundle"), "--until", "-1")
