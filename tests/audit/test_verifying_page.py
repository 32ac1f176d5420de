"""The page from which an auditor writes a verifier is enough for one: its own is run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audit.logbook import ORIGIN, Key, Logbook, Signer, some_leaves

PAGE = Path(__file__).parents[2] / "docs" / "verifying.md"


def written_there(folder: Path, bundle: Path, key: str) -> subprocess.CompletedProcess[str]:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    (folder / "mine.py").write_text(found[1])
    command = [sys.executable, "-I", str(folder / "mine.py"), str(bundle), key]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def log():
    return Logbook(some_leaves(23), [7, 20, 23], Signer(Key(2), Key(1)))


def test_the_page_s_verifier_agrees_with_ours(log, tmp_path):
    log.export(tmp_path / "bundle")
    named = log.keys()
    for key in named:
        done = written_there(tmp_path, tmp_path / "bundle", key)
        assert (done.stdout, done.stderr) == (f"all right: 23 leaves of {ORIGIN}\n", "")
    assert written_there(tmp_path, tmp_path / "bundle", str(Key(3).public)).returncode == 1


@pytest.mark.parametrize("file", ["manifest.note", "checkpoints.txt", "hashes.txt", "leaves.ndjson"])
def test_it_refuses_what_was_changed(log, tmp_path, file):
    log.export(tmp_path / "bundle")
    path = tmp_path / "bundle" / file
    path.write_bytes(path.read_bytes().replace(b"7", b"8", 1))
    assert written_there(tmp_path, tmp_path / "bundle", log.keys()[0]).returncode == 1


def test_it_refuses_every_byte_of_the_manifest_that_was_written_otherwise(log, tmp_path, monkeypatch):
    log.export(tmp_path / "bundle")
    path = tmp_path / "bundle" / "manifest.note"
    whole = path.read_bytes()
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    program = compile(found[1], "mine.py", "exec")
    monkeypatch.setattr(sys, "argv", ["mine.py", str(tmp_path / "bundle"), log.keys()[0]])

    def agrees(written: bytes) -> bool:
        path.write_bytes(written)
        try:
            exec(program, {})
        except Exception:
            return False
        return True

    assert agrees(whole)
    changed = [whole.replace(b"\n", b"\r\n"), whole + b"\n", whole[:-1]]
    signatures = whole.index(b"\n\n")
    for at in range(len(whole)):
        changed.append(whole[:at] + b"\r" + whole[at:])
        bits = 8 if at > signatures else 1
        changed += [whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :] for bit in range(bits)]
    assert [written for written in changed if agrees(written)] == []


def test_it_does_not_take_the_word_of_a_key_that_only_the_bundle_names(tmp_path):
    log = Logbook(some_leaves(23), [7, 23], Signer(Key(66)))
    checkpoints = log.notes
    log = Logbook(some_leaves(23), [23], Signer(Key(1), Key(66)))
    log.notes, log.signer = checkpoints, Signer(Key(1), Key(66))
    log.export(tmp_path / "bundle")
    assert written_there(tmp_path, tmp_path / "bundle", str(Key(66).public)).returncode == 0
    done = written_there(tmp_path, tmp_path / "bundle", str(Key(1).public))
    assert "the last checkpoint" in done.stderr


def test_it_is_as_short_as_the_page_says():
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    lines = [line for line in found[1].splitlines() if line]
    assert "One of sixty lines" in " ".join(PAGE.read_text("utf-8").split())
    assert len(lines) <= 60
