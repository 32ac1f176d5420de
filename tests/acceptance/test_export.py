"""`watchlist export-events` and `watchlist verify` as auditors use them (T4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stories import Story, a_person, rpps
from watchlist.__main__ import main
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


def test_a_size_is_a_number(run: Run, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run("export-events", str(tmp_path / "bundle"), "--until", "-1")
