"""The folder of a witness: one process has it, what is kept outlives a crash, and nothing in it is begun anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sealed import ORIGIN, MemorySealedLog
from tests.stories import MONDAY
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.witness_folder import MOST_KEPT, WitnessFolder, WitnessFolderUnusable
from watchlist.application.add_checkpoint import Witnessing
from watchlist.audit.verifier import Note
from watchlist.audit.witness import Refused, Request

ROOT = Path(__file__).parents[2]


@pytest.fixture
def log() -> MemorySealedLog:
    log = MemorySealedLog()
    log.grow("a", "b", "c")
    log.publish(MONDAY)
    return log


def witness(folder: WitnessFolder, log: MemorySealedLog) -> Witnessing:
    logs = {ORIGIN: [key.public for key in log.signing]}
    return Witnessing(folder.key("witness.test/1"), logs, folder, ManualClock(MONDAY))


def asked(log: MemorySealedLog, old: int) -> bytes:
    latest = log.latest()
    assert latest is not None
    return Request.made(old, log.consistency(old, latest.size), latest.note.encode()).body()


def test_what_was_cosigned_is_remembered_by_the_next_process(tmp_path, log):
    with WitnessFolder(tmp_path / "w") as folder:
        line = witness(folder, log).add(asked(log, 0))
    with WitnessFolder(tmp_path / "w") as folder:
        again = witness(folder, log)
        assert again.seen(ORIGIN).size == 3
        assert folder.last(ORIGIN) == log.latest().note + line
        log.rewrite(0, "another a")
        log.grow("d")
        log.publish(MONDAY)
        with pytest.raises(Refused) as refused:
            again.add(asked(log, 3))
    assert refused.value.status == 422


def test_signatures_that_nobody_trusts_are_not_published(tmp_path, log):
    from tests.sealed import LogKey

    stranger = LogKey("somebody.test")
    text = Note.parse(log.latest().note.encode()).text
    note = log.latest().note + stranger.sign(text).line()
    with WitnessFolder(tmp_path) as folder:
        made = witness(folder, log)
        line = made.add(Request.made(0, (), note.encode()).body())
        assert folder.last(ORIGIN) == log.latest().note + line


def test_two_witnesses_cannot_have_one_folder(tmp_path):
    with (
        WitnessFolder(tmp_path),
        pytest.raises(WitnessFolderUnusable, match="already runs"),
        WitnessFolder(tmp_path),
    ):
        pass
    with WitnessFolder(tmp_path):
        pass


def test_nobody_else_may_read_the_key(tmp_path):
    with WitnessFolder(tmp_path / "w") as folder:
        made = folder.key()
        assert folder.key() == made
    assert (tmp_path / "w" / "witness.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "w").stat().st_mode & 0o777 == 0o700
    assert made.name.startswith("witness.invalid/")


def test_a_witness_is_not_renamed(tmp_path):
    with WitnessFolder(tmp_path) as folder:
        folder.key("witness.test/1")
        with pytest.raises(WitnessFolderUnusable, match="is named witness"):
            folder.key("witness.test/2")


def test_a_lost_key_is_never_made_again_silently(tmp_path, log):
    with WitnessFolder(tmp_path) as folder:
        witness(folder, log).add(asked(log, 0))
        (tmp_path / "witness.key").unlink()
        with pytest.raises(WitnessFolderUnusable, match="missing and this witness has cosigned"):
            folder.key()


def test_what_was_changed_in_the_folder_is_refused_rather_than_begun_anew(tmp_path, log):
    with WitnessFolder(tmp_path) as folder:
        made = witness(folder, log)
        made.add(asked(log, 0))
        (note,) = tmp_path.glob("*.note")
        whole = note.read_bytes()
        for changed in (
            b"",
            whole[:-1],
            whole.replace(b"\n3\n", b"\n2\n"),
            whole.replace(b"register", b"registar"),
        ):
            note.write_bytes(changed)
            with pytest.raises(WitnessFolderUnusable, match="is not what this witness wrote"):
                made.add(asked(log, 0))
        (tmp_path / "witness.key").write_text("no key")
        with pytest.raises(WitnessFolderUnusable, match="is not the key"):
            folder.key()


def test_what_a_crash_left_half_written_does_not_matter(tmp_path, log):
    with WitnessFolder(tmp_path) as folder:
        made = witness(folder, log)
        made.add(asked(log, 0))
        (note,) = tmp_path.glob("*.note")
        note.with_suffix(".draft").write_bytes(b"half")
        assert made.seen(ORIGIN).size == 3
        log.grow("d")
        log.publish(MONDAY)
        made.add(asked(log, 3))
        assert made.seen(ORIGIN).size == 4


def test_no_cosignature_leaves_when_it_cannot_be_kept(tmp_path, log):
    class FullDisk(WitnessFolder):
        def keep(self, origin: str, note: str) -> None:
            raise OSError("no space left on device")

    with FullDisk(tmp_path) as folder:
        made = witness(folder, log)
        with pytest.raises(OSError, match="no space"):
            made.add(asked(log, 0))
        assert made.seen(ORIGIN).size == 0


def test_what_the_log_signed_and_contradicts_itself_with_is_kept(tmp_path, log):
    with WitnessFolder(tmp_path) as folder:
        made = witness(folder, log)
        made.add(asked(log, 0))
        log.rewrite(0, "another a")
        body = asked(log, 3)
        for _ in range(3):
            with pytest.raises(Refused):
                made.add(body)
        (name,) = folder.contradictions(ORIGIN)
        (kept,) = tmp_path.glob(f"*.contradictions/{name}")
        assert kept.read_bytes() == body
        assert kept.with_suffix(".seen").read_text() == folder.last(ORIGIN), "both halves of the proof"
        for number in range(MOST_KEPT + 10):
            folder.keep_contradiction(ORIGIN, f"checkpoint {number}", b"")
        assert len(folder.contradictions(ORIGIN)) == MOST_KEPT
        assert kept.read_bytes() == body


def test_nobody_without_the_logs_key_can_be_in_the_way_of_what_proves_a_rewritten_history(tmp_path, log):
    """The last note and the next one are fetched from here or there, and sent with whatever proof comes to mind."""
    with WitnessFolder(tmp_path) as folder:
        made = witness(folder, log)
        made.add(asked(log, 0))
        seen = log.latest().note.encode()
        log.grow("d", "e")
        log.publish(MONDAY)
        steps = len(log.consistency(3, 5))
        for _ in range(MOST_KEPT + 10):
            for note in (seen, log.latest().note.encode()):
                with pytest.raises(Refused):
                    made.add(Request.made(3, (os.urandom(32),) * steps, note).body())
        assert len(folder.doubted(ORIGIN)) == 1
        for number in range(MOST_KEPT + 10):
            folder.keep_doubted(ORIGIN, f"checkpoint {number}", b"")
        assert len(folder.doubted(ORIGIN)) == MOST_KEPT
        log.rewrite(0, "another a")
        log.publish(MONDAY)
        body = asked(log, 3)
        with pytest.raises(Refused) as refused:
            made.add(body)
        assert refused.value.status == 422
        (name,) = folder.contradictions(ORIGIN)
        assert next(tmp_path.glob(f"*.contradictions/{name}")).read_bytes() == body


def test_a_doubt_ends_when_that_checkpoint_is_cosigned(tmp_path, log):
    with WitnessFolder(tmp_path) as folder:
        made = witness(folder, log)
        made.add(asked(log, 0))
        log.grow("d", "e", "f", "g")
        log.publish(MONDAY)
        path = log.consistency(3, 7)
        wrong = Request.made(3, (os.urandom(32), *path[1:]), log.latest().note.encode()).body()
        with pytest.raises(Refused):
            made.add(wrong)
        assert len(folder.doubted(ORIGIN)) == 1
        made.add(asked(log, 3))
        assert folder.doubted(ORIGIN) == []
        assert folder.contradictions(ORIGIN) == []


def test_killed_at_any_moment_it_has_on_disk_whatever_it_answered(tmp_path, log):
    """A process that cosigns as fast as it can and says each size after the answer; killed, several times over."""
    bodies = []
    for size in range(4, 204):
        log.grow(f"leaf {size}")
        log.publish(MONDAY)
        bodies.append(asked(log, size - 1 if size > 4 else 0))
    (tmp_path / "bodies").write_bytes(b"\0".join(bodies))
    (tmp_path / "key").write_text(str(log.signing[0].public))
    folder, said = tmp_path / "w", 0
    for lines in (1, 7, 19, 41):
        process = subprocess.Popen(
            [sys.executable, "-c", COSIGN_ALL, str(folder), str(tmp_path / "bodies"), str(tmp_path / "key")],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        for _ in range(lines):
            said = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        said = int((process.stdout.read().split() or [said])[-1])
        process.wait()
        with WitnessFolder(folder) as opened:
            assert witness(opened, log).seen(ORIGIN).size >= said


COSIGN_ALL = """
import sys
from pathlib import Path
from watchlist.adapters.clock import SystemClock
from watchlist.adapters.witness_folder import WitnessFolder
from watchlist.application.add_checkpoint import Witnessing
from watchlist.audit.verifier import VerifierKey
from watchlist.audit.witness import Request, trusted_logs

folder, bodies, key = map(Path, sys.argv[1:])
logs = trusted_logs([VerifierKey.parse(key.read_text())])
with WitnessFolder(folder) as opened:
    witnessing = Witnessing(opened.key("witness.test/1"), logs, opened, SystemClock())
    (origin,) = logs
    for body in bodies.read_bytes().split(b"\\0"):
        size = Request.parse(body).checkpoint.size
        if size > witnessing.seen(origin).size:
            witnessing.add(body)
            print(size, flush=True)
"""
